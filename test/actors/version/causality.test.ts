import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { anyStep, HistoryModel, VNODES } from './history-model.ts';
import { actorOf, mergeBytes, NOTHING, orderOf, putBytes, valuesOf, vectorOf } from './records.ts';
import { TestCluster } from './test-vnode.ts';

const anyHistory = fc.array(anyStep, { maxLength: 40, size: 'max' });

testProp(
  'causality: siblings are what is truly concurrent, when vnodes write, replicate, lose and restart in any order [A1 A2 A3 A4 A7 A9]',
  [anyHistory],
  (t, steps) => {
    const { held, expected } = new HistoryModel(new TestCluster()).run(steps);
    t.deepEqual(held, [expected, expected, expected]);
  },
  { numRuns: 300 },
);

testProp(
  'causality: nothing is lost, when version vectors are truncated to two entries [T11]',
  [anyHistory],
  (t, steps) => {
    const { held, expected } = new HistoryModel(new TestCluster(), 2).run(steps);
    t.is(held.length, VNODES);
    for (const writes of held)
      t.deepEqual(
        expected.filter((id) => !writes.includes(id)),
        [],
      );
  },
  { numRuns: 200 },
);

test('causality: the history D1 to D5 of the notes gives ancestors, a conflict and its resolution [Dynamo 4.4]', (t) => {
  const [x, y, z] = ['x', 'y', 'z'].map(actorOf) as [Buffer, Buffer, Buffer];
  const d1 = putBytes(NOTHING, NOTHING, { actor: x, counter: 1, value: 'D1' });
  const d2 = putBytes(d1, d1, { actor: x, counter: 2, value: 'D2' });
  t.deepEqual(vectorOf(d2), { x: 2 });
  t.is(orderOf(d1, d2), 'ancestor');
  t.is(orderOf(d2, d1), 'descendant');
  const d3 = putBytes(d2, d2, { actor: y, counter: 1, value: 'D3' });
  const d4 = putBytes(d2, d2, { actor: z, counter: 1, value: 'D4' });
  t.deepEqual(
    [vectorOf(d3), vectorOf(d4)],
    [
      { x: 2, y: 1 },
      { x: 2, z: 1 },
    ],
  );
  t.deepEqual([orderOf(d2, d3), orderOf(d2, d4), orderOf(d3, d4)], ['ancestor', 'ancestor', 'concurrent']);
  const conflict = mergeBytes(d3, d4);
  t.deepEqual(valuesOf(conflict), ['D3', 'D4']);
  t.deepEqual(vectorOf(conflict), { x: 2, y: 1, z: 1 });
  const d5 = putBytes(d3, conflict, { actor: x, counter: 3, value: 'D5' });
  t.deepEqual(valuesOf(d5), ['D5']);
  t.deepEqual(vectorOf(d5), { x: 3, y: 1, z: 1 });
  for (const earlier of [d1, d2, d3, d4, conflict]) {
    t.is(orderOf(earlier, d5), 'ancestor');
    t.deepEqual(mergeBytes(earlier, d5), d5);
  }
});

test('causality: two clients that write in turn through one vnode leave two siblings, when each gives its last context 100 times [T1]', (t) => {
  const vnode = new TestCluster().vnode();
  let [mine, theirs]: [Buffer, Buffer] = [NOTHING, NOTHING];
  let most = 0;
  for (let i = 0; i < 100; i++) {
    vnode.put(`mine ${i}`, mine);
    mine = vnode.record;
    vnode.put(`theirs ${i}`, theirs);
    theirs = vnode.record;
    most = Math.max(most, valuesOf(vnode.record).length);
  }
  t.is(most, 2);
});

test('causality: stale contexts lose no update, when two clients read the same version and write through one vnode [T1]', (t) => {
  const vnode = new TestCluster().vnode();
  vnode.put('first');
  const read = vnode.record;
  vnode.put('one', read);
  vnode.put('two', read);
  t.deepEqual(valuesOf(vnode.record), ['one', 'two']);
});

test('causality: a vector has one entry for each vnode that wrote, however many clients there are [T2]', (t) => {
  const cluster = new TestCluster();
  const [p, q] = [cluster.vnode(), cluster.vnode()];
  for (let client = 0; client < 200; client++) {
    const vnode = client % 2 === 0 ? p : q;
    vnode.put(`of client ${client}`, vnode.record);
    p.receive(q.record);
    q.receive(p.record);
  }
  t.deepEqual(Object.values(vectorOf(p.record)), [100, 100]);
});

test('causality: a delete removes what it has read and leaves what it has not, when a write came between', (t) => {
  const [p, q] = [new TestCluster(), new TestCluster()].map((cluster) => cluster.vnode());
  p!.put('read');
  const read = p!.record;
  q!.receive(read);
  q!.put('unread', read);
  p!.put(undefined, read);
  p!.receive(q!.record);
  t.deepEqual(valuesOf(p!.record), ['deleted', 'unread']);
});
