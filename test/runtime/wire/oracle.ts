/** What the scanner and the splitter must say, written for plainness: recursive, one value at a time, with whole numbers as bigints. */
const DEPTH = 16;

/** Whether `bytes` are one value as the runtime sends them, and nothing else. */
export function isValue(bytes: Uint8Array): boolean {
  try {
    return new Reader(bytes).value(0).end === bytes.length;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

/** Lengths of the frames at the beginning of a stream, and whether a wrong length word comes after them. */
export function frameLengths(stream: Uint8Array, maxFrameBytes: number): { readonly lengths: readonly number[]; readonly broken: boolean } {
  const lengths: number[] = [];
  let at = 0;
  while (stream.length - at >= 4) {
    const length = 4 + Number(`0x${Buffer.from(stream.subarray(at, at + 4)).toString('hex')}`);
    if (length < 36 || length > maxFrameBytes) return { lengths, broken: true };
    if (length > stream.length - at) break;
    lengths.push(length);
    at += length;
  }
  return { lengths, broken: false };
}

class Refusal extends Error {}

interface Head {
  readonly major: number;
  readonly info: number;
  readonly argument: bigint;
  readonly end: number;
}

class Reader {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  value(at: number, depth = 0): { readonly end: number } {
    const head = this.#head(at);
    const { major, info, argument, end } = head;
    if (major === 0 || major === 1) {
      must(major === 0 || argument < 2n ** 63n);
      return { end };
    }
    if (major === 7) {
      must([20, 21, 22, 23, 25, 26, 27].includes(info));
      return { end };
    }
    if (major === 6) {
      must(info === 25 && argument === 55_212n);
      return { end: this.#ref(end) };
    }
    must(info <= 26);
    const count = Number(argument);
    if (major === 2 || major === 3) {
      must(end + count <= this.#bytes.length);
      return { end: end + count };
    }
    must(depth < DEPTH && count <= (major === 4 ? 65_536 : 4_096));
    let next = end;
    for (let i = 0; i < count; i++) {
      if (major === 5) next = this.#key(next);
      next = this.value(next, depth + 1).end;
    }
    return { end: next };
  }

  #key(at: number): number {
    must(this.#head(at).major === 3);
    must(this.#text(at) !== '__proto__');
    return this.value(at).end;
  }

  #text(at: number): string {
    const { argument, end } = this.#head(at);
    return Buffer.from(this.#bytes.subarray(end, end + Number(argument))).toString('latin1');
  }

  #ref(at: number): number {
    const first = this.#bytes[at];
    must(first === 0x82 || first === 0x85);
    let next = at + 1;
    if (first === 0x85) {
      must(this.#head(next).major === 3 && this.#head(next).info <= 26 && /^[A-Za-z0-9._-]{1,64}$/.test(this.#text(next)));
      next = this.value(next).end;
      const shard = this.#u32(next);
      must(shard.argument < 256n || shard.argument === 65_535n);
      next = shard.end;
      if (this.#head(next).major === 7) {
        const { info, end } = this.#head(next);
        must(info === 27);
        const boot = Buffer.from(this.#bytes.subarray(next + 1, end)).readDoubleBE();
        must(Number.isInteger(boot) && boot >= 0 && boot < 2 ** 53);
        next = end;
      } else next = this.#u32(next).end;
    }
    return this.#u32(this.#u32(next).end).end;
  }

  #u32(at: number): Head {
    const head = this.#head(at);
    must(head.major === 0 && head.info <= 26);
    return head;
  }

  #head(at: number): Head {
    must(at < this.#bytes.length);
    const first = this.#bytes[at]!;
    const info = first & 31;
    must(info <= 27);
    const width = info < 24 ? 0 : 2 ** (info - 24);
    const end = at + 1 + width;
    must(end <= this.#bytes.length);
    const argument = width === 0 ? BigInt(info) : BigInt(`0x${Buffer.from(this.#bytes.subarray(at + 1, end)).toString('hex')}`);
    return { major: first >> 5, info, argument, end };
  }
}

function must(isSo: boolean): void {
  if (!isSo) throw new Refusal();
}
