import test from 'ava';
import { Absences, type Presence } from '../../../actors/repair/absences.ts';

const at = (...away: readonly string[]): Presence[] => ['a', 'b', 'c'].map((id) => ({ id, isAway: away.includes(id), boot: 1 }));

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
  absences.update([{ id: 'a', isAway: false, boot: 1 }], 500);
  t.deepEqual(absences.update(at(), 5_000), []);
});

test('bug: who was killed and was back within ten seconds was compared with after minutes only', (t) => {
  const absences = new Absences(10_000);
  const b = (boot: number, isAway: boolean): Presence[] => [{ id: 'b', isAway, boot }];
  t.deepEqual(absences.update(b(1, false), 0), []);
  t.deepEqual(absences.update(b(1, true), 1_000), []);
  t.deepEqual(absences.update(b(2, true), 2_000), [], 'it has started, and is not within reach yet');
  t.deepEqual(absences.update(b(2, false), 2_100), ['b']);
  t.deepEqual(absences.update(b(2, false), 3_000), [], 'once');
  t.deepEqual(absences.update(b(3, false), 4_000), ['b'], 'so quick that nobody has missed it');
});

test('absences: who was never known before is nobody who is back', (t) => {
  const absences = new Absences(10_000);
  // So gossip tells of a member that it has heard nothing of.
  t.deepEqual(absences.update([{ id: 'b', isAway: false, boot: 0 }], 0), []);
  t.deepEqual(absences.update([{ id: 'b', isAway: false, boot: 2 }], 1_000), []);
  t.deepEqual(absences.update([{ id: 'b', isAway: false, boot: 3 }], 2_000), ['b']);
});
