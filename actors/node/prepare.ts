/** What comes before a node exists: what is found out and put on disk before this process says anything to anybody, and the system that it then says it with. */
import { ActorSystem } from '../../runtime/system.ts';
import type { NodeConfig } from './config/config.ts';
import type { NodeDirectory } from './node-directory.ts';
import { NodeError } from './node-error.ts';
import type { NodeRecord } from './node-record.ts';
import { askSeeds, clusterOf, runsAt, type Seed, transportName } from './seeds.ts';
import { shardSettings } from './shard-settings.ts';
import { decideStart, type FreshIds, type Way } from './start-record.ts';

/** Boots of threads: each start of the node has room for so many, for starts of each shard. */
const BOOTS_PER_START = 2 ** 20;
/** Of which the first is one of the lower half, by chance. */
const FIRST_BOOTS = 2 ** 19;
const RETRY_MS = 500;
/** A flush need not wait for a merge. */
export const POOL_THREADS = 2;
/** What they make beside buffers is little: 20 MiB less for each. */
const POOL_YOUNG_MIB_MAX = 6;

export interface Prepared {
  readonly way: Way;
  readonly record: NodeRecord;
  /** That have answered; none for a node that joins nobody. */
  readonly seeds: readonly Seed[];
}

/** Errors: NodeError. */
export async function prepare(directory: NodeDirectory, config: NodeConfig, fresh: FreshIds): Promise<Prepared> {
  const { path } = directory;
  const wish = { name: config.name, shards: config.shards, init: config.init, join: config.join };
  const { way, record } = decideStart(directory.record, wish, fresh, path);
  const name = transportName(record);
  if (record.address !== null && (await runsAt(record.address, name, record.cluster))) {
    const { host, ports } = record.address;
    throw new NodeError(
      'DUPLICATE',
      `node ${record.name} (${record.id}) runs already, at ${host}:${ports[0]}: data directory ${path} is a copy of its; a new node needs an empty one`,
    );
  }
  const seeds = await seedsFor(way, config, name);
  const cluster = clusterOf(seeds, record.cluster, path);
  const prepared: NodeRecord = way === 'join' ? { ...record, cluster, phase: 'joining' } : record;
  await directory.write(prepared);
  return { way, record: prepared, seeds };
}

/** A node that joins has to hear of its cluster from one; one that is in a ring already can do without. */
async function seedsFor(way: Way, config: NodeConfig, self: string): Promise<readonly Seed[]> {
  if (config.join.length === 0) return [];
  const giveUpAt = Date.now() + config.joinTimeoutSeconds * 1000;
  for (;;) {
    const { seeds, failures } = await askSeeds(config.join, self);
    if (seeds.length > 0 || way !== 'join') return seeds;
    if (Date.now() >= giveUpAt) {
      const asked = config.join.map(({ host, port }) => `${host}:${port}`).join(', ');
      throw new NodeError('CANNOT_JOIN', `no seed answers (${asked}): ${failures.join('; ') || 'only this node itself'}`);
    }
    await pause(RETRY_MS);
  }
}

/** `onZombie`: a place that was dialled has seen a later start of this node. */
export function startSystem(
  record: NodeRecord,
  config: NodeConfig,
  directory: string,
  instance: string,
  modules: readonly (string | URL)[],
  onZombie: (reason: string) => void,
): Promise<ActorSystem> {
  const { host, port, advertise, log } = config;
  return ActorSystem.start({
    node: transportName(record),
    cluster: record.cluster,
    shards: record.shards,
    modules,
    listen: { host, port },
    ...(advertise === undefined ? {} : { advertise }),
    boot: transportBoot(record.boot, instance),
    logLevel: log.level,
    poolThreads: POOL_THREADS,
    poolYoungMibMax: POOL_YOUNG_MIB_MAX,
    shardSettings: shardSettings(record, config, directory),
    onRefused: (_place, { code, reason }) => {
      if (code === 'ZOMBIE') onZombie(reason);
    },
  });
}

/**
 * The boot of this process among transports: higher than at any start before, and another one for a copy of the directory that has been started as
 * often. Why: peers take what an equal boot says for what they know already, and to one that has said goodbye they answer nothing.
 */
export function transportBoot(boot: number, instance: string): number {
  return boot * BOOTS_PER_START + (Number.parseInt(instance.slice(0, 8), 16) % FIRST_BOOTS);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
