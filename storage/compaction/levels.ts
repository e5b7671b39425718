/**
 * What the picker knows of the tables.
 *
 * ```
 * level 0   [a ..... z] newest       each table is one run; tables overlap
 *           [b ... y]   older
 * level 1   [a . c][d .. k][m . z]   tables don't overlap; of one key, a level above is newer than one below
 * level 2   ...
 * ```
 */
import { compareWhole } from '../key.ts';
import { type KeySpan, spansOverlap } from './key-ranges.ts';

/** A table as the picker sees it. `smallest` and `largest` span its range deletes too. */
export interface LevelTable extends KeySpan {
  readonly number: number;
  readonly bytes: number;
  /** PUT and DELETE. */
  readonly entries: number;
  readonly deletes: number;
  readonly rangeDeletes: number;
  /** Of entries and range deletes. */
  readonly largestSequence: number;
}

/** A merge or move under way. */
export interface RunningMerge {
  /** Numbers of its inputs. */
  readonly tables: readonly number[];
  readonly outputLevel: number;
  /** Over all inputs: outputs lie within it. */
  readonly span: KeySpan;
}

export interface Levels {
  /** Level 0 newest first, the others by key. At least two. */
  readonly levels: readonly (readonly LevelTable[])[];
  /** Flushes are not in it. */
  readonly running: readonly RunningMerge[];
}

/** Tables of a level above 0 that overlap the span. Cost: two binary searches. */
export function overlapping<T extends KeySpan>(level: readonly T[], span: KeySpan): readonly T[] {
  const from = firstWhere(level, ({ largest }) => compareWhole(largest, span.smallest) >= 0);
  const to = firstWhere(level, ({ smallest }) => compareWhole(smallest, span.largest) > 0);
  return from < to ? level.slice(from, to) : [];
}

export function bytesOf(tables: readonly LevelTable[]): number {
  let bytes = 0;
  for (const table of tables) bytes += table.bytes;
  return bytes;
}

export function busyTables({ running }: Levels): ReadonlySet<number> {
  return new Set(running.flatMap(({ tables }) => tables));
}

/** Whether outputs in `span` of the level could overlap those of a merge under way. */
export function outputClashes({ running }: Levels, level: number, span: KeySpan): boolean {
  return level > 0 && running.some((merge) => merge.outputLevel === level && spansOverlap(merge.span, span));
}

/** Index of the first for which it holds; the length when there is none. Requires: it holds for all behind one for which it does. */
function firstWhere<T>(list: readonly T[], holds: (value: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(list[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
