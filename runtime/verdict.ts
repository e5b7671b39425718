/** What became of a message at the moment it was offered. Small integers: the hot path returns them instead of objects. */
import type { RejectionReason, TerminationReason } from './actor.ts';
import { RuntimeError, type RuntimeErrorCode } from './errors.ts';

export const ACCEPTED = 0;
export const OVERLOADED = 1;
export const STOPPED = 2;
export const NO_SUCH_ACTOR = 3;
export const UNREACHABLE = 4;
export const FAILED = 5;
/** No room or no credit yet; the sender is told `ready` when there is. */
export const WAIT = 6;
/** Dropped by the mailbox's own policy; nobody is told. */
export const DROPPED = 7;

export type Verdict = number;

const REASONS: readonly RejectionReason[] = [
  'overloaded',
  'overloaded',
  'stopped',
  'noSuchActor',
  'unreachable',
  'failed',
  'overloaded',
  'overloaded',
];
const CODES: readonly RuntimeErrorCode[] = [
  'OVERLOADED',
  'OVERLOADED',
  'NO_SUCH_ACTOR',
  'NO_SUCH_ACTOR',
  'UNREACHABLE',
  'ACTOR_FAILED',
  'OVERLOADED',
  'OVERLOADED',
];
const TEXTS: readonly string[] = [
  '',
  'its mailbox, or the way to it, is full',
  'it has stopped',
  'there is no such actor',
  'its thread or machine is down or out of reach',
  'it failed while handling the message',
  'it grants no room at the moment',
  'its mailbox is full and drops what does not fit',
];

/** Requires: a verdict other than ACCEPTED; numbers from a peer that are none are taken as `noSuchActor`. */
export function rejectionReason(verdict: Verdict): RejectionReason {
  return REASONS[verdict] ?? 'noSuchActor';
}

export function rejectionError(verdict: Verdict, target: string): RuntimeError {
  return new RuntimeError(CODES[verdict] ?? 'NO_SUCH_ACTOR', `${target}: ${TEXTS[verdict] ?? TEXTS[NO_SUCH_ACTOR]}`);
}

/** In the order of the numbers that SIGNAL_TERMINATED carries: append only. */
export const TERMINATION_REASONS: readonly TerminationReason[] = ['stopped', 'failed', 'noSuchActor', 'shardDown', 'unreachable'];

export function terminationNumber(reason: TerminationReason): number {
  return TERMINATION_REASONS.indexOf(reason);
}
