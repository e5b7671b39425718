/**
 * Pace: how long repair waits before its next slice of work on a shard's thread.
 *
 * The rule: its own timer tells how long everybody on this thread has to wait. If it came more than LATE_MS late, the next wait is twice as long as this one was, up to WAIT_MAX_MS; else half as long,
 * down to WAIT_MIN_MS. So on a thread that is busy repair goes down to some eight slices a second, and on an idle one it takes what there is, with others in between. Pure.
 */
const WAIT_MIN_MS = 1;
const WAIT_MAX_MS = 128;
const LATE_MS = 5;

export class Pace {
  waitMs = WAIT_MIN_MS;

  /** `lateMs`: how much later than wanted this slice has come. */
  observe(lateMs: number): void {
    this.waitMs = lateMs > LATE_MS ? Math.min(WAIT_MAX_MS, this.waitMs * 2) : Math.max(WAIT_MIN_MS, this.waitMs / 2);
  }
}
