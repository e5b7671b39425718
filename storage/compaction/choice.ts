/** What the picker may decide, and what a merge needs to know of the tables around it. */
import { type KeySpan, spanOf, spansOverlap } from './key-ranges.ts';
import type { Levels, LevelTable } from './levels.ts';
import { overlapping } from './levels.ts';

export type MergeReason =
  /** Level 0 has too many tables or bytes, or a level has too many bytes. */
  | 'size'
  /** Young tables of about one size, merged within level 0. */
  | 'tier'
  /** A table is mostly tombstones. */
  | 'tombstones'
  /** Tombstones that a snapshot had kept, at the bottom. */
  | 'released'
  | 'manual';

export interface MergeInput {
  readonly level: number;
  readonly tables: readonly LevelTable[];
}

export interface MergeChoice {
  readonly kind: 'merge';
  /** Newest first; none is empty. */
  readonly inputs: readonly MergeInput[];
  readonly outputLevel: number;
  readonly reason: MergeReason;
  /** How badly it is needed: 1 is due. */
  readonly score: number;
}

export type Choice =
  | { readonly kind: 'none' }
  | MergeChoice
  /** The table goes to another level as it is: an edit of the manifest. */
  | { readonly kind: 'move'; readonly table: LevelTable; readonly from: number; readonly to: number }
  /** Nobody can see anything of these tables: an edit of the manifest. */
  | { readonly kind: 'drop'; readonly tables: readonly { readonly level: number; readonly table: LevelTable }[] };

export const NO_CHOICE = { kind: 'none' } as const;

export function inputTables({ inputs }: MergeChoice): readonly LevelTable[] {
  return inputs.flatMap(({ tables }) => tables);
}

export function choiceSpan(choice: MergeChoice): KeySpan {
  return spanOf(inputTables(choice));
}

/**
 * Tables with data older than the inputs, in their span. What stays in levels from 1 down to that of the outputs is not: it overlaps no input that is
 * newer. Tables of merges under way count where they are: what comes of them lies within them.
 */
export function olderTables({ levels }: Levels, choice: MergeChoice): readonly LevelTable[] {
  const span = choiceSpan(choice);
  const older: LevelTable[] = [];
  if (choice.inputs[0]!.level === 0) {
    const inputs = new Set(inputTables(choice).map(({ number }) => number));
    const level0 = levels[0]!;
    const behind = level0.slice(level0.findIndex(({ number }) => inputs.has(number)));
    older.push(...behind.filter((table) => !inputs.has(table.number) && spansOverlap(table, span)));
  }
  for (const level of levels.slice(choice.outputLevel + 1)) older.push(...overlapping(level, span));
  return older;
}

/** Tables of the level below the outputs, in the span of the merge. */
export function grandparentsOf({ levels }: Levels, choice: MergeChoice): readonly LevelTable[] {
  const below = levels[choice.outputLevel + 1];
  return choice.outputLevel === 0 || below === undefined ? [] : overlapping(below, choiceSpan(choice));
}
