/** `clear` of a `DynactorLevel`: deletes a range whose ends may be open or exclusive. */
import type { Durability, EngineApi, IteratorOptions } from '../engine/api.ts';
import { type EngineIterator, type Entry, LATER } from '../engine/api.ts';
import { WriteBatch } from '../write-batch.ts';
import { Completions, done } from './completion.ts';

/** Keys that one write of a limited clear deletes. */
const STEP_COUNT = 1_000;
const STEP_BYTES = 1_024 * 1_024;

/** Deletes all of a range in one write: from its first key to its last, as they are at the call. */
export async function clearRange(engine: EngineApi, range: IteratorOptions, durability: Durability | undefined): Promise<void> {
  const first = await firstKey(engine, { ...range, reverse: false });
  if (first === undefined) return;
  const last = (await firstKey(engine, { ...range, reverse: true })) ?? first;
  const batch = new WriteBatch().deleteRange(first, last).delete(last);
  await done((settled) => engine.write(batch, durability, settled));
}

/** Deletes the first `limit` keys of a range, those of its snapshot if it has one, in several writes. */
export async function clearSome(
  engine: EngineApi,
  range: IteratorOptions,
  limit: number,
  durability: Durability | undefined,
): Promise<void> {
  const iterator = engine.iterator({ ...range, values: false });
  const batch = new WriteBatch();
  try {
    for (let left = limit; left > 0; ) {
      const entries = await nextOf(iterator, Math.min(left, STEP_COUNT));
      if (entries.length === 0) return;
      left -= entries.length;
      batch.clear();
      for (const { key } of entries) batch.delete(key);
      await done((settled) => engine.write(batch, durability, settled));
    }
  } finally {
    iterator.close();
  }
}

async function firstKey(engine: EngineApi, range: IteratorOptions): Promise<Uint8Array | undefined> {
  const iterator = engine.iterator({ ...range, values: false });
  try {
    const [entry] = await nextOf(iterator, 1);
    return entry?.key;
  } finally {
    iterator.close();
  }
}

async function nextOf(iterator: EngineIterator, count: number): Promise<readonly Entry[]> {
  const completions = new Completions<readonly Entry[]>();
  const entries = iterator.next(count, STEP_BYTES, completions.next);
  return entries === LATER ? completions.wait((fetched) => fetched) : entries;
}
