/** Options of a `DynactorLevel` and of its writes. */
import type { AbstractDatabaseOptions } from 'abstract-level';
import type { Durability } from '../engine/api.ts';
import type { OpenOptions } from './open-engine.ts';

/** Of a write. */
export interface DurabilityOptions {
  /** True: the write is on disk when it resolves; the same as durability `sync`. Default false: as the database was opened. */
  readonly sync?: boolean;
  /** Wins over `sync`. */
  readonly durability?: Durability;
}

/** `durability` here defaults to `periodic`: as with LevelDB, a write without `sync` survives the process, and not a loss of power. */
export type DynactorLevelOptions<K, V> = AbstractDatabaseOptions<K, V> & OpenOptions;

/** What of the options is the engine's; other options are ignored, as everywhere in the ecosystem. */
const OPEN_OPTIONS: Readonly<Record<Exclude<keyof OpenOptions, 'openEngine'>, true>> = {
  createIfMissing: true,
  errorIfExists: true,
  readOnly: true,
  durability: true,
  periodMs: true,
  memtableBytes: true,
  memtablesMax: true,
  keepFlushed: true,
  waitingBytesMax: true,
  valueBytesMax: true,
  cacheBytes: true,
  blockBytes: true,
  codec: true,
  bloomBitsPerKey: true,
  inlineReads: true,
  inlineWrites: true,
  tableBytes: true,
  levelBytes: true,
  manifestBytes: true,
  compactionBytesPerSecond: true,
  mergeJob: true,
  filter: true,
  mutants: true,
  jobThreads: true,
  log: true,
};

export function openOptionsOf(options: object): OpenOptions {
  const given: Record<string, unknown> = { durability: 'periodic' };
  for (const [name, value] of Object.entries(options)) if (Object.hasOwn(OPEN_OPTIONS, name) && value !== undefined) given[name] = value;
  return given;
}

/** Undefined: as the database was opened. */
export function durabilityOf(options: DurabilityOptions): Durability | undefined {
  return options.durability ?? (options.sync === true ? 'sync' : undefined);
}

/** Whether there is nothing else in the options of a write. */
export function isDurability(options: object | null | undefined): boolean {
  for (const name in options) if (name !== 'sync' && name !== 'durability') return false;
  return true;
}
