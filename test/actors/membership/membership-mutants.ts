/** Bugs that are planted in ring and membership, and what finds each: seeds of the membership workload, or tests that are named. */

export interface Mutant {
  readonly name: string;
  /** 'seeds', or the test that finds it and why seeds don't. */
  readonly seenBy: string;
}

const BY_SEEDS = [
  ...['acceptorForgetsPromise', 'quorumOneTooFew', 'precomputedRing', 'answersBeforeDurable', 'ignoresGeneration', 'ballotReused'],
  ...['votesUnconfirmed', 'acceptsLowerBoot', 'decidesOwnValue', 'doubleCountsAnswers'],
  ...['heartbeatCountedOverTwoPaths', 'oneAccuserIsEnough', 'noRefutation', 'pausedNodeAccuses', 'staleIncarnationAccepted'],
  ...['bootIgnored', 'downChangesNothingUndone', 'gossipOnlyLive'],
  ...['sameNodeTwice', 'joinSkipsParentCheck', 'bannedIdAccepted', 'duplicateIdAccepted', 'exclusionUnbounded', 'staleStepAccepted'],
  ...['changedAtForgotten', 'sameRackTwice'],
];

export const MUTANTS: readonly Mutant[] = BY_SEEDS.map((name) => ({ name, seenBy: 'seeds' }));
