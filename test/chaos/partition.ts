/**
 * What each side of a cut is told, on real processes: five nodes behind proxies, n4 and n5 cut off from the others, keyspaces `ap` and `cp` with N = 3, R = W = 2. Prints a table of what
 * each side could do with keys of which it has that many replicas, before the cut, meanwhile and after it; exits with 1 when it is not what README.md says.
 * `node dist/test/chaos/partition.js [--keys 60] [--seed 1]`
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { SeededRandom } from '../../runtime/random.ts';
import { runCli, untilAllSee } from '../actors/node/processes.ts';
import { redisTo } from '../actors/node/redis-writer.ts';
import { optionsOf, wholeNumber } from '../helpers/options.ts';
import { ChaosCluster, KEYSPACES } from './cluster.ts';
import { differences } from './convergence.ts';
import { shown } from './machine.ts';
import { nodeNames } from './plan.ts';
import { shownIn } from './register-workload.ts';

type Mode = (typeof KEYSPACES)[number];
/** Null: it was done; else why not, as the node says it. */
type Outcome = string | null;

interface Side {
  readonly name: string;
  readonly nodes: readonly string[];
}

const NODES = nodeNames(5);
const SIDES: readonly Side[] = [
  { name: 'n1 n2 n3', nodes: NODES.slice(0, 3) },
  { name: 'n4 n5', nodes: NODES.slice(3) },
];
const REPLICAS = 3;
const QUORUM = 2;
/** Reads too, a second after they were made: the cut has been seen by all then. */
const REFUSED = /^CLUSTERDOWN quorum not met, nothing was written: 2 replicas needed, [01] answered/;
const CONVERGE_MS = 120_000;
const LOOK_MS = 500;

const { values } = optionsOf({ options: { keys: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } } });
const keyCount = wholeNumber('keys', values.keys, 10, 1_000);
const KEYS = Array.from({ length: keyCount }, (_, i) => `key ${i}`);

const wrong: string[] = [];

class Client {
  readonly #redis: Redis;

  private constructor(redis: Redis) {
    this.#redis = redis;
  }

  static async connect(port: number, mode: Mode): Promise<Client> {
    const redis = redisTo(port);
    await redis.call('KEYSPACE', ['USE', mode]);
    return new Client(redis);
  }

  set(key: string, value: string): Promise<Outcome> {
    return this.#redis.set(key, value).then(() => null, textOf);
  }

  /** Its values, or why it can't be read. */
  get(key: string, ...more: readonly string[]): Promise<readonly string[] | string> {
    return this.#redis.call('KV.GET', [key, ...more]).then((reply) => [...shownIn(reply).values].sort(), textOf);
  }

  close(): void {
    this.#redis.disconnect();
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One phase of a side: every key is set at one of its nodes, and read at another. */
interface Phase {
  readonly set: ReadonlyMap<string, Outcome>;
  readonly got: ReadonlyMap<string, readonly string[] | string>;
}

async function phase(cluster: ChaosCluster, mode: Mode, { nodes }: Side, value: string): Promise<Phase> {
  const clients = await Promise.all(nodes.map((name) => Client.connect(cluster.machine(name).respPort, mode)));
  const set = await Promise.all(KEYS.map(async (key, i) => [key, await clients[i % clients.length]!.set(key, value)] as const));
  const got = await Promise.all(KEYS.map(async (key, i) => [key, await clients[(i + 1) % clients.length]!.get(key)] as const));
  for (const client of clients) client.close();
  return { set: new Map(set), got: new Map(got) };
}

/** By key: nodes that have a replica of it. Requires: all replicas have it. */
async function replicasOf(cluster: ChaosCluster, mode: Mode): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>(KEYS.map((key) => [key, []]));
  for (const { name, respPort } of cluster.machines) {
    const client = await Client.connect(respPort, mode);
    for (const key of KEYS) if ((await client.get(key, 'LOCAL')).length > 0) found.set(key, [...found.get(key)!, name]);
    client.close();
  }
  for (const [key, names] of found) expect(names.length === REPLICAS, `${mode} ${key}: ${names.length} replicas: ${names.join(' ')}`);
  return found;
}

function expect(isSo: boolean, what: string): void {
  if (!isSo) wrong.push(what);
}

/** `12 of 12`, or with what is said of the others. */
function countOf(outcomes: readonly Outcome[]): string {
  const why = outcomes.find((it) => it !== null);
  const done = `${outcomes.filter((it) => it === null).length} of ${outcomes.length}`;
  return typeof why === 'string' ? `${done}: ${why}` : done;
}

async function setCut(cluster: ChaosCluster, isCut: boolean): Promise<void> {
  const [one, other] = SIDES as readonly [Side, Side];
  for (const a of one.nodes)
    for (const b of other.nodes)
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const)
        cluster.links.set(from, to, { isCut });
  for (const { nodes } of isCut ? SIDES : []) {
    const states = NODES.map((name) => `${name}: ${nodes.includes(name) ? 'UP' : 'DOWN'}`).join(', ');
    await untilAllSee(
      nodes.map((name) => cluster.machine(name).process),
      states,
    );
  }
  if (!isCut) await cluster.untilWhole();
}

/** Until all replicas of all keys are equal. Returns how long that took. */
async function untilEqual(cluster: ChaosCluster, mode: Mode, when: string): Promise<string> {
  const begunMs = performance.now();
  for (;;) {
    const [first] = await differences(cluster, mode, KEYS, REPLICAS);
    const tookMs = performance.now() - begunMs;
    if (first === undefined) return `all replicas are equal, after ${(tookMs / 1_000).toFixed(1)} s`;
    if (tookMs > CONVERGE_MS) {
      wrong.push(`${when}: replicas differ: ${mode} ${first.key}: ${first.lines.join('; ')}`);
      return 'replicas differ';
    }
    await sleep(LOOK_MS);
  }
}

/** In `cp` nobody holds hints: what a replica has missed comes with reads and with repair, which is every ten minutes, or now. */
async function repair(cluster: ChaosCluster): Promise<void> {
  for (const { name, process: node } of cluster.machines) {
    const ended = await runCli(cluster, ['repair', '--http-port', node.httpPort, '--keyspace', 'cp']);
    expect(ended.code === 0, `repair of ${name} ended with ${shown(ended)}`);
  }
}

/** What a side did during the cut, by how many replicas of a key it has; and whether that is as promised. */
function judge(mode: Mode, side: Side, { set, got }: Phase, homes: ReadonlyMap<string, readonly string[]>, value: string): void {
  for (const count of [0, 1, 2, 3]) {
    const keys = KEYS.filter((key) => homes.get(key)!.filter((name) => side.nodes.includes(name)).length === count);
    if (keys.length === 0) continue;
    const mayWrite = mode === 'ap' || count >= QUORUM;
    const reads = keys.map((key): Outcome => {
      const read = got.get(key)!;
      return typeof read === 'string' ? read : read.includes(value) ? null : `found ${read.join(', ')}`;
    });
    const sets = keys.map((key) => set.get(key)!);
    for (const it of [...sets, ...reads])
      expect(mayWrite ? it === null : it !== null && REFUSED.test(it), `${mode}, ${side.name}, ${count} replicas: ${it ?? 'done'}`);
    row(mode, side.name, String(count), `set ${countOf(sets)}`);
    row('', '', '', `get ${countOf(reads)}`);
  }
}

function row(mode: string, side: string, replicas: string, what: string): void {
  console.log(`  ${mode.padEnd(10)}${side.padEnd(10)}${replicas.padEnd(16)}${what}`);
}

async function run(cluster: ChaosCluster): Promise<void> {
  console.log('before the cut');
  for (const mode of KEYSPACES)
    for (const side of SIDES) {
      const { set } = await phase(cluster, mode, side, 'before');
      for (const [key, it] of set) expect(it === null, `before, ${mode} ${key} at ${side.name}: ${it}`);
      row(mode, side.name, '', `set ${countOf([...set.values()])}`);
    }
  for (const mode of KEYSPACES) await untilEqual(cluster, mode, 'before the cut');
  const homes = new Map<Mode, ReadonlyMap<string, readonly string[]>>();
  for (const mode of KEYSPACES) homes.set(mode, await replicasOf(cluster, mode));

  console.log(`\n${SIDES.map(({ name }) => name).join(' | ')} are cut off from each other\n`);
  await setCut(cluster, true);
  row('keyspace', 'side', 'replicas there', 'what was done');
  for (const mode of KEYSPACES)
    for (const side of SIDES) judge(mode, side, await phase(cluster, mode, side, side.name), homes.get(mode)!, side.name);

  await setCut(cluster, false);
  console.log('\nafter the cut, when all have seen each other again\n');
  row('ap', 'all', '', `by itself: ${await untilEqual(cluster, 'ap', 'after the cut')}`);
  row(
    'cp',
    'all',
    '',
    `replicas of ${(await differences(cluster, 'cp', KEYS, REPLICAS)).length} keys differ, until they are read or repaired`,
  );
  await repair(cluster);
  row('cp', 'all', '', `repaired: ${await untilEqual(cluster, 'cp', 'repaired')}`);
  for (const mode of KEYSPACES) {
    for (const side of SIDES) {
      const clients = await Promise.all(side.nodes.map((name) => Client.connect(cluster.machine(name).respPort, mode)));
      const outcomes = await Promise.all(
        KEYS.map(async (key, i): Promise<Outcome> => {
          const found = await clients[i % clients.length]!.get(key);
          const owner = SIDES.find(
            ({ nodes }) =>
              homes
                .get(mode)!
                .get(key)!
                .filter((name) => nodes.includes(name)).length >= QUORUM,
          )!;
          const due = mode === 'ap' ? SIDES.map(({ name }) => name) : [owner.name];
          return typeof found !== 'string' && found.join() === due.join() ? null : `expected ${due.join()}, found ${String(found)}`;
        }),
      );
      for (const client of clients) client.close();
      for (const it of outcomes) expect(it === null, `after the cut, ${mode} at ${side.name}: ${it}`);
      row(mode, side.name, '', `${mode === 'ap' ? 'values of both sides' : 'the value of the side with the quorum'}: ${countOf(outcomes)}`);
    }
  }
}

const cluster = await ChaosCluster.start({
  ...{ names: NODES, random: new SeededRandom(values.seed), durability: 'sync', hasDisks: false },
  onBroken: ({ name }, ended) => wrong.push(`${name} has ended by itself: ${shown(ended)}`),
});
try {
  await run(cluster);
} finally {
  await cluster.stop();
  cluster.remove();
}
for (const what of wrong.slice(0, 10)) console.log(`WRONG: ${what}`);
console.log(wrong.length === 0 ? '\nas promised' : `\n${wrong.length} answers are not as promised`);
process.exit(wrong.length === 0 ? 0 : 1);
