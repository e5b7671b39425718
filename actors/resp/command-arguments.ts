/** Reads the arguments of a command where they lie. */
import type { RespReader } from './resp-reader.ts';

/** No integer that Redis would take, or one beyond 2^53. */
export const NO_INTEGER = Number.NaN;

/** Argument `i` as an integer, in the form Redis takes it: a minus, digits, no zeros in front. NaN: it is none. */
export function integerAt(reader: RespReader, i: number): number {
  const { bytes } = reader;
  let at = reader.start(i);
  const end = reader.end(i);
  const isNegative = bytes[at] === 45 && end - at > 1;
  if (isNegative) at++;
  if (at === end || end - at > 16 || (bytes[at] === 48 && (end - at > 1 || isNegative))) return NO_INTEGER;
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return NO_INTEGER;
    value = value * 10 + digit;
  }
  if (value > Number.MAX_SAFE_INTEGER) return NO_INTEGER;
  return isNegative ? -value : value;
}

/** Whether argument `i` is `word`, which is in capitals, in whatever case. */
export function isWord(reader: RespReader, i: number, word: string): boolean {
  const { bytes } = reader;
  const start = reader.start(i);
  if (reader.end(i) - start !== word.length) return false;
  for (let k = 0; k < word.length; k++) {
    const byte = bytes[start + k]!;
    const upper = byte >= 97 && byte <= 122 ? byte - 32 : byte;
    if (upper !== word.charCodeAt(k)) return false;
  }
  return true;
}

/** Argument `i` in capitals. */
export function wordAt(reader: RespReader, i: number): string {
  return reader.text(i).toUpperCase();
}

/** Arguments `first`, `first + step`, ... to the last. */
export function indicesFrom(reader: RespReader, first: number, step: number): number[] {
  const indices: number[] = [];
  for (let i = first; i < reader.count; i += step) indices.push(i);
  return indices;
}

/** Of arguments that are the same, the last. Cost: above 16 of them, a string each. */
export function lastOfEach(reader: RespReader, indices: readonly number[]): number[] {
  if (indices.length > DUPLICATES_COMPARED_MAX) return [...new Map(indices.map((index) => [reader.text(index), index])).values()];
  return indices.filter((a) => !indices.some((b) => b > a && areSame(reader, a, b)));
}

/** Above this a table is quicker than comparing each with each. */
const DUPLICATES_COMPARED_MAX = 16;

function areSame(reader: RespReader, a: number, b: number): boolean {
  return reader.bytes.compare(reader.bytes, reader.start(a), reader.end(a), reader.start(b), reader.end(b)) === 0;
}
