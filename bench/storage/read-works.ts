/** Works that read what `load` left. */
import { setImmediate as turn } from 'node:timers/promises';
import { SeededRandom } from '../../runtime/random.ts';
import { KEY_BYTES, KeyPool, Values } from './data.ts';
import { warm } from './disk.ts';
import { measureGets, putOf, scanRate } from './operations.ts';
import { anonymousBytes } from './process-figures.ts';
import { pump, times } from './pump.ts';
import type { Contender } from './store.ts';
import { loadedDir, type Measured, SMALL_CACHE_BYTES, type Task, VALUE_BYTES } from './task.ts';

/** Enough for each of 27,000 blocks to be read some ten times. */
const WARM_UP_MS = 1_500;
const PHASES = 10;
const IN_FLIGHT = 64;
const CHURN = 1_000_000;

export async function get(contender: Contender, task: Task): Promise<Measured[]> {
  const dir = loadedDir(task);
  warm(dir);
  const dataBytes = task.keys * (KEY_BYTES + VALUE_BYTES);
  const cacheBytes = 2 * dataBytes + (64 << 20);
  const store = await contender.open({ dir, durability: 'none', memtableBytes: task.memtableBytes, cacheBytes });
  const values = new Values(VALUE_BYTES);
  const measured: Measured[] = [];
  // The first scan fills the cache where scans do, the second is timed.
  for (const form of store.scans) {
    await scanRate(form, values, task.keys);
    measured.push({ metric: 'scan', form: form.label, value: await scanRate(form, values, task.keys) });
  }
  // Where scans go past the cache, gets fill it.
  await measureGets(store.gets[0]!, values, { keys: task.keys, ms: WARM_UP_MS, isAbsent: false });
  for (const [metric, isAbsent] of [
    ['get', false],
    ['get-absent', true],
  ] as const) {
    for (const form of store.gets) {
      const value = await measureGets(form, values, { keys: task.keys, ms: task.ms / 2, isAbsent });
      measured.push({ metric, form: form.label, value });
    }
  }
  await store.close();
  return measured;
}

export async function getReopened(contender: Contender, task: Task): Promise<Measured[]> {
  const dir = loadedDir(task);
  warm(dir);
  const store = await contender.open({ dir, durability: 'none', memtableBytes: task.memtableBytes, cacheBytes: smallCache(task) });
  const values = new Values(VALUE_BYTES);
  const measured: Measured[] = [];
  for (const form of store.gets) {
    const value = await measureGets(form, values, { keys: task.keys, ms: task.ms / 2, isAbsent: false });
    measured.push({ metric: 'get-reopened', form: form.label, value });
  }
  await store.close();
  return measured;
}

/** At most a fourteenth of the data. */
function smallCache(task: Task): number {
  return Math.min(SMALL_CACHE_BYTES, Math.round((task.keys * (KEY_BYTES + VALUE_BYTES)) / 14));
}

/**
 * Resident memory over a budget, half of it for blocks and an eighth for each memtable; the data is ten times that. Half of the work are gets, half puts
 * of what is there already.
 */
export async function memory(contender: Contender, task: Task): Promise<Measured[]> {
  const budget = Math.round((task.keys * (KEY_BYTES + VALUE_BYTES)) / 10);
  const values = new Values(VALUE_BYTES);
  const random = new SeededRandom('memory');
  const pool = new KeyPool(IN_FLIGHT);
  const count = Math.ceil(task.keys / 2 / PHASES);
  // The young generation at its full size is not the store's.
  let length = 0;
  for (let i = 0; i < CHURN; i++) length += Buffer.from([i]).length;
  if (length !== CHURN) throw new Error('the churn was left out');
  const before = settledBytes();
  const options = { durability: 'none', memtableBytes: Math.max(1 << 16, budget >> 3), cacheBytes: budget >> 1 } as const;
  const store = await contender.open({ dir: loadedDir(task), ...options });
  let largest = 0;
  for (let phase = 0; phase < PHASES; phase++) {
    await pump(IN_FLIGHT, times(count), (done) => {
      const n = random.below(task.keys);
      if (random.chance(0.5)) return putOf(store, pool, n, values, done);
      const key = pool.take(2 * n);
      store.get(key, (error, value) => {
        if (error === undefined || error === null) values.check(n, value);
        pool.give(key);
        done(error);
      });
    });
    await turn();
    const now = settledBytes();
    if (now !== undefined && before !== undefined) largest = Math.max(largest, now - before);
  }
  await store.close();
  return before === undefined ? [] : [{ metric: 'memory', form: '', value: largest / budget }];
}

/** Without what the collector would give back. */
function settledBytes(): number | undefined {
  globalThis.gc?.();
  return anonymousBytes();
}
