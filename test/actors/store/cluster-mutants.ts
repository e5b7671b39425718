/** Bugs that are planted in the store, and that seeds of the whole-cluster workload find. Those that other tests find are named in test/actors/README.md. */
export const STORE_MUTANTS: readonly string[] = [
  ...['ackAtWMinus1', 'readsOneLess', 'countsReplicaTwice', 'digestIgnored', 'staleRingIgnored', 'failedWriteSaidRefused'],
  ...['firstRecordTaken', 'contextNotRead', 'mintsAgain', 'forwardMintsTwice', 'repairsNobody', 'missRunsMergeUnordered'],
  ...[
    'putKeepsCovered',
    'putDropsUncovered',
    'mergeKeepsCovered',
    'mergeByMaxStamp',
    'mergeTakesOwnCounter',
    'positionalDot',
    'counterReusedAfterRestart',
  ],
  ...['sloppyInCp', 'standInCountedTwice', 'notFoundFromNonPrimaryCounts'],
  ...['hintForgottenBeforeAck', 'hintsNotCountedAtStart', 'purgedUncompared'],
];
