/**
 * A process whose heaps were to grow by 10 % at a time, that fills one of them with what it keeps, and says how often all of it was marked meanwhile. Its argument: whether it
 * lets heaps grow first.
 */
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { letHeapsGrow } from '../../../runtime/real/heap-growth.ts';

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

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
const kept: number[][] = [];
setFlagsFromString('--expose_gc');
// Limits are computed anew when a heap has been marked; the first is generous.
(runInNewContext('gc') as () => void)();
for (let n = 0; n < ARRAYS; n++) {
  kept.push(new Array<number>(NUMBERS_PER_ARRAY).fill(n + 0.5));
  await turn();
}
await turn();
observer.disconnect();
process.send?.({ marked, kept: kept.length });
process.disconnect?.();
