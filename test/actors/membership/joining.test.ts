import test from 'ava';
import { joinNeed, memberOf } from '../../../actors/membership/joining.ts';
import type { RingState } from '../../../actors/ring/ring-state.ts';
import { FakeAdmin, idOf, memberNamed } from '../node/fake-admin.ts';

const NEWCOMER = { ...memberNamed('b'), boot: 1, instance: 'f'.repeat(16) };
const RING = new FakeAdmin().ring as RingState;

test('joining: a newcomer is to be added, as it is', (t) => {
  t.deepEqual(joinNeed(RING, NEWCOMER, undefined), { type: 'ask', operation: { type: 'addMember', member: memberNamed('b') } });
  t.deepEqual(memberOf(NEWCOMER), memberNamed('b'));
});

test('joining: one whose earlier try came through is in already, or has only moved', (t) => {
  const self = { ...memberNamed('a'), boot: 2, instance: 'f'.repeat(16) };
  t.deepEqual(joinNeed(RING, self, undefined), { type: 'in' });
  const address = { ...self.address, ports: [7100, 7101] };
  const operation = { type: 'setAddress', id: idOf('a'), address } as const;
  t.deepEqual(joinNeed(RING, { ...self, address }, undefined), { type: 'ask', operation });
});

test('joining: a newcomer may take the place of a member, by its name or id', (t) => {
  const operation = { type: 'replaceMember', id: idOf('a'), member: memberNamed('b') } as const;
  for (const replace of ['a', idOf('a')]) t.deepEqual(joinNeed(RING, NEWCOMER, replace), { type: 'ask', operation });
  t.deepEqual(joinNeed(RING, NEWCOMER, 'x'), { type: 'never', reason: 'replace: no member x; there are a' });
});

test('joining: an id that has left does not come back [T23]', (t) => {
  const need = joinNeed({ ...RING, banned: [idOf('b')] }, NEWCOMER, undefined);
  t.is(need.type, 'never');
  t.regex(need.type === 'never' ? need.reason : '', /has left this cluster.*empty data directory/);
});
