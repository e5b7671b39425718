/** What several works do. */
import { setImmediate as turn } from 'node:timers/promises';
import { SeededRandom } from '../../runtime/random.ts';
import { KEY_BYTES, type KeyPool, keyBuffers, type Values, writeKey } from './data.ts';
import type { Done, GetForm, ScanForm, Store } from './store.ts';

/** Keys that are made ready beforehand, so that only reading is timed. */
const CHUNK = 8_000;

/** Puts pair `n`. */
export function putOf(store: Store, pool: KeyPool, n: number, values: Values, done: Done): void {
  const key = pool.take(2 * n);
  store.put(key, values.of(n), (error) => {
    pool.give(key);
    done(error);
  });
}

export interface Gets {
  readonly keys: number;
  readonly ms: number;
  readonly isAbsent: boolean;
}

/** Gets per second, of random keys. The first chunk is not counted. */
export async function measureGets(form: GetForm, values: Values, { keys, ms, isAbsent }: Gets): Promise<number> {
  const random = new SeededRandom(form.label);
  const numbers = new Uint32Array(Math.min(CHUNK, keys));
  const buffers = keyBuffers(numbers.length);
  const take = isAbsent
    ? (_: number, value: Uint8Array | undefined): void => {
        if (value !== undefined) throw new Error('an absent key has a value');
      }
    : (i: number, value: Uint8Array | undefined): void => values.check(numbers[i]!, value);
  let total = 0;
  let count = 0;
  for (let chunk = -1; chunk < 1 || total < ms; chunk++) {
    for (let i = 0; i < numbers.length; i++) {
      numbers[i] = random.below(keys);
      writeKey(buffers[i]!, 2 * numbers[i]! + (isAbsent ? 1 : 0));
    }
    await turn();
    const begun = performance.now();
    await form.read(buffers, take);
    if (chunk < 0) continue;
    total += performance.now() - begun;
    count += numbers.length;
  }
  return (count / total) * 1000;
}

/** Pairs per second. Each value is checked, each key by its last digits. */
export async function scanRate(form: ScanForm, values: Values, keys: number): Promise<number> {
  const expected = keyBuffers(1)[0]!;
  let n = 0;
  const begun = performance.now();
  await form.scan((key, value) => {
    writeKey(expected, 2 * n);
    if (key[KEY_BYTES - 1] !== expected[KEY_BYTES - 1] || key[KEY_BYTES - 3] !== expected[KEY_BYTES - 3]) {
      throw new Error(`pair ${n} of the scan has a wrong key`);
    }
    values.check(n++, value);
  });
  const rate = (n / (performance.now() - begun)) * 1000;
  if (n !== keys) throw new Error(`the scan gave ${n} pairs of ${keys}`);
  return rate;
}
