/**
 * open: the store in one process, without a network: one member that has everything, behind the same API as a cluster. Its directory is that of a node: one may be started on
 * it later, and others may join that.
 */
import { MAIN_SHARD } from '../../runtime/address.ts';
import type { ShardStart } from '../../runtime/definitions.ts';
import type { LogLevel } from '../../runtime/doors.ts';
import type { NodeAddress } from '../../runtime/node-address.ts';
import { RealFiles } from '../../runtime/real/files.ts';
import { absolutePath, randomHex } from '../../runtime/real/host.ts';
import { moduleUrl } from '../../runtime/real/modules.ts';
import type { Ref } from '../../runtime/ref.ts';
import { ActorSystem } from '../../runtime/system.ts';
import { Client } from '../client/client.ts';
import { invalid } from '../client/client-error.ts';
import { type ClientTuning, completeTuning, TIMEOUT_MS_DEFAULT, timeoutOf, whole } from '../client/options.ts';
import type { ClientDoor } from '../client/places.ts';
import { startParts, untilReady } from '../client/start-parts.ts';
import { compactionActor } from '../compaction-actor.ts';
import { COMPACTION_SLOT, RING_SLOT } from '../membership/cluster-door.ts';
import { memberOf } from '../membership/joining.ts';
import { readRing } from '../membership/known-ring.ts';
import type { NodeIdentity } from '../membership/node-identity.ts';
import { initialRing } from '../ring/initial-ring.ts';
import { DEFAULT_KEYSPACE, type KeyspaceSettings, strangeSetting } from '../ring/keyspace-defaults.ts';
import { ringActor } from '../ring-actor.ts';
import type { RingMessage, RingStatus } from '../ring-protocol.ts';
import { startShard } from '../shard-module.ts';
import type { ShardSettings } from '../shard-settings.ts';
import { COORDINATOR_SLOT, SCAN_SLOT } from '../store/data-frames.ts';
import { LOG_LEVELS, MEMORY_MIB_MIN } from './config/config.ts';
import { MEMORY_MIB_DEFAULT } from './config/settings.ts';
import { clusterDoor } from './door.ts';
import { fatal } from './fatal.ts';
import { NodeDirectory } from './node-directory.ts';
import { NodeError } from './node-error.ts';
import { COMPACTION_TURNS, DRAIN_MS, NODE_MODULES } from './parts.ts';
import { POOL_THREADS } from './prepare.ts';
import { transportName } from './seeds.ts';
import { shardSettings } from './shard-settings.ts';
import { decideStart } from './start-record.ts';

export interface OpenOptions {
  /** Worker threads that own data, fixed when the directory is made; 0: the calling thread owns all. Default 0. */
  readonly shards?: number;
  /** MiB for memtables and cached blocks, all shards together; a key with all its siblings takes at most 1/16 of a shard's part, and 7 MiB. Default 512. */
  readonly memory?: number;
  /** How the keyspace `default` is made when it is not there. Default: as any keyspace; of the replicas that it asks for there is one. */
  readonly keyspace?: KeyspaceSettings;
  /** Of operations that say nothing else. Default 5,000 ms. */
  readonly timeoutMs?: number;
  readonly tuning?: Partial<ClientTuning>;
  /** Default `warn`. */
  readonly logLevel?: LogLevel | 'silent';
}

const PARTITIONS = 256;
const READY_MS = 30_000;
const SHARDS_MAX = 64;

/**
 * Opens the store in `dir`, relative to the working directory; makes it when there is none. The client that it resolves with is closed as any.
 * Errors: INVALID_ARGUMENT; NodeError when there is less than 1 MiB of memory for each shard, or the directory is another's, in use, damaged, or of a node that is not alone in its cluster.
 */
export async function open(dir: string, options: OpenOptions = {}): Promise<Client> {
  const { shards = 0, memory = MEMORY_MIB_DEFAULT, logLevel = 'warn' } = options;
  if (typeof dir !== 'string' || dir === '') throw invalid(`dir: expected a path, got ${JSON.stringify(dir)}`);
  whole('shards', shards, 0, SHARDS_MAX);
  whole('memory', memory, MEMORY_MIB_MIN, 1_048_576);
  if (!LOG_LEVELS.includes(logLevel)) throw invalid(`logLevel: expected one of ${LOG_LEVELS.join(', ')}, got ${JSON.stringify(logLevel)}`);
  const strange = options.keyspace === undefined ? undefined : strangeSetting(options.keyspace);
  if (strange !== undefined) throw invalid(`keyspace: ${strange}`);
  const tuning = completeTuning(options.tuning);
  const timeoutMs = timeoutOf(options.timeoutMs, TIMEOUT_MS_DEFAULT);
  const directory = await NodeDirectory.open(new RealFiles(), absolutePath(dir));
  let system: ActorSystem | undefined;
  try {
    const fresh = { node: randomHex(16), cluster: randomHex(16), shards: Math.max(1, shards) };
    const wish = { name: undefined, shards: options.shards === undefined ? undefined : fresh.shards, init: true, join: [] };
    const { record } = decideStart(directory.record, wish, fresh, directory.path);
    const settings = shardSettings(record, { memory, secret: undefined, resp: null }, directory.path);
    await directory.write(record);
    // A directory that was made with one shard may be served by a thread of its own, or by this one.
    const threads = shards === 0 && record.shards === 1 ? 0 : record.shards;
    const node = transportName(record);
    system = await ActorSystem.start({
      ...{ node, cluster: record.cluster, shards: threads, logLevel, poolThreads: POOL_THREADS, shardSettings: settings },
      modules: NODE_MODULES.map(moduleUrl),
    });
    const address: NodeAddress = record.address ?? { node, host: '127.0.0.1', ports: Array<number>(1 + record.shards).fill(0) };
    const identity: NodeIdentity = {
      ...{ id: record.id, name: record.name, address, dataCenter: 'dc1', rack: 'rack1', capacity: 100 },
      ...{ shards: record.shards, boot: record.boot, instance: randomHex(8) },
    };
    await startRing(system, identity, record.cluster, directory);
    if (threads === 0) startShard(mainThreadAs(system, settings));
    const client = await startClient(system, directory, { node, threads, address, tuning, timeoutMs });
    if (directory.record?.phase !== 'member') await directory.change({ phase: 'member' });
    if (!client.keyspaces.list().some(({ name }) => name === DEFAULT_KEYSPACE))
      await client.keyspaces.create(DEFAULT_KEYSPACE, options.keyspace);
    return client;
  } catch (error) {
    await system?.stop({ drainMs: DRAIN_MS });
    await directory.close();
    throw error;
  }
}

/** Resolves when the ring is read. Errors: NodeError. */
async function startRing(system: ActorSystem, identity: NodeIdentity, cluster: string, directory: NodeDirectory): Promise<void> {
  const isNew = directory.record?.phase === 'initialising';
  const initial = isNew
    ? initialRing({ cluster, clusterName: 'dynactor', operationId: cluster, member: memberOf(identity), partitions: PARTITIONS })
    : null;
  const ring = system.spawnWellKnown(RING_SLOT, ringActor, [{ identity, door: clusterDoor(system), directory: directory.path, initial }]);
  system.spawnWellKnown(COMPACTION_SLOT, compactionActor, [{ limits: COMPACTION_TURNS }]);
  const status = await ring.ask<RingStatus>((replyTo) => ({ type: 'status', replyTo }), { timeoutMs: READY_MS });
  // Here is nobody whom it could tell that it has left.
  const error = fatal({ ...status, fence: status.fence === 'departing' ? 'removed' : status.fence }, identity);
  if (error !== null) throw error;
  const members = status.ring === null ? [] : readRing(status.ring).state.members;
  if (members.length <= 1) return;
  throw new NodeError(
    'OTHER_CLUSTER',
    `data directory ${directory.path} is that of a node of a cluster (${members.map(({ name }) => name).join(', ')}): start it with \`dynactor start\`, and use connect()`,
  );
}

/** The calling thread in the place of shard 0. */
function mainThreadAs(system: ActorSystem, settings: ShardSettings): ShardStart {
  return {
    ...{ node: system.node, shard: 0, shards: 1, settings },
    spawn: (definition, args, options) => system.spawn(definition, args, options),
    spawnWellKnown: (slot, definition, args) => system.spawnWellKnown(slot, definition, args),
    wellKnown: <M>(slot: number, node = system.node): Ref<M> => system.wellKnown(slot, node, MAIN_SHARD),
    // There is nobody else.
    introduce: () => undefined,
    register: (key, ref) => system.register(key, ref),
  };
}

interface ClientOf {
  readonly node: string;
  readonly threads: number;
  readonly address: NodeAddress;
  readonly tuning: ClientTuning;
  readonly timeoutMs: number;
}

async function startClient(system: ActorSystem, directory: NodeDirectory, of: ClientOf): Promise<Client> {
  const threadOf = (shard: number): number => (of.threads === 0 ? MAIN_SHARD : shard);
  const door: ClientDoor = {
    ring: () => system.wellKnown<RingMessage>(RING_SLOT),
    coordinator: (node, shard) => system.wellKnown(COORDINATOR_SLOT, node, threadOf(shard)),
    scans: (node, shard) => system.wellKnown<never>(SCAN_SLOT, node, threadOf(shard)),
    introduce: () => undefined,
  };
  const { parts } = startParts(system, {
    ...{ door, seeds: [of.address], dataCenter: undefined, tuning: of.tuning, timeoutMs: of.timeoutMs },
    lost: () => undefined,
    stop: async (drainMs) => {
      await system.stop({ drainMs: Math.max(drainMs, DRAIN_MS) });
      await directory.close();
    },
  });
  await untilReady(parts, undefined, Date.now() + READY_MS, `the store in ${directory.path} does not come up`);
  return new Client(parts);
}
