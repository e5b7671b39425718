/** A module that can't be loaded together with `pool-jobs.ts`. */
import { defineJob } from '../../runtime/jobs.ts';

export const otherEcho = defineJob('echo', function* (input: unknown) {
  yield;
  return input;
});

export const clashUrl = new URL(import.meta.url).href;
