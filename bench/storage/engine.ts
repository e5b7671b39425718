/** Our engine, by its own interface. */
import { type EngineApi, type EngineIterator, type Entry, LATER } from '../../storage/engine/api.ts';
import type { StorageError } from '../../storage/errors.ts';
import { WriteBatch } from '../../storage/write-batch.ts';
import { pump, readEach, times } from './pump.ts';
import type { Contender, Durability, Store } from './store.ts';

/** Of `storage/embedded/open-engine.ts`: the engine with real doors, as a program that embeds it gets it. */
interface OpenModule {
  readonly openEngine: (dir: string, options: object) => Promise<{ readonly engine: EngineApi; close(): Promise<void> }>;
}

const MANY = 1_000;
const SCAN_BYTES = 1 << 20;
const IN_FLIGHT = 256;

export const contender: Contender = {
  describe: async () => {
    await load();
    return 'dynactor, blocks as they are, Bloom filters of 10 bits, as it has them by default';
  },
  open: async ({ dir, durability, memtableBytes, cacheBytes }) => {
    const { openEngine } = await load();
    const opened = await openEngine(dir, { durability, memtableBytes, cacheBytes });
    return storeOf(opened.engine, durability, () => opened.close());
  },
};

async function load(): Promise<OpenModule> {
  return (await import(new URL('../../storage/embedded/open-engine.js', import.meta.url).href)) as OpenModule;
}

function storeOf(engine: EngineApi, durability: Durability, close: () => Promise<void>): Store {
  const get = (key: Buffer, done: (error: unknown, value: Uint8Array | undefined) => void): void => {
    const value = engine.get(key, undefined, (result) => (result.ok ? done(undefined, result.value) : done(result.error, undefined)));
    if (value !== LATER) done(undefined, value);
  };
  const batch = new WriteBatch();
  return {
    put: (key, value, done) => engine.put(key, value, durability, done),
    get,
    gets: [
      { label: 'get', read: (keys, take) => readEach(keys, IN_FLIGHT, get, take) },
      {
        label: 'getMany of 1000',
        read: (keys, take) => {
          let next = 0;
          return pump(4, times(Math.ceil(keys.length / MANY)), (done) => {
            const from = next;
            next += MANY;
            const takeAll = (values: readonly (Uint8Array | undefined)[]): void => {
              for (let i = 0; i < values.length; i++) take(from + i, values[i]);
              done();
            };
            const values = engine.getMany(keys.slice(from, from + MANY), undefined, (result) =>
              result.ok ? takeAll(result.value) : done(result.error),
            );
            if (values !== LATER) takeAll(values);
          });
        },
      },
    ],
    batches: [
      {
        label: 'write',
        write: (keys, values, done) => {
          batch.clear();
          for (let i = 0; i < keys.length; i++) batch.put(keys[i]!, values[i]!);
          engine.write(batch, durability, done);
        },
      },
    ],
    scans: [{ label: 'next(1000)', scan: (take) => scan(engine, take) }],
    first: (from, done) => {
      const iterator = engine.iterator({ gte: from });
      nextOf(iterator, 1, (error) => {
        iterator.close();
        done(error);
      });
    },
    compact: () => promise((done) => engine.compact({}, done)),
    close,
  };
}

function scan(engine: EngineApi, take: (key: Uint8Array, value: Uint8Array) => void): Promise<void> {
  const iterator = engine.iterator({});
  let ended = false;
  return pump(
    1,
    () => !ended,
    (done) =>
      nextOf(iterator, MANY, (error, entries) => {
        for (const { key, value } of entries) take(key, value);
        ended = entries.length === 0;
        if (ended) iterator.close();
        done(error);
      }),
  );
}

function nextOf(iterator: EngineIterator, count: number, done: (error: StorageError | undefined, entries: readonly Entry[]) => void): void {
  const entries = iterator.next(count, SCAN_BYTES, (result) => (result.ok ? done(undefined, result.value) : done(result.error, [])));
  if (entries !== LATER) done(undefined, entries);
}

function promise(call: (done: (error: StorageError | undefined) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error === undefined ? resolve() : reject(error))));
}
