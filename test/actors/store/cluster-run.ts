/** The run of a seed of the whole-cluster workload: nodes, network, scheduler, faults and requests of clients, all drawn up front, so that a failing run can be reduced. */
import { SeededRandom } from '../../../runtime/random.ts';
import type { FaultKind, PlanItem } from '../../../runtime/simulation/plan.ts';
import type { RunPlan } from '../../../runtime/simulation/plan-file.ts';
import { generatePlan } from '../../../runtime/simulation/plan-generator.ts';
import type { NetworkSettings, NodeSettings } from '../../../runtime/simulation/settings.ts';

/** The cluster has formed by then, as a rule. */
const FROM_MS = 3_500;
const UNTIL_MS = 6_500;
/** Between the last fault and the last look. */
const HEAL_MS = 3_500;
export const STOP_MS = UNTIL_MS + HEAL_MS;

/** calm: none, on a network that only delays. net: machines keep what they know. crashes: and they do not. clocks: and wall clocks are set. */
export const PROFILES = ['calm', 'net', 'crashes', 'clocks'] as const;
export type Profile = (typeof PROFILES)[number];

/** get: may be monotonic, or of R = 1. setUp: the keyspaces that there are from the start, several times, since proposals may lose. */
export type Action = 'get' | 'put' | 'delete' | 'createKeyspace' | 'setUp';

const NET_KINDS: readonly FaultKind[] = ['pause', 'hang', 'slow', 'cut', 'clog', 'reset', 'degrade', 'drift'];
const CRASH_KINDS: readonly FaultKind[] = ['crash', 'killShard', 'powerLoss'];
const REQUESTS = 260;

export function profileOf(seed: number | string): Profile {
  return PROFILES[[0, 1, 1, 2, 2, 2, 2, 2, 2, 3][new SeededRandom(`store:${seed}`).below(10)]!]!;
}

export function clusterRun(seed: number, mutants: readonly string[] = []): RunPlan {
  const profile = profileOf(seed);
  const random = new SeededRandom(seed).fork('store');
  const nodes: NodeSettings[] = Array.from({ length: 3 + random.below(3) }, (_, index) => ({
    name: `m${index}`,
    shards: 1 + random.below(3),
  }));
  const setUp = [1_500, 2_000, 2_500, 3_000].map((atMs, draw): PlanItem => ({ kind: 'act', atMs, node: 'm0', action: 'setUp', draw }));
  const plan = [...setUp, ...faultsOf(seed, profile, nodes), ...requestsOf(nodes, random.fork('requests'))];
  return {
    seed,
    stopMs: STOP_MS,
    plan: plan.sort((a, b) => a.atMs - b.atMs),
    settings: {
      nodes,
      network: networkOf(profile === 'calm', random.fork('network')),
      scheduling: { policy: (['fifo', 'random', 'pct'] as const)[random.below(3)]! },
      ...(mutants.length === 0 ? {} : { mutants }),
    },
  };
}

/** `isCalm`: it only delays. */
export function networkOf(isCalm: boolean, random: SeededRandom): NetworkSettings {
  const ratio = (most: number): number => (!isCalm && random.chance(0.5) ? most * random.float() : 0);
  return {
    quality: {
      delay: { kind: 'exponential', minMs: 0.05, meanMs: 0.1 * 2 ** random.below(isCalm ? 5 : 8) },
      splitRatio: random.chance(0.5) ? 0.3 : 0,
      lossRatio: ratio(0.15),
      duplicateRatio: ratio(0.2),
      reorderRatio: ratio(0.3),
    },
    limits: {
      handshakeTimeoutMs: 400,
      holdMs: 400,
      pingIntervalMs: 150,
      peerTimeoutMs: 450,
      unreachableMs: 1_500,
      backoff: { minMs: 20, maxMs: 300, factor: 2, jitterRatio: 0.5 },
    },
  };
}

function faultsOf(seed: number, profile: Profile, nodes: readonly NodeSettings[]): PlanItem[] {
  if (profile === 'calm') return [];
  const bounds = { nodes, fromMs: FROM_MS, untilMs: UNTIL_MS, everyMs: 1_200, forMsMax: 1_200 };
  const faults = generatePlan(seed, { ...bounds, kinds: NET_KINDS });
  if (profile === 'net') return faults;
  const crashes = [
    ...generatePlan(`${seed}:c`, { ...bounds, kinds: CRASH_KINDS }),
    ...generatePlan(`${seed}:d`, { ...bounds, kinds: CRASH_KINDS }),
  ];
  if (profile === 'crashes') return [...faults, ...crashes];
  return [...faults, ...crashes, ...generatePlan(`${seed}:j`, { ...bounds, kinds: ['jump'] })];
}

function requestsOf(nodes: readonly NodeSettings[], random: SeededRandom): PlanItem[] {
  return Array.from({ length: REQUESTS }, () => {
    const { name: node } = nodes[random.below(nodes.length)]!;
    const atMs = FROM_MS + random.below((UNTIL_MS + 300 - FROM_MS) * 1_000) / 1_000;
    const action: Action = random.chance(0.01) ? 'createKeyspace' : random.chance(0.5) ? 'get' : random.chance(0.2) ? 'delete' : 'put';
    return { kind: 'act', atMs, node, action, draw: random.u32() };
  });
}
