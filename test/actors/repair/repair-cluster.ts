/** RepairCluster: three nodes of two shards with engines, coordinators and repair; what replicas hold can be put into them directly, so that they differ, and looked at. */

import type { ViewMessage } from '../../../actors/gossip/view-subscribers.ts';
import { hintStoreActor } from '../../../actors/hints/hint-store-actor.ts';
import { LeaveDesk } from '../../../actors/hints/leaving.ts';
import { knownRing } from '../../../actors/membership/known-ring.ts';
import { type PurgeArguments, purgeActor } from '../../../actors/purge/purge-actor.ts';
import { DirtyMarks } from '../../../actors/repair/dirty-marks.ts';
import type { Direction } from '../../../actors/repair/exchange.ts';
import { merkleActor } from '../../../actors/repair/merkle-actor.ts';
import { MERKLE_SLOT } from '../../../actors/repair/repair-frames.ts';
import type { MerkleMessage, RepairAnswer, RepairFigures, RepairHolder } from '../../../actors/repair/repair-protocol.ts';
import type { RepairProgress } from '../../../actors/repair/repair-queue.ts';
import type { Keyspace } from '../../../actors/ring/ring-state.ts';
import { Hasher, partitionOf, shardOf } from '../../../actors/ring/token.ts';
import type { RingHolder } from '../../../actors/ring-agent.ts';
import { coordinatorActor } from '../../../actors/store/coordinator-actor.ts';
import { COORDINATOR_SLOT, HINT_SLOT, PURGE_SLOT, VNODE_SLOT } from '../../../actors/store/data-frames.ts';
import { tokenHighOf } from '../../../actors/store/engine-key.ts';
import type { CoordinatorHolder } from '../../../actors/store/store-door.ts';
import { StoreRequest } from '../../../actors/store/store-request.ts';
import { TopologyHolder } from '../../../actors/store/topology.ts';
import { type ReplicasHolder, vnodeActor } from '../../../actors/store/vnode-actor.ts';
import type { ShardStart } from '../../../runtime/definitions.ts';
import { type AnyJob, collectJobs } from '../../../runtime/job-table.ts';
import type { AnyRef, Ref } from '../../../runtime/ref.ts';
import type { LinkQuality } from '../../../runtime/simulation/conditions.ts';
import { type PlanItem, Simulation } from '../../../runtime/simulation/testing.ts';
import { LATER } from '../../../storage/engine/api.ts';
import type { EngineOptions } from '../../../storage/engine/options.ts';
import * as storageJobs from '../../../storage/jobs.ts';
import { RingWorld, type RingWorldOptions } from '../ring/ring-world.ts';
import { holdRecord } from '../store/hold-record.ts';
import { COLD } from '../store/replica-rig.ts';
import type { NaiveRecord } from '../version/naive-record.ts';

const JOBS = new Map<string, AnyJob>();
collectJobs(storageJobs, JOBS);
export const SHARDS = 2;
const CONFIRM_MS = 300;
export const NODES = ['n1', 'n2', 'n3'] as const;
const PARTITIONS = 8;
const ASK_MS = 1_000;

export interface RepairClusterOptions extends Pick<RingWorldOptions, 'keyspace'> {
  readonly seed?: number;
  readonly plan?: readonly PlanItem[];
  readonly mutants?: readonly string[];
  /** Default: much is read from disk, later. */
  readonly engine?: EngineOptions;
  readonly intervalMs?: number;
  /** Of hints that a shard may hold. */
  readonly hintBytesMax?: number;
  readonly quality?: Partial<LinkQuality>;
  /** Default: nothing is purged, and nothing held for others handed over. */
  readonly purge?: Pick<PurgeArguments, 'intervalMs' | 'graceMs'>;
}

interface Shard {
  readonly ring: RingHolder;
  readonly replicas: ReplicasHolder;
  readonly coordinator: CoordinatorHolder;
}

export class RepairCluster {
  readonly rings: RingWorld;
  readonly sim: Simulation;
  readonly shards = new Map<string, Shard>();
  readonly #hasher = new Hasher();
  readonly #options: RepairClusterOptions;
  #jobs = 0;

  constructor(options: RepairClusterOptions = {}) {
    const { seed = 1, plan = [], keyspace = {}, quality } = options;
    this.#options = options;
    this.rings = new RingWorld(3, { partitions: PARTITIONS, keyspace }, () => ({ shards: SHARDS }));
    const names = this.rings.ring.members.map(({ address }) => address.node);
    this.sim = new Simulation({
      seed,
      plan,
      jobs: JOBS,
      nodes: names.map((name) => ({ name, shards: SHARDS })),
      start: ({ disk }) => disk.makeDirectory('/data'),
      startShard: (start) => this.#startShard(start),
      ...(quality === undefined ? {} : { network: { quality } }),
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

  runUntil(isSo: () => boolean, ms: number): boolean {
    for (let at = 0; at < ms && !isSo(); at += 10) this.run(10);
    return isSo();
  }

  partitionOf(key: string): number {
    return partitionOf(this.#tokenOf(key)[0], PARTITIONS);
  }

  /** The shard of a node that has the key. */
  shardOf(node: string, key: string): Shard {
    return this.shards.get(`${node}/${shardOf(this.partitionOf(key), SHARDS, PARTITIONS)}`)!;
  }

  /** Into the replicas of these nodes, as they are now. Requires: they are up. */
  hold(nodes: readonly string[], key: string, record: NaiveRecord): void {
    for (const node of nodes) holdRecord(this.shardOf(node, key).replicas.replicas!, this.keyspace.id, this.#tokenOf(key), key, record);
  }

  /** A write or a read, begun at the first shard of a node; undefined: it takes none. */
  ask(node: string, fields: Partial<StoreRequest>, key: string, value: string, done: (status: number) => void = () => {}): void {
    const { coordinator } = this.shards.get(`${node}/0`)!.coordinator;
    const { life } = this.sim.node(node).shard(0);
    if (coordinator === null || life === undefined) return;
    const request = Object.assign(new StoreRequest(), { keyspace: this.keyspace, contextKind: 1 }, fields);
    request.key = Buffer.from(key);
    request.keyEnd = request.key.length;
    request.value = Buffer.from(value);
    request.valueEnd = request.value.length;
    request.deadlineMs = life.runtime.doors.clock.now() + 500;
    request.sink = { answered: (_token, { status }) => done(status) };
    coordinator.begin(request);
  }

  /** Keys and whole records that a node has, by key, in hexadecimal; undefined: it is down, or something can't be read. */
  dump(node: string): ReadonlyMap<string, string> | undefined {
    const found = new Map<string, string>();
    for (let shard = 0; shard < SHARDS; shard++) {
      const { replicas } = this.shards.get(`${node}/${shard}`)!.replicas;
      if (replicas === null) return undefined;
      const iterator = replicas.iterator({ gte: Buffer.from([0, 0, 0, 1]) });
      for (let isEnd = false; !isEnd; ) {
        let isWell = true;
        const take = (entries: readonly { key: Uint8Array; value: Uint8Array }[]): void => {
          isEnd = entries.length === 0;
          for (const { key, value } of entries) {
            if (shardOf(partitionOf(tokenHighOf(key), PARTITIONS), SHARDS, PARTITIONS) !== shard)
              throw new Error('dump: a key of another shard');
            found.set(Buffer.from(key.subarray(12)).toString(), Buffer.from(value).toString('hex'));
          }
        };
        let isWaiting = false;
        const entries = iterator.next(64, 65_536, (result) => {
          isWaiting = false;
          isWell = result.ok;
          if (result.ok) take(result.value);
        });
        if (entries !== LATER) take(entries);
        else {
          isWaiting = true;
          for (let ms = 0; isWaiting && ms < 5_000; ms += 5) this.run(5);
        }
        if (isWaiting || !isWell) return undefined;
      }
      iterator.close();
    }
    return found;
  }

  /** Whether all nodes have the same bytes under the same keys. */
  isConverged(): boolean {
    const [first, ...others] = NODES.map((node) => this.dump(node));
    const text = (dump: ReadonlyMap<string, string> | undefined): string =>
      JSON.stringify([...(dump ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)));
    return first !== undefined && others.every((other) => other !== undefined && text(other) === text(first));
  }

  /** Both shards of a node compare all that they have with all others, to the end. */
  repair(node: string, direction: Direction = 'pushPull', ms = 60_000): readonly RepairProgress[] {
    const jobId = this.beginRepair(node, direction);
    const last = new Map<number, RepairProgress>();
    for (let shard = 0; shard < SHARDS; shard++) {
      const look = (): RepairProgress | null | undefined => {
        const answer = this.sim.ask<MerkleMessage, RepairAnswer>(
          this.#ref(node, shard),
          (replyTo) => ({ type: 'lookAtRepair', jobId, replyTo }),
          { timeoutMs: ASK_MS },
        );
        this.runUntil(() => answer.answer !== undefined, ASK_MS + 100);
        return answer.answer?.ok === true ? answer.answer.value.progress : undefined;
      };
      this.runUntil(() => {
        const progress = look();
        if (progress !== undefined && progress !== null) last.set(shard, progress);
        return progress === null || progress?.state === 'done';
      }, ms);
    }
    return [...last.values()];
  }

  /** As `repair`, but does not wait for anything. Returns the id of the job. */
  beginRepair(node: string, direction: Direction = 'pushPull'): string {
    const jobId = `job ${++this.#jobs}`;
    for (let shard = 0; shard < SHARDS; shard++)
      this.sim.ask<MerkleMessage, RepairAnswer>(
        this.#ref(node, shard),
        (replyTo) => ({ type: 'startRepair', jobId, keyspace: null, direction, replyTo }),
        { timeoutMs: ASK_MS },
      );
    return jobId;
  }

  /** All shards of a node hear from its GossipActor that these are out of reach, and no others; and that all have started so many times. */
  suspect(node: string, away: readonly string[], boot = 1): void {
    const members = this.rings.ring.members.map((member) => ({
      id: member.id,
      label: 'up',
      isSuspected: away.includes(member.address.node),
      boot,
    }));
    const view = { members } as unknown as ViewMessage['view'];
    for (let shard = 0; shard < SHARDS; shard++) {
      const { runtime } = this.sim.node(node).shard(shard);
      for (const slot of [MERKLE_SLOT, COORDINATOR_SLOT])
        (runtime.wellKnown(slot, { node, shard }) as unknown as Ref<ViewMessage>).tell({ type: 'view', view });
    }
  }

  figures(node: string, shard: number): RepairFigures {
    const asked = this.sim.ask<MerkleMessage, RepairFigures>(this.#ref(node, shard), (replyTo) => ({ type: 'repairFigures', replyTo }), {
      timeoutMs: ASK_MS,
    });
    this.runUntil(() => asked.answer !== undefined, ASK_MS + 100);
    if (asked.answer?.ok !== true) throw new Error('figures: no answer');
    return asked.answer.value;
  }

  #ref(node: string, shard: number): Ref<MerkleMessage> {
    return this.sim.node(node).shard(shard).runtime.wellKnown(MERKLE_SLOT, { node, shard }) as unknown as Ref<MerkleMessage>;
  }

  #tokenOf(key: string): readonly [high: number, low: number] {
    this.#hasher.hash(Buffer.from(key));
    return [this.#hasher.high, this.#hasher.low];
  }

  #startShard(start: ShardStart): void {
    const mutants = new Set(this.#options.mutants);
    const ring: RingHolder = { ring: knownRing(this.rings.ring), mayServe: true };
    const replicas: ReplicasHolder = { replicas: null };
    const coordinator: CoordinatorHolder = { coordinator: null };
    const marks = new DirtyMarks(mutants);
    const repair: RepairHolder = { repair: null };
    const refTo = (slot: number, node: string, shard: number): AnyRef =>
      this.sim.node(start.node).shard(start.shard).runtime.wellKnown(slot, { node, shard });
    const about = { node: start.node, shard: start.shard, ring, topologies: new TopologyHolder(start.node), mutants, refTo };
    const { engine = COLD, intervalMs = 0, hintBytesMax } = this.#options;
    const limits = hintBytesMax === undefined ? {} : { hintBytesMax };
    start.spawnWellKnown(VNODE_SLOT, vnodeActor, [
      { ...about, engine, shards: SHARDS, dir: '/data', holder: replicas, marks, replicas: limits },
    ]);
    start.spawnWellKnown(HINT_SLOT, hintStoreActor, [{ ...about, replicas, desk: new LeaveDesk(), tickMs: 200, answerMs: 400 }]);
    start.spawnWellKnown(COORDINATOR_SLOT, coordinatorActor, [{ ...about, replicas, holder: coordinator }]);
    start.spawnWellKnown(MERKLE_SLOT, merkleActor, [
      { ...about, shards: SHARDS, replicas, marks, intervalMs, confirmMs: CONFIRM_MS, holder: repair, idleMs: 20_000 },
    ]);
    const { purge } = this.#options;
    if (purge !== undefined) {
      start.spawnWellKnown(PURGE_SLOT, purgeActor, [{ ...about, ...purge, replicas, repair }]);
    }
    this.shards.set(`${start.node}/${start.shard}`, { ring, replicas, coordinator });
  }
}
