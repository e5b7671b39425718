/**
 * PhiAccrual: how unlikely it is that a heartbeat is still to come, from the intervals between those that came. Phi 1 is a chance of one in
 * ten to be wrong, phi 8 one in 100 million, if the intervals are normally distributed. One for each member that is observed directly;
 * heartbeats heard of by gossip are none of its business (TRAPS T26: counted over two paths they shrink the mean).
 * Pure: the time, of the monotonic clock, is an argument.
 * Source: Hayashibara, Defago, Yared, Katayama: The phi accrual failure detector (2004).
 */

export interface PhiOptions {
  /** What the sender says it keeps; the first guess of the mean, and the measure of all limits. */
  readonly intervalMs: number;
  /** Intervals remembered. Default 100. */
  readonly windowSize?: number;
  /** The deviation is never taken as less: heartbeats of a quiet network are so regular that the first late one would mean death. Default a quarter of the interval. */
  readonly deviationMinMs?: number;
}

const WINDOW_SIZE = 100;
/** The guess stands in the window as two intervals, this share of the interval below and above. */
const FIRST_GUESS_RATIO = 0.25;
const DEVIATION_MIN_RATIO = 0.25;
/** Longer intervals are remembered as this many: what was once slow must not be allowed to be dead for long. */
const SAMPLE_MAX_RATIO = 2;
/** The mean is never taken as less than this share: a burst after a clog is not a new habit. */
const MEAN_MIN_RATIO = 0.5;

export class PhiAccrual {
  readonly #intervalMs: number;
  readonly #deviationMinMs: number;
  /** The last intervals, in ms, as a ring. */
  readonly #window: Float64Array;
  #count = 0;
  #next = 0;
  #lastMs: number;
  #meanMs = 0;
  #deviationMs = 0;

  /** `nowMs` counts as the first heartbeat: who is never heard is suspected like one who falls silent. */
  constructor({ intervalMs, windowSize = WINDOW_SIZE, deviationMinMs = intervalMs * DEVIATION_MIN_RATIO }: PhiOptions, nowMs: number) {
    this.#intervalMs = intervalMs;
    this.#deviationMinMs = deviationMinMs;
    this.#window = new Float64Array(Math.max(2, windowSize));
    this.#lastMs = nowMs;
    this.reset(nowMs);
  }

  get meanMs(): number {
    return this.#meanMs;
  }

  get deviationMs(): number {
    return this.#deviationMs;
  }

  /** A heartbeat that is newer than all before came directly. */
  heartbeat(nowMs: number): void {
    this.#add(nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    this.#measure();
  }

  /** It was heard otherwise (it answered a probe): it lives, but that says nothing about its interval. */
  touch(nowMs: number): void {
    this.#lastMs = nowMs;
  }

  /** Forgets all intervals: after a pause of this node, or a restart of the other. */
  reset(nowMs: number): void {
    this.#count = 0;
    this.#next = 0;
    this.#lastMs = nowMs;
    this.#add(this.#intervalMs * (1 - FIRST_GUESS_RATIO));
    this.#add(this.#intervalMs * (1 + FIRST_GUESS_RATIO));
    this.#measure();
  }

  /** From 0; never NaN. */
  phi(nowMs: number): number {
    return phiOf(nowMs - this.#lastMs, this.#meanMs, this.#deviationMs);
  }

  #add(elapsedMs: number): void {
    this.#window[this.#next] = Math.min(Math.max(0, elapsedMs), this.#intervalMs * SAMPLE_MAX_RATIO);
    this.#next = (this.#next + 1) % this.#window.length;
    this.#count = Math.min(this.#count + 1, this.#window.length);
  }

  #measure(): void {
    const window = this.#window;
    const count = this.#count;
    let sum = 0;
    for (let i = 0; i < count; i++) sum += window[i]!;
    const mean = sum / count;
    let squares = 0;
    for (let i = 0; i < count; i++) squares += (window[i]! - mean) ** 2;
    this.#meanMs = Math.max(mean, this.#intervalMs * MEAN_MIN_RATIO);
    this.#deviationMs = Math.max(Math.sqrt(squares / count), this.#deviationMinMs);
  }
}

/**
 * -log10 of the chance that an interval is longer than `elapsedMs`, where intervals are normal with this mean and deviation.
 * The tail is the logistic approximation of Bowling, Khasawneh, Kaewkuekool, Cho (2009), off by less than 0.00014 of a probability.
 */
export function phiOf(elapsedMs: number, meanMs: number, deviationMs: number): number {
  const y = (elapsedMs - meanMs) / deviationMs;
  const x = y * (1.5976 + 0.070566 * y * y);
  // log10(1 + e^x), which is x / ln 10 long before e^x overflows.
  return x > 500 ? x / Math.LN10 : Math.log1p(Math.exp(x)) / Math.LN10;
}
