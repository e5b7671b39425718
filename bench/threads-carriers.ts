/**
 * The carriers that `bench/threads.ts` compares: how a batch of frames gets from one thread to another. `ring` is the runtime's own
 * transport; the others are prototypes of equal care, with the same window, kept so that the comparison can be repeated.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { OutBuffer } from '../runtime/bytes.ts';
import { BULK_CLASS } from '../runtime/lanes.ts';
import type { LinkEvents, Tasks } from '../runtime/link.ts';
import { newSlab, READ_FRAMES, READ_NOTHING, readFrames, takeBlocked } from '../runtime/threads/frame-ring-reader.ts';
import { hasNewRoom, writeFrames } from '../runtime/threads/frame-ring-writer.ts';
import { ASLEEP, fallAsleep, openPipes, ringBell, stayAwake, type ThreadChannelEnd } from '../runtime/threads/thread-channel.ts';
import { ThreadTransport } from '../runtime/threads/thread-transport.ts';

/**
 * `ring`: shared memory, woken by a message. `ring-async`: the same ring, woken by Atomics.waitAsync.
 * One message per flush: `transfer`: an exact copy is transferred; `transfer-whole`: the out-buffer itself is; `clone`: the bytes are cloned.
 * `single`: a cloned message per frame.
 */
export type CarrierKind = 'ring' | 'ring-async' | 'transfer' | 'transfer-whole' | 'clone' | 'single';

export interface Carrier {
  readonly out: OutBuffer;
  /** Called with whole frames that now belong to the receiver. */
  onBatch: (bytes: Buffer, start: number, end: number) => void;
  /** Called when `out` has run empty after a flush that left something. */
  onEmpty: () => void;
  /** Hands over what is in `out`, `frames` more than at the last call; false: something is left. */
  flush(frames: number): boolean;
  close(): void;
}

const OUT_INITIAL_BYTES = 16 << 10;
const OUT_BYTES_MAX = 4 << 20;

export function openCarrier(kind: CarrierKind, end: ThreadChannelEnd): Carrier {
  if (kind === 'ring') return new TransportCarrier(end);
  return kind === 'ring-async' ? new AsyncRingCarrier(end) : new PortCarrier(kind, end);
}

class TransportCarrier implements Carrier {
  onBatch: Carrier['onBatch'] = () => {};
  onEmpty: Carrier['onEmpty'] = () => {};
  readonly #transport: ThreadTransport;
  readonly #link;

  constructor(end: ThreadChannelEnd) {
    const events: LinkEvents = {
      congested: false,
      onFrames: (_link, bytes, from, to) => this.onBatch(bytes, from, to),
      onLinkUp: () => {},
      onLinkDown: () => {},
      onLinkDrained: () => this.onEmpty(),
      onPlaceDown: () => {},
    };
    const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
    const tasks: Tasks = { now: () => 0, after: () => ({ at: 0 }), cancel: () => {} };
    this.#transport = new ThreadTransport({ node: 'bench', shard: end.side, boot: 1, events, tasks, log });
    this.#link = this.#transport.link({ node: 'bench', shard: 1 - end.side }, BULK_CLASS);
    this.#transport.attach({ shard: 1 - end.side, boot: 1 }, end);
  }

  get out(): OutBuffer {
    return this.#link.out;
  }

  flush(frames: number): boolean {
    this.#link.outFrames += frames;
    this.#link.flush();
    this.#link.hasWaiters = this.out.length > 0;
    return this.out.length === 0;
  }

  close(): void {
    this.#transport.close(() => {});
  }
}

/** In Node since 16, in TypeScript's library only from es2024 on. */
interface AtomicsWithWaitAsync extends Atomics {
  waitAsync(words: Int32Array, index: number, value: number): { async: false } | { async: true; value: Promise<string> };
}

class AsyncRingCarrier implements Carrier {
  onBatch: Carrier['onBatch'] = () => {};
  onEmpty: Carrier['onEmpty'] = () => {};
  readonly out = new OutBuffer(OUT_INITIAL_BYTES, OUT_BYTES_MAX);
  readonly #pipes;
  readonly #port: MessagePort;
  readonly #slab = newSlab();
  #isOpen = true;
  #isScheduled = false;

  constructor(end: ThreadChannelEnd) {
    this.#pipes = openPipes(end);
    this.#port = end.port;
    // A pending waitAsync doesn't keep a thread alive.
    this.#port.ref();
    this.#schedule();
  }

  flush(): boolean {
    const { peerBell, writers, isBlocked } = this.#pipes;
    const taken = writeFrames(writers[BULK_CLASS], this.out);
    if (taken > 0 && ringBell(peerBell)) Atomics.notify(peerBell, 0, 1);
    this.out.bytes.copyWithin(0, taken, this.out.length);
    this.out.length -= taken;
    isBlocked[BULK_CLASS] = this.out.length > 0;
    if (this.out.length > 0) this.#schedule();
    return this.out.length === 0;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#poll();
    });
  }

  #poll(): void {
    if (!this.#isOpen) return;
    const { bell, peerBell, readers, writers, isBlocked } = this.#pipes;
    const reader = readers[BULK_CLASS];
    const found = readFrames(reader, this.#slab);
    if (found !== READ_NOTHING) {
      this.#schedule();
      if (takeBlocked(reader) && ringBell(peerBell)) Atomics.notify(peerBell, 0, 1);
      if (found === READ_FRAMES) this.onBatch(reader.buffer, reader.start, reader.end);
    }
    if (isBlocked[BULK_CLASS] && hasNewRoom(writers[BULK_CLASS])) {
      this.#schedule();
      if (this.flush()) this.onEmpty();
    }
    if (this.#isScheduled) return;
    if (!fallAsleep([this.#pipes], false)) {
      stayAwake([this.#pipes]);
      return this.#schedule();
    }
    const wait = (Atomics as AtomicsWithWaitAsync).waitAsync(bell, 0, ASLEEP);
    if (wait.async) void wait.value.then(() => this.#poll());
    else this.#schedule();
  }

  close(): void {
    this.#isOpen = false;
    Atomics.notify(this.#pipes.bell, 0);
    this.#port.close();
  }
}

/** What each side has sent and consumed, and whether it waits for the other to consume: a cache line each. */
const SENT = 0;
const CONSUMED = 16;
const WAITS = 32;
const WORDS = 48;

/** One message per flush; the window is counted in shared memory, so that consumption costs no message. */
class PortCarrier implements Carrier {
  onBatch: Carrier['onBatch'] = () => {};
  onEmpty: Carrier['onEmpty'] = () => {};
  readonly out = new OutBuffer(OUT_INITIAL_BYTES, OUT_BYTES_MAX);
  readonly #kind: CarrierKind;
  readonly #port: MessagePort;
  readonly #windowBytes: number;
  readonly #mine: Int32Array;
  readonly #theirs: Int32Array;

  constructor(kind: CarrierKind, end: ThreadChannelEnd) {
    this.#kind = kind;
    this.#port = end.port;
    this.#windowBytes = end.bulkBytes;
    this.#mine = new Int32Array(end.shared, end.side * WORDS * 4, WORDS);
    this.#theirs = new Int32Array(end.shared, (1 - end.side) * WORDS * 4, WORDS);
    this.#port.on('message', (first: unknown) => {
      this.#take(first);
      // Taking the rest out of the queue is cheaper than an event for each.
      for (let more = receiveMessageOnPort(this.#port); more !== undefined; more = receiveMessageOnPort(this.#port))
        this.#take(more.message);
    });
  }

  flush(): boolean {
    const { out } = this;
    const mine = this.#mine;
    const sent = mine[SENT] as number;
    if (((sent - Atomics.load(mine, CONSUMED)) | 0) >= this.#windowBytes) {
      Atomics.store(mine, WAITS, 1);
      if (((sent - Atomics.load(mine, CONSUMED)) | 0) > this.#windowBytes / 2) return false;
      Atomics.store(mine, WAITS, 0);
    }
    Atomics.store(mine, SENT, (sent + out.length) | 0);
    if (this.#kind === 'transfer-whole' && out.length >= OUT_INITIAL_BYTES / 4 && out.ensure(4)) {
      out.view.setUint32(out.bytes.length - 4, out.length);
      const whole = out.detach().buffer as ArrayBuffer;
      this.#port.postMessage(whole, [whole]);
      return true;
    }
    if (this.#kind === 'single') {
      for (let at = 0; at < out.length; ) {
        const next = at + 4 + out.view.getUint32(at);
        this.#port.postMessage(new Uint8Array(this.#copy(at, next, 0)));
        at = next;
      }
    } else {
      const copy = this.#copy(0, out.length, this.#kind === 'transfer-whole' ? 4 : 0);
      if (this.#kind === 'clone') this.#port.postMessage(new Uint8Array(copy));
      else this.#port.postMessage(copy, [copy]);
    }
    out.clear();
    return true;
  }

  /** With room for a trailer that says the length. */
  #copy(from: number, to: number, trailerBytes: number): ArrayBuffer {
    const whole = this.out.bytes.buffer as ArrayBuffer;
    if (trailerBytes === 0) return whole.slice(from, to);
    const copy = new ArrayBuffer(to - from + trailerBytes);
    new Uint8Array(copy).set(this.out.bytes.subarray(from, to));
    new DataView(copy).setUint32(to - from, to - from);
    return copy;
  }

  #take(message: unknown): void {
    if (message === null) {
      if (this.out.length > 0 && this.flush()) this.onEmpty();
      return;
    }
    const bytes = Buffer.from(message instanceof Uint8Array ? message.buffer : (message as ArrayBuffer));
    const length = this.#kind === 'transfer-whole' ? bytes.readUInt32BE(bytes.length - 4) : bytes.length;
    this.onBatch(bytes, 0, length);
    const theirs = this.#theirs;
    const consumed = ((theirs[CONSUMED] as number) + length) | 0;
    Atomics.store(theirs, CONSUMED, consumed);
    if (Atomics.load(theirs, WAITS) === 0 || ((Atomics.load(theirs, SENT) - consumed) | 0) > this.#windowBytes / 2) return;
    if (Atomics.exchange(theirs, WAITS, 0) === 1) this.#port.postMessage(null);
  }

  close(): void {
    this.#port.close();
  }
}
