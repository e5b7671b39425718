/**
 * NodeTimes: how long a node takes to answer what it coordinates, as this client sees it, so that another primary is asked where there is a much quicker one. A moving average of its answers; one
 * that says nothing counts by how long it has, so that it is seen before its first late answer; one that was not heard of for a while is given one operation, and no more until that is answered or the while is over again. What it then answers in good time counts as if nothing had been before.
 */

const WEIGHT = 1 / 16;
const SLOW_FACTOR = 4;
/** Less is no difference: a pause of the node, or of this program. */
const SLOW_MS = 20;
const TRUST_MS = 1_000;

export class NodeTimes {
  /** 0: nothing is known. */
  averageMs = 0;
  /** When it last answered, or was last given a try. */
  #seenMs = Number.NEGATIVE_INFINITY;
  #answeredMs = Number.NEGATIVE_INFINITY;
  /** The first time since then. */
  #askedMs = Number.NEGATIVE_INFINITY;

  asked(nowMs: number): void {
    if (this.#askedMs <= this.#answeredMs) this.#askedMs = nowMs;
  }

  answered(ms: number, nowMs: number): void {
    this.late(ms, nowMs);
    this.#answeredMs = nowMs;
  }

  /** What it was asked will not be answered: that says nothing about what it is asked from now on. */
  lost(nowMs: number): void {
    this.#answeredMs = nowMs;
  }

  /** It has not answered for so long what it was asked. */
  late(ms: number, nowMs: number): void {
    const isRecovered = this.averageMs > SLOW_MS && ms * SLOW_FACTOR < this.averageMs;
    this.averageMs = this.averageMs === 0 || isRecovered ? ms : this.averageMs + (ms - this.averageMs) * WEIGHT;
    this.#seenMs = nowMs;
  }

  /** `fastestMs`: the least average of those that it could be asked instead of. One that is slow and is due for a try is not, once. */
  isPassedOver(fastestMs: number, nowMs: number): boolean {
    const silentMs = this.#askedMs > this.#answeredMs ? nowMs - this.#askedMs : 0;
    if (Math.max(this.averageMs, silentMs) <= fastestMs * SLOW_FACTOR + SLOW_MS) return false;
    if (nowMs - this.#seenMs <= TRUST_MS) return true;
    this.#seenMs = nowMs;
    return false;
  }
}
