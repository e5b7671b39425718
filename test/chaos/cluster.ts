/**
 * ChaosCluster: nodes of this machine that reach each other only through proxies.
 *
 * Node i listens at 127.x.y.i, port NODE_PORT, and advertises 127.x.y.(100 + i), where the proxy is; x and y are by chance, so that several runs do not meet. All of 127/8 is
 * loopback on Linux; elsewhere it is not, and this does not work.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { helpersFor, nodeEnvironment } from '../../actors/node/cli/cluster-plan.ts';
import type { Random } from '../../runtime/doors.ts';
import { coreCount } from '../../runtime/real/host.ts';
import { type Ended, type Owner, runCli, until, untilAllSee } from '../actors/node/processes.ts';
import { redisTo } from '../actors/node/redis-writer.ts';
import { Links } from './link.ts';
import { Machine, shown } from './machine.ts';
import { FaultProxy, type Route } from './proxy.ts';

export const KEYSPACES = ['ap', 'cp'] as const;
const NODE_PORT = 7000;
const SHARDS = 1;
const PROXY_HOSTS = 100;
const DISK_MIB = 96;
const TRIES = 5;
/** For a node to find out that it has left. */
const END_MS = 20_000;

export interface ClusterOptions {
  readonly names: readonly string[];
  readonly random: Random;
  readonly durability: 'sync' | 'periodic' | 'none';
  /** Each node has a disk of its own, which can be filled. Needs to be root. */
  readonly hasDisks: boolean;
  /** Nodes that there may be besides, which are no members at first; see `join`. */
  readonly spares?: readonly string[];
  /** Nodes reach each other without proxies: no fault of links can be made. */
  readonly isDirect?: boolean;
  /** More for `dynactor start` of a node; what comes later counts. */
  readonly argsOf?: (name: string) => readonly string[];
  readonly onBroken: (machine: Machine, ended: Ended) => void;
}

export class ChaosCluster implements Owner {
  readonly links = new Links();
  /** Spares are the last of them. */
  readonly #all: readonly Machine[];
  /** Names of those that are members, or about to be. */
  readonly #members: Set<string>;
  /** Of those that have joined since, by which seeds. */
  readonly #joined = new Map<string, string>();
  /** Of all that is on disk. */
  readonly directory: string;
  readonly #options: ClusterOptions;
  readonly #routes: readonly Route[];
  readonly #mounts: string[] = [];
  readonly #teardowns: (() => void)[] = [];
  #proxy: FaultProxy | null = null;

  /** Resolves when all nodes are up and know the keyspaces. Errors: what kept it from that; nothing is left then. */
  static async start(options: ClusterOptions): Promise<ChaosCluster> {
    for (let i = 1; ; i++) {
      const cluster = new ChaosCluster(options);
      try {
        await cluster.#start();
        return cluster;
      } catch (error) {
        await cluster.stop();
        cluster.remove();
        if (i === TRIES || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      }
    }
  }

  private constructor(options: ClusterOptions) {
    this.#options = options;
    this.directory = mkdtempSync(join(tmpdir(), 'dynactor-chaos-'));
    const [x, y] = randomBytes(2) as unknown as [number, number];
    const host = (last: number): string => `127.${1 + (x % 254)}.${y}.${last}`;
    const names = [...options.names, ...(options.spares ?? [])];
    // As of several nodes of one machine.
    const environment = nodeEnvironment(process.env, { shards: SHARDS }, helpersFor(names.length, coreCount()));
    const seenAt = options.isDirect === true ? 1 : PROXY_HOSTS + 1;
    this.#routes = names.flatMap((node, index) =>
      Array.from({ length: 1 + SHARDS }, (_, thread) => ({
        node,
        listen: { host: host(seenAt + index), port: NODE_PORT + thread },
        target: { host: host(1 + index), port: NODE_PORT + thread },
      })),
    );
    this.#members = new Set(options.names);
    this.#all = names.map((name, index) => {
      const where = ['--host', host(1 + index), '--advertise', host(seenAt + index), '--port', String(NODE_PORT)];
      const args = [...where, '--shards', String(SHARDS), ...(options.argsOf?.(name) ?? [])];
      return new Machine({ name, place: join(this.directory, name), args, environment, owner: this, onBroken: options.onBroken });
    });
  }

  /** Of the members, and of who is about to be one. */
  get machines(): readonly Machine[] {
    return this.#all.filter(({ name }) => this.#members.has(name));
  }

  teardown(run: () => void): void {
    this.#teardowns.push(run);
  }

  machine(name: string): Machine {
    return this.#all.find((machine) => machine.name === name)!;
  }

  /** host:port of a proxy of each member, in the order of `machines`. */
  get seeds(): readonly string[] {
    return this.#routes
      .filter(({ node, listen }) => listen.port === NODE_PORT && this.#members.has(node))
      .map(({ listen }) => `${listen.host}:${listen.port}`);
  }

  /** Those that can be asked. */
  get respPorts(): readonly number[] {
    return this.machines.map(({ respPort }) => respPort).filter((port) => port > 0);
  }

  /** Resolves when all see all up, and serve. Requires: all are started. Errors: nothing changes any more. */
  async untilWhole(): Promise<void> {
    const all = this.machines.map(({ name }) => `${name}: UP`).join(', ');
    await untilAllSee(
      this.machines.map(({ process }) => process),
      all,
    );
    for (const machine of this.machines) {
      machine.expected = 'nothing';
      for (const keyspace of KEYSPACES) await this.#untilServes(machine, keyspace);
    }
  }

  isMember(machine: Machine): boolean {
    return this.#members.has(machine.name);
  }

  /** A node that is none becomes a member. Resolves when it listens; `untilWhole` says when it is one. Errors: it has ended before; `start` has it try again. */
  async join(machine: Machine): Promise<void> {
    const seeds = this.seeds.join(',');
    this.#members.add(machine.name);
    this.#joined.set(machine.name, seeds);
    machine.expected = 'notTakenIn';
    await this.start(machine);
  }

  /** Starts a member that does not run. */
  start(machine: Machine): Promise<void> {
    const seeds = this.#joined.get(machine.name);
    return seeds === undefined ? machine.start() : machine.start('--join', seeds);
  }

  /** Has a member leave: a node that is asked says so. Returns why it does not; null: it does. */
  async leave(machine: Machine, asked: Machine): Promise<string | null> {
    machine.expected = 'left';
    const ended = await runCli(this, ['leave', machine.name, '--http-port', asked.process.httpPort]);
    return ended.code === 0 ? null : shown(ended);
  }

  /** Whether who was told to leave has left, as far as others say who can be asked. Then it is no member any more, and its directory is empty. */
  async hasLeft(machine: Machine): Promise<boolean> {
    const states = await this.#statesOf(machine);
    if (states.length === 0 || states.some((state) => state !== 'none')) return false;
    await machine.untilEnded(END_MS);
    machine.empty();
    this.#members.delete(machine.name);
    this.#joined.delete(machine.name);
    return true;
  }

  /**
   * Resolves when all who were told to leave have left, or will not, as it was never known whether they would. They are looked at together: one that has left no longer says how it sees another.
   * Requires: all others run, with nothing wrong between them. Errors: nothing changes any more.
   */
  async untilLeft(): Promise<void> {
    let seen = '';
    const leaving = (): readonly Machine[] => this.machines.filter(({ expected }) => expected === 'left');
    await until(
      async () => {
        seen = '';
        for (const machine of leaving()) {
          if (await this.hasLeft(machine)) continue;
          const states = await this.#statesOf(machine);
          const staying = this.machines.filter(({ expected }) => expected !== 'left');
          if (states.length >= staying.length && states.every((state) => state === 'UP')) machine.expected = 'nothing';
          else seen += `${machine.name} is to leave: ${states.join()}, ${await staying[0]!.process.states()}; `;
        }
        return leaving().length === 0 ? true : null;
      },
      () => seen,
    );
  }

  /** How the others see it who answer; none: it is no member. */
  async #statesOf(machine: Machine): Promise<readonly string[]> {
    const others = this.machines.filter((other) => other !== machine && other.state === 'up');
    const views = await Promise.all(others.map(({ process }) => process.status()));
    return views.flatMap((view) => {
      if (view === null || view.members.length === 0) return [];
      return [view.members.find(({ name }) => name === machine.name)?.state ?? 'none'];
    });
  }

  /** No process and no connection is left. */
  async stop(): Promise<void> {
    for (const machine of this.#all) machine.resume();
    for (const run of this.#teardowns) run();
    await Promise.all(this.#all.map((machine) => machine.kill()));
    await this.#proxy?.stop();
    this.#proxy = null;
  }

  /** For people: nodes' directories and logs stay, but no disk does. Requires: `stop` has resolved. */
  keep(): void {
    for (const machine of this.#all) machine.keep();
    this.#unmount();
  }

  /** Nothing is left on disk. Requires: `stop` has resolved. */
  remove(): void {
    this.#unmount();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  #unmount(): void {
    for (const mount of this.#mounts.splice(0)) execFileSync('umount', [mount]);
  }

  async #start(): Promise<void> {
    for (const { disk } of this.#all) {
      mkdirSync(disk, { recursive: true });
      if (!this.#options.hasDisks) continue;
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'dynactor-chaos', disk]);
      this.#mounts.push(disk);
    }
    if (this.#options.isDirect !== true) this.#proxy = await FaultProxy.start(this.#routes, this.links, this.#options.random);
    const [first, ...others] = this.machines;
    await first!.start('--init');
    await Promise.all(others.map((machine) => machine.start('--join', this.seeds[0]!)));
    const all = this.machines.map(({ name }) => `${name}: UP`).join(', ');
    await untilAllSee(
      this.machines.map(({ process }) => process),
      all,
    );
    const redis = redisTo(first!.respPort);
    for (const name of KEYSPACES)
      await redis.call('KEYSPACE', ['CREATE', name, 'N', '3', 'MODE', name, 'DURABILITY', this.#options.durability]);
    redis.disconnect();
    await this.untilWhole();
  }

  async #untilServes(machine: Machine, keyspace: string): Promise<void> {
    let said = '';
    await until(
      async () => {
        const redis = redisTo(machine.respPort);
        try {
          await redis.call('KEYSPACE', ['USE', keyspace]);
          await redis.get('is it there');
          return true;
        } catch (error) {
          said = String(error);
          return null;
        } finally {
          redis.disconnect();
        }
      },
      () => `${machine.name}, keyspace ${keyspace}: ${said}`,
    );
  }
}

/** Whether this process may make disks. */
export function canMount(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0;
}
