/** ScanCluster: three nodes of two shards with engines, coordinators and scans; what replicas hold is put into them directly, so that they may differ. */

import { knownRing } from '../../../actors/membership/known-ring.ts';
import type { Keyspace } from '../../../actors/ring/ring-state.ts';
import { Hasher, partitionOf, shardOf } from '../../../actors/ring/token.ts';
import type { RingHolder } from '../../../actors/ring-agent.ts';
import { type ScanHolder, scanActor } from '../../../actors/scan/scan-actor.ts';
import { WANT_HEADS } from '../../../actors/scan/scan-frames.ts';
import { SCAN_START, type ScanPosition } from '../../../actors/scan/scan-position.ts';
import { ScanRequest } from '../../../actors/scan/scan-request.ts';
import { coordinatorActor } from '../../../actors/store/coordinator-actor.ts';
import { COORDINATOR_SLOT, SCAN_SLOT, VNODE_SLOT } from '../../../actors/store/data-frames.ts';
import { engineKeyOf } from '../../../actors/store/engine-key.ts';
import type { Replicas } from '../../../actors/store/replicas.ts';
import type { CoordinatorHolder } from '../../../actors/store/store-door.ts';
import { OK, StoreRequest } from '../../../actors/store/store-request.ts';
import { TopologyHolder } from '../../../actors/store/topology.ts';
import { type ReplicasHolder, vnodeActor } from '../../../actors/store/vnode-actor.ts';
import { RecordView } from '../../../actors/version/record-view.ts';
import type { ShardStart } from '../../../runtime/definitions.ts';
import { type AnyJob, collectJobs } from '../../../runtime/job-table.ts';
import type { AnyRef } from '../../../runtime/ref.ts';
import { type PlanItem, Simulation } from '../../../runtime/simulation/testing.ts';
import type { EngineOptions } from '../../../storage/engine/options.ts';
import * as storageJobs from '../../../storage/jobs.ts';
import { RingWorld, type RingWorldOptions } from '../ring/ring-world.ts';
import { holdRecord } from '../store/hold-record.ts';
import { COLD } from '../store/replica-rig.ts';
import { decodeNaive, type NaiveRecord, type NaiveSibling } from '../version/naive-record.ts';

const JOBS = new Map<string, AnyJob>();
collectJobs(storageJobs, JOBS);
export const SHARDS = 2;
/** Shorter than a message takes. */
const STEP_MS = 0.05;

export interface ScanClusterOptions extends Pick<RingWorldOptions, 'keyspace'> {
  readonly seed?: number;
  readonly plan?: readonly PlanItem[];
  readonly mutants?: readonly string[];
  /** Default: much is read from disk, later. */
  readonly engine?: EngineOptions;
}

interface Shard {
  readonly ring: RingHolder;
  readonly replicas: ReplicasHolder;
  readonly coordinator: CoordinatorHolder;
  readonly scans: ScanHolder;
}

export interface ScannedKey {
  readonly key: string;
  readonly record: NaiveRecord;
}

export interface ScannedPage {
  readonly status: number;
  readonly found: readonly ScannedKey[];
  readonly next: ScanPosition | null;
  readonly message: string;
}

/** A sibling by an actor of a letter. */
export function siblingOf(letter: string, counter: number, value: string | undefined, expiry = 0): NaiveSibling {
  const actor = Buffer.alloc(16, letter).toString('hex');
  return { actor, counter, stamp: counter, expiry, isTombstone: value === undefined, value: value ?? '' };
}

export function recordOf(...siblings: readonly NaiveSibling[]): NaiveRecord {
  const vector = new Map<string, { counter: number; stamp: number }>();
  for (const { actor, counter, stamp } of siblings) {
    const seen = vector.get(actor);
    if (seen === undefined || seen.counter < counter) vector.set(actor, { counter, stamp });
  }
  return { vector, siblings };
}

export class ScanCluster {
  readonly rings: RingWorld;
  readonly sim: Simulation;
  readonly shards = new Map<string, Shard>();
  readonly #hasher = new Hasher();
  readonly #options: ScanClusterOptions;

  constructor(options: ScanClusterOptions = {}) {
    const { seed = 1, plan = [], keyspace = {} } = options;
    this.#options = options;
    this.rings = new RingWorld(3, { partitions: 8, keyspace }, () => ({ shards: SHARDS }));
    const names = this.rings.ring.members.map(({ address }) => address.node);
    this.sim = new Simulation({
      seed,
      plan,
      jobs: JOBS,
      nodes: names.map((name) => ({ name, shards: SHARDS })),
      start: ({ disk }) => disk.makeDirectory('/data'),
      startShard: (start) => this.#startShard(start),
    });
    this.run(300);
  }

  get keyspace(): Keyspace {
    return this.rings.ring.keyspaces[0]!;
  }

  run(ms: number): void {
    this.sim.run(this.sim.now + ms);
    this.sim.throwIfFailed();
  }

  /** Into the replicas of these nodes, as they are now. `token`: halves; default: the key's. Requires: they are up. */
  hold(nodes: readonly string[], key: string, record: NaiveRecord, token = this.tokenOf(key)): void {
    for (const node of nodes) holdRecord(this.#replicasOf(node, token), this.keyspace.id, token, key, record);
  }

  /** The key leaves these replicas, as a purge has it leave. */
  drop(nodes: readonly string[], key: string): void {
    const token = this.tokenOf(key);
    const engineKey = engineKeyOf(this.keyspace.id, token[0], token[1], Buffer.from(key));
    for (const node of nodes) this.#replicasOf(node, token).engine.delete(engineKey, 'none', () => {});
  }

  tokenOf(key: string): readonly [high: number, low: number] {
    this.#hasher.hash(Buffer.from(key));
    return [this.#hasher.high, this.#hasher.low];
  }

  /** One page, at a shard `n1/0`; `meanwhile` is called every so often. Undefined: that node died meanwhile, or is down. */
  scan(at: string, fields: Partial<ScanRequest> = {}, timeoutMs = 2_000, meanwhile: () => void = () => {}): ScannedPage | undefined {
    const [node = '', shard = ''] = at.split('/');
    const { scans } = this.shards.get(at)!.scans;
    const { life } = this.sim.node(node).shard(Number(shard));
    if (scans === null || life === undefined) return undefined;
    const request = new ScanRequest();
    Object.assign(request, { keyspaceId: this.keyspace.id, wish: WANT_HEADS, start: SCAN_START }, fields);
    request.deadlineMs = life.runtime.doors.clock.now() + timeoutMs;
    let page: ScannedPage | undefined;
    request.sink = {
      scanned(_token, { status, entries, next, message, keys }) {
        if (page !== undefined) throw new Error('scan: two answers');
        const found: ScannedKey[] = [];
        const view = new RecordView();
        while (entries.next()) {
          entries.record(view);
          const record = decodeNaive(Buffer.from(view.bytes.subarray(view.start, view.end)));
          found.push({ key: Buffer.from(entries.key()).toString(), record });
        }
        if (found.length !== keys) throw new Error(`scan: ${keys} keys said, ${found.length} found`);
        page = { status, found, next, message };
      },
    };
    scans.begin(request);
    for (let ms = 0; page === undefined && ms < timeoutMs + 100; ms += STEP_MS) {
      this.run(STEP_MS);
      meanwhile();
    }
    return page;
  }

  /** Page by page to the end, each at the next shard. */
  scanAll(fields: Partial<ScanRequest> = {}, shards: readonly string[] = [...this.shards.keys()]): ScannedKey[] {
    const all: ScannedKey[] = [];
    let start: ScanPosition | null = SCAN_START;
    for (let i = 0; start !== null; i++) {
      const page: ScannedPage | undefined = this.scan(shards[i % shards.length]!, { ...fields, start });
      if (page?.status !== OK) throw new Error(`scan: ${page?.status ?? 'no answer'} ${page?.message ?? ''}`);
      all.push(...page.found);
      start = page.next;
      if (i > 10_000) throw new Error('scan: no end');
    }
    return all;
  }

  /** Begun at that shard's coordinator; the answer comes later, unless the node dies. */
  ask(at: string, kind: StoreRequest['kind'], key: string, value: string, done: (status: number) => void = () => {}): void {
    const [node = '', shard = ''] = at.split('/');
    const { coordinator } = this.shards.get(at)!.coordinator;
    const { life } = this.sim.node(node).shard(Number(shard));
    if (coordinator === null || life === undefined) return;
    const request = new StoreRequest();
    request.kind = kind;
    request.keyspace = this.keyspace;
    request.contextKind = 1;
    request.key = Buffer.from(key);
    request.keyEnd = request.key.length;
    request.value = Buffer.from(value);
    request.valueEnd = request.value.length;
    request.deadlineMs = life.runtime.doors.clock.now() + 500;
    request.sink = { answered: (_token, { status }) => done(status) };
    coordinator.begin(request);
  }

  /** All shards have this ring from now on. */
  useRing(): void {
    for (const { ring } of this.shards.values()) ring.ring = knownRing(this.rings.ring);
  }

  #replicasOf(node: string, token: readonly [high: number, low: number]): Replicas {
    const { length } = this.rings.ring.owners;
    return this.shards.get(`${node}/${shardOf(partitionOf(token[0], length), SHARDS, length)}`)!.replicas.replicas!;
  }

  #startShard(start: ShardStart): void {
    const mutants = new Set(this.#options.mutants);
    const ring: RingHolder = { ring: knownRing(this.rings.ring), mayServe: true };
    const replicas: ReplicasHolder = { replicas: null };
    const coordinator: CoordinatorHolder = { coordinator: null };
    const scans: ScanHolder = { scans: null };
    const refTo = (slot: number, node: string, shard: number): AnyRef =>
      this.sim.node(start.node).shard(start.shard).runtime.wellKnown(slot, { node, shard });
    const about = { node: start.node, shard: start.shard, ring, topologies: new TopologyHolder(start.node), mutants, refTo };
    const { engine = COLD } = this.#options;
    start.spawnWellKnown(VNODE_SLOT, vnodeActor, [{ ...about, engine, shards: SHARDS, dir: '/data', holder: replicas }]);
    start.spawnWellKnown(COORDINATOR_SLOT, coordinatorActor, [{ ...about, replicas, holder: coordinator }]);
    start.spawnWellKnown(SCAN_SLOT, scanActor, [{ ...about, holder: scans }]);
    this.shards.set(`${start.node}/${start.shard}`, { ring, replicas, coordinator, scans });
  }
}
