/** One run: a cluster, clients, a plan of faults; then all is healed, read, compared and checked. */
import { setTimeout as sleep } from 'node:timers/promises';
import { GET } from '../../actors/store/store-request.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { runCli } from '../actors/node/processes.ts';
import { ChaosCluster, type ClusterOptions } from './cluster.ts';
import { type Difference, differences } from './convergence.ts';
import { shown } from './machine.ts';
import { Nemesis } from './nemesis.ts';
import { nodeNames, type Plan, spareOf } from './plan.ts';
import { RecordClient } from './record-client.ts';
import { RegisterWorkload } from './register-workload.ts';
import { RespClient } from './resp-client.ts';
import { StoreWorkload, type WorkloadOptions } from './store-workload.ts';
import { Tally } from './tally.ts';
import { Moments } from './timeline.ts';

export interface RunOptions {
  readonly plan: Plan;
  readonly durability: ClusterOptions['durability'];
  /** Of each of the two workloads. */
  readonly clients: number;
  /** How long replicas have for becoming equal by themselves, before all is read. */
  readonly settleMs: number;
  /** `dynactor repair` is run on each node before replicas are compared. */
  readonly asksForRepair: boolean;
  /** Each node has a disk of its own. */
  readonly hasDisks: boolean;
  /** What replicas do not repair by themselves is a violation, too. */
  readonly mustConverge: boolean;
  readonly say: (text: string) => void;
  /** Ends the run: nothing is checked, and nothing is left. */
  readonly signal: AbortSignal;
}

export interface Violation {
  readonly what: string;
  /** What clients did to the key, or what each node has. */
  readonly around: readonly string[];
}

export interface ChaosReport {
  readonly plan: Plan;
  readonly operations: number;
  readonly perOperation: readonly string[];
  readonly faults: ReadonlyMap<string, number>;
  readonly starts: ReadonlyMap<string, number>;
  readonly keys: number;
  /** On which replicas differed before all was read. */
  readonly unrepaired: number;
  readonly loadMs: number;
  /** How late this process was at most: above some 50 ms clients saw timeouts that were its own. */
  readonly lagMs: number;
  readonly violations: readonly Violation[];
  /** Of nodes and logs; removed when there is no violation. */
  readonly directory: string;
}

type ViolationSink = (what: string, around?: readonly string[]) => void;

const CLIENT_TIMEOUT_MS = 3_000;
const LAG_EVERY_MS = 20;
const READS_AT_ONCE = 16;
const READ_TRIES = 20;
const RETRY_MS = 500;

/** Errors: what kept the cluster from starting; the run was ended by its signal. */
export async function chaosRun(options: RunOptions): Promise<ChaosReport> {
  const { plan, say } = options;
  const violations: Violation[] = [];
  const violation = (what: string, around: readonly string[] = []): void => {
    say(`VIOLATION: ${what}`);
    violations.push({ what, around });
  };
  const random = new SeededRandom(plan.seed);
  const spare = spareOf(plan);
  const isFull = plan.items.some(({ kind }) => kind === 'fill');
  const cluster = await ChaosCluster.start({
    ...{
      names: nodeNames(plan.nodes),
      spares: spare === undefined ? [] : [spare],
      random: random.fork('links'),
      durability: options.durability,
      hasDisks: options.hasDisks,
    },
    onBroken: ({ name }, ended) => {
      // A terminal tells all its processes.
      if (options.signal.aborted) return;
      // A full disk may end a node; nothing else in here may.
      if (isFull) say(`  ${name} has ended: ${shown(ended)}`);
      else violation(`${name} has ended by itself`, [shown(ended)]);
    },
  });
  try {
    return await unlessAborted(options.signal, new Run(options, cluster, violations, violation).run());
  } finally {
    await cluster.stop();
    if (violations.length === 0 || options.signal.aborted) cluster.remove();
    else cluster.keep();
  }
}

class Run {
  readonly #options: RunOptions;
  readonly #cluster: ChaosCluster;
  readonly #violations: readonly Violation[];
  readonly #violation: ViolationSink;

  constructor(options: RunOptions, cluster: ChaosCluster, violations: readonly Violation[], violation: ViolationSink) {
    this.#options = options;
    this.#cluster = cluster;
    this.#violations = violations;
    this.#violation = violation;
  }

  async run(): Promise<ChaosReport> {
    const { plan, say, clients } = this.#options;
    const cluster = this.#cluster;
    const tally = new Tally();
    const workload: WorkloadOptions = {
      seed: plan.seed,
      clients,
      moments: new Moments(),
      tally,
      isStrict: plan.nodes <= REPLICAS && spareOf(plan) === undefined,
    };
    const recordClient = await RecordClient.connect(cluster.seeds, CLIENT_TIMEOUT_MS);
    const store = new StoreWorkload(recordClient, workload);
    const registers = new RegisterWorkload(() => cluster.respPorts, workload);
    const lag = new Lag();
    const begunMs = performance.now();
    const nemesis = new Nemesis({ cluster, random: new SeededRandom(plan.seed).fork('nemesis'), say, violation: this.#violation });
    let isWhole = false;
    try {
      await nemesis.run(plan.items);
      await sleep(Math.max(0, begunMs + plan.runMs - performance.now()));
      await nemesis.heal();
      isWhole = true;
    } catch (error) {
      this.#violation(`the cluster does not become whole: ${errorMessage(error)}`);
    }
    await Promise.all([store.stop(), registers.stop()]);
    const loadMs = performance.now() - begunMs;
    const lagMs = lag.stop();
    say(
      `healed after ${(loadMs / 1_000).toFixed(1)} s, ${tally.total} operations; reading ${store.keys.length + registers.keys.length} keys`,
    );
    const finals = new Map<string, Buffer>();
    await recordClient.close();
    const unrepaired = isWhole ? await this.#readAll(store, registers, finals) : 0;
    for (const [key, faults] of store.faults(finals)) this.#violation(faults.join('; '), store.timeline(key));
    for (const [key, faults] of registers.faults()) this.#violation(`regular ${key}: ${faults.join('; ')}`, registers.timeline(key));
    return {
      ...{ plan, operations: tally.total, perOperation: tally.lines, faults: nemesis.counts, unrepaired, loadMs, lagMs },
      starts: new Map(cluster.machines.map(({ name, starts }) => [name, starts])),
      keys: store.keys.length + registers.keys.length,
      ...{ violations: this.#violations, directory: cluster.directory },
    };
  }

  /** Compares, reads all, with what it finds in `finals`, and compares again. Returns on how many keys replicas differed before they were read. */
  async #readAll(store: StoreWorkload, registers: RegisterWorkload, finals: Map<string, Buffer>): Promise<number> {
    const { settleMs, mustConverge, asksForRepair } = this.#options;
    if (asksForRepair) await this.#repair();
    const keys = { ap: store.keys, cp: registers.keys } as const;
    let before: readonly Difference[] = [];
    for (let i = 0; i === 0 || (before.length > 0 && i * RETRY_MS < settleMs); i++) {
      if (i > 0) await sleep(RETRY_MS);
      before = await this.#differences(keys);
    }
    if (mustConverge) for (const { key, lines } of before) this.#violation(`replicas of ${key} did not become equal`, lines);
    // One that remembers nothing of the run.
    const recordClient = await RecordClient.connect(this.#cluster.seeds, CLIENT_TIMEOUT_MS);
    await forAll(keys.ap, async (key) => {
      const bytes = await this.#readLast(() => lastRecord(recordClient, key));
      if (bytes === null) this.#violation(`${key} can not be read from all replicas`);
      else finals.set(key, bytes);
    });
    await recordClient.close();
    const resp = new RespClient(() => this.#cluster.respPorts, 'cp', CLIENT_TIMEOUT_MS * 2, 0);
    for (const key of keys.cp) {
      const last = await this.#readLast(() => registers.readLast(resp, key, REPLICAS));
      if (last === null) this.#violation(`${key} can not be read from all replicas`);
    }
    resp.close();
    // Repair goes on behind the answer.
    let after = await this.#differences(keys);
    for (let i = 0; after.length > 0 && i < READ_TRIES; i++) {
      await sleep(RETRY_MS);
      after = await this.#differences(keys);
    }
    for (const { key, lines } of after) this.#violation(`replicas of ${key} differ after all were read`, lines);
    return before.length;
  }

  async #repair(): Promise<void> {
    for (const { name, process } of this.#cluster.machines) {
      const ended = await runCli(this.#cluster, ['repair', '--http-port', process.httpPort]);
      if (ended.code === 0) this.#options.say(`  ${name}: ${ended.out.trim().split('\n').at(-1)}`);
      else this.#violation(`repair of ${name} ended with ${shown(ended)}`);
    }
  }

  async #differences({ ap, cp }: { readonly ap: readonly string[]; readonly cp: readonly string[] }): Promise<readonly Difference[]> {
    const cluster = this.#cluster;
    return [...(await differences(cluster, 'ap', ap, REPLICAS)), ...(await differences(cluster, 'cp', cp, REPLICAS))];
  }

  async #readLast<T>(read: () => Promise<T | null>): Promise<T | null> {
    for (let i = 0; ; i++) {
      const found = await read();
      if (found !== null || i === READ_TRIES) return found;
      await sleep(RETRY_MS);
    }
  }
}

/** As the keyspaces of a ChaosCluster say. */
const REPLICAS = 3;

async function lastRecord(client: RecordClient, key: string): Promise<Buffer | null> {
  const told = await client.ask({ kind: GET, keyspace: 'ap', key, replicas: REPLICAS });
  return told.outcome === 'ok' ? told.bytes : null;
}

async function forAll(keys: readonly string[], run: (key: string) => Promise<void>): Promise<void> {
  for (let i = 0; i < keys.length; i += READS_AT_ONCE) await Promise.all(keys.slice(i, i + READS_AT_ONCE).map(run));
}

function unlessAborted<T>(signal: AbortSignal, run: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('interrupted')));
    run.then(resolve, reject);
  });
}

/** How late a timer of this process is, at most. */
class Lag {
  #lastMs = performance.now();
  #worstMs = 0;
  readonly #timer = setInterval(() => {
    const now = performance.now();
    this.#worstMs = Math.max(this.#worstMs, now - this.#lastMs - LAG_EVERY_MS);
    this.#lastMs = now;
  }, LAG_EVERY_MS);

  stop(): number {
    clearInterval(this.#timer);
    return this.#worstMs;
  }
}
