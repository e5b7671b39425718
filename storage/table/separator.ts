/** The shortest key between two neighbours: what the index holds instead of a whole key. Source: LevelDB `FindShortestSeparator`. */

/** A separator is the first `bytes` bytes of `a`, the last of them one higher if `raised`. */
export interface Separator {
  bytes: number;
  raised: boolean;
}

/** Finds the shortest separator s of that form with a <= s, and s < b unless a = b. Requires: a <= b. */
export function separate(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number, into: Separator): void {
  const aBytes = aEnd - aStart;
  const bBytes = bEnd - bStart;
  let common = 0;
  while (common < aBytes && common < bBytes && a[aStart + common] === b[bStart + common]) common++;
  into.bytes = aBytes;
  into.raised = false;
  for (let i = common; i < aBytes - 1; i++) {
    const raised = a[aStart + i]! + 1;
    if (raised > 0xff) continue;
    // Behind the first difference any byte may be raised; at it, what comes out is below b or a true prefix of b.
    if (i === common && i < bBytes && raised === b[bStart + i] && bBytes === i + 1) continue;
    into.bytes = i + 1;
    into.raised = true;
    return;
  }
}
