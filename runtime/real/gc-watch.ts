/** Counts how often and how long one thread stands still for garbage collection. What V8 collects beside the thread is not in it. */
import { PerformanceObserver } from 'node:perf_hooks';
import type { GcFigures } from '../thread-stats.ts';

/** Cost: some microseconds per collection, after it. */
export class GcWatch {
  readonly #observer: PerformanceObserver;
  #pauses = 0;
  #totalMs = 0;
  #maxMs = 0;

  constructor() {
    this.#observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        this.#pauses++;
        this.#totalMs += duration;
        if (duration > this.#maxMs) this.#maxMs = duration;
      }
    });
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  /** `maxMs` begins anew. */
  figures(): GcFigures {
    const figures = { pauses: this.#pauses, totalMs: this.#totalMs, maxMs: this.#maxMs };
    this.#maxMs = 0;
    return figures;
  }

  close(): void {
    this.#observer.disconnect();
  }
}
