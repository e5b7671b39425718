import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import {
  CEILING_AHEAD_MS,
  type ClockState,
  ceilingPersisted,
  ceilingWanted,
  clockFrom,
  DRIFT_MAX_MS,
  nextStamp,
  observeStamp,
  STAMPS_PER_MS,
} from '../../../actors/version/hlc.ts';

const NOW = 1_764_000_000_000;

/** Of what was stamped or taken over last, in milliseconds. */
function lastMs({ last }: ClockState): number {
  return Math.floor(last / STAMPS_PER_MS);
}

/** A clock with a ceiling far away. */
function clock(): ClockState {
  return { last: 0, ceiling: Number.MAX_SAFE_INTEGER };
}

/** The next stamp, the ceiling persisted where it must be. */
function stamped(state: ClockState, wallMs: number): number {
  const ceiling = ceilingWanted(state, wallMs);
  if (ceiling !== 0) ceilingPersisted(state, ceiling);
  return nextStamp(state, wallMs);
}

test('hlc: stamps follow the wall clock, when it moves', (t) => {
  const state = clock();
  t.is(nextStamp(state, NOW), NOW * STAMPS_PER_MS);
  t.is(nextStamp(state, NOW + 7), (NOW + 7) * STAMPS_PER_MS);
  t.is(nextStamp(state, NOW + 7), (NOW + 7) * STAMPS_PER_MS + 1);
});

test('hlc: stamps rise by one, when the wall clock stands still or goes back', (t) => {
  const state = clock();
  const first = nextStamp(state, NOW);
  t.deepEqual([nextStamp(state, NOW), nextStamp(state, NOW - 10_000), nextStamp(state, 0)], [first + 1, first + 2, first + 3]);
  t.is(lastMs(state), NOW);
});

test('hlc: the count runs over into the milliseconds, when more than 1,024 stamps are given in one', (t) => {
  const state = clock();
  let stamp = 0;
  for (let i = 0; i < 3_000; i++) stamp = nextStamp(state, NOW);
  t.is(stamp, NOW * STAMPS_PER_MS + 2_999);
  t.is(lastMs(state), NOW + 2);
});

test('hlc: what is stamped next is later, when a stamp was taken over', (t) => {
  const state = clock();
  const theirs = (NOW + DRIFT_MAX_MS) * STAMPS_PER_MS + 3;
  t.true(observeStamp(state, theirs, NOW, DRIFT_MAX_MS));
  t.is(nextStamp(state, NOW), theirs + 1);
  t.true(observeStamp(state, 5, NOW, DRIFT_MAX_MS));
  t.is(nextStamp(state, NOW), theirs + 2);
});

test('hlc: a stamp too far ahead is refused and changes nothing [T18]', (t) => {
  const state = clock();
  const first = nextStamp(state, NOW);
  t.true(observeStamp(state, (NOW + DRIFT_MAX_MS + 1) * STAMPS_PER_MS - 1, NOW, DRIFT_MAX_MS));
  t.is(state.last, (NOW + DRIFT_MAX_MS + 1) * STAMPS_PER_MS - 1);
  state.last = first;
  t.false(observeStamp(state, (NOW + DRIFT_MAX_MS + 1) * STAMPS_PER_MS, NOW, DRIFT_MAX_MS));
  t.false(observeStamp(state, Number.MAX_SAFE_INTEGER, NOW, DRIFT_MAX_MS));
  t.is(state.last, first);
});

test('hlc: is a Lamport clock, when there is no wall clock', (t) => {
  const [a, b] = [clock(), clock()];
  const sent = [nextStamp(a, 0), nextStamp(a, 0)][1]!;
  t.true(observeStamp(b, sent, 0, Number.MAX_SAFE_INTEGER / STAMPS_PER_MS / 2));
  t.is(nextStamp(b, 0), 3);
});

test('hlc: no stamp is given, when the ceiling is not above it', (t) => {
  const state = clockFrom(0);
  t.is(nextStamp(state, NOW), 0);
  const ceiling = ceilingWanted(state, NOW);
  t.is(ceiling, (NOW + CEILING_AHEAD_MS) * STAMPS_PER_MS);
  ceilingPersisted(state, ceiling);
  t.is(ceilingWanted(state, NOW), 0);
  t.is(nextStamp(state, NOW), NOW * STAMPS_PER_MS);
  t.is(ceilingWanted(state, NOW + CEILING_AHEAD_MS / 4 - 1), 0);
  t.not(ceilingWanted(state, NOW + CEILING_AHEAD_MS / 4), 0);
  t.is(nextStamp(state, NOW + CEILING_AHEAD_MS), 0);
});

test('hlc: a wall clock beyond the year 2248 is a bug, when a stamp is asked for', (t) => {
  t.throws(() => nextStamp({ last: 0, ceiling: Number.POSITIVE_INFINITY }, 2 ** 53 / STAMPS_PER_MS), { message: /before the year 2248/ });
});

test('hlc: a node that was killed and starts at once is not refused by others, when wall clocks agree', (t) => {
  const before = clockFrom(0);
  stamped(before, NOW);
  const after = clockFrom(before.ceiling);
  const first = stamped(after, NOW + 1);
  t.true(first > before.last);
  t.true(lastMs(after) - (NOW + 1) <= CEILING_AHEAD_MS);
  t.true(observeStamp(clock(), first, NOW + 1, DRIFT_MAX_MS));
});

test('hlc: a node that is killed again and again is not refused by others', (t) => {
  let state = clockFrom(0);
  for (let kills = 0; kills < 100; kills++) {
    const wall = NOW + kills * 300;
    stamped(state, wall);
    state = clockFrom(state.ceiling);
    t.true(observeStamp(clock(), stamped(state, wall + 1), wall + 1, DRIFT_MAX_MS), `${kills}`);
  }
});

testProp(
  'hlc: stamps rise over restarts, when the wall clock jumps anywhere [C1 C2 C4]',
  [fc.array(fc.tuple(fc.constantFrom('stamp', 'restart', 'observe'), fc.integer({ min: -288_000, max: 288_000 })), { maxLength: 50 })],
  (t, steps) => {
    let state = clockFrom(0);
    let wall = NOW;
    let highest = 0;
    // The last step shows what all others have left.
    for (const [what, jump] of [...steps, ['stamp', 0] as const]) {
      wall += jump;
      if (what === 'restart') state = clockFrom(state.ceiling);
      else if (what === 'observe') observeStamp(state, (wall + 4_000) * STAMPS_PER_MS, wall, DRIFT_MAX_MS);
      else {
        const stamp = stamped(state, wall);
        t.true(stamp > highest);
        t.true(stamp < state.ceiling);
        highest = stamp;
      }
    }
  },
);
