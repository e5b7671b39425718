/** Counters that are counted elsewhere. */
import type { Counter } from 'prom-client';

/** One that has begun anew (a thread was started again) begins anew here too. */
export function setTotal(counter: Counter, labels: Record<string, string>, total: number): void {
  counter.remove(labels);
  counter.inc(labels, total);
}
