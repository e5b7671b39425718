import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { ENVELOPE, PLAIN, Ring } from '../../runtime/ring.ts';

type Entry = readonly [item: unknown, ...row: number[]];

const PLAIN_ROW = [0, PLAIN, 0, 0, -1, 0, 0, 0];

function pushEntry(ring: Ring, [item, ...row]: Entry): void {
  const [deadline, operation, offset, length, link, slot, uid, id] = row as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  ring.pushRow(item, deadline, operation, offset, length, link, slot, uid, id);
}

function shiftEntry(ring: Ring): Entry {
  const { rows, rowOfHead } = ring;
  const row = rows === null ? PLAIN_ROW : [...rows.subarray(rowOfHead, rowOfHead + 8)];
  return [ring.shift(), ...row];
}

function drain(ring: Ring): Entry[] {
  const entries: Entry[] = [];
  while (ring.length > 0) entries.push(shiftEntry(ring));
  return entries;
}

test('ring: what comes next stands at the first place, when it was rewound', (t) => {
  const ring = new Ring();
  for (const entry of [1, 2, 3]) pushEntry(ring, [entry, ...PLAIN_ROW]);
  drain(ring);
  t.is(ring.head, 3);
  ring.rewind();
  pushEntry(ring, [4, 9, PLAIN, 0, 7, -1, 0, 0, 0]);
  t.deepEqual([ring.head, drain(ring)], [0, [[4, 9, PLAIN, 0, 7, -1, 0, 0, 0]]]);
});

const item = fc.integer();
const row = fc.tuple(
  fc.nat(9),
  fc.integer({ min: -2, max: 9 }),
  fc.nat(9),
  fc.nat(9),
  fc.integer({ min: -1, max: 9 }),
  fc.nat(9),
  fc.nat(9),
  fc.nat(9),
);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('push' as const), item }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pushRow' as const), item, row }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('shift' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('bringForward' as const), index: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('prepend' as const), items: fc.array(item, { maxLength: 20 }), row: fc.option(row) }),
  },
);

testProp('ring: behaves as an array, for any operations', [fc.array(step, { minLength: 1, maxLength: 120 })], (t, steps) => {
  const ring = new Ring();
  const model: Entry[] = [];
  for (const s of steps) {
    if (s.kind === 'push') {
      ring.push(s.item);
      model.push([s.item, ...PLAIN_ROW]);
    } else if (s.kind === 'pushRow') {
      pushEntry(ring, [s.item, ...s.row]);
      model.push([s.item, ...s.row]);
    } else if (s.kind === 'shift') {
      if (model.length > 0) t.deepEqual(shiftEntry(ring), model.shift());
    } else if (s.kind === 'bringForward') {
      const index = s.index % Math.max(1, model.length);
      if (model.length === 0) continue;
      ring.bringForward(index);
      model.unshift(...model.splice(index, 1));
    } else {
      const other = new Ring();
      for (const i of s.items) other.push(i);
      if (s.row !== null) pushEntry(other, ['last', ...s.row]);
      ring.prepend(other);
      t.is(other.length, 0);
      model.unshift(...s.items.map((i): Entry => [i, ...PLAIN_ROW]), ...(s.row === null ? [] : [['last', ...s.row] as Entry]));
    }
    t.is(ring.length, model.length);
    t.is(
      ring.firstMessage(),
      model.findIndex((entry) => entry[2] !== ENVELOPE),
    );
  }
  t.deepEqual(drain(ring), model);
});

test('ring: holds no array, until something is pushed', (t) => {
  t.is(new Ring().items, new Ring().items);
  t.throws(() => new Ring().items.push(1), { instanceOf: TypeError });
});

test('ring: has no rows, while all entries are plain', (t) => {
  const ring = new Ring();
  for (let i = 0; i < 100; i++) ring.push(i);
  t.is(ring.rows, null);
});

test('ring: forgets what was shifted, so that it can be collected', (t) => {
  const ring = new Ring();
  const message = {};
  ring.push(message);
  ring.shift();
  t.false(ring.items.includes(message));
});
