/** Ranges of a shard's engine: of keyspaces, and of tokens of one (engine-key.ts). */
import { type EngineIterator, type KeyRange, LATER } from '../../storage/engine/api.ts';
import type { Engine } from '../../storage/engine/engine.ts';
import type { StorageError } from '../../storage/errors.ts';
import { engineKeyOf, prefixOf } from './engine-key.ts';

/** From `start` on, below `end`. */
export interface EngineRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

/** All keys of keyspaces `from` to `before` - 1. Requires: 1 <= from < before < 2^32. */
export function rangeOfKeyspaces(from: number, before: number): EngineRange {
  return { start: prefixOf(from, 0), end: prefixOf(before, 0) };
}

/** From a token on, or behind one of its keys (empty: none), to the last token of the range, included. Requires: `keyspace` below 2^32 - 1. */
export function rangeOfTokens(keyspace: number, high: number, low: number, key: Uint8Array, lastHigh: number, lastLow: number): KeyRange {
  const from = engineKeyOf(keyspace, high, low, key);
  // The least token behind the last one, in the next keyspace where there is none.
  const behindLow = (lastLow + 1) % TOKEN_HALF;
  const behindHigh = (lastHigh + (behindLow === 0 ? 1 : 0)) % TOKEN_HALF;
  const isLast = behindLow === 0 && behindHigh === 0;
  const lt = prefixOf(isLast ? keyspace + 1 : keyspace, behindHigh, behindLow);
  return key.length === 0 ? { gte: from, lt } : { gt: from, lt };
}

const TOKEN_HALF = 2 ** 32;

/** What lies between the keyspaces that there are: of keyspaces that were dropped. `ids`: rising. */
export function rangesBetween(ids: readonly number[], nextId: number): readonly EngineRange[] {
  const ranges: EngineRange[] = [];
  let from = 1;
  for (const id of [...ids, nextId]) {
    if (from < id) ranges.push(rangeOfKeyspaces(from, id));
    from = id + 1;
  }
  return ranges;
}

/**
 * Deletes what there is in the ranges: of each `done` is called when it is on disk, at once where memory tells that there is nothing. `begin` is called before anything is deleted, with how many
 * there are that may hold something. Returns that number. All are looked at before the first is deleted: what is deleted is ordered anew for the next iterator, which would cost as the square of their number.
 */
export function clearRanges(
  engine: Engine,
  ranges: readonly EngineRange[],
  begin: (count: number) => void,
  done: (range: EngineRange, error: StorageError | undefined) => void,
): number {
  const held = heldOf(engine, ranges);
  begin(held.size);
  for (const range of ranges) {
    if (held.has(range)) engine.deleteRange(range.start, range.end, 'sync', (error) => done(range, error));
    else done(range, undefined);
  }
  return held.size;
}

/**
 * Which of them may hold something. By one iterator, that goes from each range to the next key that there is, as all of it is one turn: so what is deleted, and not yet gone, is gone over once, however
 * many ranges it lies in.
 */
function heldOf(engine: Engine, ranges: readonly EngineRange[]): ReadonlySet<EngineRange> {
  if (engine.hasWaitingWrites) return new Set(ranges);
  const held = new Set<EngineRange>();
  const rising = ranges.toSorted((a, b) => Buffer.compare(a.start, b.start));
  const open = (): EngineIterator => engine.iterator({ gte: rising[0]!.start, lt: rising.at(-1)!.end, values: false });
  let iterator: EngineIterator | null = null;
  /** The first key from where it has looked last; null: there is none. */
  let next: Uint8Array | null | undefined;
  for (const range of rising) {
    if (next === undefined || (next !== null && Buffer.compare(next, range.start) < 0)) {
      iterator ??= open();
      iterator.seek(range.start);
      const entries = iterator.next(1, 1, () => {});
      if (entries === LATER) {
        // What a disk has to be asked for may be anything.
        held.add(range);
        iterator.close();
        iterator = null;
        next = undefined;
        continue;
      }
      next = entries[0]?.key ?? null;
    }
    if (next !== null && Buffer.compare(next, range.end) < 0) held.add(range);
  }
  iterator?.close();
  return held;
}
