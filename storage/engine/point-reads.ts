/**
 * Reads of single keys: memtables newest first (memory.ts says which), then the tables of level 0 newest first, then the one table of each level below that can hold
 * the key. The first version that is not newer than the snapshot decides.
 *
 * What is in memory is answered within the call, without an allocation but the value; `look` has none at all. Where a block has to be read, the state of the search
 * moves into a `PendingRead`, which goes on from there.
 */
import { BugError } from '../../runtime/errors.ts';
import { type StorageDone, StorageError } from '../errors.ts';
import { hashKey } from '../hash.ts';
import type { InlinePolicy } from '../inline-policy.ts';
import type { Memtable } from '../memtable/memtable.ts';
import { PUT, RECORD_HEADER_BYTES } from '../record.ts';
import { ABSENT, FOUND, LOOKUP_PENDING, Lookup, type LookupOutcome } from '../table/lookup.ts';
import type { ReadRuns } from '../table/read-runs.ts';
import { type Found, LATER } from './api.ts';
import { copyOf } from './engine-iterator.ts';
import type { Memory } from './memory.ts';
import { ReadGroup } from './read-group.ts';
import { Search } from './search.ts';
import type { Version, Versions } from './versions.ts';

type Value = Uint8Array | undefined;

/** What the memtables say: the key has no value; it has one, which the search says; they don't know. */
export const NOTHING_HELD = 0;
export const HELD = 1;
export const IN_TABLES = 2;
type MemoryAnswer = typeof NOTHING_HELD | typeof HELD | typeof IN_TABLES;

interface PointReadMutants {
  readonly skipsImmutable: boolean;
  readonly ignoresRangeDeletes: boolean;
  readonly keepsLent: boolean;
}

export class PointReads {
  readonly #memory: Memory;
  readonly #versions: Versions;
  /** Of the search under way; replaced when a `PendingRead` takes it. */
  #lookup = new Lookup(unexpected);
  readonly #search: Search = new Search();
  readonly group: ReadGroup = new ReadGroup();
  readonly #runs: ReadRuns;
  readonly #policy: InlinePolicy;
  readonly #mutants: PointReadMutants;
  /** Searches that wait for a block. */
  pending = 0;

  /** `mutants`, planted bugs: staleImmutable, rangeDeleteIgnoredInMemory, lentValueKept. */
  constructor(memory: Memory, versions: Versions, policy: InlinePolicy, runs: ReadRuns, mutants: ReadonlySet<string>) {
    this.#memory = memory;
    this.#versions = versions;
    this.#policy = policy;
    this.#runs = runs;
    this.#mutants = {
      skipsImmutable: mutants.has('staleImmutable'),
      ignoresRangeDeletes: mutants.has('rangeDeleteIgnoredInMemory'),
      keepsLent: mutants.has('lentValueKept'),
    };
  }

  get(key: Uint8Array, sequence: number, done: StorageDone<Value>): Value | typeof LATER {
    const search = this.#search;
    const answer = this.begin(search, key, sequence);
    return answer === IN_TABLES ? this.goOn(search, done) : answer === HELD ? heldValue(search) : undefined;
  }

  /** As `get`, but where the value lies is put into `into`, and nothing is copied. Returns whether there is one. */
  look(key: Uint8Array, sequence: number, into: Found, done: StorageDone<Value>): boolean | typeof LATER {
    const search = this.#search;
    const answer = this.begin(search, key, sequence);
    if (answer === NOTHING_HELD) return false;
    if (answer === HELD) {
      into.bytes = search.valueBytes;
      into.start = search.valueStart;
      into.end = search.valueEnd;
      return true;
    }
    const outcome = this.#inTables(search, done);
    if (outcome === LOOKUP_PENDING) return LATER;
    const lookup = this.#lookup;
    if (outcome !== FOUND || !isValue(lookup, search.covering)) return false;
    into.bytes = lookup.valueBytes;
    into.start = lookup.valueStart;
    into.end = lookup.valueEnd;
    return true;
  }

  /** What is known without a look at a block; IN_TABLES: `goOn` of the search has the answer, within the same turn. */
  begin(search: Search, key: Uint8Array, sequence: number): MemoryAnswer {
    search.start(key, hashKey(key, 0, key.length), sequence);
    const answer = this.#inMemory(search);
    if (answer !== IN_TABLES) return answer;
    return search.next(this.#versions.current.searched) === undefined ? NOTHING_HELD : IN_TABLES;
  }

  /** From the table on that the search has come to. As `get`. */
  goOn(search: Search, done: StorageDone<Value>): Value | typeof LATER {
    const outcome = this.#inTables(search, done);
    if (outcome === LOOKUP_PENDING) return LATER;
    return outcome === FOUND ? this.valueIn(this.#lookup, search.covering) : undefined;
  }

  #inTables(search: Search, done: StorageDone<Value>): LookupOutcome {
    this.#runs.begin();
    const lookup = this.#lookup;
    const version = this.#versions.current;
    const { key, hash, sequence } = search;
    let { table } = search;
    while (table !== undefined) {
      const outcome = table.reader.getFrom(search.block, key, hash, sequence, lookup, search.entry);
      if (outcome === FOUND) return FOUND;
      if (outcome === LOOKUP_PENDING) {
        this.#lookup = new Lookup(unexpected);
        this.pending++;
        new PendingRead(this, search.copy(), this.#versions.hold(), lookup, done);
        return LOOKUP_PENDING;
      }
      table = search.next(version.searched);
    }
    return ABSENT;
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

  /** Sets `covering` of the search, and where the value lies. */
  #inMemory(search: Search): MemoryAnswer {
    const { key, hash, sequence } = search;
    const memory = this.#memory;
    const { rangeDeletes } = this.#versions.current;
    const { ignoresRangeDeletes, skipsImmutable } = this.#mutants;
    let covering = ignoresRangeDeletes ? 0 : memory.covering(key, sequence);
    if (!rangeDeletes.empty) covering = Math.max(covering, rangeDeletes.covering(key, 0, key.length, sequence));
    search.covering = covering;
    const { active, immutables } = memory;
    let at = active.table.find(key, hash, sequence);
    if (at !== 0) return heldAt(active.table, at, search);
    for (let i = skipsImmutable ? 1 : 0; i < immutables.length; i++) {
      const { table } = immutables[i]!;
      at = table.find(key, hash, sequence);
      if (at !== 0) return heldAt(table, at, search);
    }
    for (const { table } of memory.kept) {
      at = table.find(key, hash, sequence);
      if (at !== 0) return heldAt(table, at, search);
    }
    return IN_TABLES;
  }

  /** A copy, or a view of a block that nobody writes to any more. */
  valueIn(lookup: Lookup, covering: number): Value {
    if (!isValue(lookup, covering)) return undefined;
    const { valueBytes, valueStart, valueEnd, isLent } = lookup;
    if (isLent && !this.#mutants.keepsLent) return copyOf(valueBytes, valueStart, valueEnd);
    // Why not `subarray`: it costs twice as much.
    return new Uint8Array(valueBytes.buffer, valueBytes.byteOffset + valueStart, valueEnd - valueStart);
  }

  /** Called once by a read that was LATER. */
  finish(read: PendingRead, result: StorageError | Value): void {
    this.pending--;
    this.#versions.release(read.version);
    read.done(result instanceof Error ? { ok: false, error: result } : { ok: true, value: result });
  }
}

/** A read that waits for a block. */
class PendingRead {
  readonly version: Version;
  readonly done: StorageDone<Value>;
  readonly #reads: PointReads;
  readonly #search: Search;
  readonly #lookup: Lookup;

  constructor(reads: PointReads, search: Search, version: Version, lookup: Lookup, done: StorageDone<Value>) {
    this.#reads = reads;
    this.#search = search;
    this.version = version;
    this.#lookup = lookup;
    this.done = done;
    lookup.onReady = this.#onReady;
  }

  readonly #onReady = (outcome: LookupOutcome, error: StorageError | undefined): void => {
    if (error !== undefined) {
      this.#reads.finish(this, error);
      return;
    }
    const search = this.#search;
    const { key, hash, sequence } = search;
    let last = outcome;
    while (last === ABSENT) {
      const table = search.next(this.version.searched);
      if (table === undefined) {
        this.#reads.finish(this, undefined);
        return;
      }
      try {
        last = table.reader.getFrom(search.block, key, hash, sequence, this.#lookup);
      } catch (thrown) {
        if (!(thrown instanceof StorageError)) throw thrown;
        this.#reads.finish(this, thrown);
        return;
      }
    }
    if (last === FOUND) this.#reads.finish(this, this.#reads.valueIn(this.#lookup, search.covering));
  };
}

/** Of the record at `at`: nothing, where it is a deletion or older than what covers it. */
function heldAt({ arena, baseSequence }: Memtable, at: number, search: Search): MemoryAnswer {
  const { bytes, words } = arena;
  const word = at >>> 2;
  const head = words[word + 2]!;
  if ((head & 15) !== PUT) return NOTHING_HELD;
  if (search.covering !== 0 && baseSequence + words[word + 1]! < search.covering) return NOTHING_HELD;
  const start = at + RECORD_HEADER_BYTES + (head >>> 4);
  search.valueBytes = bytes;
  search.valueStart = start;
  search.valueEnd = start + words[word + 3]!;
  return HELD;
}

/** Requires: the search is HELD. A copy: the memtable's memory is used again. The search does not keep that memory alive. */
export function heldValue(search: Search): Uint8Array {
  const value = copyOf(search.valueBytes, search.valueStart, search.valueEnd);
  search.valueBytes = NO_BYTES;
  return value;
}

function isValue({ kind, sequence }: Lookup, covering: number): boolean {
  return kind === PUT && sequence >= covering;
}

const NO_BYTES = new Uint8Array(0);

function unexpected(): void {
  throw new BugError('a lookup that nobody waits for was answered');
}
