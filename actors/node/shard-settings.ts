/** From a node's record and configuration to what its shards are told. */
import { canSharePorts, digestOf } from '../../runtime/real/host.ts';
import { RESP_DEFAULTS } from '../resp/resp-settings.ts';
import type { ShardSettings } from '../shard-settings.ts';
import { RECORD_BYTES_MAX } from '../store/replicas-options.ts';
import { CLUSTER_KEY_BYTES } from '../version/causal-context.ts';
import type { NodeConfig } from './config/config.ts';
import { NodeError } from './node-error.ts';
import type { NodeRecord } from './node-record.ts';

const MIB = 1024 * 1024;
/** A larger one flushes seldom, and takes long to replay. */
const MEMTABLE_BYTES_MAX = 64 * MIB;
/** Of which one takes writes. */
const MEMTABLES = 4;
/** Of the bytes of memtables: what their hash tables and orders take beside them, with records of 250 bytes. */
const INDEX_SHARE = 1 / 8;
/** Of each shard, left to buffers that nobody needs any more and that are not collected yet: V8 begins to look for them when there are 64 MiB. */
const UNCOLLECTED_BYTES = 96 * MIB;

/** `resp` null: Redis clients are not served, and there is no gossip, since the node is alone. Errors: NodeError INVALID_CONFIG, when there is too little memory. */
export function shardSettings(
  record: NodeRecord,
  config: Pick<NodeConfig, 'memory' | 'secret'> & { readonly resp: NodeConfig['resp'] | null },
  directory: string,
): ShardSettings {
  const { resp, memory, secret } = config;
  if (memory < record.shards)
    throw new NodeError('INVALID_CONFIG', `memory: expected at least 1 MiB for each of ${record.shards} shards, got ${memory}`);
  // Half for the memtables; of the rest at least half for the cache.
  const bytes = Math.floor((memory * MIB) / record.shards);
  const memtableBytes = Math.min(MEMTABLE_BYTES_MAX, Math.floor(bytes / 2 / MEMTABLES));
  const rest = bytes - Math.ceil(MEMTABLES * memtableBytes * (1 + INDEX_SHARE));
  return {
    directory,
    name: record.name,
    clusterKey: digestOf(secret ?? record.cluster, CLUSTER_KEY_BYTES),
    engine: { memtableBytes, memtablesMax: MEMTABLES - 1, cacheBytes: rest - Math.min(UNCOLLECTED_BYTES, Math.floor(rest / 2)) },
    replicas: { recordBytesMax: Math.min(RECORD_BYTES_MAX, memtableBytes >> 1) },
    hasPeers: resp !== null,
    resp: resp === null ? null : respSettings(resp, record.shards),
  };
}

/** All shards listen for Redis clients; else the first alone. */
export function isRespPortShared({ port }: Pick<NodeConfig['resp'], 'port'>, shards: number): boolean {
  // Of any free port the others would not know which it is.
  return canSharePorts() && port !== 0 && shards > 1;
}

function respSettings({ host, port, password = '', allowDrop }: NodeConfig['resp'], shards: number): NonNullable<ShardSettings['resp']> {
  return { host, port, isPortShared: isRespPortShared({ port }, shards), settings: { ...RESP_DEFAULTS, password, allowsDrop: allowDrop } };
}
