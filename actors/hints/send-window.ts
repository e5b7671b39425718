/**
 * SendWindow: how many hints may be on their way to one target at once. Grows by one per round while the target answers about as quickly as it ever did, is halved when it takes
 * several times longer, fails or says nothing [AIMD, Chiu & Jain 1989]. Who comes back after long is not flooded, and one that clients keep busy gets little. Pure.
 */
export const WINDOW_FIRST = 4;
export const WINDOW_MAX = 64;
/** So many times the best is slow; and less than so much is never slow. */
const SLOW_FACTOR = 4;
const SLOW_MS = 5;
/** The best is forgotten slowly, as the way to a target changes. */
const FORGET = 1.02;
const FAILED_MS = 200;

export class SendWindow {
  #limit = WINDOW_FIRST;
  #underWay = 0;
  #bestMs = Number.POSITIVE_INFINITY;
  /** Those sent before it has been cut are no reason to cut it again. */
  #cutMs = Number.NEGATIVE_INFINITY;

  get limit(): number {
    return Math.floor(this.#limit);
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** After a failure the next one waits a little. */
  hasRoom(nowMs: number): boolean {
    return this.#underWay < this.limit && (this.#limit > 1 || nowMs - this.#cutMs >= FAILED_MS);
  }

  sent(): void {
    this.#underWay++;
  }

  /** It was sent at `sentMs`, and is on the target's disk. */
  stored(sentMs: number, nowMs: number): void {
    this.#underWay--;
    const ms = nowMs - sentMs;
    this.#bestMs = Math.min(this.#bestMs * FORGET, ms);
    if (ms > Math.max(SLOW_MS, this.#bestMs * SLOW_FACTOR)) this.#cut(sentMs, nowMs);
    else this.#limit = Math.min(WINDOW_MAX, this.#limit + 1 / this.#limit);
  }

  /** It was refused, or nothing was heard of it. */
  failed(sentMs: number, nowMs: number): void {
    this.#underWay--;
    this.#cut(sentMs, nowMs);
  }

  #cut(sentMs: number, nowMs: number): void {
    if (sentMs < this.#cutMs) return;
    this.#cutMs = nowMs;
    this.#limit = Math.max(1, this.#limit / 2);
  }
}
