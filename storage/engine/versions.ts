/**
 * The versions of the database that somebody still reads: the current one, and older ones that iterators and reads under way hold.
 *
 * ```
 * version 7 (current)    level 0: 12 11    level 1: 3 8 9
 * version 6 (held once)  level 0: 11 10    level 1: 3 4        tables 10 and 4 go when it does
 * ```
 */
import { assert } from '../../runtime/errors.ts';
import type { VersionState } from '../manifest/version-state.ts';
import { RangeDeletes } from '../range-deletes.ts';
import type { OpenTable } from './open-table.ts';
import { SearchedLevel } from './searched-level.ts';

export class Version {
  readonly state: VersionState;
  /** Level 0 newest first, the others by key. At least LEVELS. */
  readonly levels: readonly (readonly OpenTable[])[];
  /** Of `levels` those that have tables, as point reads go through them. */
  readonly searched: readonly SearchedLevel[];
  readonly rangeDeletes: RangeDeletes;
  holders = 0;

  constructor(state: VersionState, tables: ReadonlyMap<number, OpenTable>, meetingOnes: boolean) {
    this.state = state;
    this.levels = state.levels.slice(0, levelCount(state)).map((level) =>
      level.map(({ number }) => {
        const table = tables.get(number);
        assert(table !== undefined, `version: table ${number} is not open`);
        return table;
      }),
    );
    this.searched = this.levels.flatMap((tables, level) =>
      tables.length === 0 ? [] : [new SearchedLevel(tables, level === 0, meetingOnes)],
    );
    const deletes = this.levels.flat().flatMap(({ reader }) => reader.rangeDeletes);
    this.rangeDeletes = deletes.length === 0 ? RangeDeletes.none : RangeDeletes.of(deletes);
  }
}

/** Levels that an engine uses: with a ratio of 10 between them more than any disk has room for. */
const LEVELS = 7;

function levelCount({ levels }: VersionState): number {
  return Math.max(LEVELS, levels.findLastIndex(({ length }) => length > 0) + 1);
}

export class Versions {
  readonly #tables = new Map<number, OpenTable>();
  /** Held ones, and the current. */
  readonly #live = new Set<Version>();
  readonly #onUnused: (table: OpenTable) => void;
  readonly #forgetsHeld: boolean;
  readonly #meetingOnes: boolean;
  #current: Version;

  /** `onUnused`: no version has this table any more, and none will. `mutants`, planted bugs: heldTableRemoved, levelBoundaryMissed. */
  constructor(
    state: VersionState,
    tables: readonly OpenTable[],
    onUnused: (table: OpenTable) => void,
    mutants: ReadonlySet<string> = new Set<string>(),
  ) {
    this.#forgetsHeld = mutants.has('heldTableRemoved');
    this.#meetingOnes = !mutants.has('levelBoundaryMissed');
    for (const table of tables) this.#tables.set(table.meta.number, table);
    this.#onUnused = onUnused;
    this.#current = new Version(state, this.#tables, this.#meetingOnes);
    this.#live.add(this.#current);
  }

  get current(): Version {
    return this.#current;
  }

  get tables(): Iterable<OpenTable> {
    return this.#tables.values();
  }

  table(number: number): OpenTable | undefined {
    return this.#tables.get(number);
  }

  /** The current version, until `release`. */
  hold(): Version {
    this.#current.holders++;
    return this.#current;
  }

  release(version: Version): void {
    version.holders--;
    assert(version.holders >= 0, 'version: released more often than held');
    if (version.holders === 0 && version !== this.#current) {
      this.#live.delete(version);
      this.#dropUnused();
    }
  }

  /** Makes `state` the current version. Requires: its tables are open, those of `added` newly. */
  install(state: VersionState, added: readonly OpenTable[]): void {
    for (const table of added) this.#tables.set(table.meta.number, table);
    const before = this.#current;
    this.#current = new Version(state, this.#tables, this.#meetingOnes);
    this.#live.add(this.#current);
    if (before.holders === 0 || this.#forgetsHeld) this.#live.delete(before);
    this.#dropUnused();
  }

  #dropUnused(): void {
    // By number: a table that was moved to another level is another object here than in older versions.
    const used = new Set<number>();
    for (const version of this.#live) for (const level of version.levels) for (const { meta } of level) used.add(meta.number);
    for (const [number, table] of this.#tables) {
      if (used.has(number)) continue;
      this.#tables.delete(number);
      this.#onUnused(table);
    }
  }
}
