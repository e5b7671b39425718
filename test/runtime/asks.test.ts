import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { AskRef } from '../../runtime/ask-ref.ts';
import { AskTable } from '../../runtime/asks.ts';
import type { ShardRuntime } from '../../runtime/shard-runtime.ts';
import { World } from '../helpers/world.ts';

/** A table of its own, with as much of a runtime as its asks need. */
function setUp(max = 1000) {
  const table = new AskTable(max, 0xffff_fffe);
  const runtime = Object.create(new World().shard().runtime, { asks: { value: table } }) as ShardRuntime;
  return { table, runtime };
}

const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('ask' as const),
      timeoutMs: fc.oneof(fc.double({ min: 0.1, max: 60, noNaN: true }), fc.integer({ min: 1, max: 9000 })),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('answer' as const), which: fc.nat(1000) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.oneof(fc.double({ min: 0, max: 20, noNaN: true }), fc.integer({ min: 0, max: 5000 })),
    }),
  },
);

testProp(
  'asks: expire as in a naive model, for any timeouts',
  [fc.double({ min: 0, max: 1e7, noNaN: true }), fc.array(operation, { maxLength: 80 })],
  (t, start, operations) => {
    const { table, runtime } = setUp();
    const pending = new Map<AskRef<unknown>, number>();
    const outcomes: string[] = [];
    const expected: string[] = [];
    let now = start;
    let count = 0;
    for (const o of operations) {
      if (o.kind === 'ask') {
        const name = count++;
        const sink = { answered: () => outcomes.push(`${name} answered`), failed: () => outcomes.push(`${name} expired`) };
        const ask: AskRef<unknown> = new AskRef(runtime, sink, now, now + o.timeoutMs);
        table.add(ask);
        pending.set(ask, name);
        t.is(table.find(ask.slot, ask.uid), ask);
      } else if (o.kind === 'answer') {
        const [ask, name] = [...pending][o.which % Math.max(1, pending.size)] ?? [];
        if (ask === undefined) continue;
        pending.delete(ask);
        expected.push(`${name} answered`);
        ask.tell('answer');
        t.is(table.find(ask.slot, ask.uid), undefined);
      } else {
        now += o.ms;
        const due = [...pending].filter(([ask]) => ask.deadline <= now);
        for (const [ask, name] of due) {
          pending.delete(ask);
          expected.push(`${name} expired`);
        }
        if (due.length > 0) t.true(table.nextAt() <= now);
        table.expire(now);
        t.true(table.nextAt() > now);
      }
      t.is(table.size, pending.size);
      t.true(table.nextAt() <= Math.min(Number.POSITIVE_INFINITY, ...[...pending.keys()].map(({ deadline }) => deadline)));
      t.deepEqual([...outcomes].sort(), [...expected].sort());
    }
    if (table.size === 0) t.is(table.nextAt(), Number.POSITIVE_INFINITY);
  },
);

test('asks: an early deadline is not hidden by one a round of the wheel later, in the bucket before', (t) => {
  const { table, runtime } = setUp();
  const expired: string[] = [];
  const add = (name: string, bornAt: number, deadline: number): void =>
    table.add(new AskRef<unknown>(runtime, { answered: () => {}, failed: () => expired.push(name) }, bornAt, deadline));
  add('first', 400, 401);
  add('one round later', 400, 401 + 2046);
  add('early', 400, 420);
  table.expire(401);
  t.is(table.nextAt(), 420);
  table.expire(421);
  t.deepEqual(expired, ['first', 'early']);
});

test('asks: a slot that is used again has another uid', (t) => {
  const { table, runtime } = setUp(1);
  const make = (): AskRef<unknown> => new AskRef<unknown>(runtime, { answered: () => {}, failed: () => {} }, 0, 10);
  const first = make();
  table.add(first);
  t.true(table.isFull);
  first.tell(1);
  const second = make();
  table.add(second);
  t.is(second.slot, first.slot);
  t.not(second.uid, first.uid);
  t.is(table.find(first.slot, first.uid), undefined);
});
