/** Node processes that this one starts and looks after. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

export interface SubprocessOptions {
  /** A script and its arguments. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whatever it writes is appended to this file. */
  readonly log: string;
}

export interface SubprocessEnd {
  /** Null: a signal ended it, or it could not be started. */
  readonly code: number | null;
  /** The signal, or why it could not be started; empty where there is a code. */
  readonly reason: string;
}

/**
 * A process that runs Node, with its own arguments and not those of this one, which NODE_OPTIONS can give to both. It is in a group of its own, so that Ctrl-C reaches this process alone, and its standard input stays open and empty as
 * long as this process is there, however that ends: it can see by that when it is left alone.
 */
export class Subprocess {
  /** 0: it could not be started. */
  readonly pid: number;
  /** Never rejects. */
  readonly ended: Promise<SubprocessEnd>;
  readonly #child: ChildProcess;

  /** Errors: those of opening the log. */
  static start({ args, environment, log }: SubprocessOptions): Subprocess {
    const file = openSync(log, 'a');
    try {
      const child = spawn(process.execPath, args, {
        stdio: ['pipe', file, file],
        env: { ...environment },
        detached: true,
      });
      return new Subprocess(child);
    } finally {
      // The process has its own.
      closeSync(file);
    }
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, reason: signal ?? '' }));
      child.once('error', (error) => resolve({ code: null, reason: error.message }));
    });
    // It may end before its input does.
    child.stdin?.on('error', () => undefined);
  }

  get isRunning(): boolean {
    return this.pid !== 0 && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#child.kill(signal);
  }
}

/** Calls `ended` once the standard input of this process is at its end; what comes before is dropped. Does not keep the process. */
export function whenInputEnds(ended: () => void): void {
  const input: { unref?: () => unknown } & NodeJS.ReadableStream = process.stdin;
  input.once('end', ended).once('error', ended).resume();
  // A pipe or a terminal, of which there may be no end; a file has one.
  input.unref?.();
}
