/** lmdb: a B+ tree in a memory map, copy on write; no log, no compaction. */
import { statfsSync } from 'node:fs';
import type { Database } from 'lmdb';
import { readMany } from './pump.ts';
import type { Contender, Store } from './store.ts';
import { versionOf } from './version.ts';

/** With `separateFlushed`, what a write returns has a second promise: on disk. */
interface Committed extends Promise<boolean> {
  readonly flushed: Promise<unknown>;
}

const MANY = 1_000;

export const contender: Contender = {
  describe: async () => {
    await import('lmdb');
    return `lmdb ${versionOf('lmdb')}; no sync: noSync; synced: its overlapping sync, done when flushed`;
  },
  open: async ({ dir, durability }) => {
    const { open } = await import('lmdb');
    const isSynced = durability === 'sync';
    const db = open<Buffer, Buffer>({
      path: dir,
      encoding: 'binary',
      keyEncoding: 'binary',
      noSubdir: false,
      // The file grows with use; a map made large enough at first spares remapping.
      mapSize: Math.min(16 * 2 ** 30, freeBytes(dir)),
      ...(isSynced ? { separateFlushed: true } : { noSync: true, overlappingSync: false }),
    });
    return storeOf(db, isSynced);
  },
};

function storeOf(db: Database<Buffer, Buffer>, isSynced: boolean): Store {
  const whenDone = (written: Promise<boolean>): Promise<unknown> => (isSynced ? (written as Committed).flushed : written);
  return {
    put: (key, value, ended) => void whenDone(db.put(key, value)).then(() => ended(), ended),
    get: (key, ended) => ended(undefined, db.get(key)),
    gets: [
      {
        label: 'get',
        read: (keys, take) => {
          for (let i = 0; i < keys.length; i++) take(i, db.get(keys[i]!));
          return Promise.resolve();
        },
      },
      {
        label: 'getBinaryFast',
        read: (keys, take) => {
          for (let i = 0; i < keys.length; i++) take(i, db.getBinaryFast(keys[i]!));
          return Promise.resolve();
        },
      },
      { label: 'getMany of 1000', read: (keys, take) => readMany(keys, MANY, (part) => db.getMany(part), take) },
    ],
    batches: [
      {
        label: 'batch()',
        write: (keys, values, ended) => {
          const written = db.batch(() => {
            for (let i = 0; i < keys.length; i++) void db.put(keys[i]!, values[i]!);
          });
          void whenDone(written).then(() => ended(), ended);
        },
      },
      {
        // Its commit, and its sync, are done when the call returns.
        label: 'transactionSync()',
        write: (keys, values, ended) => {
          db.transactionSync(() => {
            for (let i = 0; i < keys.length; i++) db.putSync(keys[i]!, values[i]!);
          });
          ended();
        },
      },
    ],
    scans: [
      {
        label: 'getRange()',
        scan: (take) => {
          for (const { key, value } of db.getRange()) take(key, value);
          return Promise.resolve();
        },
      },
    ],
    first: (from, ended) => {
      let bytes = 0;
      for (const { key, value } of db.getRange({ start: from, limit: 1 })) bytes += key.length + value.length;
      ended(bytes > 0 ? undefined : new Error('no pair at or after the key'));
    },
    compact: () => Promise.resolve(),
    close: () => db.close(),
  };
}

function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}
