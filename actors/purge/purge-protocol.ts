/** Messages of PurgeActor. */
import type { Ref } from '../../runtime/ref.ts';
import type { ViewMessage } from '../gossip/view-subscribers.ts';

/** Asks what this shard has done since its start, and what holds it up. */
export interface GetPurgeState {
  readonly type: 'purgeState';
  readonly replyTo: Ref<PurgeState>;
}

export interface PurgeState {
  readonly type: 'purgeFigures';
  /** Counts by name. */
  readonly figures: Readonly<Record<string, number>>;
  /** Of partitions that this shard leads and that have something to purge: why they wait, and how many. */
  readonly blocked: readonly PurgeBlock[];
}

export interface PurgeBlock {
  readonly why: string;
  readonly partitions: number;
}

export type PurgeMessage = ViewMessage | GetPurgeState;

/** Of several shards together, most partitions first. */
export function blocksOf(states: readonly (PurgeState | null)[]): readonly PurgeBlock[] {
  const counts = new Map<string, number>();
  for (const state of states) for (const { why, partitions } of state?.blocked ?? []) counts.set(why, (counts.get(why) ?? 0) + partitions);
  return [...counts].map(([why, partitions]) => ({ why, partitions })).sort((a, b) => b.partitions - a.partitions);
}
