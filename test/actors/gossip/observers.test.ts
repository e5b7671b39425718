import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { hashText, OBSERVERS_MAX, Observers } from '../../../actors/gossip/observers.ts';
import { idOf } from './world.ts';

const memberIds = fc.uniqueArray(fc.nat(100_000).map(idOf), { minLength: 1, maxLength: 60 });

testProp('observers: each member has as many as it observes, and both sides agree', [memberIds], (t, ids) => {
  const observers = new Observers(ids);
  const count = Math.min(OBSERVERS_MAX, ids.length - 1);
  for (const id of ids) {
    const own = observers.observersOf(id);
    t.is(new Set(own).size, count);
    t.false(own.includes(id));
    t.is(observers.observedBy(id).length, count);
    for (const other of own) t.true(observers.observedBy(other).includes(id));
  }
});

testProp('observers: the order of the list does not matter', [memberIds], (t, ids) => {
  const [a, b] = [new Observers(ids), new Observers([...ids].reverse())];
  for (const id of ids) t.deepEqual(a.observersOf(id), b.observersOf(id));
});

testProp(
  'observers: stand-ins see to it that all have as many that are up as there can be, and both sides agree',
  [memberIds, fc.func(fc.boolean())],
  (t, ids, draw) => {
    const down = new Set(ids.filter((id) => draw(id)));
    const up = ids.filter((id) => !down.has(id));
    const observers = new Observers(ids);
    for (const id of ids) {
      const able = observers.observersOf(id, down).filter((other) => !down.has(other));
      t.true(able.length >= Math.min(OBSERVERS_MAX, up.filter((other) => other !== id).length));
      for (const other of able) t.true(observers.observedBy(other, down).includes(id));
    }
    for (const id of up) t.true(observers.observedBy(id, down).filter((other) => !down.has(other)).length <= OBSERVERS_MAX);
  },
);

test('observers: a newcomer changes those of its neighbours only', (t) => {
  const ids = Array.from({ length: 50 }, (_, index) => idOf(index));
  const [before, after] = [new Observers(ids), new Observers([...ids, idOf(50)])];
  const changed = ids.filter((id) => before.observersOf(id).join() !== after.observersOf(id).join());
  t.is(changed.length, OBSERVERS_MAX);
});

test('observers: of a stranger there are none', (t) => {
  t.deepEqual(new Observers([idOf(1), idOf(2)]).observersOf(idOf(3)), []);
  t.deepEqual(new Observers([]).observedBy(idOf(3)), []);
});

test('observers: the hash is the same on every machine', (t) => {
  t.is(hashText(''), hashText('', 0x811c_9dc5));
  t.is(hashText('a').toString(16), '1a80b1b3');
  t.is(hashText('0123456789abcdef').toString(16), 'a439268b');
});
