/** Reads what `ByteWriter` wrote, of bytes from a peer or a file of ours: whatever can't be is a RuntimeError PROTOCOL that says where, what was expected and what was found. */
import { RuntimeError } from '../../runtime/errors.ts';

export class RingReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  u8(field: string): number {
    this.#need(1, field);
    return this.#bytes[this.#at++]!;
  }

  /** A varint of at most `max`. */
  varint(field: string, max: number): number {
    let value = 0;
    let unit = 1;
    for (;;) {
      const byte = this.u8(field);
      value += (byte & 0x7f) * unit;
      if (value > max || unit > 2 ** 49) throw this.bad(field, `at most ${max}`, value > max ? `${value}` : 'a longer varint');
      if (byte >= 0x80) unit *= 0x80;
      else if (byte === 0 && unit > 1) throw this.bad(field, 'the shortest form of a varint', 'a longer one');
      else return value;
    }
  }

  /** A count of things of which each takes at least one byte: so no more is allocated than came. */
  count(field: string, max: number): number {
    const count = this.varint(field, max);
    this.#need(count, field);
    return count;
  }

  id(field: string): string {
    return hex(this.#take(16, field));
  }

  ids(field: string, max: number): string[] {
    return Array.from({ length: this.count(field, max) }, () => this.id(field));
  }

  hash(field: string): string {
    return hex(this.#take(8, field));
  }

  /** ASCII of `form`. */
  text(field: string, form: RegExp, bytesMax: number): string {
    const bytes = this.#take(this.varint(field, bytesMax), field);
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    if (!form.test(text)) throw this.bad(field, `${form.source}`, JSON.stringify(text));
    return text;
  }

  /** One of `values`, written as its place among them. */
  one<T>(field: string, values: readonly T[]): T {
    const at = this.u8(field);
    if (at >= values.length) throw this.bad(field, `a number below ${values.length}`, `${at}`);
    return values[at]!;
  }

  isTrue(field: string): boolean {
    return this.one(field, [false, true]);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  ended(): void {
    if (this.#at !== this.#bytes.length) throw this.bad('end', 'nothing more', `${this.#bytes.length - this.#at} bytes`);
  }

  bad(field: string, expected: string, found: string): RuntimeError {
    return new RuntimeError('PROTOCOL', `${this.#what} at ${this.#at}: ${field}: expected ${expected}, found ${found}`);
  }

  #take(count: number, field: string): Uint8Array {
    this.#need(count, field);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  #need(count: number, field: string): void {
    const left = this.#bytes.length - this.#at;
    if (count > left) throw this.bad(field, `${count} more bytes`, `${left}`);
  }
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
