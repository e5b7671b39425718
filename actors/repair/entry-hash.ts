/**
 * What of a key and its record goes into the hash of a leaf: 64 bits, as two halves. Leaves are sums of these, half by half: so their order, and how often a leaf was read, are of no matter.
 *
 * Of the token and the digest of the record (version/digest.ts), whatever is in it: tombstones and expired values too, or a delete that a replica has missed would never come to it.
 * The key is in it by its token; two keys of one token differ by the dots of their records, of which no two are equal.
 */
import type { OutBuffer } from '../../runtime/bytes.ts';
import { u32At } from '../../storage/byte-reader.ts';
import { DIGEST_BYTES, writeDigest } from '../version/digest.ts';
import { isTombstone, type RecordView, siblingEnd } from '../version/record-view.ts';

/** Holds the digest that it took last. One per reader. */
export class Digester {
  low = 0;
  high = 0;
  readonly #out: OutBuffer;
  readonly #mutants: ReadonlySet<string> | undefined;

  /** `out`: where it may write DIGEST_BYTES bytes. */
  constructor(out: OutBuffer, mutants?: ReadonlySet<string>) {
    this.#out = out;
    this.#mutants = mutants;
  }

  /** Returns false when the record is not to be hashed. */
  take(record: RecordView): boolean {
    if (this.#mutants?.has('tombstoneUnhashed') && isDeleted(record)) return false;
    const out = this.#out;
    out.clear();
    writeDigest(record, out);
    this.low = u32At(out.bytes, 0);
    this.high = u32At(out.bytes, DIGEST_BYTES / 2);
    return true;
  }
}

/** Halves of an entry's hash. Integers of 32 bits. */
export function entryLow(tokenLow: number, digestLow: number): number {
  return mix(mix(tokenLow ^ 0x9e37_79b9) ^ digestLow);
}
export function entryHigh(tokenHigh: number, digestHigh: number): number {
  return mix(mix(tokenHigh ^ 0x7f4a_7c15) ^ digestHigh);
}

/** Of a node, half by half, from those of its children in their order: begun with 0. */
export function withChild(hash: number, child: number): number {
  return mix((Math.imul(hash, 5) + 0x52dc_e729) ^ child);
}

/** Finalizer of MurmurHash3 x86-32 (Austin Appleby, public domain). */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}

function isDeleted({ bytes, siblings, siblingsAt }: RecordView): boolean {
  let at = siblingsAt;
  for (let i = 0; i < siblings; i++) {
    if (!isTombstone(bytes, at)) return false;
    at = siblingEnd(bytes, at);
  }
  return siblings > 0;
}
