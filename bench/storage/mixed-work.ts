/** Reads and writes at once, with compactions running; iterators opened under writes. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { SeededRandom } from '../../runtime/random.ts';
import { Zipf } from '../../test/helpers/zipf.ts';
import { openLoop } from '../lib/open-loop.ts';
import { KEY_BYTES, KeyPool, permutation, Values } from './data.ts';
import { pump, untilMs } from './pump.ts';
import { Samples } from './samples.ts';
import type { Contender, Done, Store } from './store.ts';
import { loadedDir, type Measured, SMALL_MEMTABLE_BYTES, type Task, VALUE_BYTES } from './task.ts';

const THETA = 0.99;
const IN_FLIGHT = 64;
const WRITERS = 16;
const PER_SECOND = 20_000;
/** The resolution of the monitor: that much of what it says is its own timer's. */
const RESOLUTION_MS = 1;

export async function mixed(contender: Contender, task: Task): Promise<Measured[]> {
  const cacheBytes = Math.round((task.keys * (KEY_BYTES + VALUE_BYTES)) / 2);
  const store = await contender.open({ dir: loadedDir(task), durability: 'none', memtableBytes: SMALL_MEMTABLE_BYTES, cacheBytes });
  const work = new MixedWork(store, task.keys);
  // Enough writes for the first compactions.
  await pump(IN_FLIGHT, untilMs(task.ms), (done) => work.one(done));

  const latencies = new Samples();
  let count = 0;
  const begun = performance.now();
  await pump(IN_FLIGHT, untilMs(task.ms * 2), (done) => {
    count++;
    const from = performance.now();
    work.one((error) => {
      latencies.add(performance.now() - from);
      done(error);
    });
  });
  const rate = (count / (performance.now() - begun)) * 1000;
  const { openP99, loopP99 } = await underCompaction(store, work, task.ms * 2);
  const opening = await underWrites(store, work, task);
  await store.close();
  return [
    { metric: 'mixed', form: '', value: rate },
    { metric: 'mixed-p99', form: '', value: latencies.quantile(0.99) },
    { metric: 'open-p99', form: '', value: openP99 },
    { metric: 'loop-p99', form: '', value: loopP99 },
    { metric: 'iterator-p50', form: '', value: opening.quantile(0.5) },
    { metric: 'iterator-p99', form: '', value: opening.quantile(0.99) },
  ];
}

/** Half reads, half writes, of keys drawn by Zipf's law and scattered over the key space. */
class MixedWork {
  readonly #store: Store;
  readonly #values = new Values(VALUE_BYTES);
  readonly #random = new SeededRandom('mixed');
  readonly #zipf: Zipf;
  readonly #place: Uint32Array;
  readonly #versions: Uint16Array;
  readonly #keys = new KeyPool(IN_FLIGHT);

  constructor(store: Store, keys: number) {
    this.#store = store;
    this.#zipf = new Zipf(keys, THETA);
    this.#place = permutation(keys, this.#random);
    this.#versions = new Uint16Array(keys);
  }

  one(done: Done): void {
    const n = this.#place[this.#zipf.rank(this.#random.float())]!;
    if (this.#random.chance(0.5)) this.#put(n, done);
    else this.#get(n, done);
  }

  putAny(done: Done): void {
    this.#put(this.#random.below(this.#place.length), done);
  }

  /** A key to give back. */
  takeKey(): Buffer {
    return this.#keys.take(2 * this.#random.below(this.#place.length));
  }

  giveKey(key: Buffer): void {
    this.#keys.give(key);
  }

  #put(n: number, done: Done): void {
    // Stays at the last one: which of several in flight wins is open, so a value may be of any version so far.
    const version = Math.min(65_535, this.#versions[n]! + 1);
    this.#versions[n] = version;
    const key = this.#keys.take(2 * n);
    this.#store.put(key, this.#values.of(n, version), (error) => {
      this.#keys.give(key);
      done(error);
    });
  }

  #get(n: number, done: Done): void {
    const key = this.#keys.take(2 * n);
    this.#store.get(key, (error, value) => {
      if (error === undefined || error === null) this.#values.check(n, value, this.#versions[n]);
      this.#keys.give(key);
      done(error);
    });
  }
}

/** At a fixed rate, while everything is compacted again and again. In ms. */
async function underCompaction(store: Store, work: MixedWork, ms: number): Promise<{ readonly openP99: number; readonly loopP99: number }> {
  let isOver = false;
  const compacting = (async () => {
    while (!isOver) {
      await store.compact();
      await turn();
    }
  })();
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  monitor.enable();
  const failed: unknown[] = [];
  const { p99 } = await openLoop({
    perSecond: PER_SECOND,
    ms,
    settleMs: ms / 4,
    request: (_, onAnswer) =>
      work.one((error) => {
        if (error !== undefined && error !== null) failed.push(error);
        onAnswer();
      }),
  });
  monitor.disable();
  isOver = true;
  await compacting;
  if (failed.length > 0) throw failed[0];
  return { openP99: p99, loopP99: Math.max(0, monitor.percentile(99) / 1e6 - RESOLUTION_MS) };
}

/** Times to open an iterator and read its first pair, one after the other, while others write. In ms. */
async function underWrites(store: Store, work: MixedWork, task: Task): Promise<Samples> {
  const opening = new Samples();
  const more = untilMs(task.ms);
  let isOver = false;
  const writing = pump(
    WRITERS,
    () => !isOver,
    (done) => work.putAny(done),
  );
  while (more()) {
    const key = work.takeKey();
    const from = performance.now();
    await new Promise<void>((resolve, reject) => {
      store.first(key, (error) => (error === undefined || error === null ? resolve() : reject(error)));
    });
    opening.add(performance.now() - from);
    work.giveKey(key);
    await turn();
  }
  isOver = true;
  await writing;
  return opening;
}
