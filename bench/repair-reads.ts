/**
 * What it costs a shard to make its hash trees fresh after writes here and there, on a real engine of three tables: with the memory that cursors share, beside memory of its own for each. CPU of the whole process,
 * V8's helper threads among it. And for how long its thread is held up: by slices of reading, the first ones in code that V8 has not compiled, and by the root of a new tree, of which a round compares 256 at once.
 * `node dist/bench/repair-reads.js [--keys N] [--written N] [--cache MIB] [--runs N] [--json FILE]`
 *
 * What was tried and is not in: to read the clean leaves between two that were written along with them, where they hold few keys, as an iterator costs as much as 3 to 8 keys cost repair. A round, beside one that
 * reads each leaf by itself (20,000 keys of 1,000 B; medians of runs by turns, 5 of the first row, else 15):
 *
 * ```
 *   leaves written         5,000, blocks read   5,000, blocks cached   500, blocks cached
 *   over 16 keys           0.61                 1.16                   -
 *   over 4 keys            0.84                 0.87                   1.27
 *   over 3 keys            0.90                 0.90                   1.14
 * ```
 * It has to guess how full leaves are, and is dearer where it guesses badly.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { DirtyMarks } from '../actors/repair/dirty-marks.ts';
import { Forest } from '../actors/repair/forest.ts';
import type { MerkleTree } from '../actors/repair/merkle-tree.ts';
import { RangeReads } from '../actors/repair/range-reads.ts';
import { Hasher } from '../actors/ring/token.ts';
import { engineKeyOf } from '../actors/store/engine-key.ts';
import { SeededRandom } from '../runtime/random.ts';
import { openEngine } from '../storage/embedded/open-engine.ts';
import { CursorBuffers } from '../storage/table/cursor-buffers.ts';
import { recordOf, siblingOf } from '../test/actors/scan/scan-cluster.ts';
import { encodeNaive } from '../test/actors/version/naive-record.ts';
import { optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { printRows, printSetup, rowOf, setupOf, writeReport } from './lib/report.ts';

const { values } = optionsOf({
  options: {
    keys: { type: 'string', default: '20000' },
    written: { type: 'string', default: '5000' },
    cache: { type: 'string', default: '1' },
    runs: { type: 'string', default: '20' },
    json: { type: 'string' },
  },
});

const keys = wholeNumber('keys', values.keys, 1, 10_000_000);
const written = wholeNumber('written', values.written, 1, 10_000_000);
const cacheMib = wholeNumber('cache', values.cache, 1, 4_096);
const runs = wholeNumber('runs', values.runs, 1, 1_000);
const KEYSPACE = 1;
const PARTITIONS = 64;
const VALUE_BYTES = 1_000;
/** Tables that a range is in. */
const FLUSHES = 3;

/** Without it nothing is kept for the next cursor. */
const give: CursorBuffers['give'] = Reflect.get(CursorBuffers.prototype, 'give');

const dir = mkdtempSync(join(tmpdir(), 'dynactor-repair-reads-'));
const opened = await openEngine(dir, { keepFlushed: false, cacheBytes: cacheMib * 1_048_576 });
const { engine } = opened;
let collections = 0;
let ranges = 0;
const MAJOR = 4;
const TOLD_MS = 20;
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    if ((entry as PerformanceEntry & { readonly detail: { readonly kind: number } }).detail.kind === MAJOR) collections++;
});
observer.observe({ entryTypes: ['gc'] });

const hasher = new Hasher();
const random = new SeededRandom('repair-reads');
const RECORD = encodeNaive(recordOf(siblingOf('a', 1, 'v'.repeat(VALUE_BYTES))));

function engineKey(i: number): Uint8Array {
  const key = Buffer.from(`key-${String(i).padStart(12, '0')}`);
  hasher.hash(key);
  return engineKeyOf(KEYSPACE, hasher.high, hasher.low, key);
}

async function fill(): Promise<void> {
  for (let part = 0; part < FLUSHES; part++) {
    for (let i = part; i < keys; i += FLUSHES)
      await new Promise<void>((resolve, reject) =>
        engine.put(engineKey(i), RECORD, 'none', (error) => (error === undefined ? resolve() : reject(error))),
      );
    await new Promise<void>((resolve, reject) => engine.flush((error) => (error === undefined ? resolve() : reject(error))));
  }
}

const clock = { now: () => performance.now(), wall: () => Date.now() };
const reads = new RangeReads(
  () => ({
    isStalled: false,
    iterator: (range) => {
      ranges++;
      return engine.iterator(range);
    },
  }),
  () => {},
  () => performance.now(),
);
/** Of each slice. */
const sliceMs: number[] = [];

function slice(): boolean {
  const sinceMs = performance.now();
  const hasMore = reads.slice();
  sliceMs.push(performance.now() - sinceMs);
  return hasMore;
}

/** With marks and trees of its own. */
class Side {
  readonly sharesMemory: boolean;
  readonly marks = new DirtyMarks();
  readonly forest: Forest;
  readonly cpuMs: number[] = [];
  readonly collections: number[] = [];
  /** Of a tree of the first pass, in the mean. */
  rootUs = 0;

  constructor(sharesMemory: boolean) {
    this.sharesMemory = sharesMemory;
    this.forest = new Forest({ reads, marks: this.marks, clock });
  }

  async pass(): Promise<void> {
    CursorBuffers.prototype.give = this.sharesMemory ? give : () => {};
    let left = PARTITIONS;
    const trees: MerkleTree[] = [];
    for (let partition = 0; partition < PARTITIONS; partition++)
      this.forest.fresh(KEYSPACE, partition, PARTITIONS, 0, (fault, tree) => {
        if (tree === undefined) throw new Error(fault?.message);
        trees.push(tree);
        left--;
      });
    while (left > 0) if (!slice()) await turn();
    if (this.rootUs > 0) return;
    const sinceMs = performance.now();
    for (const tree of trees) tree.low(0, 0);
    this.rootUs = ((performance.now() - sinceMs) * 1_000) / PARTITIONS;
  }

  async measure(): Promise<void> {
    for (let i = 0; i < written; i++) {
      hasher.hash(Buffer.from(`key-${String(random.below(keys)).padStart(12, '0')}`));
      this.marks.mark(KEYSPACE, hasher.high);
    }
    await turn();
    const [cpu, collectionsBefore] = [process.cpuUsage(), collections];
    await this.pass();
    const { user, system } = process.cpuUsage(cpu);
    // The observer is told in a later turn.
    await sleep(TOLD_MS);
    this.cpuMs.push((user + system) / 1_000);
    this.collections.push(collections - collectionsBefore);
  }
}

try {
  const setup = setupOf({
    durability: 'none',
    keys,
    valueBytes: VALUE_BYTES,
    tables: FLUSHES,
    cacheMib,
    partitions: PARTITIONS,
    written,
    runs,
  });
  printSetup(setup);
  await fill();
  const sides = [new Side(true), new Side(false)] as const;
  for (const side of sides) await side.pass();
  const firstMs = sliceMs.splice(0).reduce((longest, ms) => Math.max(longest, ms), 0);
  // Who comes first has what the one before it has left: so by turns.
  for (let run = 0; run < runs; run++) for (const side of run % 2 === 0 ? sides : [...sides].reverse()) await side.measure();
  const [shared, own] = sides;
  const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);
  const rows = [
    rowOf('a round', 'ms of CPU', shared.cpuMs, 'memory of its own', own.cpuMs),
    rowOf('major collections, of all rounds', 'count', [sum(shared.collections)], 'memory of its own', [sum(own.collections)]),
    rowOf('longest slice of the first passes', 'ms', [firstMs]),
    rowOf('slice, longer than 99 of 100', 'ms', [sliceMs.sort((a, b) => a - b)[Math.floor(sliceMs.length * 0.99)]!]),
    rowOf('root of a new tree, once it is fresh', 'us', [shared.rootUs, own.rootUs]),
    rowOf('ranges of a round', 'count', [ranges / (2 * runs + 2)]),
  ];
  printRows(rows);
  writeReport(values.json, setup, rows);
} finally {
  observer.disconnect();
  await opened.close();
  rmSync(dir, { recursive: true, force: true });
}
