/** Counters and sizes of an engine, for people and metrics. */
import type { EngineStats } from './api.ts';
import type { EngineParts } from './engine-parts.ts';

export function engineStats(parts: EngineParts): EngineStats {
  const { memory, log, versions, flusher, compactor, writes, reads, snapshots, context } = parts;
  const { groups, inlineGroups, bytes: logBytes, syncs, largestGroupBytes, queue } = log.stats;
  const cache = context.cache.stats();
  const levels = versions.current.levels.flatMap((tables, level) => [
    [`level${level}Tables`, tables.length] as const,
    [`level${level}Bytes`, tables.reduce((sum, { meta }) => sum + meta.bytes, 0)] as const,
  ]);
  const tables = versions.current.levels.flat();
  return {
    sequence: memory.sequence,
    memtableBytes: memory.active.table.length,
    memtableRecords: memory.active.table.recordCount,
    immutableMemtables: memory.immutables.length,
    keptMemtables: memory.kept.length,
    snapshots: snapshots.count,
    logGroups: groups,
    logInlineGroups: inlineGroups,
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
    inlineReads: context.policy.inlineCount,
    asyncReads: context.policy.asyncCount,
    slowReads: context.policy.slowCount,
    tables: tables.length,
    tableBytes: tables.reduce((sum, { meta }) => sum + meta.bytes, 0),
    tableEntries: tables.reduce((sum, { meta }) => sum + meta.entries, 0),
    pinnedBytes: tables.reduce((sum, { reader }) => sum + reader.memoryBytes, 0),
    ...Object.fromEntries(levels),
  };
}
