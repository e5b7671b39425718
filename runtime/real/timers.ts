/** Timers for what is no actor, real: Node's own, none of which keeps the process alive. */
import type { Timers } from '../doors.ts';
import { TIMER_DELAY_MS_MAX } from './loop.ts';

export class RealTimers implements Timers {
  soon(task: () => void): void {
    setImmediate(task);
  }

  after(afterMs: number, task: () => void): () => void {
    let leftMs = afterMs;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      // Rounded up, since Node rounds down and would come too early.
      const delayMs = Math.min(Math.ceil(leftMs), TIMER_DELAY_MS_MAX);
      leftMs -= delayMs;
      timer = setTimeout(leftMs > 0 ? arm : task, delayMs).unref();
    };
    arm();
    return () => clearTimeout(timer);
  }
}
