/** Metrics of one shard: counters, and histograms cheap enough to leave on. */
import type { DeadLetterReason } from './dead-letters.ts';

const BUCKETS = 32;
/** From here on all is in the last bucket. */
const US_MAX = 2 ** 31;

/** Powers of two of microseconds: bucket i counts values in [2^(i-1), 2^i) us, bucket 0 those below 1 us. */
export class Log2Histogram {
  readonly counts = new Float64Array(BUCKETS);

  addMs(ms: number): void {
    const us = ms * 1000;
    const bucket = us < 1 ? 0 : us >= US_MAX ? BUCKETS - 1 : 32 - Math.clz32(us);
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
  }

  /** Upper bound of the bucket in which that share of the values lies, in ms; 0 when empty. */
  quantileMs(share: number): number {
    let total = 0;
    for (const count of this.counts) total += count;
    if (total === 0) return 0;
    let left = total * share;
    for (let i = 0; i < BUCKETS; i++) {
      left -= this.counts[i] as number;
      if (left <= 0) return 2 ** i / 1000;
    }
    return 2 ** (BUCKETS - 1) / 1000;
  }
}

export class ShardMetrics {
  /** Messages handled by actors that have ended. */
  handledByEnded = 0;
  restarts = 0;
  spawned = 0;
  framesIn = 0;
  bytesIn = 0;
  runs = 0;
  /** Time from an actor's becoming ready to its turn. Every turn counts. */
  readonly queueWait = new Log2Histogram();
  /** Length of a turn. One turn in sixteen counts. */
  readonly turnTime = new Log2Histogram();
}

export interface ActorStats {
  readonly name: string;
  readonly slot: number;
  readonly state: string;
  readonly queued: number;
  readonly queuedMax: number;
  readonly handled: number;
  readonly refused: number;
  readonly restarts: number;
  /** Messages for it that reached nobody, whatever the reason. */
  readonly deadLetters: number;
  /** Turns that found something to handle. */
  readonly turns: number;
  /** From becoming ready to its turn: mean and worst of all turns, in ms. */
  readonly waitMs: MeanAndMax;
  /** Length of a turn: mean and worst of those measured, one in sixteen, in ms. */
  readonly turnMs: MeanAndMax;
}

export interface MeanAndMax {
  readonly mean: number;
  readonly max: number;
}

/** Times of one actor; made when there is one to keep, so that idle actors stay small. */
export class ActorTimes {
  waitSum = 0;
  waitMax = 0;
  measured = 0;
  turnSum = 0;
  turnMax = 0;

  addWait(ms: number): void {
    this.waitSum += ms;
    if (ms > this.waitMax) this.waitMax = ms;
  }

  addTurn(ms: number): void {
    this.measured++;
    this.turnSum += ms;
    if (ms > this.turnMax) this.turnMax = ms;
  }
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** A snapshot of one shard, plain data. Times in milliseconds, upper bounds of power-of-two buckets. */
export interface ShardStats {
  readonly node: string;
  readonly shard: number;
  readonly boot: number;
  readonly actors: number;
  readonly handled: number;
  readonly backlog: number;
  readonly pendingAsks: number;
  readonly restarts: number;
  readonly spawned: number;
  readonly framesIn: number;
  readonly bytesIn: number;
  readonly runs: number;
  readonly queueWaitMs: Quantiles;
  readonly turnMs: Quantiles;
  readonly deadLetters: Readonly<Record<DeadLetterReason, number>>;
  /** The busiest actors, most handled first. */
  readonly busiest: readonly ActorStats[];
}

export function quantiles(histogram: Log2Histogram): Quantiles {
  return { p50: histogram.quantileMs(0.5), p99: histogram.quantileMs(0.99), max: histogram.quantileMs(1) };
}
