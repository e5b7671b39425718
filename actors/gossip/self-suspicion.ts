/**
 * SelfSuspicion: whether it is this node that is ill. Its own timer tells: one that comes late means that heartbeats lie unread in a queue.
 * After a pause it accuses nobody for a while, and the less well it does, the longer it waits for answers to its probes.
 * Pure: the time, of the monotonic clock, is an argument.
 * Source: Dadgar, Phillips, Currey: Lifeguard (2017), local health multiplier.
 */

export interface SelfSuspicionOptions {
  /** Between ticks. */
  readonly periodMs: number;
  /** A tick this much late is a pause. */
  readonly pauseMs: number;
  /** Nobody is accused for so long after the start and after each pause. */
  readonly graceMs: number;
  readonly mutants: ReadonlySet<string>;
}

/** Beyond this a node that is ill for good would never find out that others are dead. */
const SCORE_MAX = 4;
/** Ticks in time that make up for one fault. */
const HEALING_TICKS = 8;

export class SelfSuspicion {
  readonly #options: SelfSuspicionOptions;
  #dueMs: number;
  #graceUntilMs: number;
  #score = 0;
  #goodTicks = 0;

  constructor(options: SelfSuspicionOptions, nowMs: number) {
    this.#options = options;
    this.#dueMs = nowMs + options.periodMs;
    this.#graceUntilMs = nowMs + options.graceMs;
  }

  /** Probes are waited for this many times as long, from 1. */
  get multiplier(): number {
    return 1 + this.#score;
  }

  mayAccuse(nowMs: number): boolean {
    return nowMs >= this.#graceUntilMs;
  }

  /**
   * To be called before anything that is received is looked at. Returns how many ms this node has stood still, 0 when it has not. A pause is
   * reported once.
   */
  observe(nowMs: number): number {
    const { pauseMs, periodMs, graceMs, mutants } = this.#options;
    const lateMs = nowMs - this.#dueMs;
    if (lateMs < pauseMs || mutants.has('pausedNodeAccuses')) return 0;
    this.#dueMs = nowMs + periodMs;
    this.#graceUntilMs = nowMs + graceMs;
    this.#worse();
    return lateMs;
  }

  /** A tick of the timer. */
  tick(nowMs: number): void {
    const isInTime = nowMs - this.#dueMs < this.#options.pauseMs / 2;
    this.#dueMs = nowMs + this.#options.periodMs;
    if (!isInTime) this.#goodTicks = 0;
    else if (++this.#goodTicks >= HEALING_TICKS) this.#better();
  }

  /** None of those that were asked to probe has so much as confirmed it. */
  unanswered(): void {
    this.#worse();
  }

  /** A probe was answered in time. */
  answered(): void {
    this.#better();
  }

  #worse(): void {
    this.#score = Math.min(this.#score + 1, SCORE_MAX);
    this.#goodTicks = 0;
  }

  #better(): void {
    this.#score = Math.max(this.#score - 1, 0);
    this.#goodTicks = 0;
  }
}
