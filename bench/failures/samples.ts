/** Samples: what became of each operation of a load. Kept whole, so that windows can be cut when it is known when things happened. */

/** Plain data, by operation, in the order in which they ended. */
export interface SampleSet {
  readonly count: number;
  /** When it was to begin; milliseconds since 1970, with fractions. */
  readonly beganMs: Float64Array;
  /** From then until its end. */
  readonly tookMs: Float64Array;
  /** By how much it began late: what of its time is the generator's own. */
  readonly lateMs: Float32Array;
  /** Who asked: index of a group of clients. */
  readonly group: Uint8Array;
  /** Index in `outcomes`. */
  readonly outcome: Uint8Array;
  /** Of a read: what it found was replaced before it began. */
  readonly isStale: Uint8Array;
  readonly outcomes: readonly string[];
}

export interface Sample {
  readonly group: number;
  readonly beganMs: number;
  readonly tookMs: number;
  readonly lateMs: number;
  /** OK, or how it failed: a word. */
  readonly outcome: string;
  readonly isStale: boolean;
}

export const OK = 'OK';
/** Words of a cluster are few; what does not fit is counted together. */
const OUTCOMES_MAX = 250;
const OTHER = 'OTHER';

export class Samples {
  #count = 0;
  #beganMs = new Float64Array(65_536);
  #tookMs = new Float64Array(65_536);
  #lateMs = new Float32Array(65_536);
  #group = new Uint8Array(65_536);
  #outcome = new Uint8Array(65_536);
  #isStale = new Uint8Array(65_536);
  readonly #outcomes: string[] = [OK];

  add({ group, beganMs, tookMs, lateMs, outcome, isStale }: Sample): void {
    if (this.#count === this.#beganMs.length) this.#grow();
    const at = this.#count++;
    this.#beganMs[at] = beganMs;
    this.#tookMs[at] = tookMs;
    this.#lateMs[at] = lateMs;
    this.#group[at] = group;
    this.#outcome[at] = this.#indexOf(outcome);
    this.#isStale[at] = isStale ? 1 : 0;
  }

  get count(): number {
    return this.#count;
  }

  get all(): SampleSet {
    const end = this.#count;
    return {
      count: end,
      beganMs: this.#beganMs.slice(0, end),
      tookMs: this.#tookMs.slice(0, end),
      lateMs: this.#lateMs.slice(0, end),
      group: this.#group.slice(0, end),
      outcome: this.#outcome.slice(0, end),
      isStale: this.#isStale.slice(0, end),
      outcomes: [...this.#outcomes],
    };
  }

  #indexOf(outcome: string): number {
    const found = this.#outcomes.indexOf(outcome);
    if (found >= 0) return found;
    if (this.#outcomes.length >= OUTCOMES_MAX && outcome !== OTHER) return this.#indexOf(OTHER);
    return this.#outcomes.push(outcome) - 1;
  }

  #grow(): void {
    const length = this.#count * 2;
    const grown = <T extends Float64Array | Float32Array | Uint8Array>(into: T, from: T): T => {
      into.set(from);
      return into;
    };
    this.#beganMs = grown(new Float64Array(length), this.#beganMs);
    this.#tookMs = grown(new Float64Array(length), this.#tookMs);
    this.#lateMs = grown(new Float32Array(length), this.#lateMs);
    this.#group = grown(new Uint8Array(length), this.#group);
    this.#outcome = grown(new Uint8Array(length), this.#outcome);
    this.#isStale = grown(new Uint8Array(length), this.#isStale);
  }
}
