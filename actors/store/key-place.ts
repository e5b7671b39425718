/**
 * KeyPlace: where a key lies and by which ring: a place head (place-head.ts) with its key, with which MERGE, READ and FORWARD begin. The option:
 * MERGE: durability, 1 none, 2 periodic, 3 sync. READ: what is wanted, 1 record, 2 digest. Both: 4 more, as a stand-in. FORWARD: kind, 1 get, 2 put, 3 delete.
 *
 * ```
 *  0  place head, bytes of the key from 1     24  the key, then what follows it
 * ```
 */
import { copyBytes, type OutBuffer } from '../../runtime/bytes.ts';
import { STORE_KEY_BYTES_MAX } from './engine-key.ts';
import { PLACE_HEAD_BYTES, PlaceHead } from './place-head.ts';

/** Read where it lies. One is used for many frames. */
export class KeyPlace extends PlaceHead {
  /** Of the key in the frame's bytes; what follows it begins at `keyEnd`. */
  keyStart = 0;
  keyEnd = 0;

  /** Reads `bytes[start, end)`. Returns what was expected and found, where it is no key place with its key. */
  open(bytes: Uint8Array, start: number, end: number): string | undefined {
    if (end - start < PLACE_HEAD_BYTES) return `expected a key place of ${PLACE_HEAD_BYTES} bytes, found ${end - start}`;
    const wrong = this.readHead(bytes, start);
    if (wrong !== undefined) return wrong;
    const { keyBytes } = this;
    this.keyStart = start + PLACE_HEAD_BYTES;
    this.keyEnd = this.keyStart + keyBytes;
    if (keyBytes < 1 || keyBytes > STORE_KEY_BYTES_MAX) return `expected a key of 1 to ${STORE_KEY_BYTES_MAX} bytes, found ${keyBytes}`;
    if (this.keyEnd > end) return `expected a key of ${keyBytes} bytes, found ${end - this.keyStart}`;
    return undefined;
  }

  /** Appends the place and `key[keyStart, keyEnd)`, of 1 to STORE_KEY_BYTES_MAX bytes, to `out`; false, and nothing, when there is no room. */
  write(key: Uint8Array, keyStart: number, keyEnd: number, out: OutBuffer): boolean {
    this.keyBytes = keyEnd - keyStart;
    if (!out.ensure(PLACE_HEAD_BYTES + this.keyBytes)) return false;
    const at = this.putHead(out);
    copyBytes(key, keyStart, keyEnd, out.bytes, at);
    out.length = at + this.keyBytes;
    return true;
  }
}
