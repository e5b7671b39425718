/** The snapshots that are held: which old versions must be kept. */
import type { Snapshot } from './api.ts';

export class Snapshots {
  /** Ascending; as many times as it is held. */
  readonly #sequences: number[] = [];

  get count(): number {
    return this.#sequences.length;
  }

  /** Requires: no snapshot of a later moment was taken before. */
  take(sequence: number): Snapshot {
    this.#sequences.push(sequence);
    let released = false;
    return {
      sequence,
      release: () => {
        if (released) return;
        released = true;
        this.#sequences.splice(this.#sequences.indexOf(sequence), 1);
      },
    };
  }

  /** Ascending, each once: what a merge is told. */
  list(): readonly number[] {
    return [...new Set(this.#sequences)];
  }
}
