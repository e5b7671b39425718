/**
 * VNodeActor: serves the replicas of one shard to coordinators of all nodes, over the binary path, and lets the coordinator of its own thread call them directly.
 *
 * ```
 *  opening --(engine open)--> open --(stopped)--> closed, with its clean mark        opening --(failed)--> waits, and opens again
 * ```
 * Sent to by coordinators (MERGE, READ) and scans (SCAN); answers each one that it takes once, though it is sent again while it waits, with a status: within the turn, or when the disk has answered.
 * A frame is refused, before anything is looked at, when it is malformed (and logged), when its ring is not this shard's (STALE_RING), when its partition lies on another shard
 * (INVALID: the sender's mistake), and while the engine is not open (LOADING). What has passed its deadline is dropped, as nobody waits for it.
 */
import { type ActorContext, defineActor, type StopReason } from '../../runtime/actor.ts';
import { copyBytes, OutBuffer } from '../../runtime/bytes.ts';
import { unreachable } from '../../runtime/errors.ts';
import type { Ref } from '../../runtime/ref.ts';
import { ReplyAddress } from '../../runtime/reply.ts';
import type { EngineOptions } from '../../storage/engine/options.ts';
import { compactionAgent } from '../compaction-agent.ts';
import { CompactionDesk } from '../compaction-desk.ts';
import type { CompactionMessage } from '../compaction-protocol.ts';
import { faultOfHint } from '../hints/leaving.ts';
import type { WriteMarks } from '../repair/dirty-marks.ts';
import type { Keyspace, RingState } from '../ring/ring-state.ts';
import { partitionOf, shardOf } from '../ring/token.ts';
import type { RingHolder } from '../ring-agent.ts';
import { ReplicaScans } from '../scan/replica-scans.ts';
import { ScanAsk, WANT_COPY } from '../scan/scan-frames.ts';
import { ShardMoves } from '../streaming/shard-moves.ts';
import { writeDigest } from '../version/digest.ts';
import type { RecordView } from '../version/record-view.ts';
import {
  AS_STAND_IN,
  beginAnswer,
  DIGEST,
  faultOfRequest,
  IS_DEAD,
  MERGE,
  MERGED,
  PAGE,
  READ,
  RECORD,
  recordStartOf,
  SCAN,
  WANT_DIGEST,
  writeRefusal,
} from './data-frames.ts';
import { rangesBetween } from './engine-range.ts';
import { KeyPlace } from './key-place.ts';
import { spreadMemtable } from './memtable-spread.ts';
import type { PlaceHead } from './place-head.ts';
import { MERGE_IN, READ_LOCAL, ReplicaCall, type ReplicaSink } from './replica-call.ts';
import { Replicas } from './replicas.ts';
import type { ReplicasOptions } from './replicas-options.ts';
import { INVALID, LOADING, NO_KEYSPACE_FOUND, OK, STALE_RING } from './store-request.ts';
import { keyspacesById } from './topology.ts';

/** The replicas of a shard, for the coordinator of its thread. Null: not open. */
export interface ReplicasHolder {
  replicas: Replicas | null;
  /** For `beforeSwitched` of the RingAgent of this thread: ends the writes of the old ring, then calls `done`, at once or later. */
  switchRing?: ((done: () => void) => void) | undefined;
}

export interface VNodeArguments {
  readonly node: string;
  readonly shard: number;
  /** Worker threads of this node that own data. */
  readonly shards: number;
  /** Absolute; exists. The engine lies in shard-<s> below it. */
  readonly dir: string;
  readonly ring: RingHolder;
  readonly holder: ReplicasHolder;
  readonly engine?: EngineOptions;
  /** Who gives turns for flush and compaction on this node. Default: nobody, the engine begins them by itself. */
  readonly compaction?: Ref<CompactionMessage>;
  readonly replicas?: Partial<ReplicasOptions>;
  /** Of repair, for the replicas. */
  readonly marks?: WriteMarks;
  /** Default 500 ms. */
  readonly reopenMs?: number;
  /** Planted bugs: staleRingAccepted, foreignPartitionServed, and those of Replicas. */
  readonly mutants?: ReadonlySet<string>;
}

type Message =
  | { readonly type: 'rung' }
  | { readonly type: 'open' }
  | { readonly type: 'opened'; readonly replicas: Replicas; readonly error: string | undefined };

const REOPEN_MS = 500;
const ANSWER_BYTES = 1_024;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/** A request that is being answered; its number is the token of its call. */
class Asked {
  readonly address = new ReplyAddress();
  operation = 0;
  wantsDigest = false;
}

export const vnodeActor = defineActor<Message, readonly [VNodeArguments]>('vnode', (context, args) => new VNode(context, args), {
  mailbox: { capacity: 8_192 },
});

class VNode implements ReplicaSink {
  readonly #context: ActorContext<Message>;
  readonly #args: VNodeArguments;
  readonly #ring: () => void;
  readonly #place = new KeyPlace();
  readonly #call = new ReplicaCall();
  readonly #out = new OutBuffer(ANSWER_BYTES, ANSWER_BYTES_MAX);
  readonly #asked: Asked[] = [];
  readonly #free: number[] = [];
  readonly #ask = new ScanAsk();
  readonly #scans: ReplicaScans;
  /** Whose keyspaces these are. */
  #state: RingState | null = null;
  #keyspaces: ReadonlyMap<number, Keyspace> = new Map();
  #replicas: Replicas;
  readonly #moves: ShardMoves;
  /** Rings whose predecessors' writes have not ended. */
  #switching = 0;
  /** Keyspaces, when what was left of others was last dropped. */
  #droppedFor: readonly Keyspace[] | null = null;
  readonly #release: () => void;
  readonly #desk: CompactionDesk | undefined;
  #trouble = 'the replicas of this shard are being opened';

  constructor(context: ActorContext<Message>, args: VNodeArguments) {
    this.#context = context;
    this.#args = args;
    this.#ring = context.doorbell({ type: 'rung' });
    this.#release = context.hold();
    if (args.compaction !== undefined) {
      this.#desk = new CompactionDesk(context.jobs);
      context.spawn(compactionAgent, [this.#desk, args.compaction]);
    }
    this.#scans = new ReplicaScans(context, this.#ring, args.mutants);
    this.#moves = new ShardMoves({ node: args.node, shard: args.shard, log: context.log, mutants: args.mutants });
    this.#replicas = this.#open();
    args.holder.switchRing = (done) => this.#onRing(done);
  }

  receive(message: Message): void {
    switch (message.type) {
      case 'rung':
        this.#replicas.drain();
        return this.#scans.run();
      case 'open':
        return this.#onOpen();
      case 'opened':
        return this.#onOpened(message.replicas, message.error);
      default:
        unreachable(message);
    }
  }

  receiveBytes(operation: number, bytes: Uint8Array, offset: number, length: number): void {
    if (operation === SCAN) return this.#onScan(bytes, offset, length);
    const place = this.#place;
    const fault = faultOfRequest(operation, bytes, offset, offset + length, place);
    if (fault !== undefined) {
      this.#context.log.warn('malformed frame refused', { operation, fault });
      return this.#refuse(operation, INVALID, fault);
    }
    const { holder, ring } = this.#args;
    if (holder.replicas === null || !ring.mayServe || ring.ring === null) return this.#refuse(operation, LOADING, this.#trouble);
    const status = this.#check(place);
    if (status !== OK) return this.#refuse(operation, status, this.#why(status));
    const keyspace = this.#keyspaceOf(ring.ring.state, place.keyspace);
    if (keyspace === undefined) return this.#refuseKeyspace(operation, place.keyspace, ring.ring.state);
    const call = this.#call;
    call.isStandIn = (place.option & AS_STAND_IN) !== 0;
    if (call.isStandIn && operation === MERGE) {
      call.owner = bytes.subarray(place.keyEnd, recordStartOf(place));
      const why = faultOfHint(ring.ring.state, this.#args.node, call.owner);
      if (why !== undefined) return this.#refuse(operation, INVALID, why);
    }
    call.verb = operation === MERGE ? MERGE_IN : READ_LOCAL;
    call.keyspace = place.keyspace;
    call.tokenHigh = place.tokenHigh;
    call.tokenLow = place.tokenLow;
    call.key = bytes;
    call.keyStart = place.keyStart;
    call.keyEnd = place.keyEnd;
    call.bytes = bytes;
    call.start = operation === MERGE ? recordStartOf(place) : place.keyEnd;
    call.end = offset + length;
    call.durability = place.option & ~AS_STAND_IN;
    call.isLww = keyspace.conflict === 'lww';
    const remainingMs = this.#context.remainingMs();
    // Mostly it has none, and the clock is not read.
    call.deadlineMs = remainingMs === Number.POSITIVE_INFINITY ? remainingMs : this.#context.clock.now() + remainingMs;
    call.sink = this;
    call.token = this.#begin(operation, this.#wantsDigest(operation));
    holder.replicas.run(call);
  }

  stopped(reason: StopReason): void {
    const { holder } = this.#args;
    holder.replicas = null;
    holder.switchRing = undefined;
    this.#moves.closed();
    this.#scans.close();
    // The thread waits for what is under way; who has failed can't vouch for what it leaves.
    this.#replicas.close(this.#release, reason === 'stopped');
  }

  found(token: number, record: RecordView): void {
    const out = this.#out;
    const { wantsDigest } = this.#asked[token]!;
    beginAnswer(out, OK);
    if (wantsDigest) {
      writeDigest(record, out);
      return this.#answer(token, DIGEST);
    }
    const recordBytes = record.end - record.start;
    if (!out.ensure(recordBytes)) return this.failed(token, INVALID, `record: ${recordBytes} bytes are too many for an answer`);
    copyBytes(record.bytes, record.start, record.end, out.bytes, out.length);
    out.length += recordBytes;
    this.#answer(token, RECORD);
  }

  made(): void {}

  stored(token: number): void {
    beginAnswer(this.#out, OK);
    this.#answer(token, MERGED);
  }

  refused(token: number): void {
    beginAnswer(this.#out, OK);
    this.#out.bytes[this.#out.length++] = IS_DEAD;
    this.#answer(token, MERGED);
  }

  isRepeat(token: number, waiting: number): boolean {
    const { address, wantsDigest } = this.#asked[waiting]!;
    return this.#asked[token]!.wantsDigest === wantsDigest && this.#asked[token]!.address.equals(address);
  }

  dropped(token: number): void {
    this.#free.push(token);
  }

  failed(token: number, status: number, message: string): void {
    writeRefusal(this.#out, status, message);
    const { operation, wantsDigest } = this.#asked[token]!;
    this.#answer(token, operation === MERGE ? MERGED : wantsDigest ? DIGEST : RECORD);
  }

  #onScan(bytes: Uint8Array, offset: number, length: number): void {
    const { holder, ring } = this.#args;
    const ask = this.#ask;
    const fault = ask.read(bytes, offset, offset + length);
    if (fault !== undefined) {
      this.#context.log.warn('malformed frame refused', { operation: SCAN, fault });
      return this.#refuse(SCAN, INVALID, fault);
    }
    if (holder.replicas === null || !ring.mayServe || ring.ring === null) return this.#refuse(SCAN, LOADING, this.#trouble);
    // A copy is to have all that was written by the ring before.
    if (ask.option === WANT_COPY && this.#switching > 0) return this.#refuse(SCAN, LOADING, 'writes of an older ring are under way');
    const { state } = ring.ring;
    const status = this.#check(ask);
    if (status !== OK) return this.#refuse(SCAN, status, this.#why(status));
    const partitions = state.owners.length;
    // Its ring has fewer partitions than this one.
    if (partitionOf(ask.tokenHigh, partitions) !== partitionOf(ask.lastHigh, partitions))
      return this.#refuse(SCAN, STALE_RING, this.#why(STALE_RING));
    if (this.#keyspaceOf(state, ask.keyspace) === undefined) return this.#refuseKeyspace(SCAN, ask.keyspace, state);
    this.#scans.begin(ask, holder.replicas);
  }

  /** One that was made since is not missing: this shard has not heard of it yet. */
  #refuseKeyspace(operation: number, id: number, { nextKeyspaceId }: RingState): void {
    if (id >= nextKeyspaceId) return this.#refuse(operation, STALE_RING, `the keyspace ${id} is newer than the ring here`);
    this.#refuse(operation, NO_KEYSPACE_FOUND, `no keyspace has the id ${id}`);
  }

  #onOpen(): void {
    this.#replicas = this.#open();
  }

  #onOpened(replicas: Replicas, error: string | undefined): void {
    const { holder, reopenMs = REOPEN_MS } = this.#args;
    if (error === undefined) {
      holder.replicas = replicas;
      this.#moves.opened(replicas, this.#args.ring.ring?.state ?? null);
      return this.#dropMissing();
    }
    this.#trouble = `the replicas of this shard can't be opened: ${error}`;
    this.#context.log.error('replicas could not be opened', { why: error });
    this.#context.after('open', reopenMs, { type: 'open' });
  }

  /** In the turn of the agent: the holder of the ring has a new one. */
  #onRing(done: () => void): void {
    const { holder, ring } = this.#args;
    if (holder.replicas === null || ring.ring === null) return done();
    this.#dropMissing();
    this.#switching++;
    let left = 2;
    const ended = (): void => {
      if (--left === 0) done();
    };
    holder.replicas.switchRing(() => {
      this.#switching--;
      ended();
    });
    this.#moves.follow(ring.ring.state, ended);
  }

  /** Deletes what is left of keyspaces that the ring has no more. Also after a start: it may have been missed. */
  #dropMissing(): void {
    const { holder, ring } = this.#args;
    const state = ring.ring?.state;
    if (holder.replicas === null || state === undefined || state.keyspaces === this.#droppedFor) return;
    this.#droppedFor = state.keyspaces;
    const { replicas } = holder;
    const ids = state.keyspaces.map(({ id }) => id);
    replicas.dropAll(rangesBetween(ids, state.nextKeyspaceId), (_range, error) => {
      if (error !== undefined) this.#context.log.error('a dropped keyspace could not be deleted', { why: error.message });
    });
  }

  #open(): Replicas {
    const { dir, shard, engine, replicas: options, marks, mutants } = this.#args;
    const scheduler = this.#desk;
    const { clock, random, log, timers, files, jobs } = this.#context;
    const doors = { clock, random, log, timers, files, jobs, ...(scheduler === undefined ? {} : { scheduler }) };
    const replicas = new Replicas({
      dir: `${dir}/shard-${shard}`,
      doors,
      ring: this.#ring,
      ...(engine === undefined ? {} : { engine: spreadMemtable(engine, random) }),
      ...(marks === undefined ? {} : { marks }),
      ...(mutants === undefined ? {} : { mutants }),
      partitions: () => this.#args.ring.ring?.state.owners.length ?? 0,
      ...options,
    });
    const opened = this.#context.completion<string | undefined>((error) => ({ type: 'opened', replicas, error }));
    replicas.open((error) => {
      if (error !== undefined) opened(error.message);
      else this.#moves.read(replicas, () => opened(undefined));
    });
    return replicas;
  }

  /** Whether the sender's ring agrees with this shard's about the partition, and this shard owns it. */
  #check({ tokenHigh, generation, changedAt }: PlaceHead): number {
    const { ring, shard, shards, mutants } = this.#args;
    const { state } = ring.ring!;
    const partitions = state.owners.length;
    const partition = partitionOf(tokenHigh, partitions);
    const isStale = generation !== state.generation || changedAt !== state.changedAt[partition]!;
    if (isStale && !mutants?.has('staleRingAccepted')) return STALE_RING;
    return shardOf(partition, shards, partitions) === shard || mutants?.has('foreignPartitionServed') ? OK : INVALID;
  }

  #why(status: number): string {
    const { generation, epoch } = this.#args.ring.ring!.encoded;
    return status === STALE_RING
      ? `the partition changed hands: this shard's ring is generation ${generation}, epoch ${epoch}`
      : `the partition does not lie on shard ${this.#args.shard}`;
  }

  #keyspaceOf(state: RingState, id: number): Keyspace | undefined {
    if (state !== this.#state) {
      this.#state = state;
      this.#keyspaces = keyspacesById(state);
    }
    return this.#keyspaces.get(id);
  }

  #begin(operation: number, wantsDigest: boolean): number {
    const token = this.#free.pop() ?? this.#asked.push(new Asked()) - 1;
    const asked = this.#asked[token]!;
    this.#context.noteSender(asked.address);
    asked.operation = operation;
    asked.wantsDigest = wantsDigest;
    return token;
  }

  #answer(token: number, operation: number): void {
    const { address } = this.#asked[token]!;
    this.#free.push(token);
    this.#context.replyBytesTo(address, operation, this.#out.bytes, 0, this.#out.length);
  }

  #wantsDigest(operation: number): boolean {
    return operation === READ && (this.#place.option & ~AS_STAND_IN) === WANT_DIGEST;
  }

  /** The request being handled is not begun. */
  #refuse(operation: number, status: number, message: string): void {
    writeRefusal(this.#out, status, message);
    const answer = operation === MERGE ? MERGED : operation === SCAN ? PAGE : this.#wantsDigest(operation) ? DIGEST : RECORD;
    this.#context.replyBytes(answer, this.#out.bytes, 0, this.#out.length);
  }
}
