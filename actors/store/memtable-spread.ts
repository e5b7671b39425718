/**
 * Memtables of different size for replicas that have the same data: else all of them are full at the same moment, and a quorum waits for nodes that all flush at once.
 */
import type { Random } from '../../runtime/doors.ts';
import type { EngineOptions } from '../../storage/engine/options.ts';

/** Smaller by at most this part. */
const SPREAD = 4;
/** The smallest that an engine takes. */
const BYTES_MIN = 16 * 1_024;

/** Drawn anew for each start of a shard. What the options leave to the engine stays as it is. */
export function spreadMemtable(engine: EngineOptions, random: Random): EngineOptions {
  const { memtableBytes } = engine;
  if (memtableBytes === undefined) return engine;
  const less = random.fork('memtable').below(Math.ceil(memtableBytes / SPREAD));
  return { ...engine, memtableBytes: Math.max(Math.min(memtableBytes, BYTES_MIN), memtableBytes - less) };
}
