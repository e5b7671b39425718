import test, { type ExecutionContext } from 'ava';
import { SequenceChecker } from './sequence-checker.ts';

function fed(numbers: readonly number[]): SequenceChecker {
  const checker = new SequenceChecker();
  for (const [index, n] of numbers.entries()) checker.take(7, n, index);
  return checker;
}

const judged = test.macro((t: ExecutionContext, numbers: readonly number[], violations: readonly string[], missing: number) => {
  const checker = fed(numbers);
  t.deepEqual(checker.violations, violations);
  t.is(checker.violationCount, violations.length);
  t.is(checker.received, numbers.length);
  t.is(checker.pairs()[0]?.missing, missing);
});

test('sequence checker: finds nothing, when numbers rise without a gap', judged, [1, 2, 3, 4], [], 0);
test('sequence checker: counts what is missing, when numbers rise with gaps', judged, [1, 2, 5, 6, 9], [], 4);
test('sequence checker: counts what is missing at the start, when the first number is not 1', judged, [3, 4], [], 2);
test(
  'sequence checker: finds a duplicate, when a number comes twice',
  judged,
  [1, 2, 2, 3],
  ['duplicated: message 2 of sender 7 came after message 2'],
  0,
);
test(
  'sequence checker: finds a late duplicate, when an old number comes again',
  judged,
  [1, 2, 3, 4, 1],
  ['duplicated: message 1 of sender 7 came after message 4'],
  0,
);
test(
  'sequence checker: finds a reordering, when two neighbours are swapped',
  judged,
  [1, 3, 2, 4],
  ['reordered: message 2 of sender 7 came after message 3'],
  0,
);
test(
  'sequence checker: tells a reordering from a duplicate, when one number comes late and then again',
  judged,
  [1, 5, 3, 3],
  ['reordered: message 3 of sender 7 came after message 5', 'duplicated: message 3 of sender 7 came after message 5'],
  2,
);

test('sequence checker: keeps senders apart, when their numbers interleave', (t) => {
  const checker = new SequenceChecker();
  for (const [from, n] of [
    [1, 1],
    [2, 1],
    [1, 2],
    [2, 3],
    [1, 3],
  ] as const) {
    checker.take(from, n, 0);
  }
  t.deepEqual(checker.violations, []);
  t.deepEqual(checker.pairs(), [
    { from: 1, received: 3, last: 3, missing: 0 },
    { from: 2, received: 2, last: 3, missing: 1 },
  ]);
  t.deepEqual(checker.gaps, [{ from: 2, first: 2, last: 2, at: 0 }]);
});

test('sequence checker: keeps what it remembers bounded, when everything is wrong', (t) => {
  const checker = fed(new Array<number>(1000).fill(1));
  t.is(checker.violationCount, 999);
  t.is(checker.violations.length, 100);
});
