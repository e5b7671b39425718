/**
 * RangeReads: reads ranges of a shard's own engine for repair, in slices within turns. No actor: MerkleActor calls `slice` when its timer says so.
 *
 * ```
 *   read --> waits in line --> a slice: some entries --(not at the end)--> to the end of the line, other work between --> the next slice
 *                                |  a block has to be read: on when it is here
 *                                '--(end of the range, enough, fault)--> ended
 * ```
 * Why not in the pool: a tree is of what the replica answers with, of which the newest is in the memtable of this thread; and a slice is short: it ends with the step in which SLICE_MS are over, and has
 * SLICE_KEYS keys of SLICE_STEPS ranges at most. Why not by keys alone: what is done at the end of a range takes as long as many keys do, and all of it longer before V8 has compiled it. An iterator is made when a read gets to its
 * turn, lives to the end of the read, and shows one moment.
 */
import { type EngineIterator, type Entry, type KeyRange, LATER } from '../../storage/engine/api.ts';
import { StorageError, type StorageResult } from '../../storage/errors.ts';
import { LOADING, STORAGE_FAILED } from '../store/store-request.ts';

/** What of Replicas is needed here. */
export interface Readable {
  /** Writes wait for room: a read would miss them. */
  readonly isStalled: boolean;
  iterator(range: KeyRange): EngineIterator;
}

export interface Fault {
  /** LOADING or STORAGE_FAILED. */
  readonly status: number;
  readonly message: string;
}

export interface RangeSink {
  /** The next one, its bytes its own. Returns false: it and what follows are not wanted. */
  entry(key: Uint8Array, value: Uint8Array): boolean;
  /** Once, at last. */
  ended(fault: Fault | undefined): void;
}

const SLICE_MS = 0.5;
const SLICE_KEYS = 128;
/** Of one range at once, between two looks at the clock. */
const STEP_KEYS = 32;
const STEP_BYTES = 131_072;
/** Most ranges are short, or empty. */
const SLICE_STEPS = 16;
/** Of a line: who has an iterator is among the first so many. */
const ACTIVE_MAX = 4;

class Read {
  readonly range: KeyRange;
  readonly sink: RangeSink;
  iterator: EngineIterator | undefined;
  isReading = false;
  result: StorageResult<readonly Entry[]> | undefined;

  constructor(range: KeyRange, sink: RangeSink) {
    this.range = range;
    this.sink = sink;
  }
}

export class RangeReads {
  readonly #replicas: () => Readable | null;
  readonly #wake: () => void;
  readonly #nowMs: () => number;
  readonly #mutants: ReadonlySet<string> | undefined;
  /** Of short reads, that somebody waits for, and of long ones. */
  readonly #lines: readonly [Read[], Read[]] = [[], []];
  #isLongNext = false;
  /** Entries read since the start. */
  keys = 0;

  /** `wake`: `slice` is to be called; may be called at any time. `replicas`: null: not open. */
  constructor(replicas: () => Readable | null, wake: () => void, nowMs: () => number, mutants?: ReadonlySet<string>) {
    this.#replicas = replicas;
    this.#wake = wake;
    this.#nowMs = nowMs;
    this.#mutants = mutants;
  }

  get count(): number {
    return this.#lines[0].length + this.#lines[1].length;
  }

  /** `isLong`: one of many, for which others don't wait. */
  read(range: KeyRange, sink: RangeSink, isLong = false): void {
    this.#lines[isLong ? 1 : 0].push(new Read(range, sink));
    this.#wake();
  }

  /** A slice of what can go on, of as many reads as its time and its keys suffice for, and at least a step of one. Returns whether something is left then. */
  slice(): boolean {
    const end = this.keys + SLICE_KEYS;
    const endMs = this.#nowMs() + SLICE_MS;
    for (let step = 0; step < SLICE_STEPS && this.keys < end; step++) {
      if (!this.#one(Math.min(STEP_KEYS, end - this.keys))) return false;
      if (this.#nowMs() >= endMs) return true;
    }
    return true;
  }

  /** Of one read, `most` keys: short and long ones take turns. */
  #one(most: number): boolean {
    const line = this.#lineOf(this.#isLongNext) ?? this.#lineOf(!this.#isLongNext);
    if (line === undefined) return false;
    this.#isLongNext = line === this.#lines[0];
    const [read] = line.splice(
      line.findIndex(({ isReading }) => !isReading),
      1,
    );
    const replicas = this.#replicas();
    if (replicas === null) this.#end(read!, { status: LOADING, message: 'the replicas of this shard are not open' });
    else if (read!.iterator === undefined && replicas.isStalled && !this.#mutants?.has('unheldUnread')) line.push(read!);
    else this.#step(read!, replicas, line, most);
    return this.#lineOf(false) !== undefined || this.#lineOf(true) !== undefined;
  }

  close(): void {
    for (const line of this.#lines)
      for (const read of line.splice(0)) this.#end(read, { status: LOADING, message: 'the replicas of this shard are closing' });
  }

  /** Undefined: nothing in it can go on. */
  #lineOf(isLong: boolean): Read[] | undefined {
    const line = this.#lines[isLong ? 1 : 0];
    const at = line.findIndex(({ isReading }) => !isReading);
    return at < 0 || at >= ACTIVE_MAX ? undefined : line;
  }

  #step(read: Read, replicas: Readable, line: Read[], most: number): void {
    const { result } = read;
    read.result = undefined;
    let entries: readonly Entry[] | typeof LATER;
    if (result === undefined) {
      try {
        read.iterator ??= replicas.iterator(read.range);
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        return this.#end(read, faultOf(error));
      }
      entries = read.iterator.next(most, STEP_BYTES, (later) => {
        read.isReading = false;
        read.result = later;
        this.#wake();
      });
    } else if (result.ok) {
      entries = result.value;
    } else {
      return this.#end(read, this.#mutants?.has('damageIsEnd') ? undefined : faultOf(result.error));
    }
    if (entries === LATER) {
      read.isReading = true;
      line.splice(ACTIVE_MAX - 1, 0, read);
      return;
    }
    if (entries.length === 0) return this.#end(read, undefined);
    for (const { key, value } of entries) {
      this.keys++;
      if (!read.sink.entry(key, value)) return this.#end(read, undefined);
    }
    line.splice(ACTIVE_MAX - 1, 0, read);
  }

  #end({ iterator, sink }: Read, fault: Fault | undefined): void {
    iterator?.close();
    sink.ended(fault);
  }
}

function faultOf({ code, message }: StorageError): Fault {
  const isClosing = code === 'CANCELLED' || code === 'CLOSED';
  return { status: isClosing ? LOADING : STORAGE_FAILED, message: `${code}: ${message}` };
}
