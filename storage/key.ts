/** Keys: byte strings, ordered byte by byte as unsigned numbers, a prefix before what it begins. */

export const KEY_BYTES_MAX = 65_536;

/** The least key above `key`; undefined: there is none. */
export function keyAfter(key: Uint8Array): Uint8Array | undefined {
  if (key.length < KEY_BYTES_MAX) {
    const longer = new Uint8Array(key.length + 1);
    longer.set(key);
    return longer;
  }
  let length = key.length;
  while (length > 0 && key[length - 1] === 0xff) length--;
  if (length === 0) return undefined;
  const next = Uint8Array.prototype.slice.call(key, 0, length);
  next[length - 1]!++;
  return next;
}

/** Below 0, 0 or above 0, as for `sort`. Ends are exclusive. */
export function compareKeys(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number): number {
  const aLength = aEnd - aStart;
  const bLength = bEnd - bStart;
  const length = aLength < bLength ? aLength : bLength;
  for (let i = 0; i < length; i++) {
    const difference = a[aStart + i]! - b[bStart + i]!;
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

export function compareWhole(a: Uint8Array, b: Uint8Array): number {
  return compareKeys(a, 0, a.length, b, 0, b.length);
}
