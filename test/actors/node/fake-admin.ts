/** An Admin over a ring in memory: operations are applied at once, as if they had been decided. */

import type { Label } from '../../../actors/gossip-protocol.ts';
import type { Admin, Snapshot } from '../../../actors/node/admin.ts';
import type { PurgeState } from '../../../actors/purge/purge-protocol.ts';
import type { RepairCommand, RepairFigures } from '../../../actors/repair/repair-protocol.ts';
import type { RepairProgress } from '../../../actors/repair/repair-queue.ts';
import type { RespFigures } from '../../../actors/resp/resp-gateway.ts';
import { applyOperation } from '../../../actors/ring/apply.ts';
import { initialRing } from '../../../actors/ring/initial-ring.ts';
import type { NewMember, Operation, OperationOutcome } from '../../../actors/ring/operation.ts';
import { hashOfRing } from '../../../actors/ring/ring-codec.ts';
import type { Id, RingState } from '../../../actors/ring/ring-state.ts';
import type { RingStatus } from '../../../actors/ring-protocol.ts';
import type { StoreFigures } from '../../../actors/store/coordinator-actor.ts';
import type { StreamFigures } from '../../../actors/streaming/stream-figures.ts';
import type { SystemStats } from '../../../runtime/system.ts';

export function idOf(digit: string): Id {
  return digit.repeat(32);
}

export function memberNamed(name: string): NewMember {
  const address = { node: `${name}.0123`, host: '10.0.0.1', ports: [7000, 7001] };
  return { id: idOf(name), name, address, dataCenter: 'dc1', rack: 'rack1', capacity: 100, shards: 1 };
}

export class FakeAdmin implements Admin {
  readonly self = { ...memberNamed('a'), boot: 3, instance: '0123456789abcdef' };
  readonly version = '9.9.9';
  readonly resp = { host: '127.0.0.1', port: 6379 };
  isStopping = false;
  ring: RingState | null = initialRing({
    cluster: idOf('c'),
    clusterName: 'test',
    operationId: idOf('0'),
    member: memberNamed('a'),
    partitions: 64,
  });
  status: Omit<RingStatus, 'ring'> = { isConfirmed: true, switchedTo: { generation: 1, epoch: 1 }, trouble: '', fence: null };
  readonly labels = new Map<string, Label>();
  readonly proposed: Operation[] = [];
  forced: readonly Id[] = [];
  /** Given as the outcome in place of the true one. */
  failure: OperationOutcome | null = null;
  shards: SystemStats['shards'] = [];

  store: readonly (StoreFigures | null)[] = [];
  readonly repairs: RepairCommand[] = [];
  repairAnswers: readonly (RepairProgress | null)[] = [];

  repair(command: RepairCommand): Promise<readonly (RepairProgress | null)[]> {
    this.repairs.push(command);
    return Promise.resolve(this.repairAnswers);
  }

  storeFigures(): Promise<readonly (StoreFigures | null)[]> {
    return Promise.resolve(this.store);
  }

  repairFigures(): Promise<readonly (RepairFigures | null)[]> {
    return Promise.resolve([null, { type: 'repairState', figures: { completePairs: 6 } }]);
  }

  purges: readonly (PurgeState | null)[] = [{ type: 'purgeFigures', figures: { rounds: 5 }, blocked: [] }];

  purgeStates(): Promise<readonly (PurgeState | null)[]> {
    return Promise.resolve(this.purges);
  }

  streams: readonly (StreamFigures | null)[] = [];

  streamFigures(): Promise<readonly (StreamFigures | null)[]> {
    return Promise.resolve(this.streams);
  }

  respFigures(): Promise<readonly (RespFigures | null)[]> {
    const counted = { connections: 9, connectionsRefused: 1, commands: 70, errors: 2, bytesIn: 800, bytesOut: 900 };
    return Promise.resolve([null, { ...counted, open: 3, requests: 4 }]);
  }

  newId(): Id {
    return idOf(String(this.repairs.length));
  }

  look(): Promise<Snapshot> {
    const { ring } = this;
    const version = { generation: ring?.generation ?? 0, epoch: ring?.epoch ?? 0 };
    const members = (ring?.members ?? []).map(({ id, name }) => ({
      ...{ id, label: this.labels.get(name) ?? ('up' as const), isSuspected: false, accusers: [], boot: 3, incarnation: 1 },
      ...{ heartbeat: 42, silentMs: 12.4, switchedTo: version },
    }));
    const status: RingStatus = { ...this.status, ring: null };
    return Promise.resolve({ status, ring, hash: ring === null ? '' : hashOfRing(ring), view: { members } });
  }

  propose(operation: Operation): Promise<OperationOutcome> {
    this.proposed.push(operation);
    if (this.failure !== null) return Promise.resolve(this.failure);
    const applied = applyOperation(this.ring as RingState, { operationId: String(this.proposed.length).padStart(32, 'e'), operation });
    if (!applied.ok) return Promise.resolve(applied);
    this.ring = applied.ring;
    return Promise.resolve({ ok: true, version: applied.ring });
  }

  force(survivors: readonly Id[]): Promise<OperationOutcome> {
    this.forced = survivors;
    return Promise.resolve({ ok: true, version: { generation: 2, epoch: 65_537 } });
  }

  stats(): Promise<SystemStats> {
    const main = {
      ...{ node: 'a', shard: 65_535, boot: 1, actors: 4, handled: 10, backlog: 1, pendingAsks: 0, restarts: 0, spawned: 4 },
      ...{ framesIn: 1, bytesIn: 100, runs: 5, queueWaitMs: ZERO, turnMs: ZERO, eventLoopDelayMs: { p50: 1, p99: 2, max: Number.NaN } },
      gc: { pauses: 4, totalMs: 30, maxMs: 12 },
      deadLetters: { stopped: 0, noSuchActor: 7, expired: 0, overflow: 0, link: 0, failed: 0, lateReply: 0, undecodable: 0 },
      busiest: ['ring', 'worker-1', 'worker-2'].map((name) => ({
        ...{ name, slot: 2, state: 'active', queued: 2, queuedMax: 3, handled: 5, refused: 0, restarts: 0, deadLetters: 0, turns: 5 },
        ...{ waitMs: { mean: 0, max: 0 }, turnMs: { mean: 0, max: 0 } },
      })),
    };
    return Promise.resolve({ node: 'a', main, shards: this.shards });
  }
}

const ZERO = { p50: 0, p99: 0, max: 0 };
