/** Which tables make up the database: the sum of version edits. Immutable: `apply` gives a new state and shares what did not change. */
import { StorageError } from '../errors.ts';
import { compareWhole } from '../key.ts';
import { LEVELS_MAX } from './manifest-format.ts';
import type { TableMeta, VersionEdit } from './version-edit.ts';

type Level = readonly TableMeta[];
const NONE: Level = [];

export class VersionState {
  static readonly empty = new VersionState(new Array<Level>(LEVELS_MAX).fill(NONE), 1, 0, 0, '');

  /**
   * LEVELS_MAX of them. Level 0: newest first, by largest sequence, then number; tables may overlap. Others: by key, without overlap, but that the
   * largest key of a table with range deletes may be the smallest of the next one: the end of a range delete is exclusive.
   */
  readonly levels: readonly Level[];
  readonly nextFileNumber: number;
  readonly logNumber: number;
  readonly lastSequence: number;
  readonly options: string;

  private constructor(levels: readonly Level[], nextFileNumber: number, logNumber: number, lastSequence: number, options: string) {
    this.levels = levels;
    this.nextFileNumber = nextFileNumber;
    this.logNumber = logNumber;
    this.lastSequence = lastSequence;
    this.options = options;
  }

  /** Throws CORRUPTION, without a place, where the edit doesn't fit this state: whoever has the edit from a file says which. */
  apply(edit: VersionEdit): VersionState {
    const from = edit.kind === 'snapshot' ? VersionState.empty : this;
    for (const field of ['nextFileNumber', 'logNumber', 'lastSequence'] as const) {
      if (edit[field] < from[field]) throw wrong(`a ${field} of at least ${from[field]}, got ${edit[field]}`);
    }
    if (edit.kind === 'close' && edit.added.length + edit.removed.length > 0)
      throw wrong('no change of tables when the database is closed');
    const levels = [...from.levels];
    const changed = new Set<number>();
    const removed = new Map<number, Set<number>>();
    for (const { level, number } of edit.removed) {
      const numbers = removed.get(level) ?? new Set();
      removed.set(level, numbers.add(number));
    }
    for (const [level, numbers] of removed) {
      const kept = levels[level]!.filter(({ number }) => !numbers.delete(number));
      if (numbers.size > 0) throw wrong(`tables to remove from level ${level}, which has no ${[...numbers].join(', ')}`);
      levels[level] = kept;
      changed.add(level);
    }
    for (const table of edit.added) {
      if (table.number >= edit.nextFileNumber) throw wrong(`table numbers below ${edit.nextFileNumber}, got ${table.number}`);
      levels[table.level] = [...levels[table.level]!, table];
      changed.add(table.level);
    }
    for (const level of changed) levels[level] = sorted(levels[level]!, level);
    if (edit.added.length > 0) checkUnique(levels);
    const options = edit.options === '' ? from.options : edit.options;
    return new VersionState(levels, edit.nextFileNumber, edit.logNumber, edit.lastSequence, options);
  }

  /** One edit that gives this state from nothing. */
  snapshot(): VersionEdit {
    const { nextFileNumber, logNumber, lastSequence, options } = this;
    return { kind: 'snapshot', nextFileNumber, logNumber, lastSequence, removed: [], added: this.levels.flat(), options };
  }

  tableNumbers(): Set<number> {
    return new Set(this.levels.flatMap((level) => level.map(({ number }) => number)));
  }
}

function sorted(tables: Level, level: number): Level {
  if (level === 0) return tables.toSorted((a, b) => b.largestSequence - a.largestSequence || b.number - a.number);
  const row = tables.toSorted((a, b) => compareWhole(a.smallest, b.smallest) || compareWhole(a.largest, b.largest));
  for (let i = 1; i < row.length; i++) {
    const before = row[i - 1]!;
    const order = compareWhole(before.largest, row[i]!.smallest);
    if (order > 0 || (order === 0 && before.rangeDeletes === 0))
      throw wrong(`level ${level} without overlap, got tables ${before.number} and ${row[i]!.number}`);
  }
  return row;
}

function checkUnique(levels: readonly Level[]): void {
  const numbers = new Set<number>();
  for (const level of levels) {
    for (const { number } of level) {
      if (numbers.has(number)) throw wrong(`each table once, got ${number} twice`);
      numbers.add(number);
    }
  }
}

function wrong(what: string): StorageError {
  return new StorageError('CORRUPTION', `version edit: expected ${what}`);
}
