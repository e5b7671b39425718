/** Refusals: what was refused is counted, and logged with its count, but never more often than every ten seconds for each reason. */
import type { Log, LogFields } from '../../runtime/doors.ts';

interface Refusal {
  count: number;
  loggedAtMs: number;
}

const LOG_AGAIN_MS = 10_000;

export class Refusals {
  readonly #log: Log;
  readonly #subject: string;
  readonly #refusals = new Map<string, Refusal>();

  constructor(log: Log, subject: string) {
    this.#log = log;
    this.#subject = subject;
  }

  /** `reason`: a text of the code, so that there are only so many. */
  refuse(reason: string, fields: LogFields, nowMs: number): void {
    let refusal = this.#refusals.get(reason);
    if (refusal === undefined) {
      refusal = { count: 0, loggedAtMs: Number.NEGATIVE_INFINITY };
      this.#refusals.set(reason, refusal);
    }
    refusal.count++;
    if (nowMs - refusal.loggedAtMs < LOG_AGAIN_MS) return;
    refusal.loggedAtMs = nowMs;
    this.#log.warn(`${this.#subject}: refused`, { reason, count: refusal.count, ...fields });
  }
}
