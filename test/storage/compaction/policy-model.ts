/**
 * A store of any size in which only the picker is real: tables are key intervals with a number of entries, keys uniformly random, so that what a merge
 * gives follows from how many different keys so many draws hit.
 */
import { type Choice, type MergeChoice, olderTables } from '../../../storage/compaction/choice.ts';
import type { LevelTable } from '../../../storage/compaction/levels.ts';
import { bytesOf } from '../../../storage/compaction/levels.ts';
import { choose, PICKER_DEFAULTS, type PickerOptions } from '../../../storage/compaction/picker.ts';
import { compareWhole } from '../../../storage/key.ts';
import { RangeDeletes } from '../../../storage/range-deletes.ts';

export interface PolicySetup {
  /** Different keys that are written. */
  readonly keys: number;
  readonly entryBytes: number;
  readonly memtableBytes: number;
  readonly tableBytes: number;
  readonly options: Partial<PickerOptions>;
  /** Instead of the picker's own. */
  readonly choose?: (levels: readonly (readonly LevelTable[])[], options: PickerOptions) => Choice;
}

const LEVELS = 7;
const KEY_UNITS = 2 ** 48;

export class PolicyModel {
  readonly levels: LevelTable[][] = Array.from({ length: LEVELS }, () => []);
  flushedBytes = 0;
  writtenBytes = 0;
  largestMergeBytes = 0;
  merges = 0;
  moves = 0;
  readonly #setup: PolicySetup;
  readonly #options: PickerOptions;
  #number = 0;
  #runs = 0;
  #spaceRatio = 0;
  #samples = 0;

  constructor(setup: PolicySetup) {
    this.#setup = setup;
    this.#options = {
      ...PICKER_DEFAULTS,
      grandparentBytesMax: 10 * setup.tableBytes,
      oldestSnapshot: Number.POSITIVE_INFINITY,
      rangeDeletes: RangeDeletes.none,
      filterDrops: undefined,
      ...setup.options,
    };
  }

  /** Random writes of `entries` in all, with all that is due done after each flush. */
  write(entries: number): void {
    const perFlush = Math.floor(this.#setup.memtableBytes / this.#setup.entryBytes);
    for (let left = entries; left > 0; left -= perFlush) {
      this.#flush(distinct(this.#setup.keys, [perFlush]));
      const { choose: chosen } = this.#setup;
      for (let choice = this.#choose(chosen); choice.kind !== 'none'; choice = this.#choose(chosen)) this.#execute(choice);
      this.#sample();
    }
  }

  /** Bytes written to disk per byte of flushed tables. */
  get writeAmplification(): number {
    return this.writtenBytes / this.flushedBytes;
  }
  /** Sorted runs that a read of an absent key without Bloom filters would search, on average over the writing. */
  get runs(): number {
    return this.#runs / this.#samples;
  }
  /** Bytes of all tables per byte of the newest versions, on average over the writing. */
  get spaceAmplification(): number {
    return this.#spaceRatio / this.#samples;
  }

  #choose(chosen: PolicySetup['choose']): Choice {
    return chosen === undefined ? choose({ levels: this.levels, running: [] }, this.#options) : chosen(this.levels, this.#options);
  }

  #flush(entries: number): void {
    const table = this.#table(0, KEY_UNITS - 1, entries);
    this.levels[0]!.unshift(table);
    this.flushedBytes += table.bytes;
    this.writtenBytes += table.bytes;
  }

  #execute(choice: Choice): void {
    if (choice.kind === 'move') {
      this.moves++;
      this.#remove(choice.from, [choice.table]);
      this.#insert(choice.to, [choice.table]);
    } else if (choice.kind === 'merge') this.#merge(choice);
  }

  #merge(choice: MergeChoice): void {
    this.merges++;
    const tables = choice.inputs.flatMap((input) => input.tables);
    if (
      choice.outputLevel === LEVELS - 1 &&
      olderTables({ levels: this.levels, running: [] }, choice).length > 0 &&
      choice.reason === 'size'
    ) {
      throw new Error('a merge into the last level left older data of its span');
    }
    const from = Math.min(...tables.map(({ smallest }) => unitsOf(smallest)));
    const to = Math.max(...tables.map(({ largest }) => unitsOf(largest)));
    const keys = (this.#setup.keys * (to - from + 1)) / KEY_UNITS;
    const parts = choice.inputs.flatMap(({ level, tables: some }) =>
      level === 0 ? some.map(({ entries }) => entries) : [some.reduce((sum, { entries }) => sum + entries, 0)],
    );
    const entries = distinct(keys, parts);
    const bytes = entries * this.#setup.entryBytes;
    const count = choice.outputLevel === 0 ? 1 : Math.max(1, Math.round(bytes / this.#setup.tableBytes));
    const width = (to - from + 1) / count;
    const outputs = Array.from({ length: count }, (_, i) =>
      this.#table(Math.floor(from + i * width), Math.floor(from + (i + 1) * width) - 1, entries / count),
    );
    this.writtenBytes += bytes;
    this.largestMergeBytes = Math.max(this.largestMergeBytes, bytesOf(tables));
    const place = this.levels[0]!.indexOf(choice.inputs[0]!.tables[0]!);
    for (const input of choice.inputs) this.#remove(input.level, input.tables);
    if (choice.outputLevel === 0) this.levels[0]!.splice(place, 0, ...outputs);
    else this.#insert(choice.outputLevel, outputs);
  }

  #remove(level: number, tables: readonly LevelTable[]): void {
    const gone = new Set(tables);
    this.levels[level] = this.levels[level]!.filter((table) => !gone.has(table));
  }

  #insert(level: number, tables: readonly LevelTable[]): void {
    this.levels[level] = [...this.levels[level]!, ...tables].sort((a, b) => compareWhole(a.smallest, b.smallest));
  }

  #sample(): void {
    const all = this.levels.flat();
    const live = distinct(
      this.#setup.keys,
      this.levels.flatMap((level, i) => (i === 0 ? level.map((table) => table.entries) : [total(level)])),
    );
    this.#samples++;
    this.#runs += this.levels[0]!.length + this.levels.filter((level, i) => i > 0 && level.length > 0).length;
    this.#spaceRatio += total(all) / live;
  }

  #table(from: number, to: number, entries: number): LevelTable {
    this.#number++;
    return {
      number: this.#number,
      bytes: entries * this.#setup.entryBytes,
      smallest: keyOf(from),
      largest: keyOf(to),
      entries,
      deletes: 0,
      rangeDeletes: 0,
      largestSequence: this.#number,
    };
  }
}

function total(tables: readonly LevelTable[]): number {
  return tables.reduce((sum, { entries }) => sum + entries, 0);
}

/** How many different keys independent random sets of these sizes have together. */
function distinct(keys: number, sizes: readonly number[]): number {
  return keys * (1 - sizes.reduce((missed, size) => missed * (1 - Math.min(1, size / keys)), 1));
}

function keyOf(units: number): Uint8Array {
  const key = Buffer.alloc(6);
  key.writeUIntBE(units, 0, 6);
  return Uint8Array.from(key);
}

function unitsOf(key: Uint8Array): number {
  return Buffer.from(key).readUIntBE(0, 6);
}
