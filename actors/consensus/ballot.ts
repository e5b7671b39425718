/** Ballots: the order of proposals for one decision. By round, then by proposer, so that two proposers never share one. */
import type { Ballot } from '../ring-protocol.ts';

/** A peer that names a higher round is not believed: whoever had to outbid it would run out of rounds. */
export const ROUND_MAX = 2 ** 40;

/** Negative when `a` is the lower one, 0 when they are the same, positive when `a` is the higher one. */
export function compareBallots(a: Ballot, b: Ballot): number {
  if (a.round !== b.round) return a.round - b.round;
  if (a.proposer === b.proposer) return 0;
  return a.proposer < b.proposer ? -1 : 1;
}

export function sameBallot(a: Ballot, b: Ballot): boolean {
  return compareBallots(a, b) === 0;
}
