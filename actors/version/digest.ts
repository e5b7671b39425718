/**
 * The digest of a record, for digest reads and repair: 8 bytes that are equal where the siblings are.
 *
 * Of dots and contents, never of the version vector: what one replica truncated and another did not makes no difference (T9), and replicas with equal siblings have seen
 * the same unless something was truncated, or dropped by last-writer-wins: then what one has not seen loses again when it comes. Dots tell versions apart, hashes only two values of one dot (T6): 64 bits that are no secret suffice.
 */
import type { OutBuffer } from '../../runtime/bytes.ts';
import { u16At, u32At } from '../../storage/byte-reader.ts';
import { putU32 } from '../../storage/byte-writer.ts';
import { crc32Of } from '../../storage/checksum.ts';
import { ACTOR_BYTES } from './incarnation.ts';
import { SIBLING_FLAGS } from './record-format.ts';
import { type RecordView, siblingEnd, valueStart } from './record-view.ts';

export const DIGEST_BYTES = 8;
/** Part of what is hashed: digests of two versions never agree, and a read falls back to whole records while a cluster is upgraded. */
export const DIGEST_VERSION = 1;

/** From this length on the checksum of zlib is quicker, for all that it needs a view. Why: bench:version. Never changed, as the digest depends on it. */
const CHECKSUM_BYTES_MIN = 512;

/** Appends the digest of `view` to `out`: of an empty one, eight zeros. Returns false, and appends nothing, when there is no room. Cost: O(bytes). */
export function writeDigest(view: RecordView, out: OutBuffer, mutants?: ReadonlySet<string>): boolean {
  if (!out.ensure(DIGEST_BYTES)) return false;
  const { bytes, siblings } = view;
  let low = 0;
  let high = 0;
  if (mutants?.has('digestOfVector')) low = hashWords(bytes, view.entriesAt, view.siblingsAt, low);
  let at = view.siblingsAt;
  for (let i = 0; i < siblings; i++) {
    const end = siblingEnd(bytes, at);
    const value = valueStart(bytes, at);
    const actor = view.actorOf(at);
    low = hashWords(bytes, actor, actor + ACTOR_BYTES, low ^ DIGEST_VERSION);
    low = hashWords(bytes, at + SIBLING_FLAGS, value, low);
    high = hashWords(bytes, actor, actor + ACTOR_BYTES, high ^ ~DIGEST_VERSION);
    high = hashWords(bytes, at + SIBLING_FLAGS, value, high);
    const ofValue = end - value < CHECKSUM_BYTES_MIN ? hashWords(bytes, value, end, high) : crc32Of(bytes, value, end, high >>> 0) | 0;
    low = mix(low ^ ofValue);
    high = mix((high + Math.imul(ofValue, 5)) | 0);
    at = end;
  }
  out.length = putU32(out.bytes, putU32(out.bytes, out.length, low), high);
  return true;
}

/** Body and finalizer of MurmurHash3 x86-32 (Austin Appleby, public domain). */
function hashWords(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let h = seed;
  let i = start;
  for (; i + 4 <= end; i += 4) h = (Math.imul(rotated(h ^ scrambled(u32At(bytes, i))), 5) + 0xe654_6b64) | 0;
  if (i + 2 <= end) {
    h = (Math.imul(rotated(h ^ scrambled(u16At(bytes, i))), 5) + 0xe654_6b64) | 0;
    i += 2;
  }
  if (i < end) h ^= scrambled(bytes[i]!);
  return mix(h ^ (end - start));
}

function scrambled(word: number): number {
  const k = Math.imul(word, 0xcc9e_2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b87_3593);
}

function rotated(h: number): number {
  return (h << 13) | (h >>> 19);
}

function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}
