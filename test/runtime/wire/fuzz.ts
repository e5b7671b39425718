/**
 * Frames by seed through the whole way in: splitter, frame check, scanner, decoder. Half of the oracle is cbor-x, which must
 * write and read what our codec writes and reads; the other half is `oracle.ts`, which must accept the same frames.
 */
import { getHeapStatistics, type HeapInfo } from 'node:v8';
import { Decoder, Encoder, Tag } from 'cbor-x';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { RuntimeError } from '../../../runtime/errors.ts';
import { REQUEST } from '../../../runtime/lanes.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { CBOR_OPTIONS, PayloadCodec } from '../../../runtime/wire/codec.ts';
import { beginFrame, checkFrame, endFrame, FRAME_HEADER_BYTES, KIND_TELL, NO_DEADLINE } from '../../../runtime/wire/frame.ts';
import { REF_TAG, Scanner } from '../../../runtime/wire/scan.ts';
import { FrameSplitter } from '../../../runtime/wire/splitter.ts';
import { mutate } from './mutations.ts';
import { frameLengths, isValue } from './oracle.ts';
import { arrivesAs, BINDER, HOME, TestRef, ValueMaker } from './values.ts';

export interface FuzzResult {
  readonly frames: number;
  /** Taken in without an error: those sent whole, and mutated ones that are still well formed or have no end yet. */
  readonly accepted: number;
  readonly rejected: number;
  /** Frames about which ours and an oracle disagree. */
  readonly mismatches: number;
  /** Most bytes that appeared on the heap and outside it while one frame was taken in; measured for some of the frames. */
  readonly allocationMax: number;
  /** The same as a multiple of what is allowed for a frame of that length. Above 1 is a finding. */
  readonly allocationRatio: number;
  /** The first ten, each with the frame in hex. */
  readonly findings: readonly string[];
}

const FRAME_BYTES_MAX = 256 * 1024;
/**
 * An empty array is 1 byte of a frame, and 16 of heap plus 8 in the array that holds it; the rest is what compiling and inline caches
 * take.
 */
const HEAP_PER_BYTE = 32;
const HEAP_SLACK = 512 * 1024;
/** Buffers: a joined frame and the ones it grew from, and copies of byte strings. */
const BUFFER_PER_BYTE = 8;
const BUFFER_SLACK = 32 * 1024;
const MUTANTS_PER_FRAME = 7;
const MEASURE_EVERY = 16;
const MEASURE_AGAIN = 5;
const FINDINGS_MAX = 10;

/** Takes in `frames` frames made from `seed`, an eighth of them sent as they are. `progress` is called now and then. */
export function fuzzFrames(frames: number, seed: number | string, progress: (done: number) => void = () => {}): FuzzResult {
  const fuzzer = new Fuzzer(seed);
  const { stackTraceLimit } = Error;
  // Why: half of all frames end in an error, and collecting stacks would be a third of the time.
  Error.stackTraceLimit = 0;
  try {
    for (let done = 0; done < frames; done += MUTANTS_PER_FRAME + 1) {
      fuzzer.step();
      if (done % 65_536 === 0) progress(done);
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return fuzzer.result();
}

class Fuzzer {
  readonly #random: SeededRandom;
  readonly #makers: readonly ValueMaker[];
  readonly #codec = new PayloadCodec(BINDER);
  readonly #scanner = new Scanner();
  readonly #encoder = new Encoder({ ...CBOR_OPTIONS });
  readonly #decoder = new Decoder({ ...CBOR_OPTIONS });
  readonly #out = new OutBuffer(1024, 4 * FRAME_BYTES_MAX);
  #last: Buffer = Buffer.alloc(0);
  #frames = 0;
  #accepted = 0;
  #rejected = 0;
  #mismatches = 0;
  #allocationMax = 0;
  #allocationRatio = 0;
  readonly #findings: string[] = [];

  constructor(seed: number | string) {
    this.#random = new SeededRandom(seed);
    this.#makers = [
      new ValueMaker(this.#random, { refs: false, odd: false }),
      new ValueMaker(this.#random, { refs: true, odd: false }),
      new ValueMaker(this.#random, { refs: true, odd: true }),
    ];
  }

  result(): FuzzResult {
    return {
      frames: this.#frames,
      accepted: this.#accepted,
      rejected: this.#rejected,
      mismatches: this.#mismatches,
      allocationMax: this.#allocationMax,
      allocationRatio: this.#allocationRatio,
      findings: this.#findings,
    };
  }

  /** One message as it is, and some frames mutated from it. */
  step(): void {
    const random = this.#random;
    const which = random.below(3);
    const message = this.#makers[which]!.message(random.chance(0.95) ? 12 : 300);
    const frame = this.#frameOf(message);
    this.#checkEncoded(message, frame, which === 0);
    this.#checkArrival(frame, message);
    for (let i = 0; i < MUTANTS_PER_FRAME; i++) this.#checkMutant(mutate(random, frame, this.#last));
    this.#last = frame;
  }

  #frameOf(message: unknown): Buffer {
    const out = this.#out;
    out.clear();
    out.ensure(FRAME_HEADER_BYTES);
    const at = beginFrame(out, KIND_TELL, REQUEST, 0, 17, 1, 18, 2, NO_DEADLINE, 0);
    if (!this.#codec.encode(message, out)) throw new Error('fuzz: a message over the cap');
    endFrame(out, at);
    return Buffer.from(out.bytes.subarray(0, out.length));
  }

  #checkEncoded(message: unknown, frame: Buffer, isExact: boolean): void {
    if (!isExact) return;
    const theirs = this.#encoder.encode(message);
    if (Buffer.compare(theirs, frame.subarray(FRAME_HEADER_BYTES)) !== 0) {
      this.#mismatch(`cbor-x writes ${Buffer.from(theirs).toString('hex')}`, frame);
    }
  }

  #checkArrival(frame: Buffer, message: unknown): void {
    const taken = this.#receive(frame);
    if (taken.error !== undefined || taken.values.length !== 1)
      this.#mismatch(`a good frame was not delivered: ${String(taken.error)}`, frame);
    else if (!arrivesAs(message, taken.values[0])) this.#mismatch('a message arrived changed', frame);
  }

  #checkMutant(stream: Buffer): void {
    const taken = this.#receive(stream);
    const { error } = taken;
    if (error !== undefined && !(error instanceof RuntimeError && error.code === 'PROTOCOL')) {
      this.#mismatch(`threw ${String(error)}`, stream);
      return;
    }
    const expected = expectedPayloads(stream);
    if (expected.payloads.length !== taken.values.length || expected.broken !== (error !== undefined)) {
      this.#mismatch(
        `${taken.values.length} delivered and ${String(error)}; oracle: ${expected.payloads.length}, broken ${expected.broken}`,
        stream,
      );
      return;
    }
    for (const [i, value] of taken.values.entries()) this.#checkAccepted(value, expected.payloads[i]!, stream);
    // On its own, lest the decoder refuse what the scanner should have.
    const payload = stream.subarray(FRAME_HEADER_BYTES);
    if (this.#scans(payload) !== isValue(payload)) this.#mismatch(`the scanner ${this.#scans(payload) ? 'passes' : 'refuses'} it`, stream);
  }

  #scans(payload: Buffer): boolean {
    try {
      this.#scanner.scan(payload, 0, payload.length);
      return true;
    } catch (error) {
      if (error instanceof RuntimeError && error.code === 'PROTOCOL') return false;
      throw error;
    }
  }

  /** What passed the scanner must read the same with cbor-x, and be written, read and written again to the same bytes. */
  #checkAccepted(value: unknown, payload: Buffer, stream: Buffer): void {
    try {
      if (!arrivesAs(bindTags(this.#decoder.decode(payload)), value)) this.#mismatch('cbor-x reads another value', stream);
      const once = this.#frameOf(value);
      const back = this.#codec.decode(once, FRAME_HEADER_BYTES, once.length, HOME, false);
      if (!arrivesAs(value, back)) this.#mismatch('changed when sent on', stream);
      const twice = this.#frameOf(back);
      if (Buffer.compare(once, twice) !== 0) this.#mismatch('written in another way when sent on', stream);
    } catch (error) {
      this.#mismatch(`could not be read by cbor-x or sent on: ${String(error)}`, stream);
    }
  }

  /** Gives a stream to a splitter in chunks of its own buffers, as a socket would. */
  #receive(stream: Buffer): { readonly values: readonly unknown[]; readonly error: unknown } {
    this.#frames++;
    const values: unknown[] = [];
    const chunks = this.#chunks(stream);
    const before = this.#frames % MEASURE_EVERY === 0 ? getHeapStatistics() : undefined;
    const error = this.#deliver(chunks, values);
    if (error === undefined) this.#accepted++;
    else this.#rejected++;
    if (before !== undefined) this.#measure(before, stream, () => this.#deliver(chunks, []));
    return { values, error };
  }

  /** Returns what was thrown. */
  #deliver(chunks: readonly Buffer[], values: unknown[]): unknown {
    const splitter = new FrameSplitter(FRAME_BYTES_MAX);
    const emit = (buffer: Buffer, start: number, end: number) => {
      const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
      for (let at = start; at < end; ) {
        const next = checkFrame(view, at, end);
        values.push(this.#codec.decode(buffer, at + FRAME_HEADER_BYTES, next, HOME, false));
        at = next;
      }
    };
    try {
      for (const chunk of chunks) splitter.push(chunk, 0, chunk.length, emit);
      return undefined;
    } catch (caught) {
      return caught;
    }
  }

  #chunks(stream: Buffer): Buffer[] {
    if (this.#random.chance(0.6)) return [stream];
    const chunks: Buffer[] = [];
    const longest = this.#random.chance(0.05) ? 1 : this.#random.below(stream.length + 1) + 1;
    for (let at = 0; at < stream.length; ) {
      const length = Math.min(stream.length - at, 1 + this.#random.below(longest));
      chunks.push(Buffer.from(stream.subarray(at, at + length)));
      at += length;
    }
    return chunks;
  }

  /**
   * A collection in between makes a difference negative, and so not counted; the next one will be. What the process allocates by the way (its compiler
   * has threads) is not the decoder's: over the cap, the least of several deliveries of the same bytes counts.
   */
  #measure(before: HeapInfo, stream: Buffer, again: () => void): void {
    let used = usedSince(before, stream.length);
    for (let i = 0; i < MEASURE_AGAIN && used.ratio > 1; i++) {
      const start = getHeapStatistics();
      again();
      const repeated = usedSince(start, stream.length);
      if (repeated.ratio < used.ratio) used = repeated;
    }
    const { heap, outside, ratio } = used;
    this.#allocationMax = Math.max(this.#allocationMax, heap + outside);
    this.#allocationRatio = Math.max(this.#allocationRatio, ratio);
    if (ratio > 1) this.#mismatch(`allocated ${heap} bytes of heap and ${outside} outside`, stream);
  }

  #mismatch(what: string, frame: Buffer): void {
    this.#mismatches++;
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push(`${what}; frame ${frame.toString('hex')}`);
  }
}

function usedSince(before: HeapInfo, length: number): { readonly heap: number; readonly outside: number; readonly ratio: number } {
  const after = getHeapStatistics();
  const heap = after.used_heap_size - before.used_heap_size;
  const outside = after.external_memory - before.external_memory;
  return {
    heap,
    outside,
    ratio: Math.max(heap / (HEAP_SLACK + HEAP_PER_BYTE * length), outside / (BUFFER_SLACK + BUFFER_PER_BYTE * length)),
  };
}

/** The payloads that a stream delivers, and whether an error follows them. */
function expectedPayloads(stream: Buffer): { readonly payloads: readonly Buffer[]; readonly broken: boolean } {
  const { lengths, broken } = frameLengths(stream, FRAME_BYTES_MAX);
  const payloads: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    const frame = stream.subarray(at, at + length);
    const payload = frame.subarray(FRAME_HEADER_BYTES);
    if (frame.toString('hex', 4, 7) !== '82581c' || frame[8]! > 4 || !isValue(payload)) return { payloads, broken: true };
    payloads.push(payload);
    at += length;
  }
  return { payloads, broken };
}

/** What cbor-x leaves of a ref outside `PayloadCodec.decode`, as a ref. */
function bindTags(value: unknown): unknown {
  if (value instanceof Tag && value.tag === REF_TAG) {
    const fields = value.value as number[];
    const [slot, uid] = fields.slice(-2) as [number, number];
    if (fields.length === 2) return new TestRef({ ...HOME.place, boot: HOME.boot, slot, uid });
    const [node, shard, boot] = fields as unknown as [string, number, number];
    return new TestRef({ node, shard, boot, slot, uid });
  }
  if (Array.isArray(value)) return value.map(bindTags);
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, bindTags(inner)]));
}
