import test from 'ava';
import { formatTable, percent, ranges, render } from '../../../../actors/node/cli/output.ts';
import { statusTable } from '../../../../actors/node/cli/status-command.ts';
import { statusOf } from '../../../../actors/node/http/status.ts';
import { FakeAdmin, memberNamed } from '../fake-admin.ts';

test('output: a table lines its columns up, numbers to the right', (t) => {
  t.is(
    formatTable({
      head: ['NAME', 'N'],
      rows: [
        ['long name', 7],
        ['b', 1234],
      ],
      right: [1],
    }),
    'NAME          N\nlong name     7\nb          1234',
  );
  t.is(formatTable({ head: ['A'], rows: [] }), 'A');
});

test('output: the same value as table, JSON and YAML', (t) => {
  const table = ({ a }: { readonly a: number }): string => `a is ${a}`;
  t.is(render({ a: 1 }, 'table', table), 'a is 1\n');
  t.is(render({ a: 1 }, 'json', table), '{\n  "a": 1\n}\n');
  t.is(render({ a: 1 }, 'yaml', table), 'a: 1\n');
});

test('output: shares and ranges', (t) => {
  t.is(percent(1 / 3), '33.3%');
  t.is(ranges([0, 1, 2, 5, 7, 8]), '0-2, 5, 7-8');
  t.is(ranges([]), '');
});

test('output: a status shows who is down, suspected or excluded, what moves, and what is wrong', async (t) => {
  const admin = new FakeAdmin();
  await admin.propose({ type: 'addMember', member: memberNamed('b') });
  admin.labels.set('b', 'down');
  const status = statusOf(admin, await admin.look());
  const [a, b] = status.members;
  const shown = statusTable({
    ...status,
    trouble: 'all sorts',
    purgeBlocked: [
      { why: "b can't be reached: it comes back, or is removed", partitions: 12 },
      { why: 'data moves', partitions: 1 },
    ],
    transition: { startedAt: 3, step: 'stream', partitionsMoving: 9 },
    members: [
      { ...b!, isExcluded: true },
      { ...a!, isSuspected: true, epoch: 0 },
    ],
  });
  t.true(shown.split('\n')[0]?.endsWith('epoch 2, asked node a, Redis clients 127.0.0.1:6379'));
  t.deepEqual(shown.split('\n').slice(1), [
    'transition since epoch 3: stream, 9 partitions move',
    "not purged: what was deleted or has expired in 12 partitions: b can't be reached: it comes back, or is removed",
    'not purged: what was deleted or has expired in 1 partition: data moves',
    'trouble: all sorts',
    'NAME  STATE          DATA CENTER  RACK   CAPACITY   SHARE  EPOCH  ADDRESS',
    'a     UP?            dc1          rack1       100  100.0%      -  10.0.0.1:7000,7001',
    'b     DOWN excluded  dc1          rack1       100    0.0%      2  10.0.0.1:7000,7001',
  ]);
  admin.ring = null;
  t.regex(statusTable(statusOf(admin, await admin.look())), /^node a is in no ring yet\nNAME/);
});
