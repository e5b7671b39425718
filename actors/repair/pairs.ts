/** Pairs: tokens of a range with the digests of their records, in order: what replicas compare when their leaves differ. 16 bytes for a key, however long it is. */

const INITIAL = 64;
const WORDS = 4;

/** Halves of a token. */
export interface Token {
  readonly high: number;
  readonly low: number;
}

export const FIRST_TOKEN: Token = { high: 0, low: 0 };
export const LAST_TOKEN: Token = { high: 0xffff_ffff, low: 0xffff_ffff };

export function compareTokens(a: Token, b: Token): number {
  return a.high === b.high ? a.low - b.low : a.high - b.high;
}

/** Undefined: there is none. */
export function tokenBehind({ high, low }: Token): Token | undefined {
  if (low < 0xffff_ffff) return { high, low: low + 1 };
  return high < 0xffff_ffff ? { high: high + 1, low: 0 } : undefined;
}

/** A token that two replicas have something else under, and the digests there, as they found them. */
export interface Difference extends Token {
  readonly ours: string;
  readonly theirs: string;
}

export class Pairs {
  #words = new Uint32Array(INITIAL * WORDS);
  length = 0;
  /** All there is up to this token, included; null: all of what was asked for. */
  covered: Token | null = null;

  /** Requires: tokens rise, or are those of the one before. */
  add(high: number, low: number, digestHigh: number, digestLow: number): void {
    const at = this.length * WORDS;
    if (at === this.#words.length) {
      const grown = new Uint32Array(at * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words[at] = high;
    this.#words[at + 1] = low;
    this.#words[at + 2] = digestHigh;
    this.#words[at + 3] = digestLow;
    this.length++;
  }

  high(i: number): number {
    return this.#words[i * WORDS]!;
  }
  low(i: number): number {
    return this.#words[i * WORDS + 1]!;
  }
  digestHigh(i: number): number {
    return this.#words[i * WORDS + 2]!;
  }
  digestLow(i: number): number {
    return this.#words[i * WORDS + 3]!;
  }

  token(i: number): Token {
    return { high: this.high(i), low: this.low(i) };
  }

  /** Keeps what is before pair `i`, none of whose token it has. */
  cut(i: number): void {
    this.length = i;
    this.covered = i === 0 ? null : this.token(i - 1);
  }

  /** The first pair behind `i` of another token. */
  behind(i: number): number {
    let next = i + 1;
    while (next < this.length && this.high(next) === this.high(i) && this.low(next) === this.low(i)) next++;
    return next;
  }

  /** Those of [from, to), in one order, as text. */
  digests(from: number, to: number): string {
    const texts: string[] = [];
    for (let i = from; i < to; i++) texts.push(digestText(this.digestHigh(i), this.digestLow(i)));
    return texts.sort().join(' ');
  }
}

export function digestText(high: number, low: number): string {
  return `${(high >>> 0).toString(16).padStart(8, '0')}${(low >>> 0).toString(16).padStart(8, '0')}`;
}

/** In the order of tokens; of those that both have said all of. */
export function differences(ours: Pairs, theirs: Pairs): readonly Difference[] {
  const end = leastOf(ours.covered, theirs.covered) ?? LAST_TOKEN;
  const found: Difference[] = [];
  let [i, j] = [0, 0];
  for (;;) {
    const [our, their] = [i < ours.length ? ours.token(i) : undefined, j < theirs.length ? theirs.token(j) : undefined];
    const token = leastOf(our ?? null, their ?? null);
    if (token === null || compareTokens(token, end) > 0) return found;
    const [nextI, nextJ] = [isAt(our, token) ? ours.behind(i) : i, isAt(their, token) ? theirs.behind(j) : j];
    const [a, b] = [ours.digests(i, nextI), theirs.digests(j, nextJ)];
    if (a !== b) found.push({ ...token, ours: a, theirs: b });
    i = nextI;
    j = nextJ;
  }
}

/** Of two that may be none. */
export function leastOf(a: Token | null, b: Token | null): Token | null {
  if (a === null || b === null) return a ?? b;
  return compareTokens(a, b) <= 0 ? a : b;
}

function isAt(a: Token | undefined, b: Token): boolean {
  return a !== undefined && compareTokens(a, b) === 0;
}
