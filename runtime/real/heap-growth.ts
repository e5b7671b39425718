/**
 * How far the heaps of this process may grow before all of one is marked.
 *
 * Why: V8 lets a heap that fills slowly grow by 8 MB at least, and not much more, and counts the memory of buffers as filling it. A shard keeps some 18 MB of objects, and what comes
 * in by the network is more than 10 MB/s of buffers under load, so it marked all of them more than once a second, to free next to nothing: 91 to 97 times for 1.2 M
 * writes to three nodes, and 11 to 17 times with heaps that may treble. What collection takes of the processors, and its pauses, are columns of `bench:cluster`.
 * Source: V8, `MemoryController` of src/heap/heap-controller.cc; no heap grows further than half way to its maximum there, whatever is asked for.
 */
import { setFlagsFromString } from 'node:v8';

const FLAG = '--heap-growing-percent';
/** V8 itself takes up to 300, of heaps that fill quickly. With 400 memory grew by a tenth more, and nothing was faster. */
const PERCENT = 200;

/** Heaps may treble, unless the process was told otherwise. For processes that are ours: it holds for all threads, and can't be taken back for one. */
export function letHeapsGrow(): void {
  const isTold = process.execArgv.some((argument) => argument.replaceAll('_', '-').startsWith(FLAG));
  if (!isTold) setFlagsFromString(`${FLAG}=${PERCENT}`);
}
