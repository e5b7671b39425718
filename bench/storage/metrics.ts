/** What is measured: rows of the report, and the work (a process of its own per contender and run) that each comes from. */

export interface Metric {
  readonly key: string;
  readonly work: string;
  /** Says the durability where something is written. */
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** Of our engine beside classic-level: at least so many times as good. */
  readonly aim?: number;
  /** The same through abstract-level. */
  readonly levelAim?: number;
  /** In units of the row: at most. */
  readonly limit?: number;
}

/** In the order in which they run; `needsLoad`: the pairs that `load` left. */
export const WORKS = [
  { name: 'load', needsLoad: false },
  { name: 'batch', needsLoad: false },
  { name: 'put-sync', needsLoad: false },
  { name: 'batch-sync', needsLoad: false },
  { name: 'get', needsLoad: true },
  { name: 'get-reopened', needsLoad: true },
  { name: 'memory', needsLoad: true },
  { name: 'mixed', needsLoad: true },
  { name: 'kill', needsLoad: false },
  { name: 'large', needsLoad: false },
] as const;

const rate = { unit: 'ops/s', better: 'higher' } as const;
const pairs = { unit: 'pairs/s', better: 'higher' } as const;
const ms = { unit: 'ms', better: 'lower' } as const;

export const METRICS: readonly Metric[] = [
  { key: 'put', work: 'load', name: 'put random, 256 in flight, no sync', ...rate, aim: 2, levelAim: 2 },
  { key: 'put-sync', work: 'put-sync', name: 'put random, 256 in flight, synced', ...rate, aim: 2 },
  { key: 'batch-random', work: 'batch', name: 'batch of 1000, random keys, no sync', ...pairs, aim: 3, levelAim: 1.3 },
  { key: 'batch-sequential', work: 'batch', name: 'batch of 1000, sequential keys, no sync', ...pairs, aim: 3, levelAim: 1.3 },
  { key: 'batch-sync', work: 'batch-sync', name: 'batch of 1000, random keys, synced', ...pairs, aim: 2 },
  { key: 'get', work: 'get', name: 'get random, hot, cache holds all', ...rate, aim: 3, levelAim: 1.7 },
  { key: 'get-absent', work: 'get', name: 'get absent keys, cache holds all', ...rate, aim: 5 },
  { key: 'scan', work: 'get', name: 'full scan, cache holds all', ...pairs, aim: 1, levelAim: 1 },
  { key: 'get-reopened', work: 'get-reopened', name: 'get random, reopened, OS cache warm, small cache', ...rate, aim: 1.5 },
  { key: 'mixed', work: 'mixed', name: 'mixed 50/50 zipfian 0.99, 64 in flight, no sync', ...rate, aim: 1 },
  { key: 'mixed-p99', work: 'mixed', name: 'the same, p99', ...ms, aim: 1 },
  { key: 'open-p99', work: 'mixed', name: 'mixed, 20 k/s open loop, full compaction running, p99', ...ms, aim: 1 },
  { key: 'loop-p99', work: 'mixed', name: 'event-loop delay meanwhile, p99', ...ms, limit: 5 },
  { key: 'iterator-p50', work: 'mixed', name: 'open an iterator under writes, p50', ...ms },
  { key: 'iterator-p99', work: 'mixed', name: 'open an iterator under writes, p99', ...ms },
  { key: 'size', work: 'load', name: 'size on disk after compaction, of what was put', unit: 'x', better: 'lower', aim: 1 / 1.1 },
  { key: 'written', work: 'load', name: 'bytes written per byte put, compaction included', unit: 'x', better: 'lower', aim: 1 / 1.1 },
  { key: 'memory', work: 'memory', name: 'resident memory, of a budget a tenth of the data', unit: 'x', better: 'lower' },
  { key: 'reopen', work: 'kill', name: 'reopen after kill -9 with a full memtable', ...ms, limit: 1000 },
  { key: 'large-put', work: 'large', name: '10 KB: put random, 256 in flight, no sync', ...rate },
  { key: 'large-get', work: 'large', name: '10 KB: get random, hot, cache holds all', ...rate },
  { key: 'large-scan', work: 'large', name: '10 KB: full scan, cache holds all', ...pairs },
  {
    key: 'large-size',
    work: 'large',
    name: '10 KB: size on disk after compaction, of what was put',
    unit: 'x',
    better: 'lower',
    aim: 1 / 1.1,
  },
  { key: 'large-written', work: 'large', name: '10 KB: bytes written per byte put', unit: 'x', better: 'lower', aim: 1 / 1.1 },
];
