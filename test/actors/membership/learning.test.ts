import test from 'ava';
import { type KnownRing, knownRing } from '../../../actors/membership/known-ring.ts';
import { type Lesson, learn } from '../../../actors/membership/learning.ts';
import { applyOperation } from '../../../actors/ring/apply.ts';
import { initialRing } from '../../../actors/ring/initial-ring.ts';
import type { Operation } from '../../../actors/ring/operation.ts';
import type { RingState } from '../../../actors/ring/ring-state.ts';

const id = (digit: string): string => digit.repeat(32);
const member = (digit: string) => ({
  ...{ id: id(digit), name: digit, address: { node: digit, host: digit, ports: [1, 2] }, dataCenter: 'dc', rack: 'r' },
  ...{ capacity: 1, shards: 1 },
});

function next({ state }: KnownRing, operation: Operation, digit: string): KnownRing {
  const applied = applyOperation(state, { operationId: id(digit), operation });
  if (!applied.ok) throw new Error(applied.message);
  return knownRing(applied.ring);
}

function altered({ state }: KnownRing, changes: Partial<RingState>): KnownRing {
  return knownRing({ ...state, ...changes });
}

const FIRST = knownRing(initialRing({ cluster: id('c'), clusterName: 'test', operationId: id('1'), member: member('a'), partitions: 8 }));
const SECOND = next(FIRST, { type: 'addMember', member: member('b') }, '2');
const OTHER_SECOND = next(FIRST, { type: 'setCapacity', id: id('a'), capacity: 2 }, '3');
const THIRD = next(SECOND, { type: 'setCapacity', id: id('a'), capacity: 3 }, '4');

const lesson = test.macro((t, own: KnownRing | null, self: string, ring: KnownRing, type: Lesson['type']) => {
  t.is(learn(own, id(self), ring.encoded).type, type);
});
test('learning: the next ring is taken, when it follows from ours', lesson, FIRST, 'a', SECOND, 'adopt');
test('learning: a ring further on is taken', lesson, FIRST, 'a', THIRD, 'adopt');
test('learning: our own is the same', lesson, SECOND, 'a', SECOND, 'same');
test('learning: an older one is older', lesson, SECOND, 'a', FIRST, 'older');
test('learning: another ring of our generation and epoch is a conflict', lesson, SECOND, 'a', OTHER_SECOND, 'conflict');
test('learning: a next ring that follows from another one is a conflict', lesson, OTHER_SECOND, 'a', THIRD, 'conflict');
test(
  'learning: a higher generation is taken, whatever it follows from',
  lesson,
  OTHER_SECOND,
  'a',
  altered(THIRD, { generation: 2 }),
  'adopt',
);
test('learning: a lower generation is older, whatever its epoch', lesson, altered(SECOND, { generation: 2 }), 'a', THIRD, 'older');
test('learning: a ring of another cluster is refused', lesson, FIRST, 'a', altered(SECOND, { cluster: id('d') }), 'refused');
test('learning: the first ring is taken by a node that joins by it', lesson, null, 'b', SECOND, 'adopt');
test('learning: a first ring without this node is refused', lesson, null, 'f', SECOND, 'refused');
test('learning: a full member without a ring has lost its state', lesson, null, 'a', SECOND, 'amnesia');

test('learning: bytes that are no ring, or of another version than is said beside them, are refused with the reason', (t) => {
  const cut = { ...SECOND.encoded, bytes: SECOND.encoded.bytes.subarray(0, 20) };
  const lied = { ...SECOND.encoded, epoch: 9 };
  for (const bytes of [cut, lied]) {
    const given = learn(FIRST, id('a'), bytes);
    t.is(given.type, 'refused');
    t.true(given.type === 'refused' && given.message.length > 20);
  }
});
