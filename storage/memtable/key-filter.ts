/**
 * Says at once of most absent keys that they are absent: two bits for each key, in one word.
 * Source: blocked Bloom filters [Putze, Sanders, Singler 2007]. Why not a hash table from keys to records: figures in bench/memtable.ts.
 */
const WORDS_MIN = 64;
/** 1/64 of the arena: with records of 130 bytes 16 bits per key, and about one absent key in 50 is not seen to be absent. */
const ARENA_BYTES_PER_WORD = 256;

export class KeyFilter {
  readonly #words: Int32Array;
  readonly #shift: number;

  constructor(arenaBytes: number) {
    const bits = 32 - Math.clz32(Math.max(WORDS_MIN, arenaBytes / ARENA_BYTES_PER_WORD) - 1);
    this.#words = new Int32Array(1 << bits);
    this.#shift = 32 - bits;
  }

  /** `hash`: `hashKey` of the key. */
  add(hash: number): void {
    const at = hash >>> this.#shift;
    this.#words[at] = this.#words[at]! | bitsOf(hash);
  }

  /** False: no key with that hash was added. */
  mayHave(hash: number): boolean {
    const bits = bitsOf(hash);
    return (this.#words[hash >>> this.#shift]! & bits) === bits;
  }
}

function bitsOf(hash: number): number {
  return (1 << (hash & 31)) | (1 << ((hash >>> 5) & 31));
}
