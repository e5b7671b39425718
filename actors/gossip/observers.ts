/**
 * Observers: who observes whom directly. The members stand on a circle in the order of a hash of their ids, and each is observed by the
 * next four (by all others, where there are fewer), so each observes as many as observe it, whatever the size of the cluster. All nodes
 * with one member list come to the same answer without a word, and who joins or leaves concerns only its neighbours.
 *
 * ```
 *   hash order   ... a  f  c  b  e  d ...      a sends its heartbeats to f, c, b, e
 * ```
 */
import type { Id } from '../ring/ring-state.ts';

/** Two must agree that one is down; the other two are for those that fail at the same time. */
export const OBSERVERS_MAX = 4;

const NOBODY: readonly Id[] = [];

export class Observers {
  readonly #circle: readonly Id[];
  readonly #places: ReadonlyMap<Id, number>;
  /** How many observe each. */
  readonly count: number;

  constructor(ids: readonly Id[]) {
    const hashed = ids.map((id) => ({ id, hash: hashText(id) }));
    hashed.sort((a, b) => a.hash - b.hash || (a.id < b.id ? -1 : 1));
    this.#circle = hashed.map(({ id }) => id);
    this.#places = new Map(this.#circle.map((id, place) => [id, place]));
    this.count = Math.min(OBSERVERS_MAX, Math.max(0, ids.length - 1));
  }

  /** Empty for a stranger. */
  observersOf(id: Id): readonly Id[] {
    return this.#neighbours(id, 1);
  }

  /** Whom `id` observes. Empty for a stranger. */
  observedBy(id: Id): readonly Id[] {
    return this.#neighbours(id, -1);
  }

  observes(observer: Id, observed: Id): boolean {
    return this.observersOf(observed).includes(observer);
  }

  #neighbours(id: Id, direction: 1 | -1): readonly Id[] {
    const place = this.#places.get(id);
    if (place === undefined) return NOBODY;
    const circle = this.#circle;
    return Array.from({ length: this.count }, (_, i) => circle[(place + direction * (i + 1) + circle.length) % circle.length]!);
  }
}

/** u32, the same on every machine: FNV-1a over UTF-16 units, then the finalizer of MurmurHash3. */
export function hashText(text: string, seed = 0x811c_9dc5): number {
  let h = seed | 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x0100_0193);
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
