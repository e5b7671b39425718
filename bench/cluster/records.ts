/**
 * What the generator knows of the records it wrote, to judge what it reads. Sound whatever the order in which overlapping writes take effect: only a
 * write that had no other of its key under way when it began, and was confirmed, raises the floor of its key; a read that begins later must find it
 * or a newer one.
 */
import type { Operation } from './operation.ts';
import type { ValueFormat } from './pair-format.ts';

export type Verdict = 'right' | 'missing' | 'wrong' | 'stale';

export class Records {
  readonly #format: ValueFormat;
  readonly #isStrict: boolean;
  #stamp = 0;
  #next = 0;
  #present = 0;
  #floors = new Uint32Array(65_536);
  #writers = new Uint16Array(65_536);
  #confirmed = new Uint8Array(65_536);

  /** `isStrict`: older values than the floor are errors. */
  constructor(format: ValueFormat, isStrict: boolean) {
    this.#format = format;
    this.#isStrict = isStrict;
  }

  /** Keys 0 .. present-1 are confirmed to be there. */
  get present(): number {
    return this.#present;
  }

  beginInsert(operation: Operation): void {
    operation.key = this.#next++;
    if (operation.key >= this.#floors.length) this.#grow();
    this.beginWrite(operation);
  }

  /** A write of `operation.key`. */
  beginWrite(operation: Operation): void {
    const { key } = operation;
    operation.stamp = ++this.#stamp;
    operation.isAlone = this.#writers[key] === 0;
    this.#writers[key]!++;
  }

  /** A write that failed may yet take effect: it counts as under way for ever. */
  endWrite({ key, stamp, isAlone }: Operation, isDone: boolean): void {
    if (!isDone) return;
    this.#writers[key]!--;
    if (isAlone) this.#floors[key] = stamp;
    this.#confirmed[key] = 1;
    while (this.#present < this.#next && this.#confirmed[this.#present] === 1) this.#present++;
  }

  beginRead(operation: Operation): void {
    operation.floor = this.#floors[operation.key]!;
  }

  judge({ key, floor }: Operation, bytes: Buffer | undefined, from: number, to: number): Verdict {
    if (bytes === undefined) return 'missing';
    const stamp = this.#format.stampOf(bytes, from, to, key);
    if (stamp < 0) return 'wrong';
    return this.#isStrict && stamp < floor ? 'stale' : 'right';
  }

  /** Of a row of a scan, which may have been inserted since. */
  isValueOf(key: number, bytes: Buffer, from: number, to: number): boolean {
    return this.#format.stampOf(bytes, from, to, key) >= 0;
  }

  #grow(): void {
    const length = this.#floors.length * 2;
    const floors = new Uint32Array(length);
    const writers = new Uint16Array(length);
    const confirmed = new Uint8Array(length);
    floors.set(this.#floors);
    writers.set(this.#writers);
    confirmed.set(this.#confirmed);
    this.#floors = floors;
    this.#writers = writers;
    this.#confirmed = confirmed;
  }
}
