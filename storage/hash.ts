/**
 * The hash of a key that memtable index, Bloom filters and blocks share: computed once per operation.
 * Source: body and finalizer of MurmurHash3 x86-32 (Austin Appleby, public domain), fixed seed. On disk (Bloom filters, blocks), so it never changes.
 * Why not farmhash: a native call and a bigint cost more than hashing a short key here (bench:micro).
 */

const SEED = 0x9747_b28c;
const C1 = 0xcc9e_2d51;
const C2 = 0x1b87_3593;

/** Of `bytes[start, end)`: a signed integer of 32 bits. */
export function hashKey(bytes: Uint8Array, start: number, end: number): number {
  let h = SEED;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    let k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    k = Math.imul(k, C1);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, C2);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe654_6b64) | 0;
  }
  if (i < end) {
    let k = bytes[i]!;
    if (i + 1 < end) k |= bytes[i + 1]! << 8;
    if (i + 2 < end) k |= bytes[i + 2]! << 16;
    k = Math.imul(k, C1);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, C2);
  }
  h ^= end - start;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}
