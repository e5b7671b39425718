/** Jobs for the tests of job runners. They talk to the test through cells of shared memory. */
import { readFileSync } from 'node:fs';
import { resourceLimits, threadId } from 'node:worker_threads';
import { defineJob } from '../../runtime/jobs.ts';

/** Cells of `gate`. */
export const STARTED = 0;
export const OPEN = 1;
export const CLEANED_UP = 2;

export function cells(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * Int32Array.BYTES_PER_ELEMENT));
}

export const echo = defineJob('echo', function* (input: unknown) {
  yield;
  return input;
});

export const count = defineJob('count', function* (yields: number) {
  for (let i = 0; i < yields; i++) yield;
  return yields;
});

/** Changes its own copy of the input. */
export const append = defineJob('append', function* (input: { readonly list: number[] }) {
  input.list.push(4);
  yield;
  return input.list;
});

export const add = defineJob('add', function* (input: { readonly cells: Int32Array; readonly amount: number }) {
  yield;
  Atomics.add(input.cells, 3, input.amount);
  return Atomics.load(input.cells, 3);
});

/** In each step works for so long, pauses for so long and gives way. Returns how often its thread went to sleep meanwhile (Linux). */
export const work = defineJob(
  'work',
  function* (input: { readonly steps: number; readonly workMs: number; readonly pauseMs: number }, doors) {
    const before = sleeps();
    for (let i = 0; i < input.steps; i++) {
      const until = doors.clock.now() + input.workMs;
      while (doors.clock.now() < until);
      doors.pause(input.pauseMs);
      doors.giveWay();
      yield;
    }
    return sleeps() - before;
  },
);

function sleeps(): number {
  return Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[1]);
}

/** Yields until the test opens it. */
export const gate = defineJob('gate', function* (shared: Int32Array) {
  try {
    Atomics.store(shared, STARTED, 1);
    while (Atomics.load(shared, OPEN) === 0) yield;
    return 'opened';
  } finally {
    Atomics.store(shared, CLEANED_UP, 1);
  }
});

export const broken = defineJob('broken', function* (message: string) {
  yield;
  throw new Error(message);
});

export const uncloneable = defineJob('uncloneable', function* (_input: undefined) {
  yield;
  return () => 1;
});

/** Never yields again: only the end of its thread ends it. */
export const stuck = defineJob('stuck', function* (shared: Int32Array) {
  yield;
  Atomics.store(shared, STARTED, 1);
  Atomics.wait(shared, OPEN, 0);
  return 'opened';
});

/** Writes a file and reads it again; gives what it read, and how long by its own clock it paused. */
export const touch = defineJob('touch', function* (path: string, doors) {
  const { files, clock } = doors;
  const file = files.open(path, 'createNew');
  file.pwrite([Buffer.from('touched')], 0);
  yield;
  const into = Buffer.alloc(7);
  file.pread(into, 0);
  file.close();
  files.unlink(path);
  const beganMs = clock.now();
  const beganWallMs = clock.wall();
  doors.pause(0);
  doors.pause(20);
  return { text: into.toString(), pausedMs: clock.now() - beganMs, wallMs: clock.wall() - beganWallMs };
});

export const exit = defineJob('exit', function* (code: number) {
  yield;
  process.exit(code);
});

/** On which thread it runs, and how large that thread's young generation may be. */
export const whereabouts = defineJob('whereabouts', function* (_input: undefined) {
  yield;
  return { threadId, youngMib: resourceLimits.maxYoungGenerationSizeMb };
});

/** Where the pool's threads find this file. */
export const poolJobsUrl = new URL(import.meta.url).href;
