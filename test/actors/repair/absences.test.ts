import test from 'ava';
import { Absences } from '../../../actors/repair/absences.ts';

const at = (...away: readonly string[]): { id: string; isAway: boolean }[] =>
  ['a', 'b', 'c'].map((id) => ({ id, isAway: away.includes(id) }));

test('absences: who was away for long is back once, and who was for a moment is not', (t) => {
  const absences = new Absences(1_000);
  t.deepEqual(absences.update(at(), 0), []);
  t.deepEqual(absences.update(at('b', 'c'), 100), []);
  t.deepEqual(absences.update(at('b', 'c'), 600), []);
  t.deepEqual(absences.update(at('b'), 1_099), []);
  t.deepEqual(absences.update(at(), 1_100), ['b']);
  t.deepEqual(absences.update(at(), 9_000), []);
});

test('absences: who is no member any more is forgotten', (t) => {
  const absences = new Absences(1_000);
  absences.update(at('b'), 0);
  absences.update([{ id: 'a', isAway: false }], 500);
  t.deepEqual(absences.update(at(), 5_000), []);
});
