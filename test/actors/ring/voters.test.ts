import test from 'ava';
import { majority } from '../../../actors/ring/replicas-needed.ts';
import type { Member } from '../../../actors/ring/ring-state.ts';
import { VOTERS_MAX, voters } from '../../../actors/ring/voters.ts';
import { memberOf, type Traits } from './ring-world.ts';

type Shape = Traits & Partial<Pick<Member, 'state' | 'isExcluded'>>;
function names(shapes: readonly Shape[]): string {
  const members = shapes.map((shape, i): Member => ({ state: 'up', isExcluded: false, ...memberOf(i + 1), ...shape }));
  return voters({ members })
    .map(({ name }) => name)
    .join(' ');
}

test('voters: full members vote, when there are at most 7: leaving and excluded ones too, joining ones not', (t) => {
  t.is(names([{}, { state: 'leaving' }, { state: 'joining' }, { isExcluded: true }]), 'n1 n2 n4');
});

test('voters: seven of the lowest ids, when there are more', (t) => {
  t.is(names(Array.from({ length: 20 }, () => ({}))), 'n1 n2 n3 n4 n5 n6 n7');
  t.is(VOTERS_MAX, 7);
});

test('voters: data centers have equally many, and their racks too, when there are more than 7', (t) => {
  const places = Array.from({ length: 12 }, (_, i) => ({ dataCenter: i < 8 ? 'a' : 'b', rack: i < 4 ? 'r1' : 'r2' }));
  t.is(names(places), 'n1 n2 n5 n6 n9 n10 n11');
});

test('voters: excluded ones come last, when there are more than 7', (t) => {
  t.is(names(Array.from({ length: 9 }, (_, i) => ({ isExcluded: i < 3 }))), 'n1 n4 n5 n6 n7 n8 n9');
});

test('majority: two of them always share one', (t) => {
  for (let count = 1; count <= 9; count++) {
    t.true(2 * majority(count) > count);
    t.true(2 * (majority(count) - 1) <= count);
  }
});
