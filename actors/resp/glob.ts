/**
 * Patterns of Redis: `*` any bytes, `?` one byte, `[abc]`, `[a-z]`, `[^a]` one of these bytes or none of them, `\` takes the special meaning from what follows it.
 * Source: [Redis, KEYS].
 */

const STAR = 42;
const ANY = 63;
const OPEN = 91;
const CLOSE = 93;
const NOT = 94;
const ESCAPE = 92;
const DASH = 45;

/** Whether the pattern matches all of `key[start, end)`. Cost: O(pattern * key) at worst, whatever the pattern. */
export function matchesGlob(pattern: Uint8Array, key: Uint8Array, start: number, end: number): boolean {
  let at = start;
  let p = 0;
  /** Behind the last star, and where in the key what follows it was last tried. */
  let starP = -1;
  let starAt = 0;
  while (at < end) {
    if (pattern[p] === STAR) {
      starP = ++p;
      starAt = at;
      continue;
    }
    const next = p < pattern.length ? matchOne(pattern, p, key[at]!) : -1;
    if (next >= 0) {
      p = next;
      at++;
    } else if (starP >= 0) {
      // The star takes one byte more; earlier stars never need to.
      p = starP;
      at = ++starAt;
    } else {
      return false;
    }
  }
  while (pattern[p] === STAR) p++;
  return p === pattern.length;
}

/** What every key that matches begins with: the pattern up to where it has a special meaning. */
export function literalPrefix(pattern: Uint8Array): Uint8Array {
  const prefix: number[] = [];
  for (let p = 0; p < pattern.length; p++) {
    const byte = pattern[p]!;
    if (byte === STAR || byte === ANY || byte === OPEN) break;
    if (byte === ESCAPE && p + 1 < pattern.length) p++;
    prefix.push(pattern[p]!);
  }
  return Uint8Array.from(prefix);
}

/** Where the pattern goes on when what is at `p` matches the byte; -1: it does not. */
function matchOne(pattern: Uint8Array, p: number, byte: number): number {
  switch (pattern[p]) {
    case ANY:
      return p + 1;
    case OPEN:
      return matchSet(pattern, p + 1, byte);
    case ESCAPE: {
      const escaped = p + 1 < pattern.length ? p + 1 : p;
      return pattern[escaped] === byte ? escaped + 1 : -1;
    }
    default:
      return pattern[p] === byte ? p + 1 : -1;
  }
}

/** A set that is not closed ends with the pattern, as in Redis. */
function matchSet(pattern: Uint8Array, from: number, byte: number): number {
  let p = from;
  const isNot = pattern[p] === NOT;
  if (isNot) p++;
  let isIn = false;
  while (p < pattern.length && pattern[p] !== CLOSE) {
    if (pattern[p] === ESCAPE && p + 1 < pattern.length) p++;
    else if (p + 2 < pattern.length && pattern[p + 1] === DASH) {
      const [a, b] = [pattern[p]!, pattern[p + 2]!];
      if (byte >= Math.min(a, b) && byte <= Math.max(a, b)) isIn = true;
      p += 3;
      continue;
    }
    if (pattern[p] === byte) isIn = true;
    p++;
  }
  return isIn === isNot ? -1 : Math.min(pattern.length, p + 1);
}
