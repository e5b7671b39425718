import test from 'ava';
import { TurnClock } from '../../../actors/store/turn-clock.ts';

function counted(): TurnClock {
  let readings = 0;
  return new TurnClock({ now: () => ++readings, wall: () => -++readings });
}

test('turn clock: is read at the first question of a turn and at every eighth', (t) => {
  const clock = counted();
  clock.beginTurn();
  t.deepEqual(
    Array.from({ length: 9 }, () => clock.now()),
    [1, 1, 1, 1, 1, 1, 1, 1, 2],
  );
  t.deepEqual(
    Array.from({ length: 9 }, () => clock.wall()),
    [-3, -3, -3, -3, -3, -3, -3, -3, -4],
  );
  clock.endTurn();
  clock.beginTurn();
  t.deepEqual([clock.now(), clock.wall()], [5, -6]);
});

test('bug: outside of turns an old reading answered, however long ago it was', (t) => {
  const clock = counted();
  t.deepEqual([clock.now(), clock.now(), clock.wall(), clock.wall()], [1, 2, -3, -4]);
  clock.beginTurn();
  t.deepEqual([clock.now(), clock.wall()], [5, -6]);
  clock.endTurn();
  t.deepEqual([clock.now(), clock.wall()], [7, -8]);
});
