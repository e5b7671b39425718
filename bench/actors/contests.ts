/** All contests of `bench/actors.ts`, by name. */
import type { Contest } from '../lib/contest.ts';
import type { Row } from '../lib/report.ts';

/** What the process of a contest sends to the one that started it. */
export interface ContestReport {
  readonly rows: readonly Row[];
}

// Loaded by name, so that a contest's process compiles nothing but its own.
const CONTESTS: Readonly<Record<string, () => Promise<{ readonly open: () => Promise<Contest> }>>> = {
  'tell-local': () => import('./tell-local.ts'),
  'ask-local': () => import('./ask-local.ts'),
  'tell-threads': () => import('./tell-threads.ts'),
  'tell-threads-binary': () => import('./tell-threads-binary.ts'),
  'ask-threads': () => import('./ask-threads.ts'),
  'tell-tcp': () => import('./tell-tcp.ts'),
  'tell-tcp-binary': () => import('./tell-tcp-binary.ts'),
  'ask-tcp': () => import('./ask-tcp.ts'),
  spawn: () => import('./spawn.ts'),
};

export const CONTEST_NAMES: readonly string[] = Object.keys(CONTESTS);

export async function openContest(name: string): Promise<Contest> {
  const load = CONTESTS[name];
  if (load === undefined) throw new Error(`no contest ${name}, only ${CONTEST_NAMES.join(', ')}`);
  return (await load()).open();
}
