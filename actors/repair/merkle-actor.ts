/**
 * MerkleActor: one per shard, at MERKLE_SLOT. Compares what this shard has with other replicas of the same partitions, by hash trees, and has both get what they lack; answers peers who do so.
 *
 * ```
 *   tasks --> round: trees of all partitions with one peer made fresh, one ROOTS --> those that differ: exchanges, EXCHANGES_MAX at a time --> history
 *                                                                      '--> those that do not: history
 * ```
 * Tasks come from its own clock (each partition with a random peer, every `intervalMs`), from jobs (`dynactor repair`), from members that come back after a start, or after they were out of reach for long
 * (absences.ts), and from HintStoreActors that could not hold what this replica has missed (MISSED). Sent to by those, its peers (frames), VNodeActors (MERGED), the node's main thread (jobs), GossipActor (`view`). All that it does on its thread is done in pulses, whose distance is Pace's: one slice of reading or one step of
 * an exchange each.
 */
import { type ActorContext, defineActor, type StopReason } from '../../runtime/actor.ts';
import { OutBuffer } from '../../runtime/bytes.ts';
import type { Random } from '../../runtime/doors.ts';
import { unreachable } from '../../runtime/errors.ts';
import type { ViewMessage } from '../gossip/view-subscribers.ts';
import type { Id } from '../ring/ring-state.ts';
import { ClusterView, type ClusterViewArguments, isAway, SUBSCRIBE_MS } from '../store/cluster-view.ts';
import { writeRefusal } from '../store/data-frames.ts';
import { fail, type ReplicaCall } from '../store/replica-call.ts';
import type { Replicas } from '../store/replicas.ts';
import { INVALID, LOADING, NO_KEYSPACE_FOUND, OK, OVERLOADED, STALE_RING, TIMED_OUT } from '../store/store-request.ts';
import { isPrimary } from '../store/topology.ts';
import type { ReplicasHolder } from '../store/vnode-actor.ts';
import { Absences } from './absences.ts';
import type { DirtyMarks } from './dirty-marks.ts';
import type { RunOutcome } from './exchange-run.ts';
import { ExchangeWaiters } from './exchange-waiters.ts';
import { Forest } from './forest.ts';
import { LocalSide } from './local-side.ts';
import { PeerAsks } from './peer-asks.ts';
import { Pulses } from './pulses.ts';
import { RangeReads } from './range-reads.ts';
import { MENDED, MISSED, MissedAsk } from './repair-frames.ts';
import { RepairHistory } from './repair-history.ts';
import type { CancelRepair, GetRepairFigures, LookAtRepair, MerkleMessage, RepairHolder, StartRepair } from './repair-protocol.ts';
import { RepairQueue, type RepairTask } from './repair-queue.ts';
import { RepairRounds } from './repair-rounds.ts';
import { RepairServer } from './repair-server.ts';
import { partitionsOf, peersOf } from './replica-peers.ts';

export interface MerkleArguments extends ClusterViewArguments {
  readonly shard: number;
  /** Worker threads of this node that own data. */
  readonly shards: number;
  readonly replicas: ReplicasHolder;
  readonly marks: DirtyMarks;
  /** For others of the thread. */
  readonly holder?: RepairHolder;
  /** Between two exchanges of a partition that nobody asks for; each time with a random peer. 0: none. Default 600,000 ms. */
  readonly intervalMs?: number;
  /** Between the two rounds that have to agree; longer than a write takes. Default 1,000 ms. */
  readonly confirmMs?: number;
  /** Trees that nobody asked for are dropped after this time. Default 1,800,000 ms. */
  readonly idleMs?: number;
  /** Planted bugs: dirtyMarkLost, tombstoneUnhashed, leafEndShort, firstRoundActed, pulledUnchecked, repairMints, damageIsEnd, unheldUnread, repairRingIgnored. */
  readonly mutants?: ReadonlySet<string>;
}

type Message =
  | MerkleMessage
  | { readonly type: 'pulse' }
  | { readonly type: 'awake' }
  | { readonly type: 'tick' }
  | { readonly type: 'period' }
  | { readonly type: 'confirmed'; readonly goOn: () => void }
  | { readonly type: 'again' }
  | { readonly type: 'returned'; readonly id: Id };

const INTERVAL_MS = 600_000;
const CONFIRM_MS = 1_000;
const IDLE_MS = 1_800_000;
const TICK_MS = 250;
/** A member that was out of reach for so long, or has started anew, is compared with when it is back. */
const AWAY_MS = 10_000;
/** It waits for hints first, about so long. */
const RETURN_MS = 10_000;
const ANSWER_BYTES = 1_024;

export const merkleActor = defineActor<Message, readonly [MerkleArguments]>('repair.merkle', (context, args) => new Merkle(context, args), {
  mailbox: { capacity: 4_096 },
});

class Merkle {
  readonly #context: ActorContext<Message>;
  readonly #args: MerkleArguments;
  readonly #view: ClusterView;
  readonly #wake: () => void;
  readonly #reads: RangeReads;
  readonly #forest: Forest;
  readonly #local: LocalSide;
  readonly #server: RepairServer;
  readonly #asks: PeerAsks;
  readonly #rounds: RepairRounds;
  readonly #queue = new RepairQueue();
  readonly #history = new RepairHistory();
  readonly #waiters = new ExchangeWaiters();
  readonly #absences = new Absences(AWAY_MS);
  readonly #returns: Random;
  readonly #pulses: Pulses;
  /** Steps that wait for a pulse. */
  readonly #steps: (() => void)[] = [];
  /** What goes on in the next turn. */
  #soon: (() => void)[] = [];
  readonly #out = new OutBuffer(ANSWER_BYTES, ANSWER_BYTES);
  #pauses = 0;
  /** Whose trees these are. */
  #replicas: Replicas | null = null;

  constructor(context: ActorContext<Message>, args: MerkleArguments) {
    const { clock } = context;
    const { mutants, marks, intervalMs = INTERVAL_MS } = args;
    const planted = mutants === undefined ? {} : { mutants };
    this.#context = context;
    this.#returns = context.random.fork('returns');
    this.#args = args;
    this.#view = new ClusterView(args);
    this.#wake = context.doorbell({ type: 'awake' });
    this.#pulses = new Pulses(clock, (waitMs) => context.after('pulse', waitMs, { type: 'pulse' }));
    this.#reads = new RangeReads(
      () => this.#opened(),
      this.#wake,
      () => clock.now(),
      mutants,
    );
    this.#forest = new Forest({ reads: this.#reads, marks, clock, ...planted });
    this.#local = new LocalSide(this.#reads, mutants);
    const { shard, shards, ring } = args;
    this.#server = new RepairServer({
      ...{ context, shard, shards, ring, isOpen: () => this.#opened() !== null, nowMs: () => clock.now() },
      ...{ forest: this.#forest, local: this.#local, ...planted },
    });
    this.#asks = new PeerAsks({
      firstId: context.random.u32(),
      send: (peer, ...frame) => this.#view.tellBytes(peer, ...frame),
      nowMs: () => clock.now(),
    });
    this.#rounds = new RepairRounds({
      ...{ queue: this.#queue, forest: this.#forest, local: this.#local, asks: this.#asks },
      ring: () => this.#view.topology()?.ring ?? null,
      isOurs: ({ keyspace, partition, peer }) => {
        const topology = this.#view.topology();
        const of = topology?.keyspace(keyspace);
        return topology !== null && of !== undefined && peersOf(topology, of.n, partition).some(({ id }) => id === peer.id);
      },
      runCall: (call) => this.#run(call),
      paced: (then) => this.#paced(then),
      pause: (then) => context.after(`confirm ${++this.#pauses}`, args.confirmMs ?? CONFIRM_MS, { type: 'confirmed', goOn: then }),
      soon: (then) => {
        this.#soon.push(then);
        this.#wake();
      },
      nowMs: () => clock.now(),
      ended: (task, outcome, sinceMs) => this.#onEnded(task, outcome, sinceMs),
      ...planted,
    });
    if (args.holder !== undefined)
      args.holder.repair = { exchange: (keyspace, partition, peer, done) => this.#request({ keyspace, partition, peer }, done) };
    context.every('tick', TICK_MS, { type: 'tick' });
    if (intervalMs > 0) context.after('period', intervalMs * (0.5 + context.random.float()), { type: 'period' });
    if (args.gossip !== undefined) context.every('again', SUBSCRIBE_MS, { type: 'again' });
    this.#view.subscribe(context.self);
  }

  receive(message: Message): void {
    switch (message.type) {
      case 'view':
        return this.#onView(message);
      case 'returned':
        return this.#onReturned(message.id);
      case 'again':
        return this.#view.subscribe(this.#context.self);
      case 'startRepair':
        return this.#onStart(message);
      case 'lookAtRepair':
        return this.#onLook(message);
      case 'cancelRepair':
        return this.#onCancel(message);
      case 'repairFigures':
        return this.#onFigures(message);
      case 'pulse':
        return this.#pulses.came(this.#slice);
      case 'awake':
        return this.#onAwake();
      case 'tick':
        return this.#onTick();
      case 'period':
        return this.#onPeriod();
      case 'confirmed':
        return message.goOn();
      default:
        unreachable(message);
    }
  }

  receiveBytes(operation: number, bytes: Uint8Array, offset: number, length: number, requestId: number): void {
    const end = offset + length;
    if (operation === MISSED) return this.#onMissed(bytes, offset, end);
    if (this.#server.receive(operation, bytes, offset, end)) return;
    // An answer that comes late, or twice, is nobody's.
    this.#asks.onAnswer(operation, bytes, offset, end, requestId);
  }

  stopped(_reason: StopReason): void {
    if (this.#args.holder !== undefined) this.#args.holder.repair = null;
    this.#reads.close();
  }

  #onView(message: ViewMessage): void {
    const { clock } = this.#context;
    this.#view.onView(message);
    const members = message.view.members.map((member) => ({ id: member.id, isAway: isAway(member), boot: member.boot }));
    for (const id of this.#absences.update(members, clock.now()))
      this.#context.after(`returned ${id}`, RETURN_MS * (0.5 + this.#returns.float()), { type: 'returned', id });
  }

  /** All that both have. */
  #onReturned(id: Id): void {
    const topology = this.#view.topology();
    if (topology === null) return;
    for (const keyspace of topology.ring.keyspaces)
      for (const [partition, peers] of partitionsOf(topology, keyspace, this.#args.shard))
        for (const peer of peers) if (peer.id === id) this.#queue.add({ keyspace: keyspace.id, partition, peer, direction: 'pushPull' });
    this.#rounds.start();
  }

  #onStart({ jobId, keyspace, direction, replyTo }: StartRepair): void {
    const topology = this.#view.topology();
    const job = topology === null ? undefined : this.#queue.begin(jobId);
    if (topology !== null && job !== undefined) {
      for (const it of topology.ring.keyspaces) {
        if (keyspace !== null && it.id !== keyspace) continue;
        for (const [partition, peers] of partitionsOf(topology, it, this.#args.shard))
          for (const peer of peers) this.#queue.add({ keyspace: it.id, partition, peer, direction }, job);
      }
      this.#queue.added(job);
      this.#rounds.start();
    }
    replyTo.tell({ type: 'repairProgress', progress: this.#queue.job(jobId)?.progress() ?? null });
  }

  /** A job of the frame's name: all other replicas of one partition. */
  #onMissed(bytes: Uint8Array, start: number, end: number): void {
    const ask = new MissedAsk();
    const fault = ask.read(bytes, start, end);
    if (fault !== undefined) this.#context.log.warn('malformed frame refused', { operation: MISSED, fault });
    const [status, message] = fault === undefined ? this.#mend(ask) : [INVALID, fault];
    writeRefusal(this.#out, status, message);
    this.#context.replyBytes(MENDED, this.#out.bytes, 0, this.#out.length);
  }

  #mend({ keyspace: id, tokenHigh, generation, changedAt, job: name }: MissedAsk): readonly [status: number, message: string] {
    const topology = this.#view.topology();
    if (topology === null || this.#opened() === null) return [LOADING, 'the replicas of this shard are not open'];
    const { ring, lists, self } = topology;
    const partition = lists.partitionOf(tokenHigh);
    const keyspace = topology.keyspace(id);
    if (keyspace === undefined) return [NO_KEYSPACE_FOUND, `no keyspace has the id ${id}`];
    const isSame =
      generation === ring.generation && changedAt === ring.changedAt[partition] && isPrimary(lists.of(keyspace.n).read, partition, self);
    if (!isSame) return [STALE_RING, 'the rings of both sides differ about the partition'];
    if (!topology.isOn(this.#args.shard, partition)) return [INVALID, `partition ${partition} does not lie on shard ${this.#args.shard}`];
    const jobId = `missed ${name}`;
    const begun = this.#queue.begin(jobId);
    if (begun !== undefined) {
      for (const peer of peersOf(topology, keyspace.n, partition))
        this.#queue.add({ keyspace: id, partition, peer, direction: 'pull' }, begun);
      this.#queue.added(begun);
      this.#rounds.start();
    }
    const { state, incomplete, fault } = this.#queue.job(jobId)!;
    if (state === 'running') return [OVERLOADED, 'under way'];
    return state === 'done' && incomplete === 0 ? [OK, ''] : [TIMED_OUT, fault];
  }

  #onLook({ jobId, replyTo }: LookAtRepair): void {
    replyTo.tell({ type: 'repairProgress', progress: this.#queue.job(jobId)?.progress() ?? null });
  }

  #onCancel({ jobId, replyTo }: CancelRepair): void {
    const job = this.#queue.job(jobId);
    if (job !== undefined) this.#queue.cancel(job);
    replyTo.tell({ type: 'repairProgress', progress: job?.progress() ?? null });
  }

  #onFigures({ replyTo }: GetRepairFigures): void {
    replyTo.tell({
      type: 'repairState',
      figures: {
        ...this.#rounds.figures(),
        ...{ waitingExchanges: this.#queue.waiting, trees: this.#forest.count, readKeys: this.#reads.keys },
        ...{ askedBytes: this.#asks.bytes, answeredBytes: this.#server.bytes, paceMs: this.#pulses.waitMs },
        ...this.#history.figures(this.#context.clock.now()),
      },
    });
  }

  /** One slice of reading, or one step of an exchange, in turn. */
  readonly #slice = (): boolean => {
    const step = this.#steps.shift();
    if (step !== undefined) step();
    const hasMore = this.#reads.slice();
    return hasMore || this.#steps.length > 0;
  };

  #onAwake(): void {
    const soon = this.#soon;
    this.#soon = [];
    for (const then of soon) then();
    if (this.#steps.length > 0 || this.#reads.count > 0) this.#pulses.begin();
  }

  #onTick(): void {
    this.#opened();
    this.#asks.tick();
    const ring = this.#view.topology()?.ring;
    if (ring === undefined) return;
    const keyspaces = new Set(ring.keyspaces.map(({ id }) => id));
    this.#forest.dropIdle(this.#context.clock.now() - (this.#args.idleMs ?? IDLE_MS), keyspaces);
    this.#history.keep(keyspaces, new Set(ring.members.map(({ id }) => id)));
    this.#rounds.start();
  }

  /** Each partition with one of its other replicas. */
  #onPeriod(): void {
    const { intervalMs = INTERVAL_MS, shard } = this.#args;
    const { random } = this.#context;
    this.#context.after('period', intervalMs * (0.75 + random.float() / 2), { type: 'period' });
    const topology = this.#view.topology();
    if (topology === null || this.#queue.waiting > 0) return;
    for (const keyspace of topology.ring.keyspaces)
      for (const [partition, peers] of partitionsOf(topology, keyspace, shard)) {
        const reachable = peers.filter(({ id }) => this.#view.isReachable(topology.ring.members.findIndex((member) => member.id === id)));
        const peer = reachable[random.below(Math.max(1, reachable.length))];
        if (peer !== undefined) this.#queue.add({ keyspace: keyspace.id, partition, peer, direction: 'pushPull' });
      }
    this.#rounds.start();
  }

  /** Begun by the next tick: this is within the turn of another actor. */
  #request(pair: Pick<RepairTask, 'keyspace' | 'partition' | 'peer'>, done: (fault: string | undefined) => void): void {
    this.#queue.add({ ...pair, direction: 'pushPull' });
    this.#waiters.add(pair, this.#context.clock.now(), done);
  }

  #onEnded(task: RepairTask, outcome: RunOutcome, sinceMs: number): void {
    const { keyspace, partition, peer, direction } = task;
    const { unconfirmed, failed, differing, fault } = outcome;
    const isDone = fault === undefined && unconfirmed === 0 && failed === 0;
    const isComplete = isDone && (direction === 'pushPull' || differing === 0);
    if (isComplete) this.#history.completed({ keyspace, partition, peer: peer.id }, sinceMs);
    const why = fault ?? `${unconfirmed} keys still change, ${failed} could not be moved`;
    if (this.#waiters.ended(task, isComplete, sinceMs, why)) this.#queue.add({ ...task, direction: 'pushPull' });
    if (fault !== undefined) this.#context.log.warn('exchange ended early', { keyspace, partition, peer: peer.id, why: fault });
    this.#queue.ended(task, outcome, isDone);
  }

  /** Null: not open. When they were opened anew, what is known of others is of no use any more. */
  #opened(): Replicas | null {
    const { replicas } = this.#args.replicas;
    if (replicas !== null && replicas !== this.#replicas) {
      this.#replicas = replicas;
      this.#forest.clear();
      this.#history.clear();
    }
    return replicas;
  }

  #run(call: ReplicaCall): void {
    const replicas = this.#opened();
    if (replicas === null) fail(call, LOADING, 'the replicas of this shard are not open');
    else replicas.run(call);
  }

  #paced(then: () => void): void {
    this.#steps.push(then);
    this.#wake();
  }
}
