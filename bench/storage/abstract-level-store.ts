/** Any abstract-level 3 database as a store: classic-level, and our engine behind the same interface. */
import { readMany } from './pump.ts';
import type { BatchForm, Durability, GetForm, Store, Take } from './store.ts';

interface Operation {
  type: 'put';
  key: Buffer;
  value: Buffer;
}

interface Chained {
  put(key: Buffer, value: Buffer): unknown;
  write(options: { readonly sync: boolean }): Promise<void>;
}

interface LevelIterator {
  nextv(size: number): Promise<[Uint8Array, Uint8Array][]>;
  close(): Promise<void>;
}

/** Of the interface, what is used here; keys and values are buffers by the database's own encodings. */
export interface Level {
  put(key: Buffer, value: Buffer, options?: { readonly sync: boolean }): Promise<void>;
  get(key: Buffer): Promise<Uint8Array | undefined>;
  getSync(key: Buffer): Uint8Array | undefined;
  getMany(keys: Buffer[]): Promise<(Uint8Array | undefined)[]>;
  batch(operations: readonly Operation[], options?: { readonly sync: boolean }): Promise<void>;
  batch(): Chained;
  iterator(options?: { readonly gte?: Buffer; readonly limit?: number; readonly highWaterMarkBytes?: number }): LevelIterator;
  close(): Promise<void>;
}

export interface LevelStoreOptions {
  readonly durability: Durability;
  readonly compact: () => Promise<void>;
}

const MANY = 1_000;
/** LevelDB's binding gives less than was asked for beyond so many bytes, by default 16 KiB: the scan would be one of thread changes. */
const AHEAD_BYTES = 256 * 1024;
const SYNC = { sync: true } as const;

export function levelStore(db: Level, options: LevelStoreOptions): Store {
  // Its other way, `{ sync: false }`, is the default, and a call without options is the quickest.
  const write = options.durability === 'sync' ? SYNC : undefined;
  const get = (key: Buffer, ended: (error: unknown, value: Uint8Array | undefined) => void): void => {
    db.get(key).then(
      (value) => ended(undefined, value),
      (error) => ended(error, undefined),
    );
  };
  return {
    put: (key, value, ended) => {
      db.put(key, value, write).then(ended, ended);
    },
    get,
    // Single gets in flight are the slowest way with LevelDB: half of getSync and less.
    gets: [
      { label: 'getSync', read: (keys, take) => readSync(db, keys, take) },
      { label: 'getMany of 1000', read: (keys, take) => readMany(keys, MANY, (part) => db.getMany(part), take) },
    ] satisfies readonly GetForm[],
    batches: [arrayForm(db, write), chainedForm(db, write)],
    scans: [{ label: 'nextv(1000), 256 KiB ahead', scan: (take) => scan(db, take) }],
    first: (from, ended) => void first(db, from).then(ended, ended),
    compact: options.compact,
    close: () => db.close(),
  };
}

/** A database that doesn't block refuses what is not in memory: that is asked for again, the other way. */
async function readSync(db: Level, keys: readonly Buffer[], take: Take): Promise<void> {
  const missed: number[] = [];
  for (let i = 0; i < keys.length; i++) {
    try {
      take(i, db.getSync(keys[i]!));
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== 'LEVEL_NOT_IN_MEMORY') throw error;
      missed.push(i);
    }
  }
  if (missed.length === 0) return;
  const values = await db.getMany(missed.map((i) => keys[i]!));
  for (const [place, i] of missed.entries()) take(i, values[place]);
}

function arrayForm(db: Level, write: { readonly sync: boolean } | undefined): BatchForm {
  return {
    label: 'batch([])',
    write: (keys, values, ended) => {
      const operations: Operation[] = new Array(keys.length);
      for (let i = 0; i < keys.length; i++) operations[i] = { type: 'put', key: keys[i]!, value: values[i]! };
      db.batch(operations, write).then(ended, ended);
    },
  };
}

function chainedForm(db: Level, write: { readonly sync: boolean } | undefined): BatchForm {
  return {
    label: 'batch().put()',
    write: (keys, values, ended) => {
      const batch = db.batch();
      for (let i = 0; i < keys.length; i++) batch.put(keys[i]!, values[i]!);
      batch.write(write ?? { sync: false }).then(ended, ended);
    },
  };
}

async function scan(db: Level, take: (key: Uint8Array, value: Uint8Array) => void): Promise<void> {
  const iterator = db.iterator({ highWaterMarkBytes: AHEAD_BYTES });
  for (;;) {
    const entries = await iterator.nextv(MANY);
    if (entries.length === 0) break;
    for (const [key, value] of entries) take(key, value);
  }
  await iterator.close();
}

async function first(db: Level, from: Buffer): Promise<void> {
  const iterator = db.iterator({ gte: from, limit: 1 });
  await iterator.nextv(1);
  await iterator.close();
}
