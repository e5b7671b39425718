/** Machine: a node with its directory, and the process that runs it, if one does. It outlives its processes. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Ended, NODE_ARGS, NodeProcess, type Owner, Running } from '../actors/node/processes.ts';

/** broken: it has ended by itself. left: it was to end, and has. */
export type MachineState = 'down' | 'starting' | 'up' | 'paused' | 'broken' | 'left';

/** Of a node's end by itself, what is to be expected: nothing; that it has not been taken in in time; that it has handed over what it had. */
export type Expected = 'nothing' | 'notTakenIn' | 'left';

export interface MachineOptions {
  readonly name: string;
  /** Holds the node's directory, and copies of it. */
  readonly place: string;
  /** For `dynactor start`, but for name and data. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly owner: Owner;
  /** Its process has ended, and nobody had ended it. */
  readonly onBroken: (machine: Machine, ended: Ended) => void;
}

const LINES_SHOWN = 5;

export class Machine {
  readonly name: string;
  readonly place: string;
  readonly #options: MachineOptions;
  #process: NodeProcess | null = null;
  /** On its way to listen. */
  #starting: Promise<NodeProcess> | null = null;
  #state: MachineState = 'down';
  expected: Expected = 'nothing';
  starts = 0;

  constructor(options: MachineOptions) {
    this.name = options.name;
    this.place = options.place;
    this.#options = options;
  }

  get state(): MachineState {
    return this.#state;
  }

  get directory(): string {
    return join(this.disk, 'data');
  }

  /** Where its directory is; copies are beside it, since it may be full. */
  get disk(): string {
    return join(this.place, 'disk');
  }

  /** Of the process that runs, or of the last one. Requires: it was started. */
  get process(): NodeProcess {
    return this.#process!;
  }

  /** 0: it does not serve Redis clients. */
  get respPort(): number {
    return this.#state === 'up' || this.#state === 'paused' ? this.process.respPort : 0;
  }

  /** Resolves when it listens. Errors: it has ended before, with what it said. */
  async start(...more: string[]): Promise<void> {
    this.starts++;
    this.#state = 'starting';
    let node: NodeProcess;
    try {
      this.#starting = NodeProcess.start(this.#options.owner, [...this.#args(), ...more], this.#options.environment);
      node = await this.#starting;
    } catch (error) {
      this.#state = 'broken';
      throw error;
    } finally {
      this.#starting = null;
    }
    this.#process = node;
    this.#state = 'up';
    node.ended.then(
      (ended) => {
        if (this.#process !== node || this.#state === 'down') return;
        const hasLeft = this.expected === 'left' && ended.code === 0;
        this.#state = hasLeft ? 'left' : 'broken';
        if (!hasLeft && this.expected !== 'notTakenIn') this.#options.onBroken(this, ended);
      },
      () => undefined,
    );
  }

  /** Starts it, to be refused: resolves with how it ended, or null when it has not within `patienceMs`; then it is killed. */
  async startRefused(patienceMs: number, ...more: string[]): Promise<Ended | null> {
    this.starts++;
    const { owner, environment } = this.#options;
    const running = new Running(owner, ['start', ...NODE_ARGS, ...this.#args(), ...more], environment);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      running.child.kill('SIGKILL');
    }, patienceMs);
    const ended = await running.ended;
    clearTimeout(timer);
    return isLate ? null : ended;
  }

  /** SIGKILL, of one that starts when it listens: else it would keep the directory from the next. Resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    const isRunning = this.#state === 'up' || this.#state === 'paused';
    this.#state = 'down';
    if (isRunning) await this.process.end('SIGKILL');
  }

  /** SIGTERM. */
  async stop(): Promise<Ended | null> {
    if (this.#state !== 'up') return null;
    this.#state = 'down';
    return this.process.end('SIGTERM');
  }

  pause(): void {
    if (this.#state !== 'up') return;
    this.#state = 'paused';
    this.process.signal('SIGSTOP');
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'up';
    this.process.signal('SIGCONT');
  }

  /** Requires: no process runs. */
  copyDirectory(name: string): void {
    copy(this.directory, join(this.place, name));
  }

  /** The directory is put aside under `name`. Requires: no process runs. */
  putAside(name: string): void {
    this.copyDirectory(name);
    rmSync(this.directory, { recursive: true });
  }

  /** What was put aside, or copied, is its directory again; what is there is removed. */
  putBack(name: string): void {
    rmSync(this.directory, { recursive: true, force: true });
    copy(join(this.place, name), this.directory);
    rmSync(join(this.place, name), { recursive: true });
  }

  /** Resolves when no process runs; one that runs after so long is killed. Returns whether it had to be. */
  async untilEnded(patienceMs: number): Promise<boolean> {
    if (this.#state !== 'up' && this.#state !== 'paused') return false;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.kill().catch(() => undefined);
    }, patienceMs);
    await this.process.ended;
    clearTimeout(timer);
    return isLate;
  }

  /** Requires: no process runs. */
  empty(): void {
    rmSync(this.directory, { recursive: true, force: true });
    this.#state = 'down';
    this.expected = 'nothing';
  }

  /** Takes all room that is left on the disk. */
  fillDisk(): void {
    const file = openSync(join(this.disk, 'ballast'), 'a');
    try {
      for (let bytes = 1024 * 1024; bytes >= 512; ) {
        try {
          if (writeSync(file, Buffer.alloc(bytes)) < bytes) bytes /= 2;
        } catch {
          bytes /= 2;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  freeDisk(): void {
    rmSync(join(this.disk, 'ballast'), { force: true });
  }

  /** Keeps what its last process said, and its directory as it is now, for people. Requires: no process runs. */
  keep(): void {
    if (this.#process !== null) writeFileSync(join(this.place, 'last.log'), this.process.said);
    copy(this.disk, join(this.place, 'end'));
  }

  #args(): readonly string[] {
    return ['--name', this.name, '--data', this.directory, ...this.#options.args];
  }
}

/** Logs are files with holes, which stay holes: the copy takes no more room than the original. */
function copy(from: string, to: string): void {
  execFileSync('cp', ['-a', '--sparse=always', from, to]);
}

/** `exit code 1: last lines`. */
export function shown({ code, out, err }: Ended): string {
  const lines = `${out}${err}`.trim().split('\n').slice(-LINES_SHOWN);
  return `${code === null ? 'killed' : `exit code ${code}`}: ${lines.join(' | ')}`;
}
