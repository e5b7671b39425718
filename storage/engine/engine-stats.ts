/** Counters and sizes of an engine, for people and metrics. */
import type { EngineStats } from './api.ts';
import type { EngineParts } from './engine-parts.ts';

export function engineStats(parts: EngineParts): EngineStats {
  const { memory, log, versions, flusher, compactor, writes, reads, snapshots, context } = parts;
  const { groups, bytes: logBytes, syncs, largestGroupBytes, queue } = log.stats;
  const cache = context.cache.stats();
  const stats: Record<string, number> = {
    sequence: memory.sequence,
    memtableBytes: memory.active.table.length,
    memtableRecords: memory.active.table.recordCount,
    immutableMemtables: memory.immutables.length,
    snapshots: snapshots.count,
    logGroups: groups,
    logBytes,
    logSyncs: syncs,
    logLargestGroupBytes: largestGroupBytes,
    logQueue: queue,
    waitingWrites: writes.waitingCount,
    waitingBytes: writes.waitingBytes,
    pendingReads: reads.pending,
    flushes: flusher.flushes,
    merges: compactor.merges,
    moves: compactor.moves,
    mergeReadBytes: compactor.readBytes,
    mergeWrittenBytes: compactor.writtenBytes,
    compactionDebtBytes: compactor.debtBytes,
    cacheBlocks: cache.blocks,
    cacheBytes: cache.bytes,
    cacheHits: cache.hits,
    cacheMisses: cache.misses,
    inlineReads: context.policy.inlineReads,
    asyncReads: context.policy.asyncReads,
    slowReads: context.policy.slowReads,
    tables: 0,
    tableBytes: 0,
    tableEntries: 0,
    pinnedBytes: 0,
  };
  for (const [level, tables] of versions.current.levels.entries()) {
    let bytes = 0;
    for (const { meta, reader } of tables) {
      bytes += meta.bytes;
      stats['tableEntries']! += meta.entries;
      stats['pinnedBytes']! += reader.memoryBytes;
    }
    stats['tables']! += tables.length;
    stats['tableBytes']! += bytes;
    stats[`level${level}Tables`] = tables.length;
    stats[`level${level}Bytes`] = bytes;
  }
  return stats;
}
