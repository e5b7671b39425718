/** MemoryStore: an engine's keys as a sorted list, and merges of records in it: a replica for tests and benches of repair, of which a million keys cost little. */

import type { WriteMarks } from '../../../actors/repair/dirty-marks.ts';
import type { Readable } from '../../../actors/repair/range-reads.ts';
import { ENGINE_KEY_PREFIX_BYTES, engineKeyOf } from '../../../actors/store/engine-key.ts';
import { MERGE_IN, type ReplicaCall } from '../../../actors/store/replica-call.ts';
import { ANCESTOR, CONCURRENT, compare, merge } from '../../../actors/version/merge.ts';
import { RecordView } from '../../../actors/version/record-view.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { type EngineIterator, type Entry, type KeyRange, LATER } from '../../../storage/engine/api.ts';
import { StorageError } from '../../../storage/errors.ts';

export class MemoryStore implements Readable {
  isStalled = false;
  /** Sorted by key. */
  entries: Entry[] = [];
  /** Reading it is an error. */
  damaged: string | undefined;
  /** To be called, by whoever lets time pass. */
  readonly later: (() => void)[] = [];
  /** Iterators that are open, and that were made. */
  open = 0;
  made = 0;
  readonly #marks: WriteMarks;
  readonly #out = new OutBuffer(4_096, 16 * 1_024 * 1_024);

  constructor(marks: WriteMarks) {
    this.#marks = marks;
  }

  put(keyspace: number, high: number, low: number, key: Uint8Array, record: Uint8Array): void {
    const engineKey = engineKeyOf(keyspace, high, low, key);
    const at = this.#find(engineKey);
    const entry = { key: engineKey, value: record };
    this.#marks.mark(keyspace, high);
    // Iterators show the moment when they were made.
    if (this.open > 0) this.entries = [...this.entries];
    if (this.#isAt(at, engineKey)) this.entries[at] = entry;
    else this.entries.splice(at, 0, entry);
  }

  get(engineKey: Uint8Array): Uint8Array | undefined {
    const at = this.#find(engineKey);
    return this.#isAt(at, engineKey) ? this.entries[at]!.value : undefined;
  }

  /** READ_LOCAL and MERGE_IN. */
  run({ verb, keyspace, tokenHigh, tokenLow, key, keyStart, keyEnd, bytes, start, end, sink, token }: ReplicaCall): void {
    const own = Uint8Array.prototype.slice.call(key, keyStart, keyEnd);
    const held = this.get(engineKeyOf(keyspace, tokenHigh, tokenLow, own));
    const local = new RecordView();
    if (held !== undefined) local.open(held, 0, held.length);
    if (verb !== MERGE_IN) return sink.found(token, local);
    const incoming = new RecordView();
    incoming.open(bytes, start, end);
    const order = compare(local, incoming);
    if (order === ANCESTOR) this.put(keyspace, tokenHigh, tokenLow, own, Uint8Array.prototype.slice.call(bytes, start, end));
    if (order === CONCURRENT) {
      this.#out.clear();
      merge(local, incoming, this.#out);
      this.put(keyspace, tokenHigh, tokenLow, own, Uint8Array.prototype.slice.call(this.#out.bytes, 0, this.#out.length));
    }
    sink.stored(token);
  }

  iterator({ gte, gt, lt }: KeyRange): EngineIterator {
    this.open++;
    this.made++;
    let at = this.#find((gte ?? gt)!);
    if (gt !== undefined && this.#isAt(at, gt)) at++;
    const snapshot = this.entries;
    let isOpen = true;
    return {
      next: (count, _bytes, done) => {
        const found: Entry[] = [];
        while (found.length < count && at < snapshot.length && Buffer.compare(snapshot[at]!.key, lt!) < 0) {
          const { key } = snapshot[at]!;
          if (Buffer.from(key.subarray(ENGINE_KEY_PREFIX_BYTES)).toString() === this.damaged) {
            if (found.length > 0) return found;
            this.later.push(() => done({ ok: false, error: new StorageError('CORRUPTION', 'a block is damaged') }));
            return LATER;
          }
          found.push(snapshot[at++]!);
        }
        return found;
      },
      seek() {},
      close: () => {
        if (isOpen) this.open--;
        isOpen = false;
      },
    };
  }

  /** Where it is, or would be. */
  #find(key: Uint8Array): number {
    let [from, to] = [0, this.entries.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (Buffer.compare(this.entries[middle]!.key, key) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #isAt(at: number, key: Uint8Array): boolean {
    return at < this.entries.length && Buffer.compare(this.entries[at]!.key, key) === 0;
  }
}
