/**
 * Reads of single keys: memtables newest first, then the tables of level 0 newest first, then the one table of each level below that can hold
 * the key. The first version that is not newer than the snapshot decides.
 *
 * What is in memory is answered within the call, without an allocation but the value. Where a block has to be read, the state of the search
 * moves into a `PendingRead`, which goes on from there.
 */
import type { Timers } from '../../runtime/doors.ts';
import { BugError } from '../../runtime/errors.ts';
import { type StorageDone, StorageError } from '../errors.ts';
import { hashKey } from '../hash.ts';
import { compareKeys } from '../key.ts';
import type { Memtable } from '../memtable/memtable.ts';
import { PUT, RECORD_HEADER_BYTES } from '../record.ts';
import { ABSENT, FOUND, Lookup, type LookupOutcome } from '../table/lookup.ts';
import type { ReadPolicy } from '../table/read-policy.ts';
import { LATER } from './api.ts';
import { copyOf } from './engine-iterator.ts';
import type { Memory } from './memory.ts';
import type { OpenTable } from './open-table.ts';
import type { Version, Versions } from './versions.ts';

type Value = Uint8Array | undefined;

interface PointReadMutants {
  readonly skipsImmutable: boolean;
  readonly ignoresRangeDeletes: boolean;
  readonly missesBoundary: boolean;
}

export class PointReads {
  readonly #memory: Memory;
  readonly #versions: Versions;
  /** Of the search under way; replaced when a `PendingRead` takes it. */
  #lookup = new Lookup(unexpected);
  readonly #timers: Timers;
  readonly #policy: ReadPolicy;
  readonly #mutants: PointReadMutants;
  #inRun = false;
  /** Searches that wait for a block. */
  pending = 0;

  /** `mutants`, planted bugs: staleImmutable, rangeDeleteIgnoredInMemory, levelBoundaryMissed. */
  constructor(memory: Memory, versions: Versions, policy: ReadPolicy, timers: Timers, mutants: ReadonlySet<string>) {
    this.#memory = memory;
    this.#versions = versions;
    this.#policy = policy;
    this.#timers = timers;
    this.#mutants = {
      skipsImmutable: mutants.has('staleImmutable'),
      ignoresRangeDeletes: mutants.has('rangeDeleteIgnoredInMemory'),
      missesBoundary: mutants.has('levelBoundaryMissed'),
    };
  }

  get(key: Uint8Array, sequence: number, done: StorageDone<Value>): Value | typeof LATER {
    const hash = hashKey(key, 0, key.length);
    const memory = this.#memory;
    const version = this.#versions.current;
    const { ignoresRangeDeletes, skipsImmutable } = this.#mutants;
    let covering = ignoresRangeDeletes ? 0 : memory.covering(key, sequence);
    if (!version.rangeDeletes.empty) covering = Math.max(covering, version.rangeDeletes.covering(key, 0, key.length, sequence));
    const { active, immutables } = memory;
    let at = active.table.find(key, hash, sequence);
    if (at !== 0) return valueAt(active.table, at, covering);
    for (let i = skipsImmutable ? 1 : 0; i < immutables.length; i++) {
      const { table } = immutables[i]!;
      at = table.find(key, hash, sequence);
      if (at !== 0) return valueAt(table, at, covering);
    }
    return this.#getFromTables(version, key, hash, sequence, covering, done);
  }

  /** As `get`, but a block that is not in memory is read within the call. */
  getNow(key: Uint8Array, sequence: number): Value {
    const policy = this.#policy;
    policy.forced = true;
    try {
      const value = this.get(key, sequence, unexpected);
      if (value === LATER) throw new BugError('a read that may not wait waits');
      return value;
    } finally {
      policy.forced = false;
    }
  }

  #getFromTables(
    version: Version,
    key: Uint8Array,
    hash: number,
    sequence: number,
    covering: number,
    done: StorageDone<Value>,
  ): Value | typeof LATER {
    this.beginRun();
    const search = this.#lookup;
    const { levels } = version;
    for (let level = 0; level < levels.length; level++) {
      const tables = levels[level]!;
      for (let index = level === 0 ? 0 : firstEndingAtOrAfter(tables, key, 0, key.length); index < tables.length; index++) {
        if (level > 0 && beginsAfter(tables[index]!, key)) break;
        const outcome = tables[index]!.reader.get(key, hash, sequence, search);
        if (outcome === ABSENT) {
          if (level > 0 && this.#mutants.missesBoundary) break;
          continue;
        }
        if (outcome === FOUND) return valueIn(search, covering);
        this.#lookup = new Lookup(unexpected);
        this.pending++;
        new PendingRead(this, copyOf(key, 0, key.length), hash, sequence, covering, this.#versions.hold(), level, index, search, done);
        return LATER;
      }
    }
    return undefined;
  }

  /** Called once by a read that was LATER. */
  finish(read: PendingRead, result: StorageError | Value): void {
    this.pending--;
    this.#versions.release(read.version);
    read.done(result instanceof Error ? { ok: false, error: result } : { ok: true, value: result });
  }

  /** Before anything that may read inline: time spent on that counts per turn of the loop. */
  beginRun(): void {
    if (this.#inRun) return;
    this.#inRun = true;
    this.#timers.soon(this.#onNextRun);
  }

  readonly #onNextRun = (): void => {
    this.#inRun = false;
    this.#policy.startRun();
  };
}

/** A read that waits for a block. */
class PendingRead {
  readonly version: Version;
  readonly done: StorageDone<Value>;
  readonly #reads: PointReads;
  readonly #key: Uint8Array;
  readonly #hash: number;
  readonly #sequence: number;
  readonly #covering: number;
  readonly #lookup: Lookup;
  #level: number;
  #index: number;

  constructor(
    reads: PointReads,
    key: Uint8Array,
    hash: number,
    sequence: number,
    covering: number,
    version: Version,
    level: number,
    index: number,
    lookup: Lookup,
    done: StorageDone<Value>,
  ) {
    this.#reads = reads;
    this.#key = key;
    this.#hash = hash;
    this.#sequence = sequence;
    this.#covering = covering;
    this.version = version;
    this.#level = level;
    this.#index = index;
    this.#lookup = lookup;
    this.done = done;
    lookup.onReady = this.#onReady;
  }

  readonly #onReady = (outcome: LookupOutcome, error: StorageError | undefined): void => {
    if (error !== undefined) {
      this.#reads.finish(this, error);
      return;
    }
    let last = outcome;
    while (last === ABSENT) {
      const table = this.#next();
      if (table === undefined) {
        this.#reads.finish(this, undefined);
        return;
      }
      try {
        last = table.reader.get(this.#key, this.#hash, this.#sequence, this.#lookup);
      } catch (thrown) {
        if (!(thrown instanceof StorageError)) throw thrown;
        this.#reads.finish(this, thrown);
        return;
      }
    }
    if (last === FOUND) this.#reads.finish(this, valueIn(this.#lookup, this.#covering));
  };

  /** The next table that may hold the key. */
  #next(): OpenTable | undefined {
    const { levels } = this.version;
    this.#index++;
    for (;;) {
      const table = levels[this.#level]![this.#index];
      if (table !== undefined && (this.#level === 0 || !beginsAfter(table, this.#key))) return table;
      this.#level++;
      const tables = levels[this.#level];
      if (tables === undefined) return undefined;
      this.#index = firstEndingAtOrAfter(tables, this.#key, 0, this.#key.length);
    }
  }
}

/** Index of the first of `tables` whose largest key is >= `key`; their number where there is none. */
function firstEndingAtOrAfter(tables: readonly OpenTable[], key: Uint8Array, start: number, end: number): number {
  let low = 0;
  let high = tables.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { largest } = tables[middle]!.meta;
    if (compareKeys(largest, 0, largest.length, key, start, end) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function beginsAfter({ meta: { smallest } }: OpenTable, key: Uint8Array): boolean {
  return compareKeys(smallest, 0, smallest.length, key, 0, key.length) > 0;
}

/** Of the record at `at`, unless it is a deletion or older than `covering`. */
function valueAt(table: Memtable, at: number, covering: number): Value {
  const { bytes, words } = table.arena;
  const word = at >>> 2;
  const head = words[word + 2]!;
  if ((head & 15) !== PUT) return undefined;
  if (covering !== 0 && table.baseSequence + words[word + 1]! < covering) return undefined;
  const start = at + RECORD_HEADER_BYTES + (head >>> 4);
  return copyOf(bytes, start, start + words[word + 3]!);
}

/** A view of the block. */
function valueIn(lookup: Lookup, covering: number): Value {
  if (lookup.kind !== PUT || lookup.sequence < covering) return undefined;
  return lookup.valueBytes.subarray(lookup.valueStart, lookup.valueEnd);
}

function unexpected(): void {
  throw new BugError('a lookup that nobody waits for was answered');
}
