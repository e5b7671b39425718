/**
 * Hints: what the replicas of a shard hold for others: writes that a primary could not take, each with whom it is for, merged where several of one key are for one owner. They lie in
 * the shard's engine (hint-key.ts) and go through the same read-merge-write as its own records, so they are as durable as the write asks and are there after a start.
 *
 * Over the cap a write is not held: it is refused, which never counts, and its partition gets a dirty mark, by which repair knows what to look at. What was held, and may have been
 * counted, is never dropped for room.
 *
 * No actor: `Replicas` owns it, and its owner calls everything within its turns.
 */
import type { Random } from '../../runtime/doors.ts';
import { type EngineIterator, type Entry, LATER, type WriteDone } from '../../storage/engine/api.ts';
import type { Engine } from '../../storage/engine/engine.ts';
import type { StorageResult } from '../../storage/errors.ts';
import type { Id } from '../ring/ring-state.ts';
import { partitionOf } from '../ring/token.ts';
import { ENGINE_KEY_PREFIX_BYTES, engineKeyOf } from '../store/engine-key.ts';
import { FORGET, fail, READ_LOCAL, ReplicaCall, type ReplicaSink } from '../store/replica-call.ts';
import { INVALID, LOADING, OVERLOADED } from '../store/store-request.ts';
import { RecordView } from '../version/record-view.ts';
import { HintBook, type HintLimits } from './hint-book.ts';
import {
  type DirtyMark,
  HINT_KEY_BYTES_MAX,
  HINT_TAG,
  hintsAndMarks,
  markKey,
  OWNER_BYTES,
  ownerBytes,
  ownerText,
  putHintKey,
  readHintKey,
  readMarkKey,
} from './hint-key.ts';
import { HintRead } from './hint-read.ts';
import { type Dots, StandInDots } from './stand-in-dots.ts';

export interface HintsOptions extends HintLimits {
  readonly random: Random;
  /** Called outside of turns: `drain` is to be called in one. */
  readonly ring: () => void;
  /** Performs a call on the key that it says. */
  readonly run: (call: ReplicaCall) => void;
  /** Of the present ring; 0: there is none. */
  readonly partitions: () => number;
  /** Told of each hint that is about to be deleted, as the engine has it: for checkers. */
  readonly hintForgotten?: (engineKey: Uint8Array, record: Uint8Array) => void;
  /** Planted bugs: hintsNotCountedAtStart, hintForgottenThoughChanged, and those of StandInDots. */
  readonly mutants?: ReadonlySet<string>;
}

const PAGE_ENTRIES = 256;
const PAGE_BYTES = 256 * 1024;
const INITIAL_KEY_BYTES = 256;

export class Hints {
  #book: HintBook;
  readonly #options: HintsOptions;
  readonly #dots: StandInDots;
  readonly #call = new ReplicaCall();
  readonly #empty = new RecordView();
  readonly #marks = new Map<string, DirtyMark>();
  #key = Buffer.alloc(INITIAL_KEY_BYTES);
  #engine: Engine | null = null;
  #counting: EngineIterator | null = null;
  #page: StorageResult<readonly Entry[]> | undefined;
  #isCounted = false;
  #isWrong = false;
  #fault: string | undefined;
  #collapsed = 0;
  #forgotten = 0;

  constructor(options: HintsOptions) {
    this.#options = options;
    this.#book = new HintBook(options);
    this.#dots = new StandInDots(options.random, options.mutants);
    this.#empty.clear();
  }

  /** Of another object, when it had to be counted again. */
  get book(): HintBook {
    return this.#book;
  }

  /** What was there before the start is known; until then nobody is told that nothing is held. */
  get isCounted(): boolean {
    return this.#isCounted;
  }

  stats(): Readonly<Record<string, number>> {
    const { count, bytes } = this.book;
    return {
      hints: Math.max(0, count),
      hintBytes: Math.max(0, bytes),
      hintsHandedOver: this.#forgotten,
      hintsCollapsed: this.#collapsed,
      dirtyMarks: this.#marks.size,
    };
  }

  /** Begins to count what is there. Nothing is written before. */
  open(engine: Engine): void {
    this.#engine = engine;
    this.#counting = engine.iterator(hintsAndMarks());
    this.#count();
  }

  /** A write or deletion has failed: what is there may be more or less than what was counted. */
  mayBeWrong(): void {
    this.#isWrong = true;
  }

  close(): void {
    this.#counting?.close();
    this.#counting = null;
    this.#engine = null;
  }

  drain(): void {
    // What waits for room is counted and can't be read yet.
    if (this.#isWrong && this.#engine?.hasWaitingWrites === false) return this.#recount(this.#engine);
    const page = this.#page;
    if (page === undefined) return;
    this.#page = undefined;
    if (page.ok) this.#add(page.value);
    else {
      this.#fault = page.error.message;
      this.#isWrong = true;
    }
    if (page.ok && page.value.length > 0) this.#count();
  }

  /** Of a key as `call.owner`'s stand-in, or of all that is held of it (READ_LOCAL). Requires: it is open. */
  run(call: ReplicaCall): void {
    if (call.verb === READ_LOCAL) return this.#read(call);
    const owner = ownerText(call.owner, 0);
    const bytes = call.keyEnd - call.keyStart + call.end - call.start;
    if (call.keyEnd - call.keyStart > HINT_KEY_BYTES_MAX) {
      this.#collapse(owner, call);
      return fail(call, INVALID, `hint: expected a key of at most ${HINT_KEY_BYTES_MAX} bytes`);
    }
    if (!this.book.hasRoom(owner, bytes)) {
      this.#collapse(owner, call);
      return fail(call, OVERLOADED, `hints: ${this.book.bytesOf(owner)} bytes are held for ${owner}, and ${this.book.bytes} in all`);
    }
    this.#runOn(call, call.owner, call.sink, call.token);
  }

  /** Deletes a hint, if it is still this very record. Requires: it is open. */
  forget(engineKey: Uint8Array, record: Uint8Array): void {
    const call = new ReplicaCall();
    call.verb = FORGET;
    call.tokenHigh = HINT_TAG;
    call.key = engineKey;
    call.keyStart = ENGINE_KEY_PREFIX_BYTES;
    call.keyEnd = engineKey.length;
    call.bytes = record;
    call.end = record.length;
    this.#options.run(call);
  }

  /** Within a FORGET: whether what is held is what was given away. Then it counts no more, and its owner's dots go on under another name. */
  mayForget(call: ReplicaCall, held: RecordView): boolean {
    const owner = ownerText(call.key, call.keyStart);
    if (held.entries === 0) return false;
    const isSame = equalBytes(call, held) || this.#options.mutants?.has('hintForgottenThoughChanged') === true;
    if (!isSame) return false;
    this.#dots.retire(owner);
    this.book.change(owner, -1, -(call.keyEnd - call.keyStart) - (held.end - held.start));
    this.#forgotten++;
    const { hintForgotten } = this.#options;
    if (hintForgotten !== undefined)
      hintForgotten(engineKeyOf(0, HINT_TAG, 0, viewOf(call.key, call.keyStart, call.keyEnd)), viewOf(held.bytes, held.start, held.end));
    return true;
  }

  /** Within a write: a record of `before` bytes, 0 for none, is followed by one of `after`. */
  changed({ key, keyStart, keyEnd }: ReplicaCall, before: number, after: number): void {
    const isNew = before === 0;
    this.book.change(ownerText(key, keyStart), isNew ? 1 : 0, after - before + (isNew ? keyEnd - keyStart : 0));
  }

  /** Within a COORDINATE. */
  dotsOf({ key, keyStart }: ReplicaCall): Dots {
    return this.#dots.of(ownerText(key, keyStart));
  }

  /** Where writes were refused that nobody may hold for their owner: on disk, until `clearMark`. */
  dirtyMarks(): readonly DirtyMark[] {
    return [...this.#marks.values()];
  }

  /** The partition was repaired, by exchanges that began after `dirtyMarks` gave that very mark. Nothing is cleared where more was missed since: then it is another one. */
  clearMark(mark: DirtyMark): void {
    const key = markKey(mark);
    if (this.#marks.get(nameOf(key)) !== mark) return;
    this.#marks.delete(nameOf(key));
    this.#engine?.delete(key, 'sync', NOTHING);
  }

  /** Nobody holds a write of that partition for `owner`. */
  #collapse(owner: Id, { keyspace, tokenHigh }: ReplicaCall): void {
    this.#collapsed++;
    const partitions = this.#options.partitions();
    if (partitions === 0) return;
    const mark: DirtyMark = { owner, keyspace, partition: partitionOf(tokenHigh, partitions), partitions };
    const key = markKey(mark);
    const isKnown = this.#marks.has(nameOf(key));
    this.#marks.set(nameOf(key), mark);
    if (isKnown) return;
    this.#engine?.put(key, EMPTY, 'sync', NOTHING);
  }

  #read(call: ReplicaCall): void {
    if (!this.#isCounted) return fail(call, LOADING, this.#fault ?? 'what is held for others is being counted');
    const owners = this.book.owners();
    const { sink, token } = call;
    if (owners.length === 0) return sink.found(token, this.#empty);
    const read = new HintRead(sink, token, owners.length);
    for (const owner of owners) this.#runOn(call, ownerBytes(owner), read, 0);
  }

  /** `call`, of the hint that its key has for that owner. */
  #runOn(call: ReplicaCall, owner: Uint8Array, sink: ReplicaSink, token: number): void {
    const room = call.keyEnd - call.keyStart + 2 * OWNER_BYTES;
    if (this.#key.length < room) this.#key = Buffer.alloc(room * 2);
    const hint = this.#call;
    Object.assign(hint, call);
    hint.key = this.#key;
    hint.keyStart = 0;
    hint.keyEnd = putHintKey(this.#key, owner, call, call.key, call.keyStart, call.keyEnd);
    hint.keyspace = 0;
    hint.tokenHigh = HINT_TAG;
    hint.tokenLow = 0;
    hint.isStandIn = false;
    hint.sink = sink;
    hint.token = token;
    this.#options.run(hint);
  }

  #recount(engine: Engine): void {
    this.#isWrong = false;
    this.#isCounted = false;
    this.#book = new HintBook(this.#options);
    this.#counting?.close();
    this.#page = undefined;
    this.open(engine);
  }

  #count(): void {
    const counting = this.#counting;
    if (counting === null) return;
    const page = counting.next(PAGE_ENTRIES, PAGE_BYTES, (result) => {
      if (counting !== this.#counting) return;
      this.#page = result;
      this.#options.ring();
    });
    if (page === LATER) return;
    this.#page = { ok: true, value: page };
    this.#options.ring();
  }

  #add(entries: readonly Entry[]): void {
    if (entries.length === 0) {
      this.#isCounted = true;
      this.#counting?.close();
      this.#counting = null;
      return;
    }
    if (this.#options.mutants?.has('hintsNotCountedAtStart')) return;
    for (const { key, value } of entries) {
      const hint = readHintKey(key);
      if (hint !== undefined) this.book.change(hint.owner, 1, key.length - ENGINE_KEY_PREFIX_BYTES + value.length);
      const mark = readMarkKey(key);
      if (mark !== undefined) this.#marks.set(nameOf(key), mark);
    }
  }
}

function equalBytes({ bytes, start, end }: ReplicaCall, held: RecordView): boolean {
  return Buffer.compare(viewOf(bytes, start, end), viewOf(held.bytes, held.start, held.end)) === 0;
}

function viewOf(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
}

function nameOf(key: Uint8Array): string {
  return viewOf(key, 0, key.length).toString('latin1');
}

const EMPTY = new Uint8Array(0);
/** A mark that can't be written is still known until the end of the process; the engine has told of its trouble. */
const NOTHING: WriteDone = () => {};
