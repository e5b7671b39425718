/**
 * How many threads of the machine want to run, as Linux counts them: `4` in `0.52 0.58 0.59 4/467 11206`, the content of /proc/loadavg (proc(5)). Read at each call, which
 * takes 2 us; a file of another content, or none, as on other systems, says nothing.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { cpus } from 'node:os';

const PATH = '/proc/loadavg';
const BYTES = 64;
const SPACE = 32;
const SLASH = 47;
const ZERO = 48;

export class RunnableThreads {
  readonly #processors: number;
  readonly #bytes = Buffer.alloc(BYTES);
  #fd: number | undefined;

  constructor(path: string = PATH, processors: number = cpus().length) {
    this.#processors = processors;
    try {
      this.#fd = openSync(path, 'r');
    } catch {
      this.#fd = undefined;
    }
  }

  /** Whether one of them, besides the caller's, waits for a processor. False where nobody knows. */
  get isCrowded(): boolean {
    if (this.#fd === undefined) return false;
    try {
      return runnableIn(this.#bytes, readSync(this.#fd, this.#bytes, 0, BYTES, 0)) > this.#processors;
    } catch {
      this.close();
      return false;
    }
  }

  /** Knows nothing any more. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** 0: it doesn't say. */
function runnableIn(bytes: Uint8Array, length: number): number {
  let at = 0;
  for (let spaces = 0; spaces < 3 && at < length; at++) if (bytes[at] === SPACE) spaces++;
  let count = 0;
  for (; at < length; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) break;
    count = count * 10 + digit;
  }
  return bytes[at] === SLASH && at < length ? count : 0;
}
