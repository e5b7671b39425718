/**
 * Flight recorder: the last messages of one shard, in shared memory, so that the main thread can still read them when the
 * shard's thread is dead.
 *
 * ```
 * u32[0] records written, going on at 2^30 after 2^31 - 1   u32[1] capacity   u32[2] names   u32[3] bytes used for names
 * then capacity x 4 words:      milliseconds of the shard's clock, slot, lane << 24 | kind << 16 | name index, operation
 * then NAME_BYTES_MAX bytes of names: u8 length, text ...
 * ```
 */
import { type Lane, laneName } from './lanes.ts';

const HEADER_WORDS = 4;
const COUNT_MASK = 0x7fff_ffff;
const COUNT_BASE = 0x4000_0000;
const RECORD_WORDS = 4;
const NAMES_MAX = 1024;
const NAME_BYTES_MAX = 32 * 1024;
const KIND_OBJECT = 0;
const KIND_BINARY = 1;
/** Name index of messages without a `type`, and of those that came after the table was full. */
const UNNAMED = 0;

export interface FlightRecord {
  readonly atMs: number;
  readonly slot: number;
  readonly lane: string;
  /** The message's `type`, or `operation N`. */
  readonly message: string;
}

export class FlightRecorder {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Uint32Array;
  readonly #names: Uint8Array;
  readonly #index = new Map<string, number>();
  readonly #mask: number;
  #written = 0;
  /** Milliseconds of the shard's clock, set by the runtime as it reads it. */
  nowMs = 0;
  #lastName: unknown = null;
  #lastIndex = 0;

  /** Requires: `capacity` a power of two. */
  constructor(capacity: number) {
    this.buffer = new SharedArrayBuffer((HEADER_WORDS + capacity * RECORD_WORDS) * 4 + NAME_BYTES_MAX);
    this.#words = new Uint32Array(this.buffer, 0, HEADER_WORDS + capacity * RECORD_WORDS);
    this.#names = new Uint8Array(this.buffer, this.#words.byteLength);
    this.#words[1] = capacity;
    this.#mask = capacity - 1;
    this.#name('?');
  }

  message(slot: number, lane: Lane, message: unknown): void {
    const name = typeof message === 'object' && message !== null ? (message as { readonly type?: unknown }).type : undefined;
    if (name !== this.#lastName) {
      this.#lastName = name;
      this.#lastIndex = typeof name === 'string' ? this.#name(name) : UNNAMED;
    }
    this.#write(slot, (lane << 24) | (KIND_OBJECT << 16) | this.#lastIndex, 0);
  }

  operation(slot: number, lane: Lane, operation: number): void {
    this.#write(slot, (lane << 24) | (KIND_BINARY << 16), operation);
  }

  /** What the message handled last was called. */
  lastName(): string {
    if (this.#written === 0) return '?';
    return describe(this.#words, this.#nameList(), (this.#written - 1) & this.#mask).message;
  }

  #write(slot: number, what: number, operation: number): void {
    const words = this.#words;
    const at = HEADER_WORDS + (this.#written & this.#mask) * RECORD_WORDS;
    words[at] = this.nowMs;
    words[at + 1] = slot;
    words[at + 2] = what;
    words[at + 3] = operation;
    this.#written = nextCount(this.#written);
    words[0] = this.#written;
  }

  #name(name: string): number {
    const known = this.#index.get(name);
    if (known !== undefined) return known;
    const bytes = Buffer.from(name.slice(0, 64));
    const used = this.#words[3] as number;
    const index = this.#index.size;
    if (index >= NAMES_MAX || used + 1 + bytes.length > NAME_BYTES_MAX) return UNNAMED;
    this.#names[used] = bytes.length;
    this.#names.set(bytes, used + 1);
    this.#words[3] = used + 1 + bytes.length;
    this.#words[2] = index + 1;
    this.#index.set(name, index);
    return index;
  }

  #nameList(): readonly string[] {
    return [...this.#index.keys()];
  }
}

/**
 * Count of records after one more. It never comes back to 0, which would mean that there are none; the base is a multiple of any capacity.
 * Why not all of a u32: the engine keeps such a number in a box (bench:actors, "tell, same thread").
 */
export function nextCount(written: number): number {
  return ((written + 1) & COUNT_MASK) | (written & COUNT_BASE);
}

/** Reads a recorder's memory, oldest record first. Safe while the shard still writes: a torn record shows odd values, no more. */
export function readFlightRecords(buffer: SharedArrayBuffer): FlightRecord[] {
  const header = new Uint32Array(buffer, 0, HEADER_WORDS);
  const capacity = header[1] as number;
  const words = new Uint32Array(buffer, 0, HEADER_WORDS + capacity * RECORD_WORDS);
  const bytes = Buffer.from(new Uint8Array(buffer, words.byteLength));
  const names: string[] = [];
  for (let at = 0, i = 0; i < (header[2] as number); i++) {
    const length = bytes[at] as number;
    names.push(bytes.toString('utf8', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const written = header[0] as number;
  const count = Math.min(written, capacity);
  return Array.from({ length: count }, (_, i) => describe(words, names, (written - count + i) % capacity));
}

function describe(words: Uint32Array, names: readonly string[], record: number): FlightRecord {
  const at = HEADER_WORDS + record * RECORD_WORDS;
  const what = words[at + 2] as number;
  const isBinary = ((what >>> 16) & 0xff) === KIND_BINARY;
  return {
    atMs: words[at] as number,
    slot: words[at + 1] as number,
    lane: laneName((what >>> 24) as Lane) ?? '?',
    message: isBinary ? `operation ${words[at + 3]}` : (names[what & 0xffff] ?? '?'),
  };
}
