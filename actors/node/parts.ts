/** What every node is made of, whoever starts it. */

/** Modules of every thread and of the job pool, as `moduleUrl` takes them. */
export const NODE_MODULES: readonly string[] = ['actors/shard-module', 'storage/jobs'];
/** At a time: what the pool has threads for. */
export const COMPACTION_TURNS = { merges: 1, flushes: 1 };
/** For shards to write what they hold. */
export const DRAIN_MS = 10_000;
