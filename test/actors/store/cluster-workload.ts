/**
 * The workload by which the simulator checks the replicated store as a whole: RingActors, GossipActors and agents form a cluster, as production's do, and each shard has its
 * VNodeActor with an engine on the disk of its machine, and its CoordinatorActor, of which clients ask puts, deletes and gets with contexts, while machines, network and clocks do
 * their worst and keyspaces are made. When all has been well for long every key is read from all replicas, and the histories are checked (store-history.ts, register-checker.ts)
 * by what is promised under what has happened (run-promises.ts).
 *
 * Members stay the same once the cluster has formed, but for runs with changes of the ring (cluster-ring-acts.ts), and the workload of data that moves, which is made of this one
 * (test/actors/streaming/). A machine whose directory is gone stays away.
 */
import { gossipActor } from '../../../actors/gossip-actor.ts';
import { hintStoreActor } from '../../../actors/hints/hint-store-actor.ts';
import { LeaveDesk } from '../../../actors/hints/leaving.ts';
import { GOSSIP_SLOT, RING_SLOT } from '../../../actors/membership/cluster-door.ts';
import { memberOf } from '../../../actors/membership/joining.ts';
import type { NodeIdentity } from '../../../actors/membership/node-identity.ts';
import { purgeActor } from '../../../actors/purge/purge-actor.ts';
import { DirtyMarks } from '../../../actors/repair/dirty-marks.ts';
import { merkleActor } from '../../../actors/repair/merkle-actor.ts';
import { MERKLE_SLOT } from '../../../actors/repair/repair-frames.ts';
import type { RepairHolder } from '../../../actors/repair/repair-protocol.ts';
import { initialRing } from '../../../actors/ring/initial-ring.ts';
import type { NewKeyspace, Operation, OperationOutcome } from '../../../actors/ring/operation.ts';
import type { Keyspace, RingState } from '../../../actors/ring/ring-state.ts';
import { ringActor } from '../../../actors/ring-actor.ts';
import { type RingHolder, ringAgent } from '../../../actors/ring-agent.ts';
import type { RingMessage } from '../../../actors/ring-protocol.ts';
import { coordinatorActor } from '../../../actors/store/coordinator-actor.ts';
import { COORDINATOR_SLOT, HINT_SLOT, PURGE_SLOT, STREAMING_SLOT, VNODE_SLOT } from '../../../actors/store/data-frames.ts';
import type { CoordinatorHolder } from '../../../actors/store/store-door.ts';
import { NOT_FOUND, OK, QUORUM_NOT_MET, TIMED_OUT } from '../../../actors/store/store-request.ts';
import { isPrimary, Topology, TopologyHolder } from '../../../actors/store/topology.ts';
import { type ReplicasHolder, vnodeActor } from '../../../actors/store/vnode-actor.ts';
import { StreamDesk } from '../../../actors/streaming/stream-desk.ts';
import { streamingActor } from '../../../actors/streaming/streaming-actor.ts';
import { type AnyJob, collectJobs } from '../../../runtime/job-table.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import type { AnyRef, Ref } from '../../../runtime/ref.ts';
import type { ActItem } from '../../../runtime/simulation/plan.ts';
import type { RunPlan } from '../../../runtime/simulation/plan-file.ts';
import { PowerLossError } from '../../../runtime/simulation/sim-disk.ts';
import type { SimNode, SimShard } from '../../../runtime/simulation/sim-node.ts';
import { Simulation } from '../../../runtime/simulation/simulation.ts';
import type { Trace } from '../../../runtime/simulation/trace.ts';
import type { BuiltWorkload, Workload } from '../../../runtime/simulation/workload.ts';
import type { EngineOptions } from '../../../storage/engine/options.ts';
import * as storageJobs from '../../../storage/jobs.ts';
import { MachineRun } from '../membership/machine-run.ts';
import { spawnEntering, watcher } from '../membership/membership-actors.ts';
import { idFrom, type MembershipKnobs, membershipKnobs, plannerOf } from '../membership/membership-knobs.ts';
import { DIRECTORY, type DirectoryRecord, identityOf, MachineDoor, readRecord, writeRecord } from '../membership/sim-machine.ts';
import { type NaiveRecord, naiveMerge } from '../version/naive-record.ts';
import { ClusterClients, type ClusterWatch, type Gateway } from './cluster-clients.ts';
import { isRingAction, ringOperation } from './cluster-ring-acts.ts';
import { type Action, SPARE } from './cluster-run.ts';
import { HintChecker, lacking } from './hint-checker.ts';
import { PurgeWatch } from './purge-watch.ts';
import { COLD } from './replica-rig.ts';
import { type Promises, promisesOf } from './run-promises.ts';

const JOBS = new Map<string, AnyJob>();
collectJobs(storageJobs, JOBS);

const ASK_MS = 1_500;
/** How long it is waited for what a lossy network holds up, and between two looks. */
const LOSSY_MS = 10_000;
const LOOK_MS = 500;
const GRACE_MS = 500;
/** So few that slots are soon used again, and late answers find others in them. */
const REQUESTS_MAX = 16;
/** A run has 260 requests, so none of them makes room for another; a start of a thread has less to clear than by the default. */
const RECENT = { capacity: 2_048, answerBytes: 64 * 1_024 };
/** Small, so that starts read little; and so small that much is on disk only, and has to be waited for. */
const ENGINES: readonly EngineOptions[] = [{ memtableBytes: 64 * 1_024 }, COLD];

export interface ShardLife {
  readonly boot: number;
  readonly ring: RingHolder;
  readonly replicas: ReplicasHolder;
  readonly coordinator: CoordinatorHolder;
}

export interface ClusterShape {
  /** Default: as the plan says (run-promises.ts). */
  readonly promises: Promises;
  /** Keys of a keyspace. */
  readonly keys: number;
  /** As RingOptions. */
  readonly excludeAfterMs: number;
  /** Requests under way at a coordinator, at most. */
  readonly capacity: number;
}

export class ClusterRun extends MachineRun {
  readonly clients: ClusterClients;
  readonly #knobs: MembershipKnobs;
  /** By machine and index. */
  readonly shards = new Map<string, ShardLife>();
  /** By machine. */
  protected readonly identities = new Map<string, NodeIdentity>();
  readonly #excludeAfterMs: number;
  readonly #capacity: number;
  readonly #engine: EngineOptions;
  readonly #promises: Promises;
  readonly #onRing: (node: string, shard: number, ring: RingState) => void;
  /** Machines that have started, so that one without a directory has lost it; and spares that may join. */
  readonly #known = new Set<string>();
  readonly #away = new Set<string>();
  readonly #hints = new HintChecker();
  readonly #isPurging: boolean;
  protected readonly purgeWatch = new PurgeWatch();
  /** Hints that were handed back, at shards that were not started since. */
  handedOver = 0;
  /** Records that were purged, counted at each replica. */
  get purged(): number {
    return this.purgeWatch.count;
  }
  #starts = 0;
  #isFormed = false;

  constructor(run: RunPlan, watch: ClusterWatch = {}, shape: Partial<ClusterShape> = {}) {
    super(run);
    this.#knobs = membershipKnobs(run.seed);
    const { promises = promisesOf(run), keys = 3, excludeAfterMs = 1_000_000, capacity = REQUESTS_MAX } = shape;
    this.#promises = promises;
    this.#excludeAfterMs = excludeAfterMs;
    this.#capacity = capacity;
    this.#onRing = watch.onRing ?? (() => {});
    if (this.machines.includes(SPARE)) this.#away.add(SPARE);
    this.#engine = ENGINES[new SeededRandom(`engine:${run.seed}`).below(ENGINES.length)]!;
    this.#isPurging = run.plan.some((item) => item.kind === 'act' && item.action === 'purging');
    this.clients = new ClusterClients({ nowMs: () => this.simulation.now, promises, watch, keys, purged: this.purgeWatch });
  }

  /** All members are in, and there is a keyspace: only then requests are made. */
  get isFormed(): boolean {
    return this.#isFormed;
  }

  protected startThread(node: SimNode, index: number): void {
    const { name } = node;
    if (this.#away.has(name)) return;
    const shard = node.shard(index);
    const ring: RingHolder = { ring: null, mayServe: false };
    const replicas: ReplicasHolder = { replicas: null };
    const leave = new LeaveDesk();
    const coordinator: CoordinatorHolder = { coordinator: null };
    const streams = new StreamDesk();
    const mutants = this.mutants;
    const marks = new DirtyMarks();
    const { runtime } = shard;
    shard.spawn(ringAgent, [
      {
        ...{ door: this.#doorOf(shard), node: name, shard: index, holder: ring, followMs: 300 },
        beforeSwitched: (known, done) => {
          this.#onRing(name, index, known.state);
          const next = (): void => streams.switched(known, () => leave.switched(known.state, name, done));
          if (replicas.switchRing === undefined) next();
          else replicas.switchRing(next);
        },
      },
    ]);
    const about = { node: name, shard: index, ring, topologies: new TopologyHolder(name), mutants };
    const refTo = (slot: number, to: string, toShard: number): AnyRef => runtime.wellKnown(slot, { node: to, shard: toShard });
    runtime.spawnWellKnown(VNODE_SLOT, vnodeActor, [
      {
        ...about,
        ...{ shards: node.shards.length, dir: DIRECTORY, holder: replicas, engine: this.#engine },
        replicas: { hintForgotten: this.#hints.onForgotten, recordPurged: this.purgeWatch.onPurged },
        ...(this.#isPurging ? { marks } : {}),
      },
    ]);
    runtime.spawnWellKnown(COORDINATOR_SLOT, coordinatorActor, [
      {
        ...about,
        ...{ replicas, holder: coordinator, capacity: this.#capacity, recent: RECENT },
        refTo,
      },
    ]);
    // One key a page, so that moves have pages.
    runtime.spawnWellKnown(STREAMING_SLOT, streamingActor, [
      { ...{ node: name, shard: index, desk: streams, replicas, refTo, mutants }, pageKeys: 1, pageMs: 200, restMs: 10 },
    ]);
    runtime.spawnWellKnown(HINT_SLOT, hintStoreActor, [
      {
        ...about,
        ...{ replicas, desk: leave, tickMs: 100, answerMs: 400, pauseMs: 100, pauseMsMax: 400 },
        refTo,
      },
    ]);
    if (this.#isPurging) {
      const repair: RepairHolder = { repair: null };
      const all = { ...about, replicas, refTo };
      runtime.spawnWellKnown(MERKLE_SLOT, merkleActor, [
        { ...all, shards: node.shards.length, marks, holder: repair, intervalMs: 0, confirmMs: 50 },
      ]);
      runtime.spawnWellKnown(PURGE_SLOT, purgeActor, [{ ...all, repair, intervalMs: 200, graceMs: 0 }]);
    }
    this.shards.set(`${name}/${index}`, { boot: shard.boot, ring, replicas, coordinator });
  }

  act(item: ActItem): void {
    const { node: name, action, draw, atMs } = item;
    const node = this.simulation.node(name);
    if (isRingAction(action)) return this.#changeRing(item, node);
    const kind = action as Action;
    if (kind === 'purging') return;
    if (kind === 'setUp') {
      if (node.isUp) this.#setUp(node, draw);
      return;
    }
    this.#isFormed ||= this.hasFormed();
    if (!node.isUp || !this.#isFormed) return;
    if (kind === 'createKeyspace') return this.#createKeyspace(node, keyspaceOf(`more${draw % 2}`, 'ap', 3), `${draw} ${atMs}`);
    const gateway = this.gatewayAt(node, draw % node.shards.length);
    if (gateway !== undefined) this.clients.do(kind, draw, gateway);
  }

  /** The last look, and what the checkers say. */
  finish(): void {
    const { simulation, clients } = this;
    const { victims, clocksJump, isCalm } = this.#promises;
    if (!this.#isFormed) return;
    const finals = new Map<string, NaiveRecord>();
    const node = this.lastNode();
    const gateway = node && this.gatewayAt(node, 0);
    if (!simulation.check(gateway !== undefined, 'a shard does not serve, when all is well for long')) return;
    // What is handed over while the keys are read is found by neither.
    const heldBefore = new HintChecker();
    if (clocksJump)
      for (const [name, { replicas }] of this.shards) if (replicas.replicas !== null) heldBefore.look(name, replicas.replicas);
    // Of a machine that is damaged nothing is expected: a quorum has to do.
    clients.readAll(victims.size > 0 ? 0 : gateway!.members, gateway!, (key, { status, record, isStrict }) => {
      if (!clients.registers.has(key)) finals.set(key, record);
      // A record of who was long ahead of all others is refused by them, until their clocks show what it did; and where one is away, it is waited for.
      const isRefusal = status === QUORUM_NOT_MET || (status === TIMED_OUT && victims.size > 0);
      const isStuck = isRefusal && clocksJump && clients.registers.has(key);
      const isWell = ((status === OK || status === NOT_FOUND) && (isStrict || victims.size > 0)) || isStuck;
      simulation.check(isWell, 'not all replicas answer, when all is well for long', `${key}: status ${status}`);
    });
    if (!simulation.run(simulation.now + 3_000)) return;
    this.#checkHints(finals);
    if (clocksJump) for (const { held } of [heldBefore, this.#hints]) this.#addHeld(finals, gateway!.keyspaces, held);
    clients.history.end(finals);
    for (const what of clients.unanswered(GRACE_MS)) clients.history.faults.push(`T35: no answer to ${what}`);
    for (const [key, register] of clients.registers)
      for (const fault of register.faults()) clients.history.faults.push(`register ${key}: ${fault}`);
    if (isCalm) this.#checkAnswers();
    const [first] = clients.history.faults;
    simulation.check(first === undefined, (first ?? '').split(/[ :]/, 1)[0]!, () => clients.history.faults.slice(0, 5).join('; '));
  }

  /** It was killed for good: what it held for others is lost with it, and only that: a write that W have confirmed is looked for by all other checks. */
  protected isGone(_machine: string): boolean {
    return false;
  }

  /** Whom the last look is taken from. */
  protected lastNode(): SimNode | undefined {
    return this.simulation.nodes.find(({ name }) => !this.#promises.victims.has(name) && !this.#away.has(name));
  }

  /**
   * What was handed back is at its owner, or at the primaries of now where it is none any more; and all of it was: but where wall clocks were set, as a record from far ahead is refused for as long, and where a machine does not come back.
   */
  #checkHints(finals: ReadonlyMap<string, NaiveRecord>): void {
    const { simulation, clients } = this;
    const { victims, clocksJump, isLossy } = this.#promises;
    // The same hint, or the answer to it, may be lost many times in a row.
    if (isLossy && !clocksJump && victims.size === 0)
      for (let ms = 0; ms < LOSSY_MS && this.#isHolding; ms += LOOK_MS) if (!simulation.run(simulation.now + LOOK_MS)) return;
    for (const [name, { replicas }] of this.shards) {
      if (this.isGone(name.split('/')[0]!)) continue;
      this.handedOver += replicas.replicas?.hints.stats().hintsHandedOver ?? 0;
      if (replicas.replicas !== null) this.#hints.look(name, replicas.replicas);
    }
    for (const { hint, record } of this.#hints.owed) {
      const gateway = this.#gatewayOf(hint.owner);
      const keyspace = gateway?.keyspaces.find(({ id }) => id === hint.keyspace);
      if (gateway === undefined || keyspace === undefined) continue;
      if (!gateway.isPrimary(keyspace, hint.tokenHigh)) {
        const final = finals.get(`${keyspace.name}/${Buffer.from(hint.key).toString()}`);
        const lost = final === undefined ? undefined : lacking(record, final);
        if (lost !== undefined) clients.history.faults.push(`A10-hints: ${lost} was handed to ${hint.owner}, and none of its heirs has it`);
        continue;
      }
      clients.readLocal(keyspace, Buffer.from(hint.key).toString(), gateway, (name, told) => {
        const lost = told.status === OK || told.status === NOT_FOUND ? lacking(record, told.record) : undefined;
        if (lost !== undefined) clients.history.faults.push(`A10-hints ${name}: ${lost} was handed to ${hint.owner}, who does not have it`);
      });
    }
    if (!simulation.run(simulation.now + 1_000) || clocksJump || victims.size > 0) return;
    for (const name of this.#hints.held.keys()) clients.history.faults.push(`A10-hints: hints or marks are still held by ${name}`);
  }

  /** Hints or marks, as far as shards count them. */
  get #isHolding(): boolean {
    return [...this.shards].some(([name, { replicas }]) => {
      const { hints = 0, dirtyMarks = 0 } = replicas.replicas?.hints.stats() ?? {};
      return hints + dirtyMarks > 0 && !this.isGone(name.split('/')[0]!);
    });
  }

  /** Where wall clocks were set, what was acknowledged may still be on its way. */
  #addHeld(finals: Map<string, NaiveRecord>, keyspaces: readonly Keyspace[], held: HintChecker['held']): void {
    for (const { hint, record } of [...held.values()].flat()) {
      const keyspace = keyspaces.find(({ id }) => id === hint.keyspace);
      const name = `${keyspace?.name}/${Buffer.from(hint.key).toString()}`;
      const final = finals.get(name);
      if (final !== undefined) finals.set(name, naiveMerge(final, record));
    }
  }

  /** Of a machine that is not damaged. */
  #gatewayOf(member: string): Gateway | undefined {
    const node = this.simulation.nodes.find(({ disk }) => readRecord(disk)?.id === member);
    return node === undefined || this.#promises.victims.has(node.name) ? undefined : this.gatewayAt(node, 0);
  }

  /** Nothing has failed, so nothing may be refused. */
  #checkAnswers(): void {
    for (const [what, count] of this.clients.counts) {
      const status = Number(what.split(' ')[1]);
      if (status !== OK && status !== NOT_FOUND && !this.mayAnswer(status))
        this.clients.history.faults.push(`calm: ${count} times ${what}`);
    }
  }

  /** Also where nothing has failed. */
  protected mayAnswer(_status: number): boolean {
    return false;
  }

  protected startNode(node: SimNode): void {
    const { main } = node;
    if (this.#known.has(node.name) && readRecord(node.disk) === null) this.#away.add(node.name);
    if (this.#away.has(node.name)) return;
    this.#known.add(node.name);
    const identity = identityOf(node, this.#open(node));
    const { cluster, partitions, ring, gossip } = this.#knobs;
    const mutants = this.mutants;
    const door = this.#doorOf(main);
    const member = memberOf(identity);
    const isInit = node.name === this.machines[0];
    const initial = isInit ? initialRing({ cluster, clusterName: 'simulated', operationId: cluster, member, partitions }) : null;
    const options = { ...ring, excludeAfterMs: this.#excludeAfterMs, registerGraceMs: 400, plan: plannerOf(this.#knobs), mutants };
    const { runtime } = main;
    runtime.spawnWellKnown(RING_SLOT, ringActor, [{ identity, door, directory: DIRECTORY, initial, options }]);
    const gossipRef = runtime.spawnWellKnown(GOSSIP_SLOT, gossipActor, [{ identity, door, mutants, ...gossip }]);
    for (const { index } of node.shards)
      for (const slot of [COORDINATOR_SLOT, HINT_SLOT, ...(this.#isPurging ? [MERKLE_SLOT, PURGE_SLOT] : [])]) {
        const subscriber = runtime.wellKnown(slot, { node: node.name, shard: index }) as never;
        gossipRef.tell({ type: 'subscribe', subscriber });
      }
    this.identities.set(node.name, identity);
    const own = runtime.wellKnown(RING_SLOT) as unknown as Ref<RingMessage>;
    main.spawn(watcher, [{ identity, own, gossip: gossipRef, onView: () => {}, onFatal: () => this.onFatal(node) }]);
    this.spawnEntering(node);
  }

  /** Has it asked for to be a member, until it is. */
  protected spawnEntering(node: SimNode): void {
    spawnEntering(node.main, {
      ...{ identity: this.identities.get(node.name)!, door: this.#doorOf(node.main), mutants: this.mutants },
      ...{ seeds: node.name === this.machines[0] ? [] : this.seedsOf(node.name), onNever: () => this.onFatal(node) },
      proposalOf: (operation) => ({ operationId: this.newId('join'), operation }),
    });
  }

  /** Machines that it asks to be added. */
  protected seedsOf(machine: string): readonly string[] {
    return this.machines.filter((other) => other !== machine);
  }

  protected onFatal(node: SimNode): void {
    if (this.#hasLeft(this.identities.get(node.name)!.id)) this.#away.add(node.name);
    else this.simulation.check(false, 'a node was told to end', node.name);
  }

  /** The ring that a cluster has formed when it is the one of all shards of these machines. */
  protected get firstMachines(): readonly string[] {
    return this.machines.filter((name) => name !== SPARE);
  }

  /** An operator has removed it. */
  #hasLeft(id: string): boolean {
    return this.simulation.nodes.some(({ name, shards }) => {
      const { state } = this.shards.get(`${name}/${shards[0]?.index}`)?.ring.ring ?? {};
      return state?.banned.includes(id) === true;
    });
  }

  #changeRing(item: ActItem, node: SimNode): void {
    if (!this.#isFormed) return;
    if (item.action === 'join') {
      if (!this.#away.has(SPARE) || this.#known.has(SPARE)) return;
      this.#away.delete(SPARE);
      this.simulation.crash(SPARE);
      this.simulation.restart(SPARE);
      return;
    }
    const ring = node.isUp ? this.shards.get(`${node.name}/0`)?.ring.ring?.state : undefined;
    const operation = ring === undefined ? null : ringOperation(item, ring);
    if (operation !== null) this.proposeAt(node, operation, `${item.draw} ${item.atMs}`);
  }

  #setUp(node: SimNode, draw: number): void {
    const n = [3, 3, 3, 5][new SeededRandom(`keyspaces:${this.seed}`).below(4)]!;
    for (const mode of ['ap', 'cp'] as const) this.#createKeyspace(node, keyspaceOf(mode, mode, n), `${mode} ${draw}`);
  }

  #createKeyspace(node: SimNode, keyspace: NewKeyspace, name: string): void {
    this.proposeAt(node, { type: 'createKeyspace', keyspace }, name);
  }

  protected proposeAt(node: SimNode, operation: Operation, name: string): void {
    const ref = node.main.runtime.wellKnown(RING_SLOT) as unknown as Ref<RingMessage>;
    const proposal = { operationId: this.newId(name), operation };
    this.simulation.ask<RingMessage, OperationOutcome>(ref, (replyTo) => ({ type: 'propose', proposal, replyTo }), { timeoutMs: ASK_MS });
  }

  /** On disk. */
  #open(node: SimNode): DirectoryRecord {
    const random = new SeededRandom(`life:${this.seed}:${++this.#starts}`);
    const before = readRecord(node.disk) ?? {
      ...{ id: idFrom(random), name: node.name, shards: node.shards.length, capacity: 1 + random.below(2), rack: 'r0', boot: 0 },
      ...{ instance: '', isInit: node.name === this.machines[0] },
    };
    const record = { ...before, boot: before.boot + 1, instance: idFrom(random).slice(0, 16) };
    writeRecord(node.disk, record);
    return record;
  }

  #doorOf(thread: SimShard): MachineDoor {
    return new MachineDoor(thread, this.machines, thread.node.name, () => undefined);
  }

  /** Undefined: that shard takes no requests. */
  protected gatewayAt(node: SimNode, index: number): Gateway | undefined {
    const life = this.shards.get(`${node.name}/${index}`);
    const shard = node.shards[index];
    const isAlive = (): boolean => shard?.isUp === true && shard.boot === life?.boot;
    if (life === undefined || shard === undefined || !isAlive() || life.ring.ring === null || life.coordinator.coordinator === null)
      return undefined;
    const { coordinator } = life.coordinator;
    return {
      name: `${node.name}/${index}`,
      members: life.ring.ring.state.members.length,
      keyspaces: life.ring.ring.state.keyspaces,
      nowMs: shard.runtime.doors.clock.now(),
      begin: (request) => coordinator.begin(request),
      isAlive,
      isPrimary: (keyspace, tokenHigh) => {
        const { lists, self } = new Topology(life.ring.ring!.state, node.name);
        return isPrimary(lists.of(keyspace.n).read, lists.partitionOf(tokenHigh), self);
      },
    };
  }

  protected hasFormed(): boolean {
    const machines = this.firstMachines;
    for (const { name, shards } of this.simulation.nodes.filter((node) => machines.includes(node.name)))
      for (const { index } of shards) if (!this.#isWhole(this.shards.get(`${name}/${index}`)?.ring.ring?.state)) return false;
    return true;
  }

  #isWhole(ring: RingState | undefined): boolean {
    if (ring === undefined || ring.transition !== null || ring.members.length < this.firstMachines.length) return false;
    return ring.members.every(({ state }) => state === 'up') && ring.keyspaces.length >= 2;
  }

  protected newId(name: string): string {
    return idFrom(new SeededRandom(`${name}:${this.seed}:${this.simulation.events}`));
  }
}

export function keyspaceOf(name: string, mode: 'ap' | 'cp', n: number): NewKeyspace {
  return {
    ...{ name, n, r: 'quorum', w: 'quorum', mode, conflict: 'siblings', durability: 'sync' },
    ...{ pr: 0, pw: 0, ttlMs: 0, keyBytesMax: 1_024, valueBytesMax: 65_536 },
  };
}

export interface BuiltCluster extends BuiltWorkload {
  readonly cluster: ClusterRun;
}

/** `watch`: is told what happens, and changes nothing of it. */
export function buildCluster(run: RunPlan, watch: ClusterWatch & { readonly trace?: Trace } = {}): BuiltCluster {
  return builtOf(run, new ClusterRun(run, watch), watch.trace);
}

export function builtOf<C extends ClusterRun>(run: RunPlan, cluster: C, trace?: Trace): BuiltWorkload & { readonly cluster: C } {
  const simulation = new Simulation({
    ...run.settings,
    seed: run.seed,
    plan: run.plan,
    jobs: JOBS,
    ...(trace === undefined ? {} : { trace }),
    start: (node) => cluster.start(node),
    startShard: (start) => cluster.startShard(start),
    act: (item) => cluster.act(item),
    // Engines read within turns, also when the machine is about to lose its power.
    mayThrow: (_name, error) => error instanceof PowerLossError,
  });
  cluster.begin(simulation);
  return { simulation, cluster, finish: () => cluster.finish() };
}

export const store: Workload = { name: 'store', build: (run) => buildCluster(run) };
