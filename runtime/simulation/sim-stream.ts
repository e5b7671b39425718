/**
 * SimStream: one end of a simulated TCP connection, in bytes. Whatever is written arrives in other pieces, in order; a peer
 * that does not read fills the window; a close is noticed when its segment arrives, if it does.
 */
import type { ByteStream, StreamHandler } from '../wire/network.ts';
import { Channel, type ChannelSink } from './channel.ts';
import type { Path, PathUser } from './conditions.ts';
import type { SimThread } from './sim-thread.ts';
import type { SocketHub } from './socket-hub.ts';

const SYN = 1;
const SYN_ACK = 2;
const DATA = 3;
const FIN = 4;
const RST = 5;
/** The peer has read: the window is open again. */
const ACK = 6;
/** Only within a thread: a callback that must not come within the call that caused it. */
const LATER_CLOSE = 7;
const LATER_RESUME = 8;

type State = 'connecting' | 'open' | 'ending' | 'closed';

interface Piece {
  readonly code: number;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

const UNSET: StreamHandler = { onConnect: () => {}, onData: () => {}, onDrain: () => {}, onClose: () => {} };

export class SimStream implements ByteStream, ChannelSink, PathUser {
  handler: StreamHandler = UNSET;
  readonly thread: SimThread;
  readonly path: Path;
  readonly #hub: SocketHub;
  readonly #windowBytes: number;
  /** Called on the accepting end when the connection arrives. */
  readonly #accept: ((stream: SimStream) => void) | undefined;
  #peer: SimStream | undefined;
  #out: Channel | undefined;
  #state: State = 'connecting';
  #unreadBytes = 0;
  /** Writes for which the window had no room; their buffers are not ours to copy early. */
  #pending: Piece[] = [];
  #isPaused = false;
  /** What arrived while paused. */
  #arrived: Piece[] = [];
  #closeReason: string | undefined;
  #isOver = false;

  constructor(hub: SocketHub, thread: SimThread, path: Path, windowBytes: number, accept: ((stream: SimStream) => void) | undefined) {
    this.#hub = hub;
    this.thread = thread;
    this.path = path;
    this.#windowBytes = windowBytes;
    this.#accept = accept;
  }

  static join(a: SimStream, b: SimStream): void {
    a.#tie(b);
    b.#tie(a);
    a.#say(SYN);
  }

  /** Neither end hears anything any more. */
  get isForgotten(): boolean {
    return this.#hasEnded && (this.#peer === undefined || this.#peer.#hasEnded);
  }

  get #hasEnded(): boolean {
    return this.#isOver || this.thread.isDead;
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    if (this.#state === 'closed' || this.#state === 'ending') return true;
    const fits = this.#unreadBytes === 0 || this.#unreadBytes + end - start <= this.#windowBytes;
    if (this.#state === 'open' && this.#pending.length === 0 && fits) {
      this.#send(bytes, start, end);
      return true;
    }
    this.#pending.push({ code: DATA, bytes, start, end });
    return false;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#arrived.length > 0) this.thread.post(this, LATER_RESUME);
  }

  end(): void {
    if (this.#state === 'closed' || this.#state === 'ending') return;
    if (this.#state === 'connecting') return this.destroy('ended before it was connected');
    this.#state = 'ending';
    if (this.#pending.length === 0) this.#say(FIN);
  }

  destroy(reason: string): void {
    if (this.#state === 'closed') return;
    this.#closeLater(reason);
    this.#say(RST);
  }

  /** No answer ever comes from there. */
  refuse(reason: string, afterUs: number): void {
    this.thread.schedule(afterUs / 1000, () => {
      if (this.#state === 'connecting') this.#close(reason);
    });
  }

  /** Breaks the connection on both ends; what was under way is lost. */
  reset(): void {
    this.#out?.clear();
    this.#say(RST);
  }

  /** The thread is dead: its kernel closes its sockets, if it still can. */
  died(isSilent: boolean): void {
    if (!isSilent && this.#state !== 'closed') this.#say(RST);
    this.#state = 'closed';
  }

  forget(): void {
    this.path.users.delete(this);
  }

  blocked(): void {
    this.#out?.hold();
  }

  opened(afterUs: number): void {
    this.#out?.release(afterUs);
  }

  arrived(code: number, bytes: Buffer, start: number, end: number): void {
    const { hash } = this.thread.world;
    if (end > start) hash.addBytes(bytes, start, end);
    else hash.add(code);
    if (!this.thread.isDead) this.thread.post(this, code, bytes, start, end);
    // The host answers for a socket that is gone, if the host is there.
    else if (code === DATA && !this.#hub.isSilent(this.thread.place)) this.#say(RST);
  }

  take(code: number, bytes: Buffer, start: number, end: number): void {
    if (code === LATER_CLOSE) return this.#close(this.#closeReason ?? 'closed');
    if (code === LATER_RESUME) return this.#readOn();
    if (this.#state === 'closed') {
      if (code === DATA) this.#say(RST);
      return;
    }
    if (code === SYN) return this.#opened(() => this.#accept?.(this), SYN_ACK);
    if (code === SYN_ACK) return this.#opened(() => this.handler.onConnect());
    if (code === RST) return this.#close('connection reset by the peer');
    if (code === ACK) return this.#flush();
    if (this.#isPaused || this.#arrived.length > 0) this.#arrived.push({ code, bytes, start, end });
    else this.#read(code, bytes, start, end);
  }

  #opened(tell: () => void, answer?: number): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'open';
    if (answer !== undefined) this.#say(answer);
    tell();
    this.#flush();
  }

  #readOn(): void {
    while (!this.#isPaused && this.#state !== 'closed' && this.#arrived.length > 0) {
      const { code, bytes, start, end } = this.#arrived.shift()!;
      this.#read(code, bytes, start, end);
    }
  }

  #read(code: number, bytes: Buffer, start: number, end: number): void {
    if (code === FIN) {
      if (this.#state === 'open') this.#say(FIN);
      this.#close('closed by the peer');
      return;
    }
    const peer = this.#peer as SimStream;
    peer.#unreadBytes -= end - start;
    if (peer.#pending.length > 0) this.#say(ACK);
    this.handler.onData(bytes, start, end);
  }

  /** Sends what waits, as far as the window goes. */
  #flush(): void {
    if (this.#pending.length === 0 || this.#state === 'closed') return;
    while (this.#pending.length > 0) {
      const { bytes, start, end } = this.#pending[0] as Piece;
      if (this.#unreadBytes > 0 && this.#unreadBytes + end - start > this.#windowBytes) return;
      this.#pending.shift();
      this.#send(bytes, start, end);
    }
    if (this.#state === 'ending') this.#say(FIN);
    this.handler.onDrain();
  }

  #send(bytes: Buffer, start: number, end: number): void {
    const { arena } = this.thread.world;
    const { random, quality } = this.path;
    this.#unreadBytes += end - start;
    arena.copy(bytes, start, end);
    const { buffer } = arena;
    const last = arena.at + end - start;
    for (let at = arena.at; at < last; ) {
      const next = Math.min(last, at + 1 + random.below(quality.chunkBytesMax));
      (this.#out as Channel).send(this.thread.nowUs + this.path.delayUs(next - at), DATA, buffer, at, next);
      at = next;
    }
  }

  #say(code: number): void {
    this.#out?.send(this.thread.nowUs + this.path.delayUs(0), code);
  }

  #closeLater(reason: string): void {
    this.#state = 'closed';
    this.#closeReason = reason;
    this.thread.post(this, LATER_CLOSE);
  }

  #close(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#state = 'closed';
    this.#pending = [];
    this.#arrived = [];
    this.handler.onClose(reason);
  }

  #tie(peer: SimStream): void {
    this.#peer = peer;
    this.#out = new Channel(this.thread.world, peer);
    this.path.users.add(this);
    if (this.path.isBlocked) this.#out.hold();
  }
}
