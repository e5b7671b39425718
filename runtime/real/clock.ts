/** The clock door, real. */
// Why imported: `performance` of the global object is behind a getter, which took a quarter of a reading.
import { performance } from 'node:perf_hooks';
import type { Clock } from '../doors.ts';

const OFFSET_SAMPLES = 8;

/**
 * `now` counts from the same moment in all threads of a process (the system's monotonic clock), so times of two threads may be compared.
 * Why not `performance.now()` as it is: Node documents the start of the process, the web the start of the worker, and both have been
 * discussed (nodejs/node#50492). Why not `process.hrtime()`: it allocates.
 */
export function realClock(): Clock {
  const offsetMs = Math.max(...Array.from({ length: OFFSET_SAMPLES }, sampleOffsetMs));
  return {
    now: () => offsetMs + performance.now(),
    wall: () => Date.now(),
  };
}

/** Too small by the time between its two readings, so the largest of several is the best. */
function sampleOffsetMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000 - performance.now();
}
