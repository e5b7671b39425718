/** One change of a database's set of files, as the manifest keeps it. */
import { corruption, StorageError } from '../errors.ts';
import { compareWhole, KEY_BYTES_MAX } from '../key.ts';
import * as format from './manifest-format.ts';

export interface TableMeta {
  readonly level: number;
  readonly number: number;
  /** 16 random bytes, the same as in the table. */
  readonly uid: Uint8Array;
  readonly bytes: number;
  readonly entries: number;
  /** Inclusive. */
  readonly smallest: Uint8Array;
  /** Inclusive; where a range delete reaches furthest, its end. */
  readonly largest: Uint8Array;
  readonly smallestSequence: number;
  readonly largestSequence: number;
  readonly rangeDeletes: number;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
}

export interface TablePlace {
  readonly level: number;
  readonly number: number;
}

export interface VersionEdit {
  /** `snapshot`: what it says is all there is; `close`: the database was closed, nothing changes. */
  readonly kind: 'snapshot' | 'change' | 'close';
  /** Files get numbers from here on. */
  readonly nextFileNumber: number;
  /** Commit log segments below are obsolete. */
  readonly logNumber: number;
  /** Of any record in a table. */
  readonly lastSequence: number;
  readonly removed: readonly TablePlace[];
  readonly added: readonly TableMeta[];
  /** Settings that the files depend on, JSON; empty: as before. */
  readonly options: string;
}

const HIGH = 0x1_0000_0000;
const KINDS = { snapshot: format.EDIT_SNAPSHOT, change: format.EDIT_CHANGE, close: format.EDIT_CLOSE } as const;

/** The payload. Throws INVALID_ARGUMENT where a number or key is out of range. */
export function encodeEdit(edit: VersionEdit): Buffer {
  const options = Buffer.from(edit.options);
  let size = format.EDIT_FIXED_BYTES + format.REMOVED_BYTES * edit.removed.length + options.length;
  for (const { smallest, largest } of edit.added) size += format.TABLE_FIXED_BYTES + smallest.length + largest.length;
  const bytes = Buffer.alloc(size);
  u32(bytes, format.EDIT_KIND, KINDS[edit.kind]);
  u32(bytes, format.EDIT_NEXT_FILE_NUMBER, edit.nextFileNumber);
  u32(bytes, format.EDIT_LOG_NUMBER, edit.logNumber);
  u53(bytes, format.EDIT_LAST_SEQUENCE, edit.lastSequence);
  u32(bytes, format.EDIT_REMOVED_COUNT, edit.removed.length);
  u32(bytes, format.EDIT_ADDED_COUNT, edit.added.length);
  u32(bytes, format.EDIT_OPTIONS_BYTES, options.length);
  let at = format.EDIT_FIXED_BYTES;
  for (const { level, number } of edit.removed) {
    u32(bytes, at, level);
    u32(bytes, at + 4, number);
    at += format.REMOVED_BYTES;
  }
  for (const table of edit.added) at = encodeTable(bytes, at, table);
  bytes.set(options, at);
  return bytes;
}

/** Of `bytes[start, end)`, whose checksum holds. Throws CORRUPTION. */
export function decodeEdit(bytes: Buffer, start: number, end: number, file: string): VersionEdit {
  const wrong = (offset: number, expected: string, found: string): StorageError => corruption({ file, offset, expected, found });
  if (end - start < format.EDIT_FIXED_BYTES) throw wrong(start, `an edit of at least ${format.EDIT_FIXED_BYTES} bytes`, `${end - start}`);
  const kindNumber = bytes.readUInt32LE(start + format.EDIT_KIND);
  const kind = kindNumber === 1 ? 'snapshot' : kindNumber === 2 ? 'change' : kindNumber === 3 ? 'close' : undefined;
  if (kind === undefined) throw wrong(start, 'an edit of a known kind', `kind ${kindNumber}`);
  const removedCount = bytes.readUInt32LE(start + format.EDIT_REMOVED_COUNT);
  const addedCount = bytes.readUInt32LE(start + format.EDIT_ADDED_COUNT);
  const optionsBytes = bytes.readUInt32LE(start + format.EDIT_OPTIONS_BYTES);
  const least = format.EDIT_FIXED_BYTES + removedCount * format.REMOVED_BYTES + addedCount * format.TABLE_FIXED_BYTES + optionsBytes;
  if (least > end - start) throw wrong(start + format.EDIT_REMOVED_COUNT, `counts that fit in ${end - start} bytes`, `${least} bytes`);
  let at = start + format.EDIT_FIXED_BYTES;
  const removed: TablePlace[] = [];
  for (let i = 0; i < removedCount; i++, at += format.REMOVED_BYTES) {
    removed.push({ level: levelAt(bytes, at, wrong), number: bytes.readUInt32LE(at + 4) });
  }
  const added: TableMeta[] = [];
  for (let i = 0; i < addedCount; i++) {
    if (at + format.TABLE_FIXED_BYTES > end) throw wrong(at, `${addedCount} added tables`, `room for ${i}`);
    const smallestBytes = bytes.readUInt32LE(at + format.TABLE_SMALLEST_BYTES);
    const largestBytes = bytes.readUInt32LE(at + format.TABLE_LARGEST_BYTES);
    const next = at + format.TABLE_FIXED_BYTES + smallestBytes + largestBytes;
    if (next > end || smallestBytes > KEY_BYTES_MAX || largestBytes > KEY_BYTES_MAX) {
      throw wrong(
        at + format.TABLE_SMALLEST_BYTES,
        `keys of at most ${KEY_BYTES_MAX} bytes within the edit`,
        `${smallestBytes} and ${largestBytes} bytes`,
      );
    }
    added.push(decodeTable(bytes, at, smallestBytes, next, wrong));
    at = next;
  }
  if (at + optionsBytes !== end) throw wrong(at, `options of ${optionsBytes} bytes up to the end of the edit`, `${end - at} bytes`);
  return {
    kind,
    nextFileNumber: bytes.readUInt32LE(start + format.EDIT_NEXT_FILE_NUMBER),
    logNumber: bytes.readUInt32LE(start + format.EDIT_LOG_NUMBER),
    lastSequence: u53At(bytes, start + format.EDIT_LAST_SEQUENCE, wrong),
    removed,
    added,
    options: bytes.toString('utf8', at, end),
  };
}

type Wrong = (offset: number, expected: string, found: string) => StorageError;

function encodeTable(bytes: Buffer, at: number, table: TableMeta): number {
  const { smallest, largest, uid } = table;
  if (uid.length !== format.UID_BYTES) throw invalid(`a table uid of ${format.UID_BYTES} bytes`, `${uid.length}`);
  if (smallest.length > KEY_BYTES_MAX || largest.length > KEY_BYTES_MAX) {
    throw invalid(`keys of at most ${KEY_BYTES_MAX} bytes`, `${smallest.length} and ${largest.length}`);
  }
  if (table.level >= format.LEVELS_MAX) throw invalid(`a level below ${format.LEVELS_MAX}`, `${table.level}`);
  u32(bytes, at + format.TABLE_LEVEL, table.level);
  u32(bytes, at + format.TABLE_NUMBER, table.number);
  bytes.set(uid, at + format.TABLE_UID);
  u53(bytes, at + format.TABLE_BYTES, table.bytes);
  u53(bytes, at + format.TABLE_ENTRIES, table.entries);
  u53(bytes, at + format.TABLE_SMALLEST_SEQUENCE, table.smallestSequence);
  u53(bytes, at + format.TABLE_LARGEST_SEQUENCE, table.largestSequence);
  u53(bytes, at + format.TABLE_CREATED_MS, table.createdMs);
  u32(bytes, at + format.TABLE_RANGE_DELETES, table.rangeDeletes);
  u32(bytes, at + format.TABLE_SMALLEST_BYTES, smallest.length);
  u32(bytes, at + format.TABLE_LARGEST_BYTES, largest.length);
  bytes.set(smallest, at + format.TABLE_FIXED_BYTES);
  bytes.set(largest, at + format.TABLE_FIXED_BYTES + smallest.length);
  return at + format.TABLE_FIXED_BYTES + smallest.length + largest.length;
}

/** Copies: the manifest's bytes are not kept alive. */
function decodeTable(bytes: Buffer, at: number, smallestBytes: number, end: number, wrong: Wrong): TableMeta {
  const keys = at + format.TABLE_FIXED_BYTES;
  const table: TableMeta = {
    level: levelAt(bytes, at + format.TABLE_LEVEL, wrong),
    number: bytes.readUInt32LE(at + format.TABLE_NUMBER),
    uid: copyOf(bytes, at + format.TABLE_UID, at + format.TABLE_UID + format.UID_BYTES),
    bytes: u53At(bytes, at + format.TABLE_BYTES, wrong),
    entries: u53At(bytes, at + format.TABLE_ENTRIES, wrong),
    smallest: copyOf(bytes, keys, keys + smallestBytes),
    largest: copyOf(bytes, keys + smallestBytes, end),
    smallestSequence: u53At(bytes, at + format.TABLE_SMALLEST_SEQUENCE, wrong),
    largestSequence: u53At(bytes, at + format.TABLE_LARGEST_SEQUENCE, wrong),
    rangeDeletes: bytes.readUInt32LE(at + format.TABLE_RANGE_DELETES),
    createdMs: u53At(bytes, at + format.TABLE_CREATED_MS, wrong),
  };
  if (compareWhole(table.smallest, table.largest) > 0) throw wrong(keys, 'a smallest key that is not above the largest', 'one above it');
  if (table.smallestSequence > table.largestSequence) {
    throw wrong(
      at + format.TABLE_SMALLEST_SEQUENCE,
      `a smallest sequence of at most ${table.largestSequence}`,
      `${table.smallestSequence}`,
    );
  }
  return table;
}

function copyOf(bytes: Buffer, start: number, end: number): Uint8Array {
  return Uint8Array.from(bytes.subarray(start, end));
}

function levelAt(bytes: Buffer, at: number, wrong: Wrong): number {
  const level = bytes.readUInt32LE(at);
  if (level >= format.LEVELS_MAX) throw wrong(at, `a level below ${format.LEVELS_MAX}`, `${level}`);
  return level;
}

function u32(bytes: Buffer, at: number, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value >= HIGH) throw invalid('an integer of 32 bits', `${value}`);
  bytes.writeUInt32LE(value, at);
}

function u53(bytes: Buffer, at: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid('a safe integer, at least 0', `${value}`);
  bytes.writeUInt32LE(value % HIGH, at);
  bytes.writeUInt32LE(Math.floor(value / HIGH), at + 4);
}

function u53At(bytes: Buffer, at: number, wrong: Wrong): number {
  const value = bytes.readUInt32LE(at + 4) * HIGH + bytes.readUInt32LE(at);
  if (!Number.isSafeInteger(value)) throw wrong(at, 'an integer below 2^53', `${value}`);
  return value;
}

function invalid(expected: string, got: string): StorageError {
  return new StorageError('INVALID_ARGUMENT', `version edit: expected ${expected}, got ${got}`);
}
