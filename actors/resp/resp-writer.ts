/**
 * RespWriter: replies as bytes, RESP2 or RESP3, appended to an OutBuffer. What only RESP3 has is written as the nearest of RESP2: a map as an array of keys and
 * values, null as the null bulk string, a boolean as 0 or 1. Source: [RESP, the protocol specification of Redis].
 */
import { copyBytes, type OutBuffer } from '../../runtime/bytes.ts';

export class RespWriter {
  /** Where replies go now. */
  out: OutBuffer;
  protocol: 2 | 3 = 2;
  /** A reply didn't fit below the buffer's cap; the connection can't go on. */
  isFull = false;

  constructor(out: OutBuffer) {
    this.out = out;
  }

  ok(): void {
    if (!this.#ensure(5)) return;
    const { bytes, length } = this.out;
    bytes[length] = 43;
    bytes[length + 1] = 79;
    bytes[length + 2] = 75;
    bytes[length + 3] = 13;
    bytes[length + 4] = 10;
    this.out.length = length + 5;
  }

  /** Requires: no line break in `text`. */
  simple(text: string): void {
    this.#line(43, text);
  }

  /** `text` begins with its code in capitals. Line breaks and what is not ASCII are replaced: part of it may be what a client sent. */
  error(text: string): void {
    this.#line(45, text.replace(/[^\x20-\x7e]/g, '?'));
  }

  integer(value: number): void {
    this.#head(58, value);
  }

  bulk(bytes: Uint8Array, start: number, end: number): void {
    const count = end - start;
    if (!this.#ensure(count + 26)) return;
    this.#head(36, count);
    const { out } = this;
    copyBytes(bytes, start, end, out.bytes, out.length);
    out.length += count;
    this.#crlf();
  }

  /** As UTF-8. */
  bulkText(text: string): void {
    const count = Buffer.byteLength(text);
    if (!this.#ensure(count + 26)) return;
    this.#head(36, count);
    this.out.length += this.out.bytes.write(text, this.out.length);
    this.#crlf();
  }

  null(): void {
    if (this.protocol === 3) this.#line(95, '');
    else this.#line(36, '-1');
  }

  boolean(value: boolean): void {
    if (this.protocol === 3) this.#line(35, value ? 't' : 'f');
    else this.integer(value ? 1 : 0);
  }

  /** `count` elements follow. */
  array(count: number): void {
    this.#head(42, count);
  }

  /** `count` pairs of key and value follow. */
  map(count: number): void {
    if (this.protocol === 3) this.#head(37, count);
    else this.#head(42, 2 * count);
  }

  /** `count` elements follow. */
  set(count: number): void {
    this.#head(this.protocol === 3 ? 126 : 42, count);
  }

  #line(type: number, text: string): void {
    if (!this.#ensure(text.length + 3)) return;
    const { out } = this;
    out.bytes[out.length++] = type;
    out.length += out.bytes.write(text, out.length, 'latin1');
    this.#crlf();
  }

  /** Requires: an integer up to 2^53 - 1. */
  #head(type: number, value: number): void {
    if (!this.#ensure(24)) return;
    const { out } = this;
    const { bytes } = out;
    bytes[out.length++] = type;
    let rest = value;
    if (rest < 0) {
      bytes[out.length++] = 45;
      rest = -rest;
    }
    let digits = 1;
    for (let power = 10; rest >= power; power *= 10) digits++;
    const end = out.length + digits;
    for (let at = end - 1; at >= out.length; at--) {
      bytes[at] = 48 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    out.length = end;
    this.#crlf();
  }

  /** Requires: room. */
  #crlf(): void {
    const { out } = this;
    out.bytes[out.length] = 13;
    out.bytes[out.length + 1] = 10;
    out.length += 2;
  }

  #ensure(count: number): boolean {
    if (this.out.ensure(count)) return true;
    this.isFull = true;
    return false;
  }
}
