/** Bed: a cluster of real nodes on loopback, a keyspace or two, and a load; what it notes of moments becomes windows when the load has ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../../runtime/random.ts';
import { until } from '../../test/actors/node/processes.ts';
import { redisTo } from '../../test/actors/node/redis-writer.ts';
import { ChaosCluster } from '../../test/chaos/cluster.ts';
import { type Machine, shown } from '../../test/chaos/machine.ts';
import { nodeNames } from '../../test/chaos/plan.ts';
import { freePorts } from '../cluster/server-process.ts';
import type { ClientsSettings } from './clients.ts';
import { nowMs, type ReadBack } from './load.ts';
import { LoadThread } from './load-thread.ts';
import type { SampleSet } from './samples.ts';
import type { Row, ScenarioOptions } from './scenario.ts';
import { type CoursePoint, courseOf, figuresIn, type Window } from './windows.ts';

export interface BedOptions {
  readonly nodes: number;
  /** Nodes that may be added. */
  readonly spares?: number;
  /** Whether links are to be slowed: nodes then reach each other through proxies, which are in this process. */
  readonly hasProxies: boolean;
  readonly modes: readonly ('ap' | 'cp')[];
  readonly options: ScenarioOptions;
}

/** Who the clients are, of a keyspace: at which nodes by RESP, and whether by our own client as well. */
export interface Clients {
  readonly keyspace: string;
  /** Names of nodes, each a group of its own. */
  readonly at: readonly string[];
  readonly hasOwn: boolean;
}

const CONNECTIONS = 4;
const COURSE_MS = 200;

/** As operators run them; what a test has faster is as by default again. */
const NODE_ARGS: readonly string[] = ['--gossip-interval', '1000', '--partitions', '256', '--memory', '128'];

export class Bed {
  readonly cluster: ChaosCluster;
  readonly #options: ScenarioOptions;
  readonly #broken: string[];
  readonly #respPorts: ReadonlyMap<string, number>;
  #load: LoadThread | null = null;
  #groups: readonly ClientsSettings[] = [];
  #samples: SampleSet | null = null;

  /** Resolves when the nodes serve keyspaces `bench-ap`, `bench-cp`: N = 3, R = W = 2, the last write wins. */
  static async start({ nodes, spares = 0, hasProxies, modes, options }: BedOptions): Promise<Bed> {
    const names = nodeNames(nodes + spares);
    const ports = await freePorts(names.length);
    const respPorts = new Map(names.map((name, index) => [name, ports[index]!]));
    const broken: string[] = [];
    const cluster = await ChaosCluster.start({
      ...{ names: names.slice(0, nodes), spares: names.slice(nodes), isDirect: !hasProxies, hasDisks: false },
      ...{ random: new SeededRandom(options.seed), durability: options.durability },
      argsOf: (name) => [...NODE_ARGS, '--resp-port', String(respPorts.get(name)!)],
      onBroken: ({ name }, ended) => void broken.push(`${name} has ended by itself: ${shown(ended)}`),
    });
    try {
      for (const mode of modes) await createKeyspace(cluster, mode, options.durability);
    } catch (error) {
      await cluster.stop();
      cluster.remove();
      throw error;
    }
    return new Bed(cluster, options, broken, respPorts);
  }

  private constructor(cluster: ChaosCluster, options: ScenarioOptions, broken: string[], respPorts: ReadonlyMap<string, number>) {
    this.cluster = cluster;
    this.#options = options;
    this.#broken = broken;
    this.#respPorts = respPorts;
  }

  /** Nodes that have ended by themselves, and how. */
  get broken(): readonly string[] {
    return this.#broken;
  }

  /** All records are written, and the load runs and has settled, when it resolves. */
  async load(clients: readonly Clients[]): Promise<void> {
    const { perSecond, records, valueBytes, seed, settleMs } = this.#options;
    this.#groups = clients.flatMap(({ keyspace, at, hasOwn }): readonly ClientsSettings[] => [
      ...at.map((name) => {
        const where = { port: this.#respPorts.get(name)!, connections: CONNECTIONS };
        return { name: `RESP ${name} ${keyspace}`, keyspace, protocol: 'resp' as const, ...where };
      }),
      ...(hasOwn ? [{ name: `client ${keyspace}`, keyspace, protocol: 'client' as const, seeds: this.cluster.seeds }] : []),
    ]);
    this.#load = await LoadThread.open({ groups: this.#groups, records, valueBytes, seed, perSecond });
    await this.#load.fill();
    await this.#load.start();
    await sleep(settleMs);
  }

  /** A window that begins now and lasts as long as the options say, or `ms`. */
  async window(ms = this.#options.windowMs): Promise<Window> {
    const fromMs = nowMs();
    await sleep(ms);
    return { fromMs, untilMs: nowMs() };
  }

  /** Ends the load. */
  async endLoad(): Promise<void> {
    this.#samples = await this.#load!.stop();
  }

  readBack(): Promise<ReadBack> {
    return this.#load!.readBack();
  }

  get samples(): SampleSet {
    if (this.#samples === null) throw new Error('bed: the load has not ended');
    return this.#samples;
  }

  /** Indices of the groups whose names contain this. */
  groups(part: string): readonly number[] {
    return this.#groups.flatMap(({ name }, index) => (name.includes(part) ? [index] : []));
  }

  /** A row for each phase; the first is what the others are compared with. */
  rows(clients: string, groups: readonly number[], phases: Readonly<Record<string, Window>>): readonly Row[] {
    const found = Object.entries(phases).map(([phase, window]) => ({ phase, figures: figuresIn(this.samples, window, groups) }));
    const before = found[0]!.figures.p99Ms;
    return found.map(({ phase, figures }, index) => ({
      ...{ clients, phase, figures },
      timesBefore: index === 0 || before === 0 || figures.p99Ms === 0 ? null : figures.p99Ms / before,
    }));
  }

  /** `eventMs`: when it happened. */
  course(eventMs: number): readonly CoursePoint[] {
    return courseOf(this.samples, COURSE_MS, eventMs);
  }

  /** The sum of a metric over nodes and shards, of the lines that contain `labels`. Errors: a node does not answer. */
  async metric(machines: readonly Machine[], name: string, labels = ''): Promise<number> {
    const texts = await Promise.all(machines.map(async ({ process }) => (await process.get('/metrics')).text()));
    const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line.startsWith(name) && line.includes(labels));
    return lines.reduce(
      (sum, line) => sum + (line[name.length] === '{' || line[name.length] === ' ' ? Number(line.split(' ').at(-1)) : 0),
      0,
    );
  }

  async stop(): Promise<void> {
    await this.#load?.end();
    await this.cluster.stop();
    this.cluster.remove();
  }
}

async function createKeyspace(cluster: ChaosCluster, mode: 'ap' | 'cp', durability: string): Promise<void> {
  const name = `bench-${mode}`;
  const [first] = cluster.machines;
  const redis = redisTo(first!.respPort);
  await redis.call('KEYSPACE', ['CREATE', name, 'N', '3', 'R', '2', 'W', '2', 'MODE', mode, 'CONFLICT', 'lww', 'DURABILITY', durability]);
  redis.disconnect();
  for (const { respPort } of cluster.machines) {
    const isThere = async (): Promise<true | null> => {
      const client = redisTo(respPort);
      try {
        await client.call('KEYSPACE', ['USE', name]);
        await client.get('is it there');
        return true;
      } catch {
        return null;
      } finally {
        client.disconnect();
      }
    };
    await until(isThere, () => name);
  }
}

/** What was read back, as what must not be. */
export function lossesOf({ missing, wrong, stale, failed, first }: ReadBack): readonly string[] {
  return missing + wrong + stale + failed === 0
    ? []
    : [`read back: ${missing} missing, ${wrong} wrong, ${stale} replaced by older ones, ${failed} not to be read; first: ${first}`];
}

/** Errors that clients saw in these rows other than the allowed ones. */
export function forbidden(rows: readonly Row[], allowed: readonly string[]): readonly string[] {
  return rows.flatMap(({ clients, phase, figures }) =>
    Object.entries(figures.errors).flatMap(([kind, count]) => (allowed.includes(kind) ? [] : [`${clients}, ${phase}: ${count} ${kind}`])),
  );
}
