/** `clear` of a `DynactorLevel` that has a limit or a snapshot; without, it is `clearSpan`. */
import type { Durability, EngineApi, IteratorOptions } from '../engine/api.ts';
import { type EngineIterator, type Entry, LATER } from '../engine/api.ts';
import { WriteBatch } from '../write-batch.ts';
import { Completions, done } from './completion.ts';

/** Keys that one write of a limited clear deletes. */
const STEP_COUNT = 1_000;
const STEP_BYTES = 1_024 * 1_024;

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

async function nextOf(iterator: EngineIterator, count: number): Promise<readonly Entry[]> {
  const completions = new Completions<readonly Entry[]>();
  const entries = iterator.next(count, STEP_BYTES, completions.next);
  return entries === LATER ? completions.wait((fetched) => fetched) : entries;
}
