/** What is measured: something that can be started, loaded and stopped. Everything listens on the loopback interface only. */
import type { Address } from './task.ts';
import type { Workload } from './workload.ts';

/** What a confirmed write has outlived: `sync`: a power cut; `none`: nothing that is asked of the disk. */
export type Durability = 'none' | 'sync';

export interface StartOptions {
  /** Empty, and removed afterwards. */
  readonly dir: string;
  readonly durability: Durability;
  readonly connections: number;
  /** 0: any that is free. */
  readonly basePort: number;
  /** Budget of each of our nodes for memtables and cached blocks. */
  readonly memoryMiB: number;
  /** Replicas, and how many of them a read and a write need; what peers do instead is in their descriptions. */
  readonly n: number;
  readonly r: number;
  readonly w: number;
}

export interface Target {
  readonly name: TargetName;
  /** Pipelining depths that its protocol offers. */
  readonly depths: readonly number[];
  /** Why it can't be measured here; undefined: it can. */
  missing(): string | undefined;
  /** Whether it has all operations of the workload. */
  offers(workload: Workload): boolean;
  /** Resolves when it serves. */
  start(options: StartOptions): Promise<Running>;
}

export interface Running {
  readonly address: Address;
  /** What durability means here, and what a confirmed write and a read have seen. */
  readonly described: string;
  /** A read sees what was confirmed before it began, so that one that doesn't is an error. */
  readonly isStrict: boolean;
  /** Server processes, but for those that they start; none when they are not the bench's own. */
  readonly pids: readonly number[];
  /** Where our nodes tell of themselves; none: it is a peer. */
  readonly httpPorts: readonly number[];
  stop(): Promise<void>;
}

export type TargetName = 'dynactor-resp' | 'dynactor-client' | 'dynactor-one' | 'redis' | 'redis-wait' | 'etcd' | 'given';

/** Those that are ours; the others are peers. */
export const OURS: readonly TargetName[] = ['dynactor-resp', 'dynactor-client', 'dynactor-one'];

/** A protocol without scans in the order of keys. */
export function offersNoScans({ mix }: Workload): boolean {
  return mix.scan === undefined;
}
