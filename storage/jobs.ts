/** The jobs of the storage engine, for the pool: a module of job definitions. */
import { mergeJob } from './compaction/merge-job.ts';
import { scrubJob } from './engine/scrub-job.ts';

export const merge = mergeJob;
export const scrub = scrubJob;
