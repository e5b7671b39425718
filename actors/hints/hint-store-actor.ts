/**
 * HintStoreActor: one per shard, at HINT_SLOT. Carries what its HintHandoff decides to the replicas of those that hints are for, in the lane below that of clients, and their answers
 * back. What is held lies with the replicas of the shard (hints.ts), where coordinators and other nodes put it; so it is there after a start, and this actor keeps nothing.
 *
 * Marks of what could not be held it has repaired by the MerkleActors of their owners (mark-repairs.ts). Sent to by replicas (MERGED), MerkleActors (MENDED) and GossipActor (`view`). What is malformed is refused and logged.
 */
import { type ActorContext, defineActor } from '../../runtime/actor.ts';
import { copyBytes, OutBuffer } from '../../runtime/bytes.ts';
import { unreachable } from '../../runtime/errors.ts';
import { BACKGROUND } from '../../runtime/lanes.ts';
import { type EngineIterator, type Entry, LATER } from '../../storage/engine/api.ts';
import { StorageError, type StorageResult } from '../../storage/errors.ts';
import type { ViewMessage } from '../gossip/view-subscribers.ts';
import { MENDED, MERKLE_SLOT, MISSED, MissedAsk } from '../repair/repair-frames.ts';
import type { Id } from '../ring/ring-state.ts';
import { firstHighOf } from '../ring/token.ts';
import { ClusterView, type ClusterViewArguments, SUBSCRIBE_MS } from '../store/cluster-view.ts';
import { MERGE, MERGED, statusOfAnswer, VNODE_SLOT } from '../store/data-frames.ts';
import { KeyPlace } from '../store/key-place.ts';
import { DURABILITY_SYNC } from '../store/store-request.ts';
import type { ReplicasHolder } from '../store/vnode-actor.ts';
import { newIncarnation } from '../version/incarnation.ts';
import { type HandoffDoor, type HandoffOptions, HintHandoff } from './hint-handoff.ts';
import { type DirtyMark, type HintKey, hintRangeOf } from './hint-key.ts';
import type { LeaveDesk } from './leaving.ts';
import { type MarkDoor, MarkRepairs } from './mark-repairs.ts';

export interface HintStoreArguments extends ClusterViewArguments, Omit<HandoffOptions, 'firstId'> {
  /** Of this thread, opened by its VNodeActor. */
  readonly replicas: ReplicasHolder;
  readonly desk: LeaveDesk;
  /** How often it looks who can be reached. Default 500 ms. */
  readonly tickMs?: number;
}

type Message =
  | ViewMessage
  | { readonly type: 'tick' }
  | { readonly type: 'wake' }
  /** Suspicions are asked for again, as GossipActor may have been started anew. */
  | { readonly type: 'again' }
  | { readonly type: 'page'; readonly owner: Id; readonly iterator: EngineIterator; readonly result: StorageResult<readonly Entry[]> };

const TICK_MS = 500;
const PAGE_ENTRIES = 64;
const PAGE_BYTES = 256 * 1_024;
const FRAME_BYTES = 4_096;
const FRAME_BYTES_MAX = 8 * 1_024 * 1_024;

export const hintStoreActor = defineActor<Message, readonly [HintStoreArguments]>(
  'hints',
  (context, args) => new HintStore(context, args),
  {
    mailbox: { capacity: 1_024 },
  },
);

class HintStore implements HandoffDoor, MarkDoor {
  readonly #context: ActorContext<Message>;
  readonly #args: HintStoreArguments;
  readonly #view: ClusterView;
  readonly #handoff: HintHandoff;
  readonly #repairs: MarkRepairs;
  readonly #out = new OutBuffer(FRAME_BYTES, FRAME_BYTES_MAX);
  readonly #place = new KeyPlace();
  readonly #missed = new MissedAsk();

  constructor(context: ActorContext<Message>, args: HintStoreArguments) {
    this.#context = context;
    this.#args = args;
    this.#view = new ClusterView(args);
    this.#handoff = new HintHandoff(this, { ...args, firstId: context.random.u32() });
    this.#repairs = new MarkRepairs(this, context.random.u32());
    if (args.gossip !== undefined) context.every('again', SUBSCRIBE_MS, { type: 'again' });
    context.every('tick', args.tickMs ?? TICK_MS, { type: 'tick' });
    this.#view.subscribe(context.self);
  }

  receive(message: Message): void {
    switch (message.type) {
      case 'view':
        return this.#view.onView(message);
      case 'tick':
        this.#handoff.tick();
        this.#repairs.tick();
        return this.#args.desk.look(this.#args.replicas.replicas?.hints ?? null);
      case 'wake':
        return this.#handoff.wake();
      case 'again':
        return this.#view.subscribe(this.#context.self);
      case 'page':
        return this.#onPage(message.owner, message.iterator, message.result);
      default:
        unreachable(message);
    }
  }

  receiveBytes(operation: number, bytes: Uint8Array, offset: number, length: number, requestId: number): void {
    const isAnswer = operation === MERGED || operation === MENDED;
    const status = isAnswer ? statusOfAnswer(bytes, offset, offset + length) : `expected MERGED or MENDED, found operation ${operation}`;
    if (typeof status === 'number') {
      if (operation === MERGED) this.#handoff.onMerged(requestId, status);
      else this.#repairs.onMended(requestId, status);
    } else this.#context.log.warn('malformed message refused', { operation, fault: status });
  }

  topology(): ReturnType<ClusterView['topology']> {
    return this.#view.topology();
  }

  isReachable(member: number): boolean {
    return this.#view.isHere(member) || this.#view.isReachable(member);
  }

  /** Nobody, as long as it is not known. */
  owners(): readonly Id[] {
    const hints = this.#args.replicas.replicas?.hints;
    return hints?.isCounted === true ? hints.book.owners() : [];
  }

  read(owner: Id, after: Uint8Array | undefined): void {
    const { replicas } = this.#args.replicas;
    if (replicas === null) return this.#handoff.onPage(owner, null);
    const range = hintRangeOf(owner);
    let iterator: EngineIterator;
    let page: readonly Entry[] | typeof LATER;
    try {
      iterator = replicas.iterator(after === undefined ? range : { gt: after, lte: range.lte });
      const tell = this.#context.completion<StorageResult<readonly Entry[]>>((result) => ({ type: 'page', owner, iterator, result }));
      page = iterator.next(PAGE_ENTRIES, PAGE_BYTES, tell);
      // In a turn of its own: whoever asks for a page is in the middle of one.
      if (page !== LATER) tell({ ok: true, value: page });
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#context.log.error('hints could not be read', { why: error.message });
      this.#handoff.onPage(owner, null);
    }
  }

  send(member: number, shard: number, id: number, hint: HintKey, record: Uint8Array): void {
    const topology = this.#view.topology();
    if (topology === null) return;
    const { ring, lists } = topology;
    const out = this.#out;
    const place = this.#place;
    place.keyspace = hint.keyspace;
    place.tokenHigh = hint.tokenHigh;
    place.tokenLow = hint.tokenLow;
    place.changedAt = ring.changedAt[lists.partitionOf(hint.tokenHigh)]!;
    place.generation = ring.generation;
    place.option = DURABILITY_SYNC;
    out.clear();
    if (!place.write(hint.key, 0, hint.key.length, out) || !out.ensure(record.length)) return;
    copyBytes(record, 0, record.length, out.bytes, out.length);
    out.length += record.length;
    this.#view.ref(VNODE_SLOT, member, shard).tellBytes(MERGE, out.bytes, 0, out.length, id, BACKGROUND);
  }

  forget({ key, value }: Entry): void {
    this.#args.replicas.replicas?.hints.forget(key, value);
  }

  /** None, as long as it is not known. */
  marks(): readonly DirtyMark[] {
    const hints = this.#args.replicas.replicas?.hints;
    return hints?.isCounted === true ? hints.dirtyMarks() : [];
  }

  ask(member: number, shard: number, id: number, { keyspace, partition, partitions }: DirtyMark, job: Uint8Array): void {
    const topology = this.#view.topology();
    if (topology === null) return;
    const { ring, lists } = topology;
    const missed = this.#missed;
    missed.keyspace = keyspace;
    missed.tokenHigh = firstHighOf(partition, partitions);
    missed.changedAt = ring.changedAt[lists.partitionOf(missed.tokenHigh)]!;
    missed.generation = ring.generation;
    this.#out.clear();
    missed.write(job, this.#out);
    this.#view.ref(MERKLE_SLOT, member, shard).tellBytes(MISSED, this.#out.bytes, 0, this.#out.length, id, BACKGROUND);
  }

  clear(mark: DirtyMark): void {
    this.#args.replicas.replicas?.hints.clearMark(mark);
  }

  newJob(): Uint8Array {
    return newIncarnation(this.#context.random);
  }

  nowMs(): number {
    return this.#context.clock.now();
  }

  wakeAt(owner: Id, ms: number): void {
    this.#context.after(`wake ${owner}`, Math.max(0, ms - this.#context.clock.now()), { type: 'wake' });
  }

  #onPage(owner: Id, iterator: EngineIterator, result: StorageResult<readonly Entry[]>): void {
    iterator.close();
    if (!result.ok) this.#context.log.error('hints could not be read', { why: result.error.message });
    this.#handoff.onPage(owner, result.ok ? result.value : null);
  }
}
