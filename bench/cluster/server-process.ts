/** A server that the bench started, which it stops by its process id. Descriptor 3 of it is a pipe that ends when the bench does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { delimiter, join } from 'node:path';
import { processesOf } from './server-usage.ts';

const OUTPUT_BYTES_MAX = 4_096;
const STOP_MS = 15_000;
const PAUSE_MS = 50;
const running = new Set<ServerProcess>();

/** What is still there when the bench ends by an error or a signal. */
export function killAllServers(): void {
  for (const server of running) server.kill();
}

export class ServerProcess {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #hasExited = false;
  #stdout = '';
  #stderr = '';

  /** `more`: variables besides those of this process. */
  constructor(program: string, args: readonly string[], dir: string, more: Readonly<Record<string, string>> = {}) {
    this.#name = program;
    this.#child = spawn(program, args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe', 'pipe'], env: { ...process.env, ...more } });
    running.add(this);
    this.#child.stdout?.on('data', (part: Buffer) => {
      this.#stdout = (this.#stdout + part.toString('utf8')).slice(-OUTPUT_BYTES_MAX);
    });
    this.#child.stderr?.on('data', (part: Buffer) => {
      this.#stderr = (this.#stderr + part.toString('utf8')).slice(-OUTPUT_BYTES_MAX);
    });
    this.#exited = new Promise((resolve) => {
      const over = (error?: unknown): void => {
        if (error instanceof Error) this.#stderr += error.message;
        this.#hasExited = true;
        running.delete(this);
        resolve();
      };
      this.#child.once('error', over);
      this.#child.once('exit', over);
    });
  }

  /** Empty when it has ended. */
  get pids(): readonly number[] {
    return this.#child.pid === undefined || this.#hasExited ? [] : [this.#child.pid];
  }

  /** The end of what it has written. */
  get stdout(): string {
    return this.#stdout;
  }

  /** Resolves when `isReady` says so; it may throw or reject for no. Errors: when the time is up, or it has ended. */
  async until(isReady: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
    let trouble = '';
    for (const end = Date.now() + timeoutMs; Date.now() < end && !this.#hasExited; await pause(PAUSE_MS)) {
      try {
        if (await isReady()) return;
      } catch (error) {
        trouble = error instanceof Error ? error.message : String(error);
      }
    }
    const what = this.#hasExited ? 'ended' : `is not ready after ${timeoutMs / 1000} s ${trouble}`;
    const said = `${this.#stdout}\n${this.#stderr}`.trim().split('\n').slice(-8).join('\n  ');
    this.kill();
    throw new Error(`${this.#name} ${what}; it said:\n  ${said}`);
  }

  /** SIGTERM, and SIGKILL for what is left of it after a while. */
  async stop(): Promise<void> {
    if (this.#hasExited) return;
    const pids = this.pids.flatMap(processesOf);
    this.#child.kill('SIGTERM');
    const overdue = setTimeout(() => killEach(pids), STOP_MS);
    await this.#exited;
    clearTimeout(overdue);
  }

  kill(): void {
    killEach(this.pids.flatMap(processesOf));
  }
}

/** Where `program` is; undefined: not installed. */
export function findProgram(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Ports that nobody listens on now. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, anyPort));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function anyPort(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

function killEach(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
