/**
 * Connection: one byte stream between two shards, from its first byte to its end. It cuts the stream into frames, keeps
 * the frames that are about the connection itself, and leaves every decision to its owner.
 *
 * ```
 *   GREETING --open()--> UP --end()--> ENDING --> CLOSED
 *       |                 |                         ^
 *       +-----------------+--- close() / failure ---+
 * ```
 * Liveness: each side sends something at least once per ping interval, a PING when it has nothing else, also while it has paused
 * reading. So input may be expected from any peer that lives, and its absence is judged only while this side reads.
 */
import { viewOf } from '../bytes.ts';
import { RuntimeError } from '../errors.ts';
import type { TaskHandle, Tasks } from '../link.ts';
import { FirstFrame } from './first-frame.ts';
import { checkFrame, KIND_GOODBYE, KIND_PING, KIND_SIGNAL, LENGTH_BYTES, protocolError } from './frame.ts';
import type { ByteStream, StreamHandler } from './network.ts';
import { FrameSplitter } from './splitter.ts';

const GREETING = 0;
const UP = 1;
const ENDING = 2;
const CLOSED = 3;
/** Length word to kind. */
const KIND_OFFSET = 7;

export interface ConnectionOwner {
  /** The stream that was dialled is connected. */
  onConnected(connection: Connection): void;
  /** The first frame, checked but for its kind and payload; `more`: bytes came behind it. Errors thrown with code PROTOCOL close the connection. */
  onGreeting(connection: Connection, frame: Buffer, more: boolean): void;
  /** Whole frames between actors in `buffer[start, end)`. Errors thrown with code PROTOCOL close the connection. */
  onFrames(connection: Connection, buffer: Buffer, start: number, end: number): void;
  /** The peer stops and sends nothing more; the owner ends the connection. */
  onGoodbye(connection: Connection): void;
  /** `writable` turned true again. */
  onDrained(connection: Connection): void;
  /** The connection is gone, other than by the owner's own `close` or `end`. */
  onClosed(connection: Connection, reason: string): void;
}

export interface ConnectionOptions {
  readonly tasks: Tasks;
  /** Until the handshake must be done. */
  readonly handshakeTimeoutMs: number;
  /** Called once, when the stream itself is gone. */
  readonly released: (connection: Connection) => void;
}

export class Connection implements StreamHandler {
  owner: ConnectionOwner;
  /** This side has stopped reading. */
  paused = false;
  readonly #stream: ByteStream;
  readonly #tasks: Tasks;
  readonly #released: (connection: Connection) => void;
  #state: typeof GREETING | typeof UP | typeof ENDING | typeof CLOSED = GREETING;
  #first: FirstFrame | null = new FirstFrame();
  #splitter: FrameSplitter | null = null;
  #deadline: TaskHandle | null;
  /** The stream holds a buffer of ours. */
  #blocked = false;
  /** Since the last sweep. */
  #heard = false;
  #wrote = false;
  #silentSweeps = 0;

  constructor(stream: ByteStream, owner: ConnectionOwner, options: ConnectionOptions) {
    this.#stream = stream;
    this.owner = owner;
    this.#tasks = options.tasks;
    this.#released = options.released;
    const ms = options.handshakeTimeoutMs;
    this.#deadline = this.#tasks.after(ms, () => this.#fail(`no handshake within ${ms} ms`));
    stream.handler = this;
  }

  get isUp(): boolean {
    return this.#state === UP;
  }

  get writable(): boolean {
    return this.#state === UP && !this.#blocked;
  }

  /** The handshake is done: frames of up to `maxFrameBytes` flow. */
  open(maxFrameBytes: number): void {
    this.#state = UP;
    this.#splitter = new FrameSplitter(maxFrameBytes);
    this.#cancelDeadline();
  }

  /** As `ByteStream.write`: false means the buffer is given away, and `onDrained` will come. */
  write(bytes: Buffer, start: number, end: number): boolean {
    this.#wrote = true;
    if (this.#stream.write(bytes, start, end)) return true;
    this.#blocked = true;
    return false;
  }

  /** Sends a frame about the connection itself, which must not be changed afterwards. */
  send(frame: Buffer): void {
    this.write(frame, 0, frame.length);
  }

  /** Sends a last frame and ends the stream once it has left, at the latest after `withinMs`. The owner hears nothing more. */
  end(lastFrame: Buffer | null, withinMs: number): void {
    if (this.#state >= ENDING) return;
    this.#state = ENDING;
    this.#cancelDeadline();
    if (lastFrame !== null) this.send(lastFrame);
    // Why read on: a socket closed with unread input resets the connection, and the peer may lose what was sent last.
    this.resume();
    this.#stream.end();
    this.#deadline = this.#tasks.after(withinMs, () => {
      this.#deadline = null;
      this.#stream.destroy(`not closed by the peer within ${withinMs} ms`);
    });
  }

  /** Closes at once. The owner hears nothing more. */
  close(reason: string): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.paused = false;
    this.#cancelDeadline();
    this.#stream.destroy(reason);
  }

  pause(): void {
    if (this.paused || this.#state !== UP) return;
    this.paused = true;
    this.#stream.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.#silentSweeps = 0;
    this.#stream.resume();
  }

  /**
   * Called at regular times. Sends `ping` when nothing was sent since the last call, and gives the connection up after
   * `silentSweepsMax` calls without input. Counting calls, not time, a thread that stalled does not blame its peers for it.
   */
  sweep(ping: Buffer, silentSweepsMax: number): void {
    if (this.#state !== UP) return;
    if (this.#wrote) this.#wrote = false;
    // A stream that is blocked has something on its way already.
    else if (!this.#blocked) this.send(ping);
    if (this.#heard || this.paused) {
      this.#heard = false;
      this.#silentSweeps = 0;
    } else if (++this.#silentSweeps >= silentSweepsMax) {
      this.#fail('nothing heard from the peer for too long');
    }
  }

  onConnect(): void {
    if (this.#state === GREETING) this.owner.onConnected(this);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#heard = true;
    if (this.#state >= ENDING) return;
    try {
      if (this.#splitter !== null) this.#splitter.push(bytes, start, end, this.#onRun);
      else this.#greet(bytes, start, end);
    } catch (error) {
      if (!(error instanceof RuntimeError && error.code === 'PROTOCOL')) throw error;
      this.#fail(`protocol broken: ${error.message}`);
    }
  }

  onDrain(): void {
    this.#blocked = false;
    if (this.#state === UP) this.owner.onDrained(this);
  }

  onClose(reason: string): void {
    const unfinished = this.#splitter?.pendingBytes ?? this.#first?.pendingBytes ?? 0;
    const was = this.#state;
    this.#state = CLOSED;
    this.#cancelDeadline();
    if (was <= UP) this.owner.onClosed(this, unfinished === 0 ? reason : `${reason}, with ${unfinished} bytes of an unfinished frame`);
    this.#released(this);
  }

  #greet(bytes: Buffer, start: number, end: number): void {
    const first = this.#first as FirstFrame;
    const rest = first.push(bytes, start, end);
    if (rest < 0) return;
    this.#first = null;
    this.owner.onGreeting(this, first.frame, rest < end);
    if (rest < end && this.isUp) this.#splitter?.push(bytes, rest, end, this.#onRun);
  }

  /**
   * A run of whole frames. Nearly always all of them are between actors and go on in one piece.
   * Why a walk over all of them: 3 ns per frame, where frames of their own for the connection would cost a write each.
   */
  readonly #onRun = (buffer: Buffer, start: number, end: number): void => {
    let from = start;
    let at = start;
    while (at < end && this.#state === UP) {
      const next = at + LENGTH_BYTES + uint32(buffer, at);
      const kind = buffer[at + KIND_OFFSET] as number;
      if (kind === 0 || kind > KIND_SIGNAL) {
        if (from < at) this.owner.onFrames(this, buffer, from, at);
        if (this.#state === UP) this.#onControl(buffer, at, end, kind);
        from = next;
      }
      at = next;
    }
    if (from < end && this.#state === UP) this.owner.onFrames(this, buffer, from, end);
  };

  #onControl(buffer: Buffer, at: number, end: number, kind: number): void {
    checkFrame(viewOf(buffer), at, end);
    if (kind === KIND_PING) return;
    if (kind === KIND_GOODBYE) this.owner.onGoodbye(this);
    else throw protocolError(`frame of kind ${kind}, expected 1 to ${KIND_SIGNAL}, ${KIND_PING} (PING) or ${KIND_GOODBYE} (GOODBYE)`);
  }

  #fail(reason: string): void {
    if (this.#state >= ENDING) return;
    this.close(reason);
    this.owner.onClosed(this, reason);
  }

  #cancelDeadline(): void {
    if (this.#deadline !== null) this.#tasks.cancel(this.#deadline);
    this.#deadline = null;
  }
}

function uint32(bytes: Buffer, at: number): number {
  return (
    (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
  );
}
