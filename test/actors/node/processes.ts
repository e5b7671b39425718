/** Nodes as processes of their own, started by the command, seen through it and through HTTP. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClusterStatus } from '../../../actors/node/http/status.ts';

/** As it is shipped. */
const CLI = fileURLToPath(new URL('../../../bundle/cli.js', import.meta.url));
/** Ends the process when this one is gone, however that came. */
const LEASH = new URL('../../helpers/leash.js', import.meta.url).href;
/** How long nothing may change for while something is waited for: no assertion about speed. */
const IDLE_MS = 30_000;
const POLL_MS = 20;

// AVA that is killed leaves its workers to themselves: this one ends then, and with it what it has started.
if (process.channel !== undefined) process.once('disconnect', () => process.exit(1));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Owner {
  teardown(run: () => void): void;
}

export function temporaryDirectory(t: Owner): string {
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-nodes-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A command, until it ends. */
export function runCli(t: Owner, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Running(t, args, environment).ended;
}

/** A command on its way. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  out = '';
  err = '';

  /** `input`: undefined: it has none. */
  constructor(t: Owner, args: readonly string[], environment: Readonly<Record<string, string | undefined>> = {}, input?: string) {
    const stdin = input === undefined ? 'ignore' : 'pipe';
    this.child = spawn(process.execPath, ['--import', LEASH, CLI, ...args], {
      stdio: [stdin, 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.child.stdin?.end(input);
    t.teardown(() => this.child.kill('SIGKILL'));
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.out += chunk.toString();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.err += chunk.toString();
    });
    this.ended = once(this.child, 'close').then(([code]) => ({ code: code as number | null, out: this.out, err: this.err }));
  }
}

/** A node that was started, and may be dead by now. */
export class NodeProcess {
  readonly #running: Running;
  /** Where it listens for other nodes. */
  readonly seed: string;
  readonly respPort: number;
  readonly httpPort: string;

  private constructor(running: Running, seed: string, respPort: number, httpPort: string) {
    this.#running = running;
    this.seed = seed;
    this.respPort = respPort;
    this.httpPort = httpPort;
  }

  /** Resolves when it listens; it may not be in a ring yet. Errors: it has ended; or it says nothing, when it is killed: it would keep its directory from the next one. */
  static async start(
    t: Owner,
    args: readonly string[],
    environment: Readonly<Record<string, string | undefined>> = {},
  ): Promise<NodeProcess> {
    const running = new Running(t, ['start', ...NODE_ARGS, ...args], environment);
    try {
      return await NodeProcess.#listening(running, args);
    } catch (error) {
      running.child.kill('SIGKILL');
      await running.ended;
      throw error;
    }
  }

  static async #listening(running: Running, args: readonly string[]): Promise<NodeProcess> {
    const line = /listens on (\S+?:\d+),[\d,]+, RESP on \S+:(\d+), HTTP on http:\/\/\S+:(\d+)\n/;
    const isOver = (): boolean => line.test(running.out) || running.child.exitCode !== null;
    await until(
      () => isOver() || null,
      () => `start of ${args.join(' ')}: ${running.out}${running.err}`,
    );
    const [, seed, respPort, httpPort] = line.exec(running.out) ?? [];
    if (seed === undefined || respPort === undefined || httpPort === undefined)
      throw new Error(`start ${args.join(' ')}: ${running.out}${running.err}`);
    return new NodeProcess(running, seed, Number(respPort), httpPort);
  }

  /** Resolves when it has said that it is a full member. */
  async isUp(): Promise<void> {
    await until(
      () => this.#running.out.includes(' is up') || null,
      () => `${this.#running.out}${this.#running.err}`,
    );
  }

  /** Resolves when it says that it takes requests. */
  async isReady(): Promise<void> {
    let said = '';
    await until(
      async () => {
        const answer = await this.get('/readyz');
        said = await answer.text();
        return answer.status === 200 || null;
      },
      () => said,
    );
  }

  get ended(): Promise<Ended> {
    return this.#running.ended;
  }

  /** All that it has written so far. */
  get said(): string {
    return `${this.#running.out}${this.#running.err}`;
  }

  signal(signal: NodeJS.Signals): void {
    this.#running.child.kill(signal);
  }

  /** By that signal; resolves with how it ended. */
  async end(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<Ended> {
    this.signal(signal);
    return this.ended;
  }

  get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.httpPort}${path}`, { signal: AbortSignal.timeout(5_000) });
  }

  /** Null: it does not answer. */
  async status(): Promise<ClusterStatus | null> {
    try {
      return (await (await this.get('/v1/status')).json()) as ClusterStatus;
    } catch {
      return null;
    }
  }

  /** `name: state` of all members, as that node sees them; '' when it does not answer. */
  async states(): Promise<string> {
    const members = (await this.status())?.members ?? [];
    return members
      .map(({ name, state }) => `${name}: ${state}`)
      .sort()
      .join(', ');
  }
}

export const NODE_ARGS: readonly string[] = [
  ...[
    '--port',
    '0',
    '--http-port',
    '0',
    '--resp-port',
    '0',
    '--shards',
    '1',
    '--log-level',
    'warn',
    '--gossip-interval',
    '100',
    '--partitions',
    '64',
  ],
  ...['--join-timeout', '20'],
];

/** Polls until `look` gives something else than null. Gives up when what `shown` says has not changed for IDLE_MS. */
export async function until<T>(look: () => T | null | Promise<T | null>, shown: () => string): Promise<T> {
  let last = '';
  let idle = 0;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    const now = shown();
    idle = now === last ? idle + POLL_MS : 0;
    last = now;
    if (idle > IDLE_MS) throw new Error(`nothing happened any more: ${now}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Until all of these nodes see exactly this, `name: state, ...`. */
export async function untilAllSee(nodes: readonly NodeProcess[], expected: string): Promise<void> {
  let seen: readonly string[] = [];
  await until(
    async () => {
      seen = await Promise.all(nodes.map((node) => node.states()));
      return seen.every((states) => states === expected) || null;
    },
    () => `${seen.join(' | ')}, expected ${expected}`,
  );
}

/**
 * Until the rings of all of these nodes say where the named ones listen now. Up is what others hear by connections that it has made; who is started again without a seed, when it has
 * not heard of the ports that others got anew, finds nobody.
 */
export async function untilAllKnow(nodes: readonly NodeProcess[], named: Readonly<Record<string, NodeProcess>>): Promise<void> {
  let seen: readonly string[] = [];
  await until(
    async () => {
      const all = await Promise.all(nodes.map((node) => node.status()));
      seen = all.map((status) => (status?.members ?? []).map(({ name, address }) => `${name}: ${address}`).join(', '));
      const isKnown = (name: string, { seed }: NodeProcess): boolean =>
        all.every((status) => status?.members.some((member) => member.name === name && member.address.includes(`@${seed},`)) === true);
      return Object.entries(named).every(([name, node]) => isKnown(name, node)) || null;
    },
    () => seen.join(' | '),
  );
}
