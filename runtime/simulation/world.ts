/**
 * World: the virtual time of a simulation, the queue of what happens next, and the record of what happened. One per run;
 * everything simulated hangs on it and nothing on a module.
 */
import type { SeededRandom } from '../random.ts';
import { Arena } from './arena.ts';
import { EventHash } from './event-hash.ts';
import { EventHeap, type EventTarget } from './event-heap.ts';
import { createScheduler, type Scheduler, type SchedulingOptions } from './scheduling.ts';
import type { Trace } from './trace.ts';

/** A check that did not hold, or an actor that threw. */
export interface Failure {
  /** What went wrong, without any detail of this run: two runs with the same bug give the same text. */
  readonly what: string;
  readonly detail: string;
  readonly atMs: number;
}

/** More failures than this tell nothing new. */
const FAILURES_MAX = 100;

export class World {
  /** Source of all random choices; parts fork it by label, so that one more draw in a part moves no other. */
  readonly random: SeededRandom;
  readonly scheduler: Scheduler;
  readonly hash = new EventHash();
  readonly arena = new Arena();
  readonly failures: Failure[] = [];
  /** Is told what happens. */
  trace: Trace | undefined;
  /** The thread whose turn it is. */
  running: EventTarget | undefined;
  /** Virtual microseconds since the start, an integer. */
  nowUs = 0;
  /** Frames that reached another thread. */
  messages = 0;
  /** Events that happened. */
  events = 0;
  readonly #heap = new EventHeap();
  #ids = 0;

  constructor(random: SeededRandom, scheduling: SchedulingOptions) {
    this.random = random;
    this.scheduler = createScheduler(scheduling, random.fork('scheduler'));
  }

  get nowMs(): number {
    return this.nowUs / 1000;
  }

  /** Time of the next event; Infinity when nothing will ever happen again. */
  nextUs(): number {
    return this.#heap.nextUs();
  }

  /** A number for a new event target. */
  newId(): number {
    return ++this.#ids;
  }

  /** `target.fire(token)` at `atUs`, or now if that is past. There is no cancelling: a target ignores what it no longer wants. */
  schedule(atUs: number, target: EventTarget, token: number): void {
    this.#heap.push(Math.max(Math.ceil(atUs), this.nowUs), this.scheduler.tie(target.id), target, token);
  }

  /**
   * As `schedule`, before all else of that moment. Asks the scheduler for nothing, so that a plan with an item less
   * is the same run up to there.
   */
  scheduleFirst(atUs: number, target: EventTarget, token: number): void {
    this.#heap.push(Math.max(Math.ceil(atUs), this.nowUs), 0, target, token);
  }

  /** As `schedule`, on the grid of the scheduler, so that deliveries meet in one moment and their order is a choice. */
  scheduleDelivery(atUs: number, target: EventTarget, token: number): void {
    const quantum = this.scheduler.quantumUs;
    this.schedule(quantum === 1 ? atUs : Math.ceil(atUs / quantum) * quantum, target, token);
  }

  /** Lets the next event happen. Returns false when there is none. */
  step(): boolean {
    const heap = this.#heap;
    if (!heap.pop()) return false;
    const { target } = heap;
    this.nowUs = heap.timeUs;
    this.events++;
    this.hash.addTime(heap.timeUs);
    this.hash.add(target.id);
    this.scheduler.step(target.id);
    target.fire(heap.token);
    return true;
  }

  fail(what: string, detail: string): void {
    if (this.failures.length < FAILURES_MAX) this.failures.push({ what, detail, atMs: this.nowMs });
  }
}
