import test from 'ava';
import { TurnClock } from '../../../actors/store/turn-clock.ts';

test('turn clock: is read at the first question and at every eighth, and anew once it was told to forget', (t) => {
  let readings = 0;
  const clock = new TurnClock({ now: () => ++readings, wall: () => -++readings });
  t.deepEqual(
    Array.from({ length: 9 }, () => clock.now()),
    [1, 1, 1, 1, 1, 1, 1, 1, 2],
  );
  t.deepEqual(
    Array.from({ length: 9 }, () => clock.wall()),
    [-3, -3, -3, -3, -3, -3, -3, -3, -4],
  );
  clock.forget();
  t.is(clock.now(), 5);
  t.is(clock.wall(), -6);
});
