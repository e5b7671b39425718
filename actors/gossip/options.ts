/** What a GossipActor is started with. */
import { invalidArgument } from '../../runtime/errors.ts';
import type { ClusterDoor } from '../membership/cluster-door.ts';
import type { NodeIdentity } from '../membership/node-identity.ts';

export interface GossipTuning {
  /** Between heartbeats, and between digests; the same in the whole cluster. Shorter finds the dead sooner, and costs bytes. Default 1,000. */
  readonly intervalMs: number;
  /** A member is suspected from this phi on. Higher is later, and more seldom wrong. Default 8: about 2.3 intervals after the last heartbeat. */
  readonly phiThreshold: number;
  /** How long an answer to a probe is waited for before a suspect is accused, while this node itself is well. Default half an interval. */
  readonly probeTimeoutMs: number;
  /** Other members that are asked to probe a suspect as well. Default 3. */
  readonly indirectCount: number;
}

export interface GossipOptions extends Partial<GossipTuning> {
  readonly identity: NodeIdentity;
  readonly door: ClusterDoor;
  /** Planted bugs; empty in production. */
  readonly mutants: ReadonlySet<string>;
}

const INTERVAL_MS_MIN = 10;
const INTERVAL_MS_MAX = 3_600_000;

/** Errors: INVALID_ARGUMENT, naming the option. */
export function completeGossipOptions(options: Partial<GossipTuning>): GossipTuning {
  const { intervalMs = 1000, phiThreshold = 8, indirectCount = 3 } = options;
  const { probeTimeoutMs = intervalMs / 2 } = options;
  check('intervalMs', intervalMs, INTERVAL_MS_MIN, INTERVAL_MS_MAX);
  check('phiThreshold', phiThreshold, 1, 100);
  check('probeTimeoutMs', probeTimeoutMs, 1, INTERVAL_MS_MAX);
  check('indirectCount', indirectCount, 0, 16);
  return { intervalMs, phiThreshold, probeTimeoutMs, indirectCount };
}

function check(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) throw invalidArgument(`gossip: expected ${name} from ${min} to ${max}, got ${value}`);
}
