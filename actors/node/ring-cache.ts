/** The newest ring that was decoded: rings are asked for more often than they change. */
import { decodeRing, hashOfRingBytes } from '../ring/ring-codec.ts';
import type { RingState } from '../ring/ring-state.ts';
import type { RingBytes } from '../ring-protocol.ts';

export interface DecodedRing {
  readonly ring: RingState;
  readonly hash: string;
}

export class RingCache {
  #bytes: Uint8Array = new Uint8Array(0);
  #decoded: DecodedRing | null = null;

  get(encoded: RingBytes): DecodedRing {
    if (this.#decoded === null || Buffer.compare(this.#bytes, encoded.bytes) !== 0) {
      const ring = decodeRing(encoded.bytes);
      this.#decoded = { ring, hash: hashOfRingBytes(encoded.bytes) };
      this.#bytes = encoded.bytes;
    }
    return this.#decoded;
  }
}
