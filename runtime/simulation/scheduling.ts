/**
 * Scheduling policies: which of several things that could happen now does happen first. Asked for the tie-break between
 * events of one moment, and for the actor of a shard whose turn it is.
 *
 * `pct` is after "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs" (Burckhardt et al., ASPLOS 2010): every event target gets a random
 * priority, and at a few random steps the one that runs falls below all others. A bug that needs d such decisions among n targets
 * and k steps is met with probability >= 1/(n k^(d-1)) per run. Among the actors of a shard, which the hook knows by their place in the
 * queue only, it holds to one place between two change points.
 */
import type { Random } from '../doors.ts';
import { invalidArgument } from '../errors.ts';

export type SchedulingPolicy = 'fifo' | 'random' | 'pct';

export interface SchedulingOptions {
  readonly policy: SchedulingPolicy;
  /** pct: how many priority changes. Default 3. */
  readonly changePoints?: number;
  /** pct: the changes fall within this many events. Default 10 000. */
  readonly stepsExpected?: number;
  /**
   * Deliveries happen at multiples of this many microseconds, so that there are moments with several events to choose from.
   * Default 1 (every microsecond its own) with fifo, 50 otherwise.
   */
  readonly quantumUs?: number;
}

export interface Scheduler {
  readonly quantumUs: number;
  /** u32, lower first. `targetId`: to whom it happens. */
  tie(targetId: number): number;
  /** Called before each event. */
  step(targetId: number): void;
  /** Which of `count` ready actors, by their place in the queue. Null: the first. */
  readonly pick: ((count: number) => number) | null;
  /** Of `count` inputs that wait for a shard, how many it takes in this go, at least 1. */
  take(count: number): number;
}

export function createScheduler(options: SchedulingOptions, random: Random): Scheduler {
  switch (options.policy) {
    case 'fifo':
      return new FifoScheduler(options.quantumUs ?? 1);
    case 'random':
      return new RandomScheduler(random, options.quantumUs ?? 50);
    case 'pct':
      return new PctScheduler(random, options);
    default:
      throw invalidArgument(`scheduling policy: expected fifo, random or pct, got ${JSON.stringify(options.policy)}`);
  }
}

class FifoScheduler implements Scheduler {
  readonly quantumUs: number;
  readonly pick = null;

  constructor(quantumUs: number) {
    this.quantumUs = quantumUs;
  }

  tie(): number {
    return 0;
  }

  step(): void {
    // Every step is like the one before.
  }

  take(count: number): number {
    return count;
  }
}

class RandomScheduler implements Scheduler {
  readonly quantumUs: number;
  readonly pick: (count: number) => number;
  readonly #random: Random;

  constructor(random: Random, quantumUs: number) {
    this.#random = random;
    this.quantumUs = quantumUs;
    this.pick = (count) => random.below(count);
  }

  tie(): number {
    return this.#random.u32();
  }

  step(): void {
    // The draws are made where the choices are.
  }

  take(count: number): number {
    return count === 1 || this.#random.u32() >= 0x4000_0000 ? count : 1 + this.#random.below(count);
  }
}

class PctScheduler implements Scheduler {
  readonly quantumUs: number;
  readonly pick: (count: number) => number;
  readonly #random: Random;
  /** Steps at which a priority falls, in order. */
  readonly #changes: readonly number[];
  readonly #priorities = new Map<number, number>();
  #steps = 0;
  #changed = 0;
  /** Where in the queue of ready actors to take from, 0 to below 1. */
  #place: number;

  constructor(random: Random, options: SchedulingOptions) {
    this.#random = random;
    this.quantumUs = options.quantumUs ?? 50;
    const count = options.changePoints ?? 3;
    const among = options.stepsExpected ?? 10_000;
    this.#changes = Array.from({ length: count }, () => 1 + random.below(among)).sort((a, b) => a - b);
    this.#place = random.float();
    this.pick = (ready) => Math.floor(this.#place * ready);
  }

  /** Lower happens first, so a high priority is a low number; the top half of the range is for those that fell. */
  tie(targetId: number): number {
    let priority = this.#priorities.get(targetId);
    if (priority === undefined) {
      priority = this.#random.u32() >>> 1;
      this.#priorities.set(targetId, priority);
    }
    return priority;
  }

  step(targetId: number): void {
    this.#steps++;
    while (this.#steps === this.#changes[this.#changed]) {
      this.#changed++;
      this.#priorities.set(targetId, 0x8000_0000 + this.#changed);
      this.#place = this.#random.float();
    }
  }

  take(count: number): number {
    return count;
  }
}
