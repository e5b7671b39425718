/**
 * Pace: how long repair waits before its next slice of work on a shard's thread.
 *
 * The rule: its own timer tells how long everybody on this thread has to wait. If it came more than LATE_MS late, the next wait is twice as long as this one was, up to WAIT_MAX_MS; else half as long,
 * down to WAIT_MIN_MS. So on a thread that is busy repair goes down to some eight slices a second. It rests REST_PER_WORK times as long as it worked at least, so that on an idle one it takes a quarter: requests come
 * unannounced, and where several nodes share the cores of a machine, their lateness is not seen here before it is theirs. Pure.
 */
const WAIT_MIN_MS = 1;
const WAIT_MAX_MS = 128;
const LATE_MS = 5;
const REST_PER_WORK = 3;

export class Pace {
  waitMs = WAIT_MIN_MS;

  /** `lateMs`: how much later than wanted this slice has come. */
  observe(lateMs: number): void {
    this.waitMs = lateMs > LATE_MS ? Math.min(WAIT_MAX_MS, this.waitMs * 2) : Math.max(WAIT_MIN_MS, this.waitMs / 2);
  }
}

/** Ms, behind work that has taken `tookMs`. What would ask for more than WAIT_MAX_MS was mostly no work: the thread did not get a processor. */
export function restAfter(tookMs: number, perWork: number = REST_PER_WORK): number {
  return Math.min(WAIT_MAX_MS, tookMs * perWork);
}
