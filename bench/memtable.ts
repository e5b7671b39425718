/**
 * The memtable beside what one would write without it: a `Map` of keys as strings, and an array of them sorted when an iterator needs it.
 * `node dist/bench/memtable.js [--runs N] [--entries N] [--json FILE]`
 *
 * Keys of 16 bytes, random or in order; values of 100 bytes, copied by both sides. "open" is making an iterator at a random key, once per 20 puts
 * (the Map's: 20 times in all, for each sorts everything). "flush order" is what the shard's thread spends on handing over a full table.
 *
 * What was chosen from, in millions of operations per second of CPU (250,000 random keys; 2 busy cores, so only the relations count):
 *
 * ```
 *                                               put  overwrite  get  absent   open under puts, p99
 *   skip list in typed arrays                   1.4     -       1.0    0.8     2 us   (get 0.2 where keys share their first 4 bytes)
 *   hash table, sorted runs of 4,096 keys       2.6     -       3.1    9      80 us   (p99.9 4 ms, and 20 to 60 ms to sort for a flush)
 *   hash table and prefixed leaves              1.8    1.5      2.9    9       1 us   (4 MiB more per 32 MiB of arena, growing under puts)
 *   prefixed leaves alone                       2.8    2.4      2.6    2.8     1 us
 *   prefixed leaves and a filter                2.7    1.9      2.4   12       1 us
 * ```
 * Then, on another day, what the product was until then beside what it is: leaves that have numbers of keys, by which the newest record is found, so that an overwrite of a
 * key that the hash table knows changes neither. It scans slower, since the newest of neighbours are not neighbours.
 *
 * ```
 *                                               put  overwrite  get  absent  scan   flush order
 *   prefixed leaves and a filter                2.0    1.3      1.8   14      9.3    1 ms
 *   and a hash table to numbers (the product)   1.7    2.0      2.3    8      5.5    3 ms
 * ```
 * An arena in shared memory is as quick as one that is not. The leaves are not in shared memory: there `copyWithin` made a put 1.3 instead of 2.1.
 */
import { hashKey } from '../storage/hash.ts';
import { ARENA_BYTES_MAX, Arena } from '../storage/memtable/arena.ts';
import { Memtable } from '../storage/memtable/memtable.ts';
import { PUT } from '../storage/record.ts';
import { optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { printRows, printSetup, type Row, rowOf, setupOf, writeReport } from './lib/report.ts';
import { quantileOf } from './lib/stats.ts';

const { values: options } = optionsOf({
  options: { runs: { type: 'string', default: '5' }, entries: { type: 'string', default: '250000' }, json: { type: 'string' } },
});
const KEY_BYTES = 16;
const PUTS_PER_OPEN = 20;
const ENTRY_BYTES_MAX = 160;
const runs = wholeNumber('runs', options.runs);
const entries = wholeNumber('entries', options.entries, PUTS_PER_OPEN, Math.floor(ARENA_BYTES_MAX / ENTRY_BYTES_MAX));
const MAP_OPENS = 20;
const value = Buffer.alloc(100, 7);
const arena = new Arena(Math.ceil((entries * ENTRY_BYTES_MAX) / 1024) * 1024);
/** The key of the operation at hand. */
const key = Buffer.alloc(KEY_BYTES);

/** What both sides can do. `key` is the key of each operation. */
interface Table {
  put(sequence: number): void;
  /** Returns whether it is there. */
  get(): boolean;
  /** Returns a number that depends on every entry. */
  scan(): number;
  /** Opens an iterator at `key`. */
  open(): void;
  flush(): unknown;
}

class Ours implements Table {
  readonly #table = new Memtable(arena, 0);

  constructor() {
    this.#table.reserve(64);
  }

  put(sequence: number): void {
    if (this.#table.add(PUT, sequence, key, value) === 0) throw new Error('the arena is full');
  }

  get(): boolean {
    return this.#table.find(key, hashKey(key, 0, KEY_BYTES), Number.MAX_SAFE_INTEGER) !== 0;
  }

  scan(): number {
    const cursor = this.#table.cursor();
    let sum = 0;
    for (cursor.seekFirst(); cursor.valid; cursor.next()) sum += cursor.keyBytes[cursor.keyStart]! + cursor.valueEnd - cursor.valueStart;
    return sum;
  }

  open(): void {
    this.#table.cursor().seek(key, 0, KEY_BYTES);
  }

  flush(): unknown {
    return this.#table.snapshot();
  }
}

class MapAndArray implements Table {
  readonly #map = new Map<string, Buffer>();
  #sorted: string[] | undefined;

  put(): void {
    const { size } = this.#map;
    this.#map.set(key.toString('latin1'), Buffer.from(value));
    if (this.#map.size > size) this.#sorted = undefined;
  }

  get(): boolean {
    return this.#map.get(key.toString('latin1')) !== undefined;
  }

  scan(): number {
    let sum = 0;
    for (const each of this.#inOrder()) sum += each.charCodeAt(0) + this.#map.get(each)!.length;
    return sum;
  }

  open(): number {
    const sorted = this.#inOrder();
    const wanted = key.toString('latin1');
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  flush(): unknown {
    return this.#inOrder();
  }

  #inOrder(): readonly string[] {
    this.#sorted ??= [...this.#map.keys()].sort();
    return this.#sorted;
  }
}

type Figures = Map<string, number[]>;

function load(keys: Buffer, index: number): void {
  const at = index * KEY_BYTES;
  for (let i = 0; i < KEY_BYTES; i++) key[i] = keys[at + i]!;
}

/** Millions of `step`s a second, one for each of the first `count` keys. */
function rate(keys: Buffer, count: number, step: (index: number) => void): number {
  const begun = performance.now();
  for (let i = 0; i < count; i++) {
    load(keys, i);
    step(i);
  }
  return count / (performance.now() - begun) / 1000;
}

function spent(work: () => unknown): number {
  const begun = performance.now();
  work();
  return performance.now() - begun;
}

function measure(make: () => Table, opens: number, keys: Buffer, mixed: Buffer, figures: Figures): void {
  globalThis.gc?.();
  const table = make();
  let found = 0;
  const get = (): void => {
    if (table.get()) found++;
  };
  const getAbsent = (): void => {
    key[KEY_BYTES - 1]! ^= 0x80;
    get();
  };
  const note = (name: string, figure: number): void => {
    figures.set(name, [...(figures.get(name) ?? []), figure]);
  };
  const puts = rate(keys, entries, (i) => table.put(i + 1));
  note('put, M/s', puts);
  note('get, M/s', rate(mixed, entries, get));
  note('get absent, M/s', rate(mixed, entries, getAbsent));
  if (found !== entries) throw new Error(`expected ${entries} keys found, got ${found}`);
  const flushMs = spent(() => table.flush());
  note('scan, M/s', entries / spent(() => table.scan()) / 1000);
  const overwrites = rate(mixed, Math.floor(entries / 8), (i) => table.put(entries + i + 1));
  note('overwrite, M/s', overwrites);
  const opened = make();
  const times: number[] = [];
  const every = Math.floor(entries / opens);
  for (let i = 0; i < entries; i++) {
    load(keys, i);
    opened.put(i + 1);
    if (i % every !== every - 1) continue;
    load(mixed, i);
    times.push(spent(() => opened.open()) * 1000);
  }
  const sorted = Float64Array.from(times).sort();
  for (const [name, share] of [
    ['p50', 0.5],
    ['p99', 0.99],
    ['max', 1],
  ] as const)
    note(`open under puts, ${name}, us`, quantileOf(sorted, share));
  note('flush order, ms', flushMs);
}

/** 32 bits of an arbitrary, fixed row [Marsaglia, xorshift32]. */
function rowOfNumbers(): () => number {
  let x = 12_345;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

function randomKeys(): Buffer {
  const next = rowOfNumbers();
  const keys = Buffer.alloc(entries * KEY_BYTES);
  for (let at = 0; at < keys.length; at += 4) keys.writeUInt32BE(next(), at);
  return keys;
}

function keysInOrder(): Buffer {
  const keys = Buffer.alloc(entries * KEY_BYTES);
  for (let i = 0; i < entries; i++) keys.write(String(i).padStart(KEY_BYTES, '0'), i * KEY_BYTES);
  return keys;
}

/** The same keys in another order. */
function mix(keys: Buffer): Buffer {
  const next = rowOfNumbers();
  const mixed = Buffer.from(keys);
  for (let i = entries - 1; i > 0; i--) {
    const j = next() % (i + 1);
    load(mixed, i);
    mixed.copy(mixed, i * KEY_BYTES, j * KEY_BYTES, (j + 1) * KEY_BYTES);
    key.copy(mixed, j * KEY_BYTES);
  }
  return mixed;
}

const rows: Row[] = [];
for (const [name, keys] of [
  ['random keys', randomKeys()],
  ['keys in order', keysInOrder()],
] as const) {
  const mixed = mix(keys);
  const ours: Figures = new Map();
  const theirs: Figures = new Map();
  // The first run is warm-up and not counted.
  for (let run = -1; run < runs; run++) {
    measure(() => new Ours(), entries / PUTS_PER_OPEN, keys, mixed, run < 0 ? new Map() : ours);
    measure(() => new MapAndArray(), MAP_OPENS, keys, mixed, run < 0 ? new Map() : theirs);
  }
  for (const [figure, samples] of ours) {
    const comma = figure.lastIndexOf(', ');
    rows.push(rowOf(`${name}: ${figure.slice(0, comma)}`, figure.slice(comma + 2), samples, 'Map and array', theirs.get(figure) ?? []));
  }
}
const setup = setupOf({ runs, entries });
printSetup(setup);
printRows(rows);
writeReport(options.json, setup, rows);
