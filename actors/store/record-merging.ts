/** RecordMerging: merges what replicas say into the record of a request's slot, and computes digests. Holds views that are used again and again. */
import { copyBytes, OutBuffer } from '../../runtime/bytes.ts';
import { u32At } from '../../storage/byte-reader.ts';
import { putU16 } from '../../storage/byte-writer.ts';
import { DIGEST_BYTES, writeDigest } from '../version/digest.ts';
import { ANCESTOR, CONCURRENT, compare, merge, NO_ROOM } from '../version/merge.ts';
import { reduceToNewest } from '../version/newest.ts';
import { ENTRY_BYTES, RECORD_HEADER_BYTES, RECORD_SIBLINGS } from '../version/record-format.ts';
import { RecordView } from '../version/record-view.ts';
import type { RequestTable } from './request-table.ts';

export class RecordMerging {
  /** Of the last `digest`. */
  low = 0;
  high = 0;
  readonly #table: RequestTable;
  readonly #mutants: ReadonlySet<string>;
  readonly #mine = new RecordView();
  readonly #theirs = new RecordView();
  readonly #digest = new OutBuffer(16, 16);

  constructor(table: RequestTable, mutants: ReadonlySet<string> = new Set()) {
    this.#table = table;
    this.#mutants = mutants;
  }

  /** The record of the slot; cleared where there is none. */
  view(slot: number, into: RecordView): RecordView {
    const start = this.#table.recordStarts[slot]!;
    const end = this.#table.recordEnds[slot]!;
    if (start === end) into.clear();
    else into.open(this.#table.bufferOf(slot).bytes, start, end);
    return into;
  }

  digest(view: RecordView): void {
    const out = this.#digest;
    out.clear();
    writeDigest(view, out);
    this.low = u32At(out.bytes, 0) | 0;
    this.high = u32At(out.bytes, DIGEST_BYTES - 4) | 0;
  }

  digestOf(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) this.#theirs.clear();
    else this.#theirs.open(bytes, start, end);
    this.digest(this.#theirs);
  }

  /** The slot's record becomes these bytes. Returns false when there is no room. */
  take(slot: number, bytes: Uint8Array, start: number, end: number): boolean {
    const out = this.#table.bufferOf(slot);
    if (!out.ensure(end - start)) return false;
    const at = out.length;
    copyBytes(bytes, start, end, out.bytes, at);
    out.length = at + end - start;
    this.#table.recordStarts[slot] = at;
    this.#table.recordEnds[slot] = out.length;
    return true;
  }

  /** The slot has no record any more. */
  drop(slot: number): void {
    this.#table.recordStarts[slot] = 0;
    this.#table.recordEnds[slot] = 0;
  }

  /** Merges a checked record, empty where the replica has none, into the slot's. `isLww`: only the newest sibling stays. Returns false when there is no room. */
  add(slot: number, bytes: Uint8Array, start: number, end: number, isLww: boolean): boolean {
    if (start === end) return true;
    const mine = this.view(slot, this.#mine);
    this.#theirs.open(bytes, start, end);
    const order = compare(mine, this.#theirs);
    if (order === ANCESTOR) return this.take(slot, bytes, start, end);
    if (order !== CONCURRENT || this.#mutants.has('firstRecordTaken')) return true;
    const out = this.#table.bufferOf(slot);
    let at = out.length;
    if (merge(mine, this.#theirs, out) === NO_ROOM) return false;
    if (isLww) {
      const mergedEnd = out.length;
      this.#mine.open(out.bytes, at, mergedEnd);
      if (!reduceToNewest(this.#mine, out)) return false;
      at = mergedEnd;
    }
    this.#table.recordStarts[slot] = at;
    this.#table.recordEnds[slot] = out.length;
    return true;
  }

  /** The slot's record, as read, becomes the context of its write: its version vector alone, behind what the client sent. Returns false when there is no room. */
  becomeContext(slot: number): boolean {
    const table = this.#table;
    const out = table.bufferOf(slot);
    const mine = this.view(slot, this.#mine);
    const vectorBytes = mine.entries === 0 ? 0 : RECORD_HEADER_BYTES + mine.entries * ENTRY_BYTES;
    if (!out.ensure(vectorBytes)) return false;
    const at = out.length;
    copyBytes(out.bytes, mine.start, mine.start + vectorBytes, out.bytes, at);
    if (vectorBytes > 0) putU16(out.bytes, at + RECORD_SIBLINGS, 0);
    out.length = at + vectorBytes;
    table.readContextStarts[slot] = at;
    table.readContextEnds[slot] = out.length;
    this.drop(slot);
    return true;
  }
}
