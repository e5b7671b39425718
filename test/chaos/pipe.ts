/** Pipe: one direction of a connection through the proxy: reads one socket, shapes, writes the other. */
import type { Socket } from 'node:net';
import type { Shaper } from './shaper.ts';

const WAITING_BYTES_MAX = 1024 * 1024;

export class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #shaper: Shaper;
  readonly #reset: () => void;
  #timer: NodeJS.Timeout | null = null;
  #end: 'none' | 'fin' | 'reset' = 'none';
  #isOver = false;

  /** `reset`: breaks the connection at both ends. */
  constructor(from: Socket, to: Socket, shaper: Shaper, reset: () => void) {
    this.#from = from;
    this.#to = to;
    this.#shaper = shaper;
    this.#reset = reset;
    from.on('data', (chunk: Buffer) => this.push(chunk));
    from.on('end', () => this.#ended('fin'));
    from.on('error', () => this.#ended('reset'));
    from.on('close', () => this.#ended('fin'));
    to.on('drain', () => this.pump());
  }

  push(chunk: Buffer): void {
    this.#shaper.push(chunk, performance.now());
    this.pump();
  }

  /** Does what can be done now; called again whenever that may have changed. */
  pump(): void {
    if (this.#isOver) return;
    const { link, isBroken } = this.#shaper;
    if (isBroken && !link.faults.isCut) return this.#breakAll();
    if (!this.#to.writableNeedDrain) {
      const { bytes, isReset } = this.#shaper.take(performance.now());
      for (const it of bytes) this.#to.write(it);
      // What was written is to leave first: a reset takes with it what the kernel has not sent yet.
      if (isReset) return void this.#to.write(Buffer.alloc(0), () => this.#breakAll());
    }
    if (this.#shaper.waitingBytes > WAITING_BYTES_MAX) this.#from.pause();
    else if (this.#from.isPaused()) this.#from.resume();
    this.#passEnd();
    this.#arm();
  }

  stop(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #ended(how: 'fin' | 'reset'): void {
    if (this.#end !== 'reset') this.#end = how;
    this.pump();
  }

  /** That the connection has ended travels behind the last byte, and is lost like one. */
  #passEnd(): void {
    const { link, waitingBytes } = this.#shaper;
    if (this.#end === 'none' || waitingBytes > 0 || link.faults.isStalled || link.faults.isCut) return;
    if (this.#end === 'reset') this.#breakAll();
    else this.#to.end();
  }

  #breakAll(): void {
    this.stop();
    this.#reset();
  }

  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const dueMs = this.#shaper.nextDueMs;
    if (dueMs !== null && !this.#to.writableNeedDrain)
      this.#timer = setTimeout(() => this.pump(), Math.max(0, Math.ceil(dueMs - performance.now())));
  }
}
