/** rocksdb: RocksDB behind the older interface of LevelDB bindings, with callbacks. */
import { readEach, readMany } from './pump.ts';
import type { Contender, Store } from './store.ts';
import { versionOf } from './version.ts';

type Callback<T> = (error: Error | null | undefined, value?: T) => void;
interface RocksIterator {
  next(done: (error: Error | null | undefined, key?: Buffer, value?: Buffer) => void): void;
  end(done: (error?: Error | null) => void): void;
}
interface Rocks {
  open(options: object, done: Callback<void>): void;
  put(key: Buffer, value: Buffer, options: object, done: Callback<void>): void;
  get(key: Buffer, options: object, done: Callback<Buffer>): void;
  getMany(keys: Buffer[], options: object, done: Callback<(Buffer | undefined)[]>): void;
  batch(): { put(key: Buffer, value: Buffer): unknown; write(options: object, done: Callback<void>): void };
  iterator(options: object): RocksIterator;
  compactRange(start: Buffer, end: Buffer, done: Callback<void>): void;
  close(done: Callback<void>): void;
}

const MANY = 1_000;
const IN_FLIGHT = 256;
const READ = {} as const;
const SCAN = { highWaterMark: 256 * 1024 } as const;

export const contender: Contender = {
  describe: async () => {
    await load();
    return `rocksdb ${versionOf('rocksdb')}, snappy and Bloom filters of 10 bits as it has them by default`;
  },
  open: async ({ dir, durability, memtableBytes, cacheBytes }) => {
    const db = (await load())(dir);
    await promise<void>((done) => db.open({ writeBufferSize: memtableBytes, cacheSize: cacheBytes }, done));
    return storeOf(db, { sync: durability === 'sync' });
  },
};

async function load(): Promise<(dir: string) => Rocks> {
  // It has no types: its name is hidden from the compiler.
  const name = 'rocksdb';
  return ((await import(name)) as { readonly default: (dir: string) => Rocks }).default;
}

function storeOf(db: Rocks, write: { readonly sync: boolean }): Store {
  const get = (key: Buffer, done: (error: unknown, value: Uint8Array | undefined) => void): void => {
    db.get(key, READ, (error, value) => {
      const isAbsent = error?.message.includes('NotFound') === true;
      done(isAbsent ? undefined : error, value);
    });
  };
  return {
    put: (key, value, done) => db.put(key, value, write, done),
    get,
    gets: [
      {
        label: 'getMany of 1000',
        read: (keys, take) => readMany(keys, MANY, (part) => promise((done) => db.getMany(part, READ, done)), take),
      },
      { label: 'get, 256 in flight', read: (keys, take) => readEach(keys, IN_FLIGHT, get, take) },
    ],
    batches: [
      {
        label: 'batch().put()',
        write: (keys, values, done) => {
          const batch = db.batch();
          for (let i = 0; i < keys.length; i++) batch.put(keys[i]!, values[i]!);
          batch.write(write, done);
        },
      },
    ],
    scans: [{ label: 'next(), 256 KiB ahead', scan: (take) => scan(db, take) }],
    first: (from, done) => {
      const iterator = db.iterator({ gte: from, limit: 1 });
      iterator.next((error) => {
        if (error) done(error);
        else iterator.end(done);
      });
    },
    compact: () => promise<void>((done) => db.compactRange(Buffer.from([0]), Buffer.alloc(17, 0xff), done)),
    close: () => promise<void>((done) => db.close(done)),
  };
}

function scan(db: Rocks, take: (key: Uint8Array, value: Uint8Array) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const iterator = db.iterator(SCAN);
    const step = (): void => {
      iterator.next((error, key, value) => {
        if (error) return reject(error);
        if (key === undefined || value === undefined) return iterator.end((failed) => (failed ? reject(failed) : resolve()));
        take(key, value);
        step();
      });
    };
    step();
  });
}

function promise<T>(call: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value as T))));
}
