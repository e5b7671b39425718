/** One segment while it is written: the file, the arena that is its content, and the group that collects in it. */
import type { OpenFile } from '../../runtime/files.ts';
import { encodeOpening, type GroupKind, GroupSeed, type PreviousSegment, sealGroup } from './group.ts';
import type { LogArena } from './log-arena.ts';
import {
  FIRST_GROUP,
  GROUP_CLOSE,
  GROUP_HEADER_BYTES,
  GROUP_MARK,
  GROUP_OPEN,
  SEGMENT_HEAD_BYTES,
  SEGMENT_HEADER_BYTES,
} from './log-format.ts';

/** A file under its name, its header and size on disk, ready to be written to. */
export interface PreparedSegment {
  readonly number: number;
  readonly uid: Uint8Array;
  readonly header: Buffer;
  readonly path: string;
  readonly fileBytes: number;
  /** Bytes from the beginning that have a place on disk. */
  readonly filled: number;
  readonly file: OpenFile;
  /** The same, opened `readWriteSynced`. */
  readonly syncedFile: OpenFile;
}

/**
 * ```
 * [header][open][group]...[group][group][header, records so far]
 *          ^ on disk: synced     ^ written     ^ openOffset      ^ length
 * ```
 */
export class LogSegment {
  readonly prepared: PreparedSegment;
  readonly memtable: LogArena;
  readonly baseSequence: number;
  /** Bytes handed to the operating system. */
  written = SEGMENT_HEADER_BYTES;
  /** Bytes on disk. */
  synced = SEGMENT_HEADER_BYTES;
  /** Where the last sealed group ends. */
  sealed = FIRST_GROUP;
  /** Bytes that have a place on disk, whatever they are. */
  filled: number;
  /** No more is added. */
  ended = false;
  released = false;
  poisoned = false;
  /** The last sealed group says all that is known. */
  marked = true;
  openCount = 0;
  /** Of the next record to be counted. */
  nextSequence: number;
  #openSequence: number;
  readonly #firstSequence: number;
  readonly #seed: GroupSeed;
  /** Place of the header of the group that collects; -1: there is no room for one. */
  #openOffset: number;

  constructor(prepared: PreparedSegment, memtable: LogArena, baseSequence: number, firstSequence: number) {
    this.prepared = prepared;
    this.filled = prepared.filled;
    this.memtable = memtable;
    this.baseSequence = baseSequence;
    this.nextSequence = firstSequence;
    this.#openSequence = firstSequence;
    this.#firstSequence = firstSequence;
    this.#seed = new GroupSeed(prepared.uid);
    memtable.reserve(FIRST_GROUP);
    memtable.arena.bytes.set(prepared.header, 0);
    this.#openOffset = memtable.reserve(GROUP_HEADER_BYTES);
  }

  /** Whether any group was sealed. */
  get used(): boolean {
    return this.sealed > FIRST_GROUP;
  }

  /** Whether a mark can be sealed: nothing collects, and there is a place. */
  get markable(): boolean {
    return !this.marked && !this.ended && this.openCount === 0 && this.#openOffset >= 0;
  }

  /** Ends the group that collects; the next begins behind it. Requires: not empty (or a mark), and all earlier ones are sealed. Returns its end. */
  seal(kind: GroupKind): number {
    const { memtable } = this;
    const at = this.#openOffset;
    const end = memtable.length;
    sealGroup(memtable.arena.bytes, at, end, this.#seed, at, kind, this.openCount, this.#openSequence, this.synced);
    this.sealed = end;
    this.marked = kind === GROUP_MARK;
    this.openCount = 0;
    this.#openSequence = this.nextSequence;
    this.#openOffset = this.ended ? -1 : memtable.reserve(GROUP_HEADER_BYTES);
    // What is left is too little for a header: taken, so that nothing can be added that would be in no group.
    if (this.#openOffset < 0 && !this.ended) memtable.reserve(memtable.arena.bytes.length - memtable.length);
    return end;
  }

  /** The opening group. Requires: nothing is written yet. */
  open(previous: PreviousSegment | undefined): void {
    const at = SEGMENT_HEADER_BYTES;
    const { bytes } = this.memtable.arena;
    encodeOpening({ baseSequence: this.baseSequence, previous }, bytes, at + GROUP_HEADER_BYTES);
    sealGroup(bytes, at, FIRST_GROUP, this.#seed, at, GROUP_OPEN, 0, this.#firstSequence, this.synced);
  }

  /** The closing group, for the place where the written ones end, and the opening one where it is missing. It is no part of the arena, which may be full. */
  closing(previous: PreviousSegment | undefined): Buffer[] {
    const opened = this.written >= FIRST_GROUP;
    if (!opened) this.open(previous);
    const bytes = Buffer.alloc(GROUP_HEADER_BYTES);
    const at = opened ? this.written : FIRST_GROUP;
    sealGroup(bytes, 0, GROUP_HEADER_BYTES, this.#seed, at, GROUP_CLOSE, 0, this.nextSequence, this.synced);
    return opened ? [bytes] : [this.memtable.arena.bytes.subarray(SEGMENT_HEADER_BYTES, FIRST_GROUP), bytes];
  }

  /** What the next segment says of this one. */
  asPrevious(): PreviousSegment {
    return { number: this.prepared.number, uid: this.prepared.uid, end: this.written, synced: this.synced };
  }
}

/** Behind its first bytes nothing was filled in ahead. */
export function isHole({ filled, prepared }: LogSegment): boolean {
  return filled === SEGMENT_HEAD_BYTES && filled < prepared.fileBytes;
}

/** All that was written, where anything was, is on disk, and all that was sealed was written. */
export function isOnDisk(segment: LogSegment): boolean {
  return segment.synced === segment.written && (segment.written === segment.sealed || !segment.used);
}
