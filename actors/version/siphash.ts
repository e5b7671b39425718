/**
 * SipHash-2-4 with a tag of 128 bits: a keyed hash made to authenticate short messages.
 * Why not HMAC: node:crypto makes objects for every tag and costs several times as much at the size of a causal context (bench:version); a forger of either
 * can only guess, 2^-128 a try, for a key of 128 bits. Source: [Aumasson 2012, SipHash], the 128-bit variant of its reference implementation.
 */
import { u32At } from '../../storage/byte-reader.ts';
import { putU32 } from '../../storage/byte-writer.ts';

export const SIPHASH_KEY_BYTES = 16;
export const SIPHASH_TAG_BYTES = 16;

/** The four words of state, low half and high half each, and the two of the message block. */
const V0 = 0;
const V1 = 2;
const V2 = 4;
const V3 = 6;

export class SipHash {
  readonly #key: Uint8Array;
  readonly #v = new Int32Array(8);

  /** Requires: `SIPHASH_KEY_BYTES` secret bytes. They are copied. */
  constructor(key: Uint8Array) {
    this.#key = Uint8Array.from(key);
  }

  /** Writes the tag of `bytes[start, end)` to `to[at, at + 16)`. Cost: 0.4 us for 100 bytes; allocates nothing. */
  tag(bytes: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
    const v = this.#v;
    this.#begin();
    const blocksEnd = end - ((end - start) & 7);
    for (let i = start; i < blocksEnd; i += 8) absorb(v, u32At(bytes, i), u32At(bytes, i + 4));
    absorb(v, tailWord(bytes, blocksEnd, Math.min(end, blocksEnd + 4)), tailWord(bytes, blocksEnd + 4, end) | ((end - start) << 24));
    v[V2]! ^= 0xee;
    rounds(v, 4);
    this.#give(to, at);
    v[V1]! ^= 0xdd;
    rounds(v, 4);
    this.#give(to, at + 8);
  }

  #begin(): void {
    const v = this.#v;
    const k0 = u32At(this.#key, 0);
    const k1 = u32At(this.#key, 4);
    const k2 = u32At(this.#key, 8);
    const k3 = u32At(this.#key, 12);
    v[V0] = k0 ^ 0x70736575;
    v[V0 + 1] = k1 ^ 0x736f6d65;
    v[V1] = k2 ^ 0x6e646f6d ^ 0xee;
    v[V1 + 1] = k3 ^ 0x646f7261;
    v[V2] = k0 ^ 0x6e657261;
    v[V2 + 1] = k1 ^ 0x6c796765;
    v[V3] = k2 ^ 0x79746573;
    v[V3 + 1] = k3 ^ 0x74656462;
  }

  #give(to: Uint8Array, at: number): void {
    const v = this.#v;
    putU32(to, at, v[V0]! ^ v[V1]! ^ v[V2]! ^ v[V3]!);
    putU32(to, at + 4, v[V0 + 1]! ^ v[V1 + 1]! ^ v[V2 + 1]! ^ v[V3 + 1]!);
  }
}

/** Up to 4 bytes, the first one lowest. */
function tailWord(bytes: Uint8Array, start: number, end: number): number {
  let word = 0;
  for (let i = start; i < end; i++) word |= bytes[i]! << (8 * (i - start));
  return word;
}

function absorb(v: Int32Array, low: number, high: number): void {
  v[V3]! ^= low;
  v[V3 + 1]! ^= high;
  rounds(v, 2);
  v[V0]! ^= low;
  v[V0 + 1]! ^= high;
}

/** Additions and rotations of 64 bits on pairs of 32. A sum carries when it is below either of its parts. */
function rounds(v: Int32Array, count: number): void {
  let v0 = v[0]!;
  let v0h = v[1]!;
  let v1 = v[2]!;
  let v1h = v[3]!;
  let v2 = v[4]!;
  let v2h = v[5]!;
  let v3 = v[6]!;
  let v3h = v[7]!;
  let t = 0;
  for (let i = 0; i < count; i++) {
    // v0 += v1; v1 = rotl(v1, 13) ^ v0; v0 = rotl(v0, 32)
    v0 = (v0 + v1) | 0;
    v0h = (v0h + v1h + (v0 >>> 0 < v1 >>> 0 ? 1 : 0)) | 0;
    t = (v1 << 13) | (v1h >>> 19);
    v1h = ((v1h << 13) | (v1 >>> 19)) ^ v0h;
    v1 = t ^ v0;
    t = v0;
    v0 = v0h;
    v0h = t;
    // v2 += v3; v3 = rotl(v3, 16) ^ v2
    v2 = (v2 + v3) | 0;
    v2h = (v2h + v3h + (v2 >>> 0 < v3 >>> 0 ? 1 : 0)) | 0;
    t = (v3 << 16) | (v3h >>> 16);
    v3h = ((v3h << 16) | (v3 >>> 16)) ^ v2h;
    v3 = t ^ v2;
    // v0 += v3; v3 = rotl(v3, 21) ^ v0
    v0 = (v0 + v3) | 0;
    v0h = (v0h + v3h + (v0 >>> 0 < v3 >>> 0 ? 1 : 0)) | 0;
    t = (v3 << 21) | (v3h >>> 11);
    v3h = ((v3h << 21) | (v3 >>> 11)) ^ v0h;
    v3 = t ^ v0;
    // v2 += v1; v1 = rotl(v1, 17) ^ v2; v2 = rotl(v2, 32)
    v2 = (v2 + v1) | 0;
    v2h = (v2h + v1h + (v2 >>> 0 < v1 >>> 0 ? 1 : 0)) | 0;
    t = (v1 << 17) | (v1h >>> 15);
    v1h = ((v1h << 17) | (v1 >>> 15)) ^ v2h;
    v1 = t ^ v2;
    t = v2;
    v2 = v2h;
    v2h = t;
  }
  v[0] = v0;
  v[1] = v0h;
  v[2] = v1;
  v[3] = v1h;
  v[4] = v2;
  v[5] = v2h;
  v[6] = v3;
  v[7] = v3h;
}
