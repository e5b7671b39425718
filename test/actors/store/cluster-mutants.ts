/** Bugs that are planted in the store, and that seeds of the whole-cluster workload find. Those that other tests find are named in test/actors/README.md. */
export const STORE_MUTANTS: readonly string[] = [
  ...['ackAtWMinus1', 'readsOneLess', 'countsReplicaTwice', 'digestIgnored', 'staleRingIgnored', 'failedWriteSaidRefused'],
  ...['firstRecordTaken', 'contextNotRead', 'lateAnswerTaken', 'mintsAgain', 'forwardMintsTwice', 'repairsAfterAnswer', 'repairsNobody'],
  ...['ackBeforeDurable', 'missRunsMergeUnordered', 'stallIgnored', 'shownBeforeHeld', 'staleRingAccepted', 'foreignPartitionServed'],
  ...[
    'putKeepsCovered',
    'putDropsUncovered',
    'mergeKeepsCovered',
    'mergeByMaxStamp',
    'mergeTakesOwnCounter',
    'sameDotDropped',
    'positionalDot',
  ],
  ...[
    'counterReusedAfterRestart',
    'leaseNotAwaited',
    'markKept',
    'amnesiaIgnored',
    'digestOfVector',
    'driftUnbounded',
    'ceilingIgnored',
    'clockGoesBack',
  ],
];
