/** Bugs that are planted in ring and membership, and what finds each: seeds of the membership workload, or a test that is named. */

export interface Mutant {
  readonly name: string;
  /** 'seeds'; or the test that finds it, and why seeds don't. */
  readonly seenBy: string;
}

const BY_SEEDS = [
  ...['acceptorForgetsPromise', 'quorumOneTooFew', 'precomputedRing', 'answersBeforeDurable', 'votesUnconfirmed', 'acceptsLowerBoot'],
  ...['decidesOwnValue', 'doubleCountsAnswers', 'oneAccuserIsEnough', 'noRefutation', 'bootIgnored', 'downChangesNothingUndone'],
  ...['gossipOnlyLive', 'sameNodeTwice', 'joinSkipsParentCheck', 'bannedIdAccepted', 'duplicateIdAccepted', 'exclusionUnbounded'],
  ...['staleStepAccepted', 'changedAtForgotten', 'ringNotFetched'],
];

const BY_TESTS: readonly Mutant[] = [
  {
    name: 'ignoresGeneration',
    seenBy: 'voter-rules.test.ts; a forced generation skips 65,536 epochs, so here no two generations ever have the same epoch',
  },
  {
    name: 'ballotReused',
    seenBy:
      'decree.test.ts, ring-keeper.test.ts; takes a node that gives one value up and offers another for the same epoch, to other voters',
  },
  {
    name: 'heartbeatCountedOverTwoPaths',
    seenBy: 'gossip/planted-bugs.test.ts; late suspicion is no violation here, where only the end is looked at',
  },
  {
    name: 'pausedNodeAccuses',
    seenBy: 'gossip/planted-bugs.test.ts; who is accused wrongly refutes before the end',
  },
  {
    name: 'staleIncarnationAccepted',
    seenBy: 'gossip/planted-bugs.test.ts; as before',
  },
  { name: 'sameRackTwice', seenBy: 'placement.test.ts; racks are not looked at here' },
];

export const MUTANTS: readonly Mutant[] = [...BY_SEEDS.map((name) => ({ name, seenBy: 'seeds' })), ...BY_TESTS];
