/**
 * Event hash: a rolling 64-bit digest, as two u32, of everything that happened in a run. Two runs that give the same digest took the
 * same steps; it is no protection against anybody. Mixing after MurmurHash3 (Austin Appleby), two lanes with different constants.
 */
export class EventHash {
  #high = 0x6a09_e667;
  #low = 0xbb67_ae85 | 0;

  get high(): number {
    return this.#high >>> 0;
  }

  get low(): number {
    return this.#low >>> 0;
  }

  /** Mixes in the 32 low bits of `value`. */
  add(value: number): void {
    const word = value | 0;
    let h = Math.imul(word, 0xcc9e_2d51);
    h = (h << 15) | (h >>> 17);
    h = this.#high ^ Math.imul(h, 0x1b87_3593);
    this.#high = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe654_6b64) | 0;
    let l = Math.imul(word ^ this.#high, 0x2a9b_6d1b);
    l = (l << 17) | (l >>> 15);
    l = this.#low ^ Math.imul(l, 0x38b3_4ae5);
    this.#low = (Math.imul((l << 19) | (l >>> 13), 5) + 0x561c_cd1b) | 0;
  }

  /** Mixes in an integer time of up to 53 bits. */
  addTime(timeUs: number): void {
    this.add(timeUs);
    if (timeUs >= 0x1_0000_0000) this.add(timeUs / 0x1_0000_0000);
  }

  /** Mixes in the length and the content of `bytes[start, end)`. */
  addBytes(bytes: Uint8Array, start: number, end: number): void {
    let h = end - start;
    let at = start;
    // Why four at a time: the digest of every frame is on the hot path (bench:simulation).
    for (; at + 4 <= end; at += 4) {
      const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
      h = Math.imul(h ^ word, 0x9e37_79b1);
      h = (h << 13) | (h >>> 19);
    }
    for (; at < end; at++) h = Math.imul(h ^ bytes[at]!, 0x0100_0193);
    this.add(end - start);
    this.add(h);
  }

  addText(text: string): void {
    this.add(text.length);
    for (let i = 0; i < text.length; i++) this.add(text.charCodeAt(i));
  }

  copy(): EventHash {
    const copy = new EventHash();
    copy.#high = this.#high;
    copy.#low = this.#low;
    return copy;
  }

  /** 16 hexadecimal digits. */
  toString(): string {
    return this.high.toString(16).padStart(8, '0') + this.low.toString(16).padStart(8, '0');
  }
}
