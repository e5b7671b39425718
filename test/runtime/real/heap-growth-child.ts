/**
 * A process whose heaps were to grow by 10 % at a time, that fills one of them with what it keeps, and says how often all of it was marked meanwhile. Its argument: whether it
 * lets heaps grow first.
 */
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { letHeapsGrow } from '../../../runtime/real/heap-growth.ts';
import { collect } from '../../helpers/collect.ts';

const ARRAYS = 800;
const NUMBERS_PER_ARRAY = 25_000;

if (process.execArgv.length === 0) setFlagsFromString('--heap-growing-percent=10');
if (process.argv[2] === 'grows') letHeapsGrow();

let marked = 0;
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries() as unknown as readonly { readonly detail: { readonly kind: number } }[]) {
    if (entry.detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) marked++;
  }
});
observer.observe({ entryTypes: ['gc'] });

const kept: number[][] = [];
// Limits are computed anew when a heap has been marked; the first is generous.
collect();
for (let n = 0; n < ARRAYS; n++) {
  kept.push(new Array<number>(NUMBERS_PER_ARRAY).fill(n + 0.5));
  await turn();
}
await turn();
observer.disconnect();
process.send?.({ marked, kept: kept.length });
process.disconnect?.();
