/** Timers of one thread: a binary heap over the shard's clock. Equal times fire in the order they were set. */
import type { TaskHandle, Tasks } from './link.ts';

export abstract class Timer {
  at = 0;
  seq = 0;
  /** Place in the heap, -1 when not set. */
  index = -1;
  abstract fire(): void;
}

export class TimerQueue {
  readonly #heap: Timer[] = [];
  #seq = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** Time of the earliest timer; Infinity when there is none. */
  nextAt(): number {
    const first = this.#heap[0];
    return first === undefined ? Number.POSITIVE_INFINITY : first.at;
  }

  /** Sets `timer`, or moves it when it was set before. */
  set(timer: Timer, at: number): void {
    this.remove(timer);
    timer.at = at;
    timer.seq = ++this.#seq;
    timer.index = this.#heap.length;
    this.#heap.push(timer);
    this.#up(timer);
  }

  remove(timer: Timer): void {
    const index = timer.index;
    if (index < 0) return;
    timer.index = -1;
    const last = this.#heap.pop() as Timer;
    if (last === timer) return;
    last.index = index;
    this.#heap[index] = last;
    this.#up(last);
    this.#down(last);
  }

  /** Takes the earliest timer that is due at `now`. */
  takeDue(now: number): Timer | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return undefined;
    this.remove(first);
    return first;
  }

  #up(timer: Timer): void {
    const heap = this.#heap;
    let index = timer.index;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const other = heap[parent] as Timer;
      if (!earlier(timer, other)) break;
      heap[index] = other;
      other.index = index;
      index = parent;
    }
    heap[index] = timer;
    timer.index = index;
  }

  #down(timer: Timer): void {
    const heap = this.#heap;
    let index = timer.index;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && earlier(heap[child + 1] as Timer, heap[child] as Timer)) child++;
      const other = heap[child] as Timer;
      if (!earlier(other, timer)) break;
      heap[index] = other;
      other.index = index;
      index = child;
    }
    heap[index] = timer;
    timer.index = index;
  }
}

function earlier(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.seq < b.seq);
}

class TaskTimer extends Timer implements TaskHandle {
  readonly #task: () => void;

  constructor(task: () => void) {
    super();
    this.#task = task;
  }

  fire(): void {
    this.#task();
  }
}

/** Closures on the timer queue, for transports and other parts that are no actors. */
export class TimerTasks implements Tasks {
  readonly #timers: TimerQueue;
  readonly #now: () => number;
  readonly #changed: () => void;

  /** `changed` is called when the earliest time may have moved. */
  constructor(timers: TimerQueue, now: () => number, changed: () => void) {
    this.#timers = timers;
    this.#now = now;
    this.#changed = changed;
  }

  now(): number {
    return this.#now();
  }

  after(ms: number, task: () => void): TaskHandle {
    const timer = new TaskTimer(task);
    this.#timers.set(timer, this.#now() + ms);
    this.#changed();
    return timer;
  }

  cancel(handle: TaskHandle): void {
    this.#timers.remove(handle as TaskTimer);
  }
}
