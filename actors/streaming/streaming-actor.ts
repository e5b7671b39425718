/**
 * StreamingActor: one per shard, at STREAMING_SLOT. While the ring's transition is at `stream` it pulls from old replicas what this shard gains (moves.ts), and only then has the step acknowledged.
 *
 * Its desk tells it what is asked for. Sent to by replicas (PAGE) and by who wants figures. What is malformed is refused, logged and asked for again. How far each move has come lies in
 * the engine, so that a start goes on where the last one ended; when the ring goes on without this shard, or takes the transition back, it stops where it is (shard-moves.ts drops what is left).
 * Sources: streaming of [Dynamo 4.9] and of Cassandra's bootstrap; T19 to T21, T30.
 */
import { type ActorContext, defineActor } from '../../runtime/actor.ts';
import { OutBuffer } from '../../runtime/bytes.ts';
import { unreachable } from '../../runtime/errors.ts';
import { BACKGROUND } from '../../runtime/lanes.ts';
import type { AnyRef, Ref } from '../../runtime/ref.ts';
import type { RingState } from '../ring/ring-state.ts';
import { lastHighOf, shardOf } from '../ring/token.ts';
import type { PageEntries } from '../scan/page-entries.ts';
import { readCopy, ScanAsk, WANT_COPY } from '../scan/scan-frames.ts';
import type { ScanPosition } from '../scan/scan-position.ts';
import { PAGE, SCAN, statusOfAnswer, VNODE_SLOT } from '../store/data-frames.ts';
import { MERGE_IN, ReplicaCall } from '../store/replica-call.ts';
import { DURABILITY_SYNC, INVALID, LOADING, OK } from '../store/store-request.ts';
import type { ReplicasHolder } from '../store/vnode-actor.ts';
import { MoveReading } from './move-reading.ts';
import { encodeMove, moveKey } from './move-records.ts';
import { type Move, movesOf } from './moves.ts';
import type { StreamDesk, StreamWish } from './stream-desk.ts';
import type { StreamFigures } from './stream-figures.ts';
import { type ArrivedPage, type StreamDoor, type StreamOptions, Streams } from './streams.ts';

export interface StreamingArguments extends StreamOptions {
  /** This node's name among transports. */
  readonly node: string;
  readonly shard: number;
  readonly desk: StreamDesk;
  readonly replicas: ReplicasHolder;
  /** The well-known actor at that slot of a shard, of this or another node. */
  readonly refTo: (slot: number, node: string, shard: number) => AnyRef;
}

export interface GetStreamFigures {
  readonly type: 'figures';
  readonly replyTo: Ref<StreamFigures>;
}
/** There is another wish, a page has been merged, or time has passed. */
interface Due {
  readonly type: 'due';
}
export type StreamingMessage = GetStreamFigures;
type Message = StreamingMessage | Due;

/** A shard whose engine is not open is looked at again so often. */
const OPEN_MS = 100;
const FRAME_BYTES = 256;
const FRAME_BYTES_MAX = 131_072;

export const streamingActor = defineActor<Message, readonly [StreamingArguments]>(
  'store.streaming',
  (context, args) => new StreamingActor(context, args),
  { mailbox: { capacity: 1_024 } },
);

class StreamingActor implements StreamDoor {
  readonly #context: ActorContext<Message>;
  readonly #args: StreamingArguments;
  readonly #streams: Streams;
  readonly #call = new ReplicaCall();
  readonly #ask = new ScanAsk();
  readonly #out = new OutBuffer(FRAME_BYTES, FRAME_BYTES_MAX);
  readonly #refs = new Map<string, AnyRef>();
  readonly #damaged = new Set<string>();
  readonly later: () => void;
  /** That is being copied. */
  #wish: StreamWish | null = null;
  /** How far its moves have come is being read. */
  #reading: MoveReading | null = null;

  constructor(context: ActorContext<Message>, args: StreamingArguments) {
    this.#context = context;
    this.#args = args;
    this.later = context.doorbell({ type: 'due' });
    this.#streams = new Streams(this, { ...args, firstId: context.random.u32() });
    args.desk.changed = this.later;
    this.#onDue();
  }

  receive(message: Message): void {
    switch (message.type) {
      case 'figures':
        message.replyTo.tell(this.#streams.figures());
        return;
      case 'due':
        return this.#onDue();
      default:
        unreachable(message);
    }
  }

  receiveBytes(operation: number, bytes: Uint8Array, offset: number, length: number, requestId: number): void {
    if (operation !== PAGE) return this.#context.log.warn('malformed message refused', { operation, fault: 'expected PAGE' });
    const end = offset + length;
    const status = statusOfAnswer(bytes, offset, end);
    const page = status === OK ? readCopy(bytes, offset, end) : null;
    const fault = typeof status === 'string' ? status : typeof page === 'string' ? page : undefined;
    if (fault !== undefined) this.#context.log.warn('malformed message refused', { operation, fault });
    this.#streams.onPage(
      requestId,
      fault === undefined ? (status as number) : INVALID,
      fault === undefined ? (page as Exclude<typeof page, string>) : null,
    );
  }

  #onDue(): void {
    const { wish } = this.#args.desk;
    if (wish !== this.#wish) this.#plan(wish);
    if (this.#wish === null) return;
    const reading = this.#reading;
    if (reading !== null) {
      if (!reading.isDone) return;
      this.#reading = null;
      this.#refs.clear();
      this.#streams.begin(reading.starts);
    }
    this.#streams.run();
    if (!this.#streams.isDone) return;
    const { moves, records, bytes } = this.#streams.figures();
    const { startedAt } = this.#wish.ring.state.transition!;
    if (moves > 0) this.#context.log.info('data of the transition is here', { startedAt, moves, records, bytes });
    this.#wish.done();
    this.#wish = null;
    this.#args.desk.wish = null;
  }

  #plan(wish: StreamWish | null): void {
    const { shard, replicas, mutants } = this.#args;
    this.#wish = null;
    this.#streams.begin([]);
    if (wish === null) return;
    if (replicas.replicas === null) return this.#context.after('due', OPEN_MS, { type: 'due' });
    const { state } = wish.ring;
    const isDamaged = (move: Move): boolean => this.#damaged.has(nameOf(state, move));
    const moves = movesOf(state, this.#self(state), shard, { isDamaged, ...(mutants === undefined ? {} : { mutants }) });
    const reading = new MoveReading(replicas.replicas, state, moves, this.#context.log, this.later);
    this.#wish = wish;
    this.#reading = reading;
    reading.begin();
  }

  nowMs(): number {
    return this.#context.clock.now();
  }

  ask({ keyspace, partition, source }: Move, position: ScanPosition, id: number, keysMax: number, bytesMax: number): void {
    const { state } = this.#wish!.ring;
    const partitions = state.owners.length;
    const { address, shards } = state.members[source]!;
    const ask = this.#ask;
    ask.keyspace = keyspace;
    ask.tokenHigh = position.high;
    ask.tokenLow = position.low;
    ask.key = position.key;
    ask.changedAt = state.changedAt[partition]!;
    ask.generation = state.generation;
    ask.option = WANT_COPY;
    ask.lastHigh = lastHighOf(partition, partitions);
    ask.lastLow = 0xffff_ffff;
    ask.keysMax = keysMax;
    ask.bytesMax = bytesMax;
    this.#out.clear();
    ask.write(this.#out);
    const ref = this.#ref(address.node, shardOf(partition, shards, partitions));
    ref.tellBytes(SCAN, this.#out.bytes, 0, this.#out.length, id, BACKGROUND);
  }

  merge({ keyspace }: Move, entry: PageEntries, merge: ArrivedPage): void {
    const { replicas } = this.#args.replicas;
    if (replicas === null) return merge.failed(0, LOADING, 'the replicas of this shard are not open');
    const call = this.#call;
    call.verb = MERGE_IN;
    call.keyspace = keyspace;
    call.tokenHigh = entry.high;
    call.tokenLow = entry.low;
    call.key = entry.bytes;
    call.keyStart = entry.keyStart;
    call.keyEnd = entry.keyEnd;
    call.bytes = entry.bytes;
    call.start = entry.keyEnd;
    call.end = entry.recordEnd;
    // Whatever the keyspace says: the replica that has it now is going to drop it.
    call.durability = DURABILITY_SYNC;
    call.isLww = this.#wish!.ring.state.keyspaces.some(({ id, conflict }) => id === keyspace && conflict === 'lww');
    call.sink = merge;
    replicas.run(call);
  }

  keep(move: Move, position: ScanPosition | null): void {
    const { replicas } = this.#args.replicas;
    const { state } = this.#wish!.ring;
    if (replicas === null) return;
    const { generation, transition, members } = state;
    const record = encodeMove({ generation, startedAt: transition!.startedAt, position });
    // Behind the records that it speaks of, which are on disk already.
    replicas.engine.put(moveKey(move.keyspace, move.partition, members[move.source]!.id), record, 'none', (error) => {
      if (error !== undefined) this.#context.log.warn('how far a move has come could not be written', { why: error.message });
    });
  }

  wakeAt(ms: number): void {
    this.#context.after('due', Math.max(1, ms - this.#context.clock.now()), { type: 'due' });
  }

  failed({ keyspace, partition, source }: Move, why: string): void {
    const name = this.#wish?.ring.state.members[source]?.name;
    this.#context.log.info('a page of a move will be asked for again', { keyspace, partition, source: name, why });
  }

  damaged(move: Move): void {
    const { state } = this.#wish!.ring;
    const { keyspace, partition, source } = move;
    const others = movesOf(state, this.#self(state), this.#args.shard, {
      isDamaged: (it) => this.#damaged.has(nameOf(state, it)) || nameOf(state, it) === nameOf(state, move),
    });
    // Where there is nobody else it is asked for again and again: it may be mended, and the operator may cancel.
    if (!others.some((it) => it.keyspace === keyspace && it.partition === partition)) return;
    this.#context.log.error('data of a replica that goes is damaged: the others are asked for it', {
      ...{ keyspace, partition, source: state.members[source]?.name },
    });
    this.#damaged.add(nameOf(state, move));
    // Planned anew: of what is under way now no page is taken any more.
    this.#wish = null;
    this.#streams.begin([]);
  }

  #self({ members }: RingState): number {
    return members.findIndex(({ address }) => address.node === this.#args.node);
  }

  #ref(node: string, shard: number): AnyRef {
    const name = `${node}/${shard}`;
    const known = this.#refs.get(name);
    if (known !== undefined) return known;
    const made = this.#args.refTo(VNODE_SLOT, node, shard);
    this.#refs.set(name, made);
    return made;
  }
}

function nameOf({ generation, transition, members }: RingState, { keyspace, partition, source }: Move): string {
  return `${generation} ${transition?.startedAt} ${keyspace} ${partition} ${members[source]?.id}`;
}
