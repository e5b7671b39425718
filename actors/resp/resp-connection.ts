/** RespConnection: joins a session to its byte stream: one write per run of the thread, reading stopped while the session wants no more. */
import type { ByteStream, StreamHandler } from '../../runtime/wire/network.ts';
import type { RespSession } from './resp-session.ts';
import type { RespStats } from './session-host.ts';

export interface ConnectionOwner {
  readonly stats: RespStats;
  wake(session: RespSession): void;
  closed(connection: RespConnection, reason: string): void;
}

export class RespConnection implements StreamHandler {
  readonly session: RespSession;
  readonly #stream: ByteStream;
  readonly #owner: ConnectionOwner;
  /** The stream holds what was written last, and has not said that it is gone. */
  #isBlocked = false;
  #isPaused = false;
  #isEnded = false;

  constructor(session: RespSession, stream: ByteStream, owner: ConnectionOwner) {
    this.session = session;
    this.#stream = stream;
    this.#owner = owner;
    stream.handler = this;
  }

  // Of the stream: outside of turns.

  onConnect(): void {
    // It was accepted, so it is connected.
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#owner.stats.bytesIn += end - start;
    this.session.feed(bytes, start, end);
    this.#owner.wake(this.session);
  }

  onDrain(): void {
    this.#isBlocked = false;
    this.#owner.wake(this.session);
  }

  onClose(reason: string): void {
    this.session.closed();
    this.#owner.closed(this, reason);
  }

  // Of the gateway.

  /** Sends what there is, and reads on or not. Requires: a turn of the gateway. */
  flush(): void {
    const { session } = this;
    const { out } = session;
    if (session.isClosed) return;
    if (session.isOverflown) return this.destroy('it does not take its replies');
    if (out.length > 0 && !this.#isBlocked) {
      this.#owner.stats.bytesOut += out.length;
      if (this.#stream.write(out.bytes, 0, out.length)) out.clear();
      else {
        this.#isBlocked = true;
        out.detach();
      }
    }
    if (session.isDone && out.length === 0 && !this.#isEnded) {
      this.#isEnded = true;
      this.#stream.end();
    }
    this.#readOrNot();
    if (session.canGoOn) this.#owner.wake(session);
  }

  destroy(reason: string): void {
    this.#stream.destroy(reason);
  }

  #readOrNot(): void {
    const { wantsInput } = this.session;
    if (wantsInput !== this.#isPaused) return;
    this.#isPaused = !wantsInput;
    if (wantsInput) this.#stream.resume();
    else this.#stream.pause();
  }
}
