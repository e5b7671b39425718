/** The payloads of what two places say before they know each other: CBOR arrays of checked fields. */
import { Decoder, Encoder } from 'cbor-x';
import { checkNodeName, isShardNumber, MAIN_SHARD, type Place } from '../address.ts';
import { OutBuffer } from '../bytes.ts';
import { errorMessage } from '../errors.ts';
import { SYSTEM } from '../lanes.ts';
import { GREETING_BYTES_MAX } from './first-frame.ts';
import { beginFrame, endFrame, FRAME_HEADER_BYTES, NO_DEADLINE, protocolError } from './frame.ts';
import { Scanner } from './scan.ts';

export const CLUSTER_CHARS_MAX = 128;
/** A longer name is read as far as it takes to say that it is none. */
const NAME_CHARS_READ_MAX = 300;
const TWO_TO_32 = 0x1_0000_0000;

export type Item = string | number | readonly number[];

/** Requires: `items` fit GREETING_BYTES_MAX. */
export function encodeFrame(kind: number, items: readonly Item[]): Buffer {
  const out = new OutBuffer(GREETING_BYTES_MAX, GREETING_BYTES_MAX);
  const at = beginFrame(out, kind, SYSTEM, 0, 0, 0, 0, 0, NO_DEADLINE, 0);
  const payload = new Encoder({ useRecords: false }).encode(items);
  out.bytes.set(payload, out.length);
  out.length += payload.length;
  endFrame(out, at);
  return Buffer.from(out.bytes.subarray(0, out.length));
}

/** The array that is the payload of `frame`. Errors: PROTOCOL. */
export function decodeItems(frame: Buffer): readonly unknown[] {
  new Scanner().scan(frame, FRAME_HEADER_BYTES, frame.length);
  let value: unknown;
  try {
    // A decoder of its own: one shared by two peers would carry state from one to the other.
    value = new Decoder({ useRecords: false, mapsAsObjects: false, tagUint8Array: false }).decode(frame.subarray(FRAME_HEADER_BYTES));
  } catch (error) {
    throw protocolError(`handshake payload: ${errorMessage(error)}`);
  }
  if (!Array.isArray(value)) throw protocolError('handshake payload is not an array');
  return value;
}

export function checkCount(items: readonly unknown[], count: number, what: string): void {
  if (items.length !== count) throw protocolError(`${what} of ${items.length} fields, expected ${count}`);
}

/** As the other readers of fields: the item at `index`, checked. Errors: PROTOCOL, naming it as `what`. */
export function uint(items: readonly unknown[], index: number, what: string): number {
  const value = items[index];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw protocolError(`${what} is ${printable(value)}, expected an unsigned integer`);
}

export function text(items: readonly unknown[], index: number, what: string, charsMax: number): string {
  const value = items[index];
  if (typeof value === 'string' && value.length <= charsMax) return value;
  throw protocolError(`${what} is ${printable(value)}, expected text of at most ${charsMax} characters`);
}

/** A node name and a shard number, at `index` and behind it. */
export function place(items: readonly unknown[], index: number): Place {
  const shard = items[index + 1];
  try {
    const node = checkNodeName(text(items, index, 'node', NAME_CHARS_READ_MAX));
    if (isShardNumber(shard)) return { node, shard };
  } catch (error) {
    throw protocolError(errorMessage(error));
  }
  throw protocolError(`shard is ${printable(shard)}, expected 0 to 255 or ${MAIN_SHARD}`);
}

export function boot(items: readonly unknown[], index: number): number {
  const high = uint(items, index, 'bootHigh');
  const low = uint(items, index + 1, 'bootLow');
  const value = high * TWO_TO_32 + low;
  if (low < TWO_TO_32 && Number.isSafeInteger(value) && value > 0) return value;
  throw protocolError(`boot is ${high}, ${low}, expected 1 to 2^53-1 in two words`);
}

export function bootWords(value: number): [number, number] {
  return [Math.floor(value / TWO_TO_32), value % TWO_TO_32];
}

/** What a peer sent, as it may stand in a log line. */
export function printable(value: unknown): string {
  const shown = typeof value === 'object' || typeof value === 'function' ? typeof value : JSON.stringify(String(value));
  return shown.length <= 80 ? shown : `${shown.slice(0, 80)}...`;
}
