/** connect: finds out which cluster the seeds are of and where its nodes listen, and starts a client in the calling thread. */
import { errorMessage } from '../../runtime/errors.ts';
import { ActorSystem } from '../../runtime/system.ts';
import { RING_SLOT } from '../membership/cluster-door.ts';
import { type HostAndPort, parseHostAndPort } from '../node/config/host-and-port.ts';
import { askSeeds, type Seed } from '../node/seeds.ts';
import type { RingMessage } from '../ring-protocol.ts';
import { COORDINATOR_SLOT, SCAN_SLOT } from '../store/data-frames.ts';
import type { Greeting } from '../store/greeting.ts';
import { Client, type ClientParts, pause } from './client.ts';
import { ClientError, invalid } from './client-error.ts';
import {
  type ClientTuning,
  CONNECT_TIMEOUT_MS_DEFAULT,
  type ConnectOptions,
  completeTuning,
  TIMEOUT_MS_DEFAULT,
  timeoutOf,
} from './options.ts';
import type { ClientDoor } from './places.ts';
import { startParts, throwIfAborted, untilReady } from './start-parts.ts';

const SEED_PAUSE_MS = 200;
/** Between two looks at the seeds, when all nodes known are out of reach. */
const LOST_PAUSE_MS = 1_000;

/**
 * `seeds`: `host:port` of the main threads of some nodes; one that answers is enough. Resolves when the client has a ring.
 * Errors: INVALID_ARGUMENT, OTHER_CLUSTER, UNREACHABLE, ABORTED.
 */
export async function connect(seeds: string | readonly string[], options: ConnectOptions = {}): Promise<Client> {
  const asked = parseSeeds(seeds);
  const tuning = completeTuning(options.tuning);
  const timeoutMs = timeoutOf(options.timeoutMs, TIMEOUT_MS_DEFAULT);
  const deadline = Date.now() + timeoutOf(options.connectTimeoutMs, CONNECT_TIMEOUT_MS_DEFAULT);
  const found = await findSeeds(asked, options, deadline);
  const system = await startSystem(found[0]!.cluster, options, tuning);
  try {
    const parts = startClient(system, asked, found, options, tuning, timeoutMs);
    const names = asked.map(({ host, port }) => `${host}:${port}`).join(', ');
    await untilReady(
      parts,
      options.signal,
      deadline,
      `no node gives a ring in time (seeds ${names}): they are starting, or in no cluster yet`,
    );
    return new Client(parts);
  } catch (error) {
    await system.stop({ drainMs: 0 });
    throw error;
  }
}

function parseSeeds(seeds: string | readonly string[]): readonly HostAndPort[] {
  const texts = typeof seeds === 'string' ? seeds.split(',') : seeds;
  if (!Array.isArray(texts) || texts.length === 0) throw invalid('seeds: expected host:port of a node or more, got none');
  return texts.map((text: unknown) => {
    const seed = typeof text === 'string' ? parseHostAndPort(text.trim()) : null;
    if (seed === null) throw invalid(`seeds: expected host:port, got ${JSON.stringify(text)}`);
    return seed;
  });
}

/** Those that answer, when one does; of one cluster. */
async function findSeeds(asked: readonly HostAndPort[], { cluster, signal }: ConnectOptions, deadline: number): Promise<readonly Seed[]> {
  for (;;) {
    throwIfAborted(signal);
    const { seeds, failures } = await askSeeds(asked, '');
    throwIfAborted(signal);
    const [first] = seeds;
    if (first !== undefined) {
      const wanted = cluster ?? first.cluster;
      const stranger = seeds.find((seed) => seed.cluster !== wanted);
      if (stranger === undefined) return seeds;
      const { host, ports } = stranger.address;
      throw new ClientError('OTHER_CLUSTER', `${host}:${ports[0]} is of cluster ${stranger.cluster}, expected ${wanted}`);
    }
    if (Date.now() >= deadline) throw new ClientError('UNREACHABLE', `no seed answers: ${failures.join('; ')}`);
    await pause(SEED_PAUSE_MS);
  }
}

function startSystem(cluster: string, { logLevel = 'silent' }: ConnectOptions, tuning: ClientTuning): Promise<ActorSystem> {
  const name = [...globalThis.crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return ActorSystem.start({
    node: `client.${name}`,
    cluster,
    logLevel,
    wire: { unreachableMs: tuning.unreachableMs, backoff: { minMs: 50, maxMs: 1_000, factor: 2, jitterRatio: 0.5 } },
  });
}

function startClient(
  system: ActorSystem,
  asked: readonly HostAndPort[],
  found: readonly Seed[],
  { dataCenter }: ConnectOptions,
  tuning: ClientTuning,
  timeoutMs: number,
): ClientParts {
  let isSeeking = false;
  let isStopped = false;
  const started = startParts(system, {
    ...{ door: doorOf(system), seeds: found.map(({ address }) => address), dataCenter, tuning, timeoutMs },
    lost: () => {
      if (isSeeking) return;
      isSeeking = true;
      seekAgain().catch((error: unknown) => system.log.warn('client.seedsNotAsked', { error: errorMessage(error) }));
    },
    stop: async (drainMs) => {
      isStopped = true;
      await system.stop({ drainMs });
    },
  });
  return started.parts;

  /** The nodes may have moved to other addresses. */
  async function seekAgain(): Promise<void> {
    try {
      await pause(LOST_PAUSE_MS);
      if (isStopped) return;
      const { seeds: now } = await askSeeds(asked, '');
      const addresses = now.filter(({ cluster }) => cluster === system.cluster).map(({ address }) => address);
      if (!isStopped && addresses.length > 0) started.actor.tell({ type: 'seeds', addresses });
    } finally {
      isSeeking = false;
    }
  }
}

function doorOf(system: ActorSystem): ClientDoor {
  return {
    ring: (node) => system.wellKnown<RingMessage>(RING_SLOT, node),
    coordinator: (node, shard) => system.wellKnown<Greeting>(COORDINATOR_SLOT, node, shard),
    scans: (node, shard) => system.wellKnown<never>(SCAN_SLOT, node, shard),
    introduce: (address) => {
      system.introduce(address).catch((error: unknown) => {
        system.log.warn('client.notIntroduced', { node: address.node, error: errorMessage(error) });
      });
    },
  };
}
