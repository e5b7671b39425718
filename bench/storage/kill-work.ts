/** A process that dies with its memtable nearly full, and the time that the next one takes to open the directory. */
import { join } from 'node:path';
import { KEY_BYTES, KeyPool, keyBuffers, Values, writeKey } from './data.ts';
import { emptyDir } from './disk.ts';
import { putOf } from './operations.ts';
import { pump, times } from './pump.ts';
import type { Contender } from './store.ts';
import { type Measured, SMALL_CACHE_BYTES, type Task, VALUE_BYTES } from './task.ts';

/** Of keys and values in the memtable's bytes; the rest is what each engine adds to a pair. */
const FULL = 0.75;

function pairsOf(task: Task): number {
  return Math.floor((task.memtableBytes * FULL) / (KEY_BYTES + VALUE_BYTES));
}

/** Doesn't return. */
export async function fillAndDie(contender: Contender, task: Task): Promise<never> {
  const dir = emptyDir(join(task.dir, 'killed'));
  const store = await contender.open({ dir, durability: 'none', memtableBytes: task.memtableBytes, cacheBytes: SMALL_CACHE_BYTES });
  const values = new Values(VALUE_BYTES);
  const pool = new KeyPool(256);
  let n = 0;
  await pump(256, times(pairsOf(task)), (done) => {
    putOf(store, pool, n++, values, done);
  });
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
}

/** To the first answer. */
export async function reopen(contender: Contender, task: Task): Promise<Measured[]> {
  const dir = join(task.dir, 'killed');
  const values = new Values(VALUE_BYTES);
  const pairs = pairsOf(task);
  const last = writeKey(keyBuffers(1)[0]!, 2 * (pairs - 1));
  await contender.describe();
  const begun = performance.now();
  const store = await contender.open({ dir, durability: 'none', memtableBytes: task.memtableBytes, cacheBytes: SMALL_CACHE_BYTES });
  await store.gets[0]!.read([last], (_, value) => values.check(pairs - 1, value));
  const ms = performance.now() - begun;
  const sample = Array.from({ length: 1_000 }, (_, i) => Math.floor((i * pairs) / 1_000));
  const buffers = keyBuffers(sample.length);
  for (let i = 0; i < sample.length; i++) writeKey(buffers[i]!, 2 * sample[i]!);
  await store.gets[0]!.read(buffers, (i, value) => values.check(sample[i]!, value));
  await store.close();
  return [{ metric: 'reopen', form: '', value: ms }];
}
