/**
 * Shaper: the bytes of one connection on their way over one link: which of them may go on, and when. Pure: time is an argument.
 *
 * ```
 *   push --> [ chunk, due ] [ chunk, due ] ... --> take, what is due
 *     cut: dropped, and all that follows in this connection        stalled: none is due
 * ```
 */
import type { Random } from '../../runtime/doors.ts';
import type { Link } from './link.ts';

interface Waiting {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

export interface Taken {
  readonly bytes: readonly Buffer[];
  /** The last of them was the one behind which the connection is to be reset. */
  readonly isReset: boolean;
}

export class Shaper {
  readonly link: Link;
  readonly #random: Random;
  readonly #waiting: Waiting[] = [];
  #lastDueMs = 0;
  #isBroken = false;
  /** Not taken yet. */
  waitingBytes = 0;

  constructor(link: Link, random: Random) {
    this.link = link;
    this.#random = random;
  }

  /** Some of its bytes are lost: nothing that comes behind them may be delivered. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  push(bytes: Buffer, nowMs: number): void {
    const { delayMs, jitterMs, bytesPerSecond, isCut } = this.link.faults;
    if (isCut) this.break();
    if (this.#isBroken) {
      this.link.lostBytes += bytes.length;
      return;
    }
    const arrivalMs = nowMs + delayMs + (jitterMs === 0 ? 0 : jitterMs * this.#random.float());
    const sendingMs = bytesPerSecond === 0 ? 0 : (bytes.length * 1_000) / bytesPerSecond;
    this.#lastDueMs = Math.max(arrivalMs, this.#lastDueMs) + sendingMs;
    this.#waiting.push({ bytes, dueMs: this.#lastDueMs });
    this.waitingBytes += bytes.length;
  }

  /** What is waiting is lost, too. */
  break(): void {
    this.#isBroken = true;
    this.link.lostBytes += this.waitingBytes;
    this.#waiting.length = 0;
    this.waitingBytes = 0;
  }

  take(nowMs: number): Taken {
    const { link } = this;
    if (link.faults.isCut && this.waitingBytes > 0) this.break();
    const bytes: Buffer[] = [];
    while (!link.faults.isStalled) {
      const next = this.#waiting[0];
      if (next === undefined || next.dueMs > nowMs) break;
      this.#waiting.shift();
      this.waitingBytes -= next.bytes.length;
      if (link.resetAfterBytes >= 0 && next.bytes.length >= link.resetAfterBytes) {
        bytes.push(next.bytes.subarray(0, link.resetAfterBytes));
        link.resetAfterBytes = -1;
        this.break();
        return { bytes, isReset: true };
      }
      if (link.resetAfterBytes >= 0) link.resetAfterBytes -= next.bytes.length;
      bytes.push(next.bytes);
    }
    return { bytes, isReset: false };
  }

  /** Null: nothing becomes due by itself. */
  get nextDueMs(): number | null {
    return this.link.faults.isStalled ? null : (this.#waiting[0]?.dueMs ?? null);
  }
}
