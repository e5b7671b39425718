/** What one thread tells of itself: its shard's counters, and how late its event loop runs. */
import type { Quantiles, ShardStats } from './metrics.ts';

export interface ThreadStats extends ShardStats {
  /** Delay of the event loop since the last time it was asked, in ms: of samples every 50 ms, so that a single pause of 5 ms is seen one time in ten. */
  readonly eventLoopDelayMs: Quantiles;
}
