/**
 * Courtesy: a thread of jobs that nobody waits for steps back while other threads wait for a processor.
 *
 * Why its low priority is not enough: Linux weighs threads on one processor, but a shard that wakes up goes to the processor that it ran on before, also when that has others to run and the next one has
 * nothing but a job: it was seen to stay there for up to 100 ms. A processor that has nothing to run takes a waiting thread at once. On two processors with three nodes that was most of what
 * was late: three shards waited for one processor while a job had the other for 95 of 110 ms. With it, p99 of an open loop at half of the maximum is half of what it was, and less
 * (`bench:cluster -- --workloads set --distributions uniform --values 1024 --durability none --memory 128`); its price, with a pipeline of 16 and nothing to spare, is a tenth of the writes.
 * Rejected: flushes that step back too: writers wait for them when nothing is to spare, and a tenth less was written; SCHED_IDLE for jobs, the same as without; a pause after each
 * step however idle the machine is: it makes jobs slow for nothing.
 */
import type { Clock } from './doors.ts';

/** Shorter work is not worth a look. */
const WORK_MS_MIN = 0.2;
/** Work that took longer was waiting itself. */
const WORK_MS_MAX = 5;
/** Steps back for so many times what it has worked, and then until its last pause ends: it has about half of a processor even if there is always somebody. */
const BACK_RATIO = 1;
/** Each costs 20 us of a processor: with 0.25 a node that had nothing to spare wrote a tenth less. */
const PAUSE_MS = 1;

export interface CourtesyDoors {
  readonly clock: Clock;
  readonly machine: { readonly isCrowded: boolean };
  /** Holds this thread. */
  readonly pause: (ms: number) => void;
}

export class Courtesy {
  readonly #doors: CourtesyDoors;
  #since: number;

  constructor(doors: CourtesyDoors) {
    this.#doors = doors;
    this.#since = doors.clock.now();
  }

  /** The thread has done nothing until now. */
  rested(): void {
    this.#since = this.#doors.clock.now();
  }

  /** To be called between two steps of the work. */
  giveWay(): void {
    const { clock, machine, pause } = this.#doors;
    let now = clock.now();
    const worked = now - this.#since;
    if (worked < WORK_MS_MIN) return;
    const until = now + Math.min(worked, WORK_MS_MAX) * BACK_RATIO;
    while (now < until && machine.isCrowded) {
      pause(PAUSE_MS);
      now = clock.now();
    }
    this.#since = now;
  }
}
