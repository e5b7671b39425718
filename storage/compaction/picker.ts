/**
 * The picker: which tables to merge next. Pure; what it chooses is executed by others.
 *
 * Young tables are merged by size tiers within level 0, so that few large merges go into the base level instead of many small ones; below, the
 * levels are levelled with a ratio. Measured by test/storage/compaction/policy.ts.
 *
 * Invariant: after any choice, of one key what is above is newer than what is below, also with other choices under way, whatever the order in which they
 * end. So a merge takes with it all that is older, overlaps it and would be above its outputs, and leaves alone what others are at.
 */
import { compareWhole } from '../key.ts';
import type { RangeDeletes } from '../range-deletes.ts';
import { type Choice, choiceSpan, type MergeChoice, type MergeReason, NO_CHOICE } from './choice.ts';
import { type KeySpan, spanOf, spansOverlap } from './key-ranges.ts';
import { type LevelTargets, levelScores, levelTargets, type TargetOptions } from './level-targets.ts';
import { busyTables, bytesOf, type Levels, type LevelTable, outputClashes, overlapping } from './levels.ts';
import { tierOf } from './tier.ts';

export interface PickerOptions extends TargetOptions {
  /** Young tables of about one size that are merged within level 0; 0: never, they go to the base level. */
  readonly tierTables: number;
  /** A table of which this part is tombstones is merged down, though its level is not too large. */
  readonly tombstoneRatio: number;
  /** Overlap with the level below its new one up to which a table is moved as it is. */
  readonly grandparentBytesMax: number;
  /** No snapshot is older; Infinity when there is none. */
  readonly oldestSnapshot: number;
  /** Range deletes in tables: only these, since what deletes must be on disk before what it deletes is gone. */
  readonly rangeDeletes: RangeDeletes;
  /** Whether the filter would remove all of the table. Asked of tables of the last level only, and only while there is no snapshot. */
  readonly filterDrops: ((table: LevelTable) => boolean) | undefined;
}

export const PICKER_DEFAULTS = {
  baseBytes: 512 << 20,
  ratio: 10,
  level0Tables: 4,
  tierTables: 4,
  tombstoneRatio: 0.5,
} as const;

export function choose(state: Levels, options: PickerOptions): Choice {
  const drop = chooseDrop(state, options);
  if (drop.kind !== 'none') return drop;
  const targets = levelTargets(state, options);
  const scores = levelScores(state, targets, options);
  const due = scores.map((score, level) => ({ score, level })).filter(({ score }) => score >= 1);
  for (const { level, score } of due.sort((a, b) => b.score - a.score)) {
    const choice = level === 0 ? chooseYoung(state, options, targets, score) : chooseLevel(state, options, level, targets, score, 'size');
    if (choice.kind !== 'none') return choice;
  }
  return chooseTombstones(state, options, targets);
}

/** Merges all that has keys of the span into the last level. Done when it gives `none` and nothing is under way. */
export function chooseManual(state: Levels, wanted: KeySpan): Choice {
  const last = state.levels.length - 1;
  let span = wanted;
  let inputs: MergeChoice['inputs'];
  for (;;) {
    const hull = span;
    inputs = state.levels
      .map((tables, level) => ({ level, tables: tables.filter((table) => spansOverlap(table, hull)) }))
      .filter(({ tables }) => tables.length > 0);
    if (inputs.length === 0) return NO_CHOICE;
    const next = spanOf(inputs.flatMap(({ tables }) => tables));
    if (compareWhole(next.smallest, span.smallest) >= 0 && compareWhole(next.largest, span.largest) <= 0) break;
    span = spanOf([span, next]);
  }
  const settled =
    inputs.length === 1 && inputs[0]!.level === last && inputs[0]!.tables.every((table) => table.deletes + table.rangeDeletes === 0);
  if (settled) return NO_CHOICE;
  const only = inputs.length === 1 ? inputs[0]! : undefined;
  // One table of which nothing is to be dropped, and nothing is in its way.
  if (only?.tables.length === 1 && only.level !== last && only.tables[0]!.deletes + only.tables[0]!.rangeDeletes === 0) {
    return possibleMove(state, { kind: 'move', table: only.tables[0]!, from: only.level, to: last });
  }
  return possible(state, { kind: 'merge', inputs, outputLevel: last, reason: 'manual', score: 1 });
}

/** Level 0 as it stands is due. */
function chooseYoung(state: Levels, options: PickerOptions, targets: LevelTargets, score: number): Choice {
  const level0 = state.levels[0]!;
  const busy = busyTables(state);
  const oldest = level0.at(-1);
  if (oldest !== undefined && !busy.has(oldest.number)) {
    const move = maybeMove(state, options, oldest, 0, targets.base);
    if (move.kind !== 'none') return move;
  }
  if (options.tierTables > 0 && bytesOf(level0) < options.baseBytes) {
    const tier = tierOf(level0, busy, options.tierTables);
    if (tier.length > 0) return { kind: 'merge', inputs: [{ level: 0, tables: tier }], outputLevel: 0, reason: 'tier', score };
    // Few tables of different sizes: to merge them would be to write the large one again for the sake of the small ones.
    if (level0.length < 2 * options.tierTables) return NO_CHOICE;
  }
  return possible(state, mergeDown(state, 0, unhindered(level0, busy), targets, 'size', score));
}

/** Tables of level 0 that are not busy and have nothing busy below them. */
function unhindered(level0: readonly LevelTable[], busy: ReadonlySet<number>): readonly LevelTable[] {
  const left: LevelTable[] = [];
  const taken = level0.toReversed().filter((table) => {
    if (!busy.has(table.number) && !left.some((other) => spansOverlap(other, table))) return true;
    left.push(table);
    return false;
  });
  return taken.reverse();
}

/** Of a level above 0: the table that overlaps the least of the next level for its size. */
function chooseLevel(
  state: Levels,
  options: PickerOptions,
  level: number,
  targets: LevelTargets,
  score: number,
  reason: MergeReason,
  wanted: (table: LevelTable) => boolean = () => true,
): Choice {
  const busy = busyTables(state);
  const to = levelBelow(level, targets);
  const candidates = state.levels[level]!.filter((table) => !busy.has(table.number) && wanted(table)).map((table) => ({
    table,
    cost: bytesOf(overlapping(state.levels[to]!, table)) / (table.bytes + 1),
  }));
  for (const { table } of candidates.sort((a, b) => a.cost - b.cost)) {
    // A move takes tombstones nowhere.
    const move = reason === 'tombstones' ? NO_CHOICE : maybeMove(state, options, table, level, to);
    if (move.kind !== 'none') return move;
    const choice = possible(state, mergeDown(state, level, [table], targets, reason, score));
    if (choice.kind !== 'none') return choice;
  }
  return NO_CHOICE;
}

function chooseTombstones(state: Levels, options: PickerOptions, targets: LevelTargets): Choice {
  const last = state.levels.length - 1;
  const heavy = (table: LevelTable): boolean => table.deletes > options.tombstoneRatio * table.entries;
  for (let level = 1; level < last; level++) {
    const choice = chooseLevel(state, options, level, targets, 0, 'tombstones', heavy);
    if (choice.kind !== 'none') return choice;
  }
  const busy = busyTables(state);
  const released = state.levels[last]!.find(
    (table) => table.deletes + table.rangeDeletes > 0 && table.largestSequence <= options.oldestSnapshot && !busy.has(table.number),
  );
  if (released === undefined) return NO_CHOICE;
  return possible(state, {
    kind: 'merge',
    inputs: [{ level: last, tables: [released] }],
    outputLevel: last,
    reason: 'released',
    score: 0,
  });
}

/** Tables of which a range delete, seen by all snapshots, covers everything, or the filter removes everything. */
function chooseDrop(state: Levels, { oldestSnapshot, rangeDeletes, filterDrops }: PickerOptions): Choice {
  if (rangeDeletes.empty && filterDrops === undefined) return NO_CHOICE;
  const busy = busyTables(state);
  const last = state.levels.length - 1;
  const dead = state.levels.flatMap((tables, level) =>
    tables
      .filter((table) => {
        if (busy.has(table.number)) return false;
        const { smallest, largest, largestSequence } = table;
        const piece = rangeDeletes.pieceAt(smallest, 0, smallest.length);
        const covered =
          rangeDeletes.coveringIn(piece, smallest, 0, smallest.length, oldestSnapshot) > largestSequence &&
          compareWhole(largest, rangeDeletes.ends[piece]!) < 0;
        // What the filter removes may hide something older, so only at the bottom.
        return covered || (level === last && oldestSnapshot === Number.POSITIVE_INFINITY && filterDrops?.(table) === true);
      })
      .map((table) => ({ level, table })),
  );
  return dead.length === 0 ? NO_CHOICE : { kind: 'drop', tables: dead };
}

function maybeMove(state: Levels, options: PickerOptions, table: LevelTable, from: number, to: number): Choice {
  if (overlapping(state.levels[to]!, table).length > 0 || outputClashes(state, to, table)) return NO_CHOICE;
  for (let level = from + 1; level < to; level++) if (overlapping(state.levels[level]!, table).length > 0) return NO_CHOICE;
  const below = state.levels[to + 1];
  if (below !== undefined && bytesOf(overlapping(below, table)) > options.grandparentBytesMax) return NO_CHOICE;
  return { kind: 'move', table, from, to };
}

function levelBelow(level: number, { base }: LevelTargets): number {
  return Math.max(level + 1, base);
}

/** The tables, and all that is between them and the level they go to. */
function mergeDown(
  state: Levels,
  from: number,
  tables: readonly LevelTable[],
  targets: LevelTargets,
  reason: MergeReason,
  score: number,
): MergeChoice {
  const outputLevel = levelBelow(from, targets);
  const inputs = [{ level: from, tables }];
  let span = tables.length === 0 ? undefined : spanOf(tables);
  for (let level = from + 1; level <= outputLevel && span !== undefined; level++) {
    const met = overlapping(state.levels[level]!, span);
    if (met.length === 0) continue;
    inputs.push({ level, tables: met });
    span = spanOf([span, spanOf(met)]);
  }
  return { kind: 'merge', inputs, outputLevel, reason, score };
}

function possibleMove(state: Levels, choice: Extract<Choice, { readonly kind: 'move' }>): Choice {
  const { table, to } = choice;
  return busyTables(state).has(table.number) || outputClashes(state, to, table) ? NO_CHOICE : choice;
}

/** The merge, unless one under way is at its tables or where its outputs will lie. */
function possible(state: Levels, choice: MergeChoice): Choice {
  if (choice.inputs[0]!.tables.length === 0) return NO_CHOICE;
  const busy = busyTables(state);
  if (choice.inputs.some(({ tables }) => tables.some(({ number }) => busy.has(number)))) return NO_CHOICE;
  return outputClashes(state, choice.outputLevel, choiceSpan(choice)) ? NO_CHOICE : choice;
}
