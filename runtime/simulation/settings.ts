/** What a simulated world is made of: plain data, so that it stands in plan files. */
import { invalidArgument } from '../errors.ts';
import type { RuntimeTuning } from '../runtime-options.ts';
import { DEFAULT_TCP_LIMITS, type TcpLimits } from '../wire/tcp-limits.ts';
import { checkQuality, type LinkQuality, PERFECT_QUALITY } from './conditions.ts';
import type { SchedulingOptions } from './scheduling.ts';
import type { CpuOptions } from './sim-thread.ts';

export interface NodeSettings {
  readonly name: string;
  /** Worker threads; the main thread comes on top. */
  readonly shards: number;
}

export interface NetworkSettings {
  /**
   * 'frames': whole batches of frames travel, fast. 'bytes': the real TCP transport runs over simulated byte streams. Between threads of a node
   * both use ports. Default frames.
   */
  readonly fidelity?: 'frames' | 'bytes';
  /** Of all ways between nodes, where no fault changes it. Default: 0.1 ms and up, exponential with mean 0.3 ms, and nothing ever lost. */
  readonly quality?: Partial<LinkQuality>;
  /** Of the ports between threads of a node. Default: 2 to 20 us. */
  readonly ports?: Partial<LinkQuality>;
  readonly limits?: Partial<TcpLimits>;
  /** Bytes sent and not yet read, per connection. Default 256 KiB. */
  readonly windowBytes?: number;
}

/** Tuning without its functions. */
export type TuningSettings = Omit<RuntimeTuning, 'supervision'>;

export interface WorldSettings {
  readonly nodes: readonly NodeSettings[];
  readonly network?: NetworkSettings;
  /** Default fifo. */
  readonly scheduling?: SchedulingOptions;
  readonly cpu?: CpuOptions;
  readonly tuning?: TuningSettings;
  /** What `startShard` is given as `settings`. */
  readonly shardSettings?: unknown;
  /** Names of planted bugs. */
  readonly mutants?: readonly string[];
}

export const NETWORK_QUALITY: LinkQuality = { ...PERFECT_QUALITY, delay: { kind: 'exponential', minMs: 0.1, meanMs: 0.3 } };
export const PORT_QUALITY: LinkQuality = { ...PERFECT_QUALITY, delay: { kind: 'uniform', minMs: 0.002, maxMs: 0.02 } };
export const WINDOW_BYTES = 256 * 1024;

/**
 * What differs from a real thread, unless it is set. `turnsPerRun`: virtual time stands still within a run, so its time slice never ends one.
 * `flightRecords`: every simulated thread has a recorder, and there are many.
 */
export const SIMULATED_TUNING: Readonly<TuningSettings> = { turnsPerRun: 64, flightRecords: 64 };

export interface CompleteNetwork {
  readonly fidelity: 'frames' | 'bytes';
  readonly quality: LinkQuality;
  readonly ports: LinkQuality;
  readonly limits: TcpLimits;
  readonly windowBytes: number;
}

/** Throws INVALID_ARGUMENT, naming the field. */
export function completeNetwork(network: NetworkSettings = {}): CompleteNetwork {
  const { fidelity = 'frames', quality = {}, ports = {}, limits = {}, windowBytes = WINDOW_BYTES } = network;
  if (fidelity !== 'frames' && fidelity !== 'bytes')
    throw invalidArgument(`network: expected the fidelity frames or bytes, got ${String(fidelity)}`);
  checkQuality(quality);
  checkQuality(ports);
  return {
    fidelity,
    quality: { ...NETWORK_QUALITY, ...quality },
    ports: { ...PORT_QUALITY, ...ports },
    limits: { ...DEFAULT_TCP_LIMITS, ...limits },
    windowBytes,
  };
}
