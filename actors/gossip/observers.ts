/**
 * Observers: who observes whom directly. The members stand on a circle in the order of a hash of their ids, and each is observed by the
 * next four (by all others, where there are fewer), so each observes as many as observe it, whatever the size of the cluster. All nodes
 * with one member list come to the same answer without a word, and who joins or leaves concerns only its neighbours.
 * For observers that are down the next ones on the circle stand in, so that a member whose observers fail, or are beyond a partition, is not lost sight of.
 *
 * ```
 *   hash order   ... a  f  c  b  e  d ...      a sends its heartbeats to f, c, b, e
 * ```
 */
import type { Id } from '../ring/ring-state.ts';

/** Two must agree that one is down; the other two are for those that fail at the same time. */
export const OBSERVERS_MAX = 4;

const NONE: ReadonlySet<Id> = new Set();

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

  /** Its own observers, whether down or not, and those that stand in for the ones that are down. Empty for a stranger. */
  observersOf(id: Id, down: ReadonlySet<Id> = NONE): readonly Id[] {
    return this.#neighbours(id, 1, down);
  }

  /** Whom `id` observes, by itself or as a stand-in: four that are not down, and the ones that are down on the way to them. Empty for a stranger. */
  observedBy(id: Id, down: ReadonlySet<Id> = NONE): readonly Id[] {
    return this.#neighbours(id, -1, down);
  }

  #neighbours(id: Id, direction: 1 | -1, down: ReadonlySet<Id>): readonly Id[] {
    const place = this.#places.get(id);
    const found: Id[] = [];
    if (place === undefined) return found;
    const circle = this.#circle;
    const { length } = circle;
    for (let i = 1, up = 0; i < length && (i <= this.count || up < this.count); i++) {
      const other = circle[(place + direction * i + length) % length]!;
      const isDown = down.has(other);
      if (!isDown) up++;
      // Who is down stands in for nobody, but is still stood in for.
      if (i <= this.count || direction < 0 || !isDown) found.push(other);
    }
    return found;
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
