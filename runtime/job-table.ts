/** Finds job definitions by name among the exports of modules. */

import { invalidArgument } from './errors.ts';
import type { JobDefinition, JobOutcome } from './jobs.ts';

/** A definition of which neither input nor outcome is known here; `never` since only its caller knows the input. */
export type AnyJob = JobDefinition<never, unknown>;
export type JobTable = ReadonlyMap<string, AnyJob>;
export type JobFailure = Extract<JobOutcome, { readonly ok: false }>;

/** Adds what `exports` has of jobs. Throws INVALID_ARGUMENT when two different jobs have one name. */
export function collectJobs(exports: Readonly<Record<string, unknown>>, into: Map<string, AnyJob>): void {
  for (const value of Object.values(exports)) {
    if (!isJobDefinition(value)) continue;
    const known = into.get(value.name);
    if (known !== undefined && known !== value) throw invalidArgument(`jobs: two definitions are named ${value.name}`);
    into.set(value.name, value);
  }
}

export function jobFailure(code: JobFailure['code'], message: string): JobFailure {
  return { ok: false, code, message };
}

function isJobDefinition(value: unknown): value is AnyJob {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'dynactor:job';
}
