import { testProp } from '@fast-check/ava';
import test from 'ava';
import fc from 'fast-check';
import { InFlight } from '../../../actors/client/in-flight.ts';

interface Item {
  requestId: number;
}

testProp(
  'client in flight: what is in is found by its id, what is out is not, whatever comes and goes',
  [fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 0xffff_ffff }), fc.array(fc.nat({ max: 99 }), { maxLength: 300 })],
  (t, max, firstId, steps) => {
    const table = new InFlight<Item>(max, firstId);
    const inside: Item[] = [];
    const ids = new Set<number>();
    for (const step of steps) {
      if (inside.length < max && step % 3 !== 0) {
        const item = { requestId: 0 };
        table.add(item);
        t.true(item.requestId > 0 && item.requestId <= 0xffff_ffff);
        t.false(ids.has(item.requestId));
        ids.add(item.requestId);
        inside.push(item);
      } else if (inside.length > 0) {
        const [item] = inside.splice(step % inside.length, 1);
        const { requestId } = item!;
        table.remove(item!);
        t.is(table.find(requestId), undefined);
        table.remove(item!);
      }
      t.is(table.size, inside.length);
      for (const item of inside) t.is(table.find(item.requestId), item);
    }
    const seen: Item[] = [];
    table.each((item) => {
      seen.push(item);
      table.remove(item);
    });
    t.deepEqual(new Set(seen), new Set(inside));
    t.is(table.size, 0);
  },
);

test('client in flight: ids go round after 2^32, without 0', (t) => {
  const table = new InFlight<Item>(4, 0xffff_fffe);
  const items = Array.from({ length: 3 }, () => ({ requestId: 0 }));
  for (const item of items) table.add(item);
  t.deepEqual(
    items.map(({ requestId }) => requestId),
    [0xffff_ffff, 1, 2],
  );
});
