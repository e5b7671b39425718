/** ShardSettings: what the main thread of a node tells its shards when they start: plain data. */
import type { EngineOptions } from '../storage/engine/options.ts';
import type { RespSettings } from './resp/resp-settings.ts';
import type { ReplicasOptions } from './store/replicas-options.ts';

export interface ShardSettings {
  /** Data directory of the node, absolute. */
  readonly directory: string;
  /** The node's name, for people. */
  readonly name: string;
  /** 16 bytes, the same on all nodes of the cluster: what contexts are sealed with. */
  readonly clusterKey: Uint8Array;
  readonly engine: EngineOptions;
  readonly replicas: Pick<ReplicasOptions, 'recordBytesMax'>;
  /** GossipActor runs on the main thread. */
  readonly hasPeers: boolean;
  /** Null: Redis clients are not served. */
  readonly resp: {
    readonly host: string;
    readonly port: number;
    /** All shards listen at the port; else the first alone, and hands on what others own. */
    readonly isPortShared: boolean;
    readonly settings: RespSettings;
  } | null;
}
