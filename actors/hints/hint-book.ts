/** HintBook: how many hints a shard holds for whom, and how many bytes; and whether one more has room. Pure. */
import type { Id } from '../ring/ring-state.ts';

export interface HintLimits {
  /** Bytes of keys and records, of all hints of a shard. Default 256 MiB. */
  readonly hintBytesMax?: number;
  /** Of those, for one owner. Default 128 MiB. */
  readonly hintOwnerBytesMax?: number;
}

interface Held {
  count: number;
  bytes: number;
}

const MIB = 1024 * 1024;
export const HINT_BYTES_MAX = 256 * MIB;
export const HINT_OWNER_BYTES_MAX = 128 * MIB;

export class HintBook {
  readonly #bytesMax: number;
  readonly #ownerBytesMax: number;
  readonly #held = new Map<Id, Held>();
  #count = 0;
  #bytes = 0;

  constructor({ hintBytesMax = HINT_BYTES_MAX, hintOwnerBytesMax = HINT_OWNER_BYTES_MAX }: HintLimits = {}) {
    this.#bytesMax = hintBytesMax;
    this.#ownerBytesMax = hintOwnerBytesMax;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  countOf(owner: Id): number {
    return this.#held.get(owner)?.count ?? 0;
  }

  bytesOf(owner: Id): number {
    return this.#held.get(owner)?.bytes ?? 0;
  }

  /** For whom there are hints. */
  owners(): readonly Id[] {
    return [...this.#held.keys()];
  }

  /** Whether `bytes` more may be held for `owner`. */
  hasRoom(owner: Id, bytes: number): boolean {
    return this.#bytes + bytes <= this.#bytesMax && this.bytesOf(owner) + bytes <= this.#ownerBytesMax;
  }

  /** So many hints of `owner` more, or less; likewise bytes. */
  change(owner: Id, count: number, bytes: number): void {
    const held = this.#held.get(owner) ?? { count: 0, bytes: 0 };
    held.count += count;
    held.bytes += bytes;
    this.#count += count;
    this.#bytes += bytes;
    // Less than none: what was there before is being counted, and is deleted already.
    if (held.count === 0 && held.bytes === 0) this.#held.delete(owner);
    else this.#held.set(owner, held);
  }
}
