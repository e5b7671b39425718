/** Arenas of memtables that are gone, kept to be used again: fresh memory costs a page fault per 4 KiB, and shared memory is given back late. */
import { Arena } from '../memtable/arena.ts';

const SPARES_MAX = 2;

export class Arenas {
  readonly #bytes: number;
  readonly #spares: Arena[] = [];

  /** `bytes`: of each arena. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  take(): Arena {
    return this.#spares.pop() ?? new Arena(this.#bytes);
  }

  /** Requires: nobody reads it any more. */
  give(arena: Arena): void {
    if (arena.bytes.length === this.#bytes && this.#spares.length < SPARES_MAX) this.#spares.push(arena);
  }
}
