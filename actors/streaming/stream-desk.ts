/**
 * StreamDesk: where the ring of a shard asks for the data of its moves, and its StreamingActor, whenever that runs, finds what is asked for: so a step is not acknowledged
 * because nobody was there to copy.
 */
import type { KnownRing } from '../membership/known-ring.ts';
import { compareVersions, type RingVersion } from '../ring/ring-state.ts';

export interface StreamWish {
  readonly ring: KnownRing;
  /** To be called when all data of it is here, on disk. */
  readonly done: () => void;
}

export class StreamDesk {
  /** Null: nothing is to be copied. */
  wish: StreamWish | null = null;
  /** Of the actor: `wish` is another one. May be called at any time. */
  changed: () => void = () => {};
  #newest: RingVersion | null = null;

  /** For `beforeSwitched` of the RingAgent of this thread, behind `switchRing`. Calls `done` at once, where the step asks for no data. */
  switched(ring: KnownRing, done: () => void): void {
    if (this.#newest !== null && compareVersions(ring.encoded, this.#newest) < 0) return;
    this.#newest = ring.encoded;
    const isStreaming = ring.state.transition?.step === 'stream';
    this.wish = isStreaming ? { ring, done } : null;
    this.changed();
    if (!isStreaming) done();
  }
}
