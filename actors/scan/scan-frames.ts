/**
 * Frames between a scan's coordinator and replicas: SCAN asks a VNodeActor for a page of a range of one partition, PAGE is the answer. Numbers are little-endian.
 *
 * ```
 * SCAN   0  a place head (store/place-head.ts): the token from which on, or behind whose key (scan-position.ts); bytes of the key, 0: none;
 *           as its option, what is wanted of records: 1 heads (their values are left out), 2 all, 3 all, for a replica that copies them (streaming/)
 *       24  u32  high, 28  u32  low half of the last token of the range, of the same partition
 *       32  u16  keys to look at, at most, from 1     34  u16  bytes of the prefix
 *       36  u32  bytes of entries, at most, but for the first one, from 1
 *       40  key, prefix: only keys that begin with it are wanted
 *
 * PAGE   0  u8   status (store-request.ts)      1  3 bytes  zero
 *        status OK:   4  u32  token high    8  u32  token low    12  u16  bytes of the key, 0 at the end    14  u8  1: the range ends here    15  u8  zero
 *                    16  key, then entries (page-entries.ts): all that the replica has up to that key; behind those of a copy a u32, CRC-32 of all before it
 *        any other:   4  a message for people, UTF-8
 * ```
 */
import { copyBytes, type OutBuffer } from '../../runtime/bytes.ts';
import { u16At, u32At } from '../../storage/byte-reader.ts';
import { putU16, putU32 } from '../../storage/byte-writer.ts';
import { crc32Of } from '../../storage/checksum.ts';
import { ANSWER_HEAD_BYTES, beginAnswer } from '../store/data-frames.ts';
import { STORE_KEY_BYTES_MAX } from '../store/engine-key.ts';
import { PlaceHead } from '../store/place-head.ts';
import { OK } from '../store/store-request.ts';
import { faultOfEntries } from './page-entries.ts';
import { NO_KEY, type ScanPosition } from './scan-position.ts';

export const WANT_HEADS = 1;
export const WANT_RECORDS = 2;
export const WANT_COPY = 3;
export type ScanWish = typeof WANT_HEADS | typeof WANT_RECORDS | typeof WANT_COPY;

const SCAN_HEAD_BYTES = 40;
const PAGE_HEAD_BYTES = 16;
const CHECKSUM_BYTES = 4;

/** What a SCAN says. One is used for many frames; `read` leaves copies in it. */
export class ScanAsk extends PlaceHead {
  override option: ScanWish = WANT_HEADS;
  lastHigh = 0;
  lastLow = 0;
  keysMax = 1;
  bytesMax = 1;
  key: Uint8Array = NO_KEY;
  prefix: Uint8Array = NO_KEY;

  /** Returns what was expected and found, where `bytes[start, end)` is no SCAN. */
  read(bytes: Uint8Array, start: number, end: number): string | undefined {
    if (end - start < SCAN_HEAD_BYTES) return `SCAN: expected ${SCAN_HEAD_BYTES} bytes or more, found ${end - start}`;
    const wrong = this.readHead(bytes, start);
    if (wrong !== undefined) return `SCAN: ${wrong}`;
    const { keyBytes } = this;
    const wish: number = this.option;
    this.lastHigh = u32At(bytes, start + 24);
    this.lastLow = u32At(bytes, start + 28);
    this.keysMax = u16At(bytes, start + 32);
    const prefixBytes = u16At(bytes, start + 34);
    this.bytesMax = u32At(bytes, start + 36);
    if (wish < WANT_HEADS || wish > WANT_COPY) return `SCAN: expected a wish of ${WANT_HEADS} to ${WANT_COPY}, found ${wish}`;
    if (this.keysMax < 1 || this.bytesMax < 1) return `SCAN: expected 1 key and 1 byte or more, found ${this.keysMax}, ${this.bytesMax}`;
    const isBehind = this.tokenHigh > this.lastHigh || (this.tokenHigh === this.lastHigh && this.tokenLow > this.lastLow);
    if (isBehind) return 'SCAN: expected a last token that is not before the first, found one that is';
    const keyAt = start + SCAN_HEAD_BYTES;
    if (keyBytes > STORE_KEY_BYTES_MAX || prefixBytes > STORE_KEY_BYTES_MAX || end - keyAt !== keyBytes + prefixBytes)
      return `SCAN: expected ${keyBytes} + ${prefixBytes} bytes of key and prefix, found ${end - keyAt}`;
    this.key = Uint8Array.prototype.slice.call(bytes, keyAt, keyAt + keyBytes);
    this.prefix = Uint8Array.prototype.slice.call(bytes, keyAt + keyBytes, end);
    return undefined;
  }

  /** Appends the frame. Requires: key and prefix of at most STORE_KEY_BYTES_MAX bytes, and room for them. */
  write(out: OutBuffer): void {
    const { key, prefix } = this;
    out.ensure(SCAN_HEAD_BYTES + key.length + prefix.length);
    const { bytes } = out;
    this.keyBytes = key.length;
    let at = putU32(bytes, this.putHead(out), this.lastHigh);
    at = putU32(bytes, at, this.lastLow);
    at = putU16(bytes, at, this.keysMax);
    at = putU16(bytes, at, prefix.length);
    at = putU32(bytes, at, this.bytesMax);
    copyBytes(key, 0, key.length, bytes, at);
    copyBytes(prefix, 0, prefix.length, bytes, at + key.length);
    out.length = at + key.length + prefix.length;
  }
}

/** What one replica has of a range, as far as it says. Entries are `bytes[entriesStart, entriesEnd)`. */
export interface Page {
  readonly bytes: Uint8Array;
  readonly entriesStart: number;
  readonly entriesEnd: number;
  /** The replica has said all it has up to this key, which has one; null: of the whole range. */
  readonly covered: ScanPosition | null;
}

/** Clears `out` and begins a PAGE in it; entries follow. Requires: room. `covered`: null: all of the range. */
export function beginPage(out: OutBuffer, covered: ScanPosition | null): void {
  beginAnswer(out, OK);
  const key = covered?.key ?? NO_KEY;
  out.ensure(PAGE_HEAD_BYTES + key.length);
  const { bytes } = out;
  let at = putU32(bytes, out.length, covered?.high ?? 0);
  at = putU32(bytes, at, covered?.low ?? 0);
  at = putU16(bytes, at, key.length);
  bytes[at++] = covered === null ? 1 : 0;
  bytes[at++] = 0;
  copyBytes(key, 0, key.length, bytes, at);
  out.length = at + key.length;
}

/** Ends a PAGE of a copy. Requires: it is all that `out` has. */
export function endCopy(out: OutBuffer): void {
  out.ensure(CHECKSUM_BYTES);
  out.length = putU32(out.bytes, out.length, crc32Of(out.bytes, 0, out.length, 0));
}

/** As `readPage`, of a copy: refused where a byte of it is another than was sent. */
export function readCopy(bytes: Uint8Array, start: number, end: number): Page | string {
  const sumAt = end - CHECKSUM_BYTES;
  if (sumAt - start < PAGE_HEAD_BYTES) return `PAGE: expected ${PAGE_HEAD_BYTES + CHECKSUM_BYTES} bytes or more, found ${end - start}`;
  const [expected, found] = [crc32Of(bytes, start, sumAt, 0), u32At(bytes, sumAt)];
  return expected === found ? readPage(bytes, start, sumAt) : `PAGE: expected the checksum ${expected}, found ${found}`;
}

/** The page in `bytes[start, end)`, a PAGE of status OK; or what was expected and found. Views of `bytes`, but for the key that it covers. */
export function readPage(bytes: Uint8Array, start: number, end: number): Page | string {
  const at = start + ANSWER_HEAD_BYTES;
  if (end - start < PAGE_HEAD_BYTES) return `PAGE: expected ${PAGE_HEAD_BYTES} bytes or more, found ${end - start}`;
  const keyBytes = u16At(bytes, at + 8);
  const isEnd = bytes[at + 10]!;
  if (isEnd > 1 || bytes[at + 11] !== 0) return `PAGE: expected an end of 0 or 1 and a zero, found ${isEnd}, ${bytes[at + 11]}`;
  const entriesStart = start + PAGE_HEAD_BYTES + keyBytes;
  if (keyBytes > STORE_KEY_BYTES_MAX || entriesStart > end)
    return `PAGE: expected a key of ${keyBytes} bytes, found ${end - start - PAGE_HEAD_BYTES}`;
  if ((keyBytes === 0) !== (isEnd === 1))
    return `PAGE: expected the end, or a key that it is covered to, found ${isEnd}, ${keyBytes} bytes`;
  const wrong = faultOfEntries(bytes, entriesStart, end);
  if (wrong !== undefined) return `PAGE: ${wrong}`;
  const key = Uint8Array.prototype.slice.call(bytes, start + PAGE_HEAD_BYTES, entriesStart);
  const covered = isEnd === 1 ? null : { high: u32At(bytes, at), low: u32At(bytes, at + 4), key };
  return { bytes, entriesStart, entriesEnd: end, covered };
}
