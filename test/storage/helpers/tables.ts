/** Tables for tests: written from plain lists into files in memory, opened in both forms. */
import type { Clock, Timers } from '../../../runtime/doors.ts';
import { Codecs } from '../../../storage/codec.ts';
import type { Cursor } from '../../../storage/cursor.ts';
import type { StorageError, StorageResult } from '../../../storage/errors.ts';
import { hashKey } from '../../../storage/hash.ts';
import { InlinePolicy } from '../../../storage/inline-policy.ts';
import { DELETE, PUT, type RecordKind } from '../../../storage/record.ts';
import { BlockCache } from '../../../storage/table/block-cache.ts';
import { FOUND, LOOKUP_PENDING, Lookup, type LookupOutcome } from '../../../storage/table/lookup.ts';
import { openTable } from '../../../storage/table/open-table.ts';
import type { RangeDelete } from '../../../storage/table/range-delete-block.ts';
import { ReadRuns } from '../../../storage/table/read-runs.ts';
import { openTableSync, type SyncTable } from '../../../storage/table/sync-table.ts';
import type { TableIdentity } from '../../../storage/table/table-footer.ts';
import type { TableProperties } from '../../../storage/table/table-properties.ts';
import { Scratch, type TableContext, type TableReader } from '../../../storage/table/table-reader.ts';
import { type TableOptions, TableWriter } from '../../../storage/table/table-writer.ts';
import { MemoryFile, MemoryOpenFile } from './memory-file.ts';

export interface Item {
  readonly key: Buffer;
  readonly kind: RecordKind;
  readonly sequence: number;
  readonly value: Buffer;
}

export interface Written {
  readonly file: MemoryFile;
  readonly identity: TableIdentity;
  readonly properties: TableProperties;
}

export const codecs = new Codecs();
export const UID = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
export const LATEST = Number.MAX_SAFE_INTEGER;

export function put(key: string, value: string, sequence = 1): Item {
  return { key: Buffer.from(key), kind: PUT, sequence, value: Buffer.from(value) };
}

export function del(key: string, sequence: number): Item {
  return { key: Buffer.from(key), kind: DELETE, sequence, value: Buffer.alloc(0) };
}

/** Keys key-00000, key-00003, ..., with values that differ. */
export function numbered(count: number, valueBytes = 20): Item[] {
  return Array.from({ length: count }, (_, i) => ({
    key: numberedKey(i * 3),
    kind: PUT,
    sequence: 1 + ((i * 7_919) % count),
    value: Buffer.alloc(valueBytes, `value of ${i};`),
  }));
}

export function numberedKey(i: number): Buffer {
  return Buffer.from(`key-${String(i).padStart(5, '0')}`);
}

export function writeTable(items: readonly Item[], options: Partial<TableOptions> = {}, ranges: readonly RangeDelete[] = []): Written {
  const file = new MemoryFile();
  const uid = options.uid ?? UID;
  const writer = new TableWriter(file, { codecs, ...options, uid });
  for (const { key, kind, sequence, value } of items) writer.add(kind, sequence, key, 0, key.length, value, 0, value.length);
  for (const { start, end, sequence } of ranges) writer.addRangeDelete(start, end, sequence);
  const { bytes, ...properties } = writer.finish();
  return { file, identity: { uid, bytes }, properties };
}

export function syncTable({ file, identity }: Written, mutants?: ReadonlySet<string>): SyncTable {
  return openTableSync(file, identity, codecs, mutants);
}

export interface ShardTable {
  readonly reader: TableReader;
  readonly file: MemoryOpenFile;
  readonly cache: BlockCache;
  readonly policy: InlinePolicy;
}

export interface ShardOptions {
  readonly inline?: boolean;
  readonly cacheBytes?: number;
  readonly cache?: BlockCache;
  readonly mutants?: ReadonlySet<string>;
  /** Default: time stands still. */
  readonly clock?: Clock;
  /** With them reads may wait for the next run. */
  readonly timers?: Timers;
}

/** Throws what opening gives as its error. */
export function shardTable({ file, identity }: Pick<Written, 'file' | 'identity'>, options: ShardOptions = {}): ShardTable {
  const cache = options.cache ?? new BlockCache(options.cacheBytes ?? 1 << 20);
  const policy = new InlinePolicy({ inline: options.inline ?? true });
  const { mutants = new Set<string>(), clock = { now: () => 0, wall: () => 0 }, timers } = options;
  const runs = timers === undefined ? {} : { runs: new ReadRuns(policy, timers) };
  const context: TableContext = { cache, policy, clock, codecs, scratch: new Scratch(), mutants, ...runs };
  const open = new MemoryOpenFile(file);
  let outcome: StorageResult<TableReader> | undefined;
  openTable(open, identity, context, (result) => {
    outcome = result;
  });
  open.settle();
  if (outcome === undefined) throw new Error('open: no answer');
  if (!outcome.ok) throw outcome.error;
  return { reader: outcome.value, file: open, cache, policy };
}

/** The entry that a lookup finds, waited for. Throws the error of the lookup. */
export function find({ reader, file }: ShardTable, key: Buffer, maxSequence = LATEST): Omit<Item, 'key'> | undefined {
  let late: LookupOutcome | undefined;
  let failed: StorageError | undefined;
  const lookup = new Lookup((outcome, error) => {
    late = outcome;
    failed = error;
  });
  let outcome = reader.get(key, hashKey(key, 0, key.length), maxSequence, lookup);
  if (outcome === LOOKUP_PENDING) {
    file.settle();
    if (late === undefined) throw new Error('get: no answer');
    outcome = late;
  }
  if (failed !== undefined) throw failed;
  if (outcome !== FOUND) return undefined;
  const { kind, sequence, valueBytes, valueStart, valueEnd } = lookup;
  return { kind, sequence, value: Buffer.from(valueBytes.subarray(valueStart, valueEnd)) };
}

/** What the cursor stands on; undefined when it isn't valid. */
export function here(cursor: Cursor): Item | undefined {
  if (!cursor.valid) return undefined;
  const { keyBytes, keyStart, keyEnd, kind, sequence, valueBytes, valueStart, valueEnd } = cursor;
  const key = Buffer.from(keyBytes.subarray(keyStart, keyEnd));
  return { key, kind, sequence, value: Buffer.from(valueBytes.subarray(valueStart, valueEnd)) };
}

/** Moves, and waits until the move has ended. */
export type Mover = (move: (cursor: Cursor) => number) => Item | undefined;

export function moverOf(table: ShardTable): Mover & { readonly cursor: Cursor } {
  const cursor = table.reader.cursor(() => undefined);
  const mover: Mover = (move) => {
    if (move(cursor) !== 0) table.file.settle();
    if (cursor.error !== undefined) throw cursor.error;
    return here(cursor);
  };
  return Object.assign(mover, { cursor });
}

export function allOf(cursor: Cursor): Item[] {
  const items: Item[] = [];
  for (cursor.seekFirst(); cursor.valid; cursor.next()) items.push(here(cursor) as Item);
  return items;
}
