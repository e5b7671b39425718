/**
 * Arranges owners: given how many partitions each member is to have, which ones. No more change hands than must, and windows are kept sound (windows.ts).
 *
 * First a draft: who has too many gives of its partitions at even distances, who leaves gives all, and each given one goes to whoever still lacks most and makes
 * no window faulty. Then a search mends faulty windows one at a time by exchanging given partitions, or giving another one of the same donor instead: both
 * leave counts, and so the number of moves, as they are.
 */
import type { Random } from '../../runtime/doors.ts';
import type { ShareNode } from './shares.ts';
import { Windows } from './windows.ts';

export interface Arranging {
  readonly owners: Uint16Array;
  /** Partitions that each member is to have. */
  readonly tokens: Uint32Array;
  readonly root: ShareNode;
  readonly random: Random;
  /** No data moves however the owners are arranged: start afresh. */
  readonly isFree: boolean;
}

export interface Arranged {
  readonly owners: Uint16Array;
  /** Partitions that change hands, and those that are faulty still. */
  readonly given: readonly number[];
  readonly faulty: readonly number[];
}

export function arrange(arranging: Arranging): Arranged {
  const arrangement = new Arrangement(arranging);
  arrangement.draft();
  arrangement.mend();
  const { given, windows } = arrangement;
  return { owners: windows.owners, given, faulty: Array.from({ length: windows.faultyCount }, (_, i) => windows.faultyAt(i)) };
}

const TRIES_PER_MOVE = 12;

class Arrangement {
  readonly #before: Uint16Array;
  readonly #tokens: Uint32Array;
  readonly #random: Random;
  /** Partitions that change hands. */
  readonly given: number[];
  readonly #isGiven: Uint8Array;
  /** In `given`. */
  readonly #placeOf: Int32Array;
  /** By member: what it had. */
  readonly #had: readonly (readonly number[])[];
  readonly #isFree: boolean;
  readonly windows: Windows;

  constructor({ owners, tokens, root, random, isFree }: Arranging) {
    this.#before = owners;
    this.#tokens = tokens;
    this.#random = random;
    this.#isFree = isFree;
    const had: number[][] = Array.from(tokens, () => []);
    for (const [p, owner] of owners.entries()) had[owner]!.push(p);
    this.#had = had;
    this.given = isFree
      ? Array.from(owners.keys())
      : had.flatMap((own, member) => spread(own, own.length - tokens[member]!, random)).sort((a, b) => a - b);
    this.#isGiven = new Uint8Array(owners.length);
    this.#placeOf = new Int32Array(owners.length).fill(-1);
    for (const [place, p] of this.given.entries()) {
      this.#isGiven[p] = 1;
      this.#placeOf[p] = place;
    }
    const nobody = tokens.length;
    this.windows = new Windows(
      owners.map((owner, p) => (this.#isGiven[p] === 1 ? nobody : owner)),
      root,
      tokens.length,
    );
  }

  draft(): void {
    const { windows } = this;
    const lacks = Uint32Array.from(this.#tokens, (count, member) =>
      this.#isFree ? count : Math.max(0, count - this.#had[member]!.length),
    );
    const whole = lacks.slice();
    const takers = [...lacks.keys()].filter((member) => lacks[member]! > 0);
    for (const [i, p] of this.given.entries()) {
      let best = -1;
      let bestScore = Number.NEGATIVE_INFINITY;
      const done = (i + 1) / this.given.length;
      for (const taker of takers) {
        if (lacks[taker] === 0) continue;
        // How far it is behind an even pace, in partitions; what it would spoil counts far more.
        const score = lacks[taker]! - whole[taker]! * (1 - done) - 1_000 * this.#spoils(p, taker);
        if (score > bestScore) [best, bestScore] = [taker, score];
      }
      lacks[best]!--;
      windows.set(p, best);
    }
  }

  /** Gives up after a bounded number of tries: then a few windows stay faulty. */
  mend(): void {
    const { windows } = this;
    let tries = 40 * this.given.length + 4_000;
    while (windows.total > 0 && tries > 0) {
      const faulty = windows.faultyAt(this.#random.below(windows.faultyCount));
      const p = (faulty - this.#random.below(windows.width) + windows.owners.length) % windows.owners.length;
      tries -= this.#isGiven[p] === 1 ? this.#mendAt(p) : 1;
    }
  }

  #mendAt(p: number): number {
    const { windows } = this;
    for (let i = 0; i < TRIES_PER_MOVE; i++) {
      const before = windows.total;
      const undo = this.#random.chance(0.5) ? this.#exchange(p) : this.#giveOther(p);
      if (undo === undefined) continue;
      if (windows.total <= before) return i + 1;
      undo();
    }
    return TRIES_PER_MOVE;
  }

  /** Returns what undoes it. */
  #exchange(p: number): (() => void) | undefined {
    const { windows } = this;
    const q = this.given[this.#random.below(this.given.length)]!;
    const [mine, its] = [windows.owners[p]!, windows.owners[q]!];
    if (mine === its) return undefined;
    windows.set(p, its);
    windows.set(q, mine);
    return () => {
      windows.set(p, mine);
      windows.set(q, its);
    };
  }

  #giveOther(p: number): (() => void) | undefined {
    const { windows } = this;
    const donor = this.#before[p]!;
    if (this.#isFree || this.#tokens[donor] === 0) return undefined;
    const had = this.#had[donor]!;
    const q = had[this.#random.below(had.length)]!;
    if (this.#isGiven[q] === 1) return undefined;
    const taker = windows.owners[p]!;
    const place = this.#placeOf[p]!;
    const move = (from: number, to: number): void => {
      windows.set(from, donor);
      windows.set(to, taker);
      this.#isGiven[from] = 0;
      this.#isGiven[to] = 1;
      this.given[place] = to;
      this.#placeOf[to] = place;
    };
    move(p, q);
    return () => move(q, p);
  }

  #spoils(p: number, taker: number): number {
    const { windows } = this;
    const [owner, before] = [windows.owners[p]!, windows.total];
    windows.set(p, taker);
    const after = windows.total;
    windows.set(p, owner);
    return after - before;
  }
}

/** `count` of `list`, at even distances from a random start. */
function spread(list: readonly number[], count: number, random: Random): readonly number[] {
  if (count <= 0) return [];
  const start = random.float();
  return Array.from({ length: count }, (_, i) => list[Math.floor(((i + start) * list.length) / count)]!);
}
