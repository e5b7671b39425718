/**
 * Hybrid logical clock: stamps that never go back, order what follows from each other, and stay near the wall clock.
 *
 * A stamp is one integer below 2^53: milliseconds since 1970 times 1024, plus a count within the millisecond, which runs over into the milliseconds when it must.
 * That lasts to the year 2248. With a wall clock that stands still it is a Lamport clock.
 *
 * Persisted ahead of use: no stamp is at or above `ceiling`, and after a restart the clock begins there; so it does not go back over a restart, whatever the wall
 * clock did. Source: [Kulkarni 2014, logical physical clocks], with the two parts in one number as CockroachDB and others do.
 */
import { BugError } from '../../runtime/errors.ts';

export const STAMPS_PER_MS = 1_024;
/**
 * How far the ceiling is set above the wall clock, in milliseconds. A node that was killed begins there, up to so far ahead of its wall clock: so it is less than the drift that others bear with.
 */
export const CEILING_AHEAD_MS = 2_000;
/**
 * And where the last stamp is ahead of the wall clock already, how far above that stamp. A node begins there too when it is killed: were it as far as from the wall clock, one that is
 * killed three times in a second would be further ahead than others bear with.
 */
const CEILING_STEP_MS = 200;
/** Asked for again when so much of it is left: a disk that takes 1.5 s to sync holds up no stamp, and there is a sync every 0.5 s at most. At a half it was 1 s, which disks that others use too do take. */
const ENOUGH_LEFT = 3 / 4;
/** Default of `driftMaxMs`: stamps further ahead of the wall clock are refused. */
export const DRIFT_MAX_MS = 5_000;

export interface ClockState {
  /** The highest stamp given out or taken over. */
  last: number;
  /** Persisted: a multiple of a millisecond above all stamps given out. */
  ceiling: number;
}

/** At start. `ceiling`: as persisted, 0 on a new store. */
export function clockFrom(ceiling: number): ClockState {
  return { last: Math.max(0, ceiling - 1), ceiling };
}

/** The ceiling to persist now, before more stamps are given; 0: the one there is suffices for a while. Asked before every stamp, or by a timer. */
export function ceilingWanted(state: ClockState, wallMs: number): number {
  const now = Math.max(state.last, wallMs * STAMPS_PER_MS);
  const wanted = Math.max(wallMs + CEILING_AHEAD_MS, Math.floor(now / STAMPS_PER_MS) + CEILING_STEP_MS) * STAMPS_PER_MS;
  return state.ceiling - now > (wanted - now) * ENOUGH_LEFT ? 0 : wanted;
}

/** `ceiling` is on disk. */
export function ceilingPersisted(state: ClockState, ceiling: number): void {
  state.ceiling = Math.max(state.ceiling, ceiling);
}

/** The next stamp; 0, and nothing changes, when a ceiling must be persisted first. `wallMs`: milliseconds since 1970, an integer. */
export function nextStamp(state: ClockState, wallMs: number, mutants?: ReadonlySet<string>): number {
  const next = mutants?.has('clockGoesBack') ? wallMs * STAMPS_PER_MS : Math.max(state.last + 1, wallMs * STAMPS_PER_MS);
  if (next >= state.ceiling && !mutants?.has('ceilingIgnored')) return 0;
  if (next > Number.MAX_SAFE_INTEGER) throw new BugError(`hlc: expected a wall clock before the year 2248, found ${wallMs} ms`);
  state.last = next;
  return next;
}

/**
 * Takes over a stamp that came from elsewhere, so that what is stamped next is later. Returns false, and changes nothing, when it is more than `driftMaxMs` ahead of the
 * wall clock: then the message is refused, since one clock that runs away would carry all others with it and win every comparison (T18).
 */
export function observeStamp(state: ClockState, stamp: number, wallMs: number, driftMaxMs: number, mutants?: ReadonlySet<string>): boolean {
  if (stamp > (wallMs + driftMaxMs + 1) * STAMPS_PER_MS - 1 && !mutants?.has('driftUnbounded')) return false;
  if (stamp > state.last) state.last = stamp;
  return true;
}
