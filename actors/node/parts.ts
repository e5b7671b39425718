/** What every node is made of, whoever starts it. */

/** Modules of every thread and of the job pool, relative to this file, without their extension. */
export const NODE_MODULES: readonly string[] = ['../shard-module', '../../storage/jobs'];
/** At a time: what the pool has threads for. */
export const COMPACTION_TURNS = { merges: 1, flushes: 1 };
/** For shards to write what they hold. */
export const DRAIN_MS = 10_000;

/** Compiled or not, with the extension of this file. */
export function moduleUrl(path: string): URL {
  return new URL(`${path}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
