/** Bugs that are planted in what moves data, and that seeds of the workload find. `streamedBeforeStored` is found by streams.test.ts. */
export const MOVE_MUTANTS: readonly string[] = [
  ...['streamedFromAnother', 'pageBoundarySkipped', 'unfinishedForgotten', 'moveMarkForgotten', 'droppedTooEarly', 'foreignKept'],
  'writtenWhereRead',
];
/** Those that seeds of the cluster that shrinks are to find: the second is found by no other. */
export const SHRINK_MUTANTS: readonly string[] = ['streamedFromAnother', 'pairlessCopiedOnce', 'droppedTooEarly'];
