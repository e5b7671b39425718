/** Works that begin with an empty directory and write. */
import { join } from 'node:path';
import { SeededRandom } from '../../runtime/random.ts';
import { KEY_BYTES, KeyPool, keyBuffers, permutation, Values, writeKey } from './data.ts';
import { bytesOf, emptyDir } from './disk.ts';
import { measureGets, putOf, scanRate } from './operations.ts';
import { bytesWritten } from './process-figures.ts';
import { pump, times, untilMs } from './pump.ts';
import type { BatchForm, Contender, Done, Durability, Store } from './store.ts';
import { LARGE_BYTES, loadedDir, type Measured, SMALL_CACHE_BYTES, type Task, VALUE_BYTES } from './task.ts';

const IN_FLIGHT = 256;
const BATCH = 1_000;
/** Batches in flight: while one is written, the next is put together. */
const BATCHES_IN_FLIGHT = 4;
const VERIFIED = 5_000;

/** Puts all pairs in random order, compacts, and leaves them for others. */
export async function load(contender: Contender, task: Task): Promise<Measured[]> {
  const dir = emptyDir(loadedDir(task));
  const options = { dir, durability: 'none', memtableBytes: task.memtableBytes, cacheBytes: SMALL_CACHE_BYTES } as const;
  const store = await contender.open(options);
  const { rate, written, values } = await fill(store, task.keys, VALUE_BYTES, dir);
  await verify(store, values, task.keys, 1);
  await store.close();
  return [
    { metric: 'put', form: '', value: rate },
    { metric: 'size', form: '', value: bytesOf(dir) / putBytes(task.keys, VALUE_BYTES) },
    ...written('written'),
  ];
}

/** The design point of large values: everything at once. */
export async function large(contender: Contender, task: Task): Promise<Measured[]> {
  const dir = emptyDir(join(task.dir, 'large'));
  const keys = largeKeys(task);
  const cacheBytes = 2 * putBytes(keys, LARGE_BYTES) + (64 << 20);
  const store = await contender.open({ dir, durability: 'none', memtableBytes: task.memtableBytes, cacheBytes });
  const { rate, written, values } = await fill(store, keys, LARGE_BYTES, dir);
  const size = bytesOf(dir);
  await scanRate(store.scans[0]!, values, keys);
  const measured: Measured[] = [
    { metric: 'large-put', form: '', value: rate },
    { metric: 'large-size', form: '', value: size / putBytes(keys, LARGE_BYTES) },
    ...written('large-written'),
  ];
  for (const form of store.gets) {
    const value = await measureGets(form, values, { keys, ms: task.ms / 2, isAbsent: false });
    measured.push({ metric: 'large-get', form: form.label, value });
  }
  for (const form of store.scans) measured.push({ metric: 'large-scan', form: form.label, value: await scanRate(form, values, keys) });
  await store.close();
  emptyDir(dir);
  return measured;
}

export function largeKeys(task: Task): number {
  return Math.max(1_000, Math.round((task.keys * (KEY_BYTES + VALUE_BYTES)) / (LARGE_BYTES / 2)));
}

interface Filled {
  readonly rate: number;
  readonly values: Values;
  readonly written: (metric: string) => Measured[];
}

async function fill(store: Store, keys: number, valueBytes: number, seed: string): Promise<Filled> {
  const values = new Values(valueBytes);
  const order = permutation(keys, new SeededRandom(seed));
  const pool = new KeyPool(IN_FLIGHT);
  const before = bytesWritten();
  let next = 0;
  const begun = performance.now();
  await pump(IN_FLIGHT, times(keys), (done) => {
    const n = order[next++]!;
    putOf(store, pool, n, values, done);
  });
  const rate = (keys / (performance.now() - begun)) * 1000;
  await store.compact();
  const after = bytesWritten();
  return {
    rate,
    values,
    written: (metric) =>
      before === undefined || after === undefined ? [] : [{ metric, form: '', value: (after - before) / putBytes(keys, valueBytes) }],
  };
}

export async function putSync(contender: Contender, task: Task): Promise<Measured[]> {
  const store = await openFresh(contender, task, 'sync');
  const values = new Values(VALUE_BYTES);
  const order = permutation(task.keys, new SeededRandom('put-sync'));
  const pool = new KeyPool(IN_FLIGHT);
  let next = 0;
  const one = (done: Done): void => {
    const n = order[next++ % order.length]!;
    putOf(store, pool, n, values, done);
  };
  await pump(IN_FLIGHT, times(IN_FLIGHT), one);
  const first = next;
  const begun = performance.now();
  await pump(IN_FLIGHT, untilMs(task.ms * 2), one);
  const value = ((next - first) / (performance.now() - begun)) * 1000;
  await readBack(store, values, order.subarray(0, Math.min(next, order.length)));
  await store.close();
  return [{ metric: 'put-sync', form: '', value }];
}

/** Half of the pairs, in batches. */
export async function batch(contender: Contender, task: Task): Promise<Measured[]> {
  const measured: Measured[] = [];
  const batches = Math.ceil(task.keys / 2 / BATCH);
  for (const isSequential of [false, true]) {
    for (let form = 0; ; form++) {
      const store = await openFresh(contender, task, 'none');
      const chosen = store.batches[form];
      if (chosen !== undefined) {
        const value = await writeBatches(store, chosen, { batches, isSequential, more: () => times(batches) });
        measured.push({ metric: isSequential ? 'batch-sequential' : 'batch-random', form: chosen.label, value });
      }
      await store.close();
      if (chosen === undefined) break;
    }
  }
  return measured;
}

export async function batchSync(contender: Contender, task: Task): Promise<Measured[]> {
  const store = await openFresh(contender, task, 'sync');
  const measured: Measured[] = [];
  for (const form of store.batches) {
    const batches = Math.ceil(task.keys / BATCH);
    const value = await writeBatches(store, form, { batches, isSequential: false, more: () => untilMs(task.ms) });
    measured.push({ metric: 'batch-sync', form: form.label, value });
  }
  await store.close();
  return measured;
}

interface Batches {
  /** Different ones; then they come again. */
  readonly batches: number;
  readonly isSequential: boolean;
  /** Called when all is ready: what counts time begins then. */
  readonly more: () => () => boolean;
}

/** Pairs per second. */
async function writeBatches(store: Store, form: BatchForm, { batches, isSequential, more }: Batches): Promise<number> {
  const values = new Values(VALUE_BYTES);
  const count = batches * BATCH;
  const order = isSequential ? Uint32Array.from({ length: count }, (_, i) => i) : permutation(count, new SeededRandom('batch'));
  const free = Array.from({ length: BATCHES_IN_FLIGHT }, () => ({ keys: keyBuffers(BATCH), values: new Array<Buffer>(BATCH) }));
  let next = 0;
  const begun = performance.now();
  await pump(BATCHES_IN_FLIGHT, more(), (done) => {
    const buffers = free.pop()!;
    const from = (next++ % batches) * BATCH;
    for (let i = 0; i < BATCH; i++) {
      const n = order[from + i]!;
      writeKey(buffers.keys[i]!, 2 * n);
      buffers.values[i] = values.of(n);
    }
    form.write(buffers.keys, buffers.values, (error) => {
      free.push(buffers);
      done(error);
    });
  });
  const rate = ((next * BATCH) / (performance.now() - begun)) * 1000;
  await readBack(store, values, order.subarray(0, Math.min(next, batches) * BATCH));
  return rate;
}

function openFresh(contender: Contender, task: Task, durability: Durability): Promise<Store> {
  const dir = emptyDir(join(task.dir, 'fresh'));
  return contender.open({ dir, durability, memtableBytes: task.memtableBytes, cacheBytes: SMALL_CACHE_BYTES });
}

/** A sample of all pairs. */
async function verify(store: Store, values: Values, keys: number, seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  await readBack(
    store,
    values,
    Uint32Array.from({ length: Math.min(VERIFIED, keys) }, () => random.below(keys)),
  );
}

/** Reads a sample of what was written, and throws when a value is not what it should be. */
async function readBack(store: Store, values: Values, written: Uint32Array): Promise<void> {
  const step = Math.max(1, Math.floor(written.length / VERIFIED));
  const sample = written.filter((_, i) => i % step === 0);
  const buffers = keyBuffers(sample.length);
  for (let i = 0; i < sample.length; i++) writeKey(buffers[i]!, 2 * sample[i]!);
  await store.gets[0]!.read(buffers, (i, value) => values.check(sample[i]!, value));
}

function putBytes(keys: number, valueBytes: number): number {
  return keys * (KEY_BYTES + valueBytes);
}
