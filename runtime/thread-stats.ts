/** What one thread tells of itself: its shard's counters, how late its event loop runs, and how long it has stood still for garbage collection. */
import type { Quantiles, ShardStats } from './metrics.ts';

export interface GcFigures {
  /** Since it started. */
  readonly pauses: number;
  readonly totalMs: number;
  /** Since the last time it was asked. */
  readonly maxMs: number;
}

export interface ThreadStats extends ShardStats {
  /** Delay of the event loop since the last time it was asked, in ms: of samples every 50 ms, so that a single pause of 5 ms is seen one time in ten. */
  readonly eventLoopDelayMs: Quantiles;
  readonly gc: GcFigures;
}
