import test from 'ava';
import { readListed, writeList } from '../../../actors/scan/list-frames.ts';
import { WANT_RECORDS } from '../../../actors/scan/scan-frames.ts';
import { SCAN_START, type ScanPosition } from '../../../actors/scan/scan-position.ts';
import { ScanAnswer, ScanRequest } from '../../../actors/scan/scan-request.ts';
import { LIST, LISTED, SCAN_SLOT } from '../../../actors/store/data-frames.ts';
import { INVALID, LOADING, NO_KEYSPACE_FOUND, OK, QUORUM_NOT_MET, STALE_RING, TIMED_OUT } from '../../../actors/store/store-request.ts';
import { defineActor } from '../../../runtime/actor.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import type { Ref } from '../../../runtime/ref.ts';
import { recordOf, ScanCluster, type ScannedPage, siblingOf } from './scan-cluster.ts';

const ALL = ['n1', 'n2', 'n3'];

test('scan actor: keys of all partitions come once, in the order of their tokens, whatever shard is asked', (t) => {
  const cluster = new ScanCluster();
  const keys = Array.from({ length: 120 }, (_, i) => `key ${i}`);
  // Each is held by two of three.
  for (const [i, key] of keys.entries())
    cluster.hold(
      ALL.filter((_, n) => n !== i % 3),
      key,
      recordOf(siblingOf('a', i + 1, `value ${i}`)),
    );
  cluster.run(50);
  const found = cluster.scanAll({ keysMax: 7, wish: WANT_RECORDS });
  const tokens = found.map(({ key }) =>
    cluster
      .tokenOf(key)
      .map((half) => half.toString(16).padStart(8, '0'))
      .join(''),
  );
  t.deepEqual(tokens, [...tokens].sort());
  t.deepEqual(found.map(({ key }) => key).sort(), [...keys].sort());
  for (const { key, record } of found) t.is(record.siblings[0]!.value, key.replace('key', 'value'));
  t.is(cluster.scan('n2/1', { keysMax: 1_000 })?.status, OK);
});

test('scan actor: siblings come merged; keys whose siblings are all deleted or expired do not come', (t) => {
  const cluster = new ScanCluster();
  cluster.hold(['n1', 'n2'], 'both', recordOf(siblingOf('a', 1, 'one')));
  cluster.hold(['n3'], 'both', recordOf(siblingOf('b', 1, 'two')));
  cluster.hold(ALL, 'half', recordOf(siblingOf('a', 1, undefined), siblingOf('b', 1, 'kept')));
  cluster.hold(['n1'], 'deleted', recordOf(siblingOf('a', 1, 'old')));
  cluster.hold(['n2', 'n3'], 'deleted', recordOf(siblingOf('a', 2, undefined)));
  cluster.hold(ALL, 'expired', recordOf(siblingOf('a', 1, 'old', 1_000)));
  cluster.hold(ALL, 'to come', recordOf(siblingOf('a', 1, 'new', Number.MAX_SAFE_INTEGER)));
  cluster.run(50);
  const found = new Map(
    cluster.scanAll({ wish: WANT_RECORDS, r: 3 }).map(({ key, record }) => [key, record.siblings.map(({ value }) => value).sort()]),
  );
  t.deepEqual(
    found,
    new Map(
      [
        ['both', ['one', 'two']],
        ['half', ['', 'kept']],
        ['to come', ['new']],
      ].sort(([a], [b]) => compareTokens(cluster, a as string, b as string)) as [string, string[]][],
    ),
  );
});

test('scan actor: heads have no values, and all else', (t) => {
  const cluster = new ScanCluster();
  cluster.hold(ALL, 'key', recordOf(siblingOf('a', 1, 'value', 2 ** 50), siblingOf('b', 3, undefined)));
  cluster.run(50);
  const [found] = cluster.scanAll();
  t.deepEqual(
    found?.record.siblings.map(({ value, expiry, isTombstone }) => [value, expiry, isTombstone]),
    [
      ['', 2 ** 50, false],
      ['', 0, true],
    ],
  );
});

test('scan actor: only keys of a prefix come, and pages without one go on', (t) => {
  const cluster = new ScanCluster();
  for (let i = 0; i < 60; i++) cluster.hold(ALL, `${i % 10 === 0 ? 'user' : 'other'}:${i}`, recordOf(siblingOf('a', 1, 'v')));
  cluster.run(50);
  const prefix = Buffer.from('user:');
  t.deepEqual(
    cluster
      .scanAll({ prefix, keysMax: 2 })
      .map(({ key }) => key)
      .sort(),
    ['user:0', 'user:10', 'user:20', 'user:30', 'user:40', 'user:50'],
  );
  t.deepEqual(cluster.scanAll({ prefix: Buffer.from('nobody') }), []);
});

test('scan actor: a keyspace of tombstones gives empty pages that go on, each after a bounded number', (t) => {
  const cluster = new ScanCluster();
  for (let i = 0; i < 1_500; i++) cluster.hold(ALL, `gone ${i}`, recordOf(siblingOf('a', 1, undefined)));
  cluster.hold(ALL, 'left', recordOf(siblingOf('a', 1, 'v')));
  cluster.run(2_000);
  const first = cluster.scan('n1/0', { keysMax: 1_000 });
  t.is(first?.status, OK);
  t.not(first?.next, null);
  t.deepEqual(
    cluster.scanAll({ keysMax: 10 }).map(({ key }) => key),
    ['left'],
  );
});

/** Keys of five tokens, three of which are of one group, and differing replicas. */
function collide(cluster: ScanCluster): string[] {
  const tokens = [
    [0x1000_0000, 0x800],
    [0x1000_0000, 0xfff],
    [0x1000_0000, 0xffe],
    [0x1000_0000, 0x1000],
    [0x1000_0000, 0],
  ] as const;
  const keys: string[] = [];
  for (const [t, token] of tokens.entries()) {
    for (let i = 0; i < (t === 0 ? 40 : 5); i++) {
      const key = `${t} ${i}`;
      cluster.hold(
        ALL.filter((_, n) => n !== i % 3),
        key,
        recordOf(siblingOf('a', 1, 'v')),
        token,
      );
      keys.push(key);
    }
  }
  cluster.run(50);
  return keys.sort();
}

test('scan actor: keys of one token come in pages where a position has a key', (t) => {
  const cluster = new ScanCluster();
  const keys = collide(cluster);
  t.deepEqual(
    cluster
      .scanAll({ keysMax: 3 })
      .map(({ key }) => key)
      .sort(),
    keys,
  );
});

test('scan actor: keys of one group of tokens are in one page, when it is to be whole', (t) => {
  const cluster = new ScanCluster();
  const keys = collide(cluster);
  const all: string[] = [];
  let sizes = 0;
  for (let start: ScanPosition | null = SCAN_START; start !== null; ) {
    const page: ScannedPage | undefined = cluster.scan('n2/0', { start, keysMax: 3, isWhole: true });
    if (page?.status !== OK) return t.fail(page?.message);
    all.push(...page.found.map(({ key }) => key));
    if (page.next !== null) t.is(page.next.key.length, 0);
    sizes = Math.max(sizes, page.found.filter(({ key }) => /^[012] /.test(key)).length);
    start = page.next;
  }
  t.deepEqual(all.sort(), keys);
  t.is(sizes, 50);
});

test('scan actor: groupCut is found, when planted', (t) => {
  const cluster = new ScanCluster({ mutants: ['groupCut'] });
  collide(cluster);
  const page = cluster.scan('n2/0', { keysMax: 3, isWhole: true });
  t.true(page!.next!.key.length > 0);
});

test('scan actor: a page of two nodes of three is answered; of one it says which quorum is missing', (t) => {
  const cluster = new ScanCluster();
  cluster.hold(ALL, 'key', recordOf(siblingOf('a', 1, 'v')));
  cluster.run(50);
  cluster.sim.crash('n3');
  t.deepEqual(
    cluster.scanAll({}, ['n1/0', 'n2/1']).map(({ key }) => key),
    ['key'],
  );
  cluster.sim.crash('n2');
  const page = cluster.scan('n1/0', {}, 400);
  t.true(page?.status === TIMED_OUT || page?.status === QUORUM_NOT_MET, `${page?.status}`);
  t.deepEqual(page?.found, []);
  t.is(cluster.scan('n1/0', { r: 1 })?.status, OK);
});

test('scan actor: it goes on from where it was, when partitions have moved meanwhile', (t) => {
  const cluster = new ScanCluster();
  const keys = Array.from({ length: 80 }, (_, i) => `key ${i}`);
  for (const key of keys) cluster.hold(ALL, key, recordOf(siblingOf('a', 1, 'v')));
  cluster.run(50);
  const first = cluster.scan('n1/0', { keysMax: 30 });
  cluster.rings.do({ type: 'removeMember', id: cluster.rings.ring.members[2]!.id });
  cluster.rings.settle();
  cluster.useRing();
  const rest: string[] = [];
  for (let start = first!.next; start !== null; ) {
    const page = cluster.scan('n2/0', { start, keysMax: 30 });
    if (page?.status !== OK) return t.fail(`${page?.status} ${page?.message}`);
    rest.push(...page.found.map(({ key }) => key));
    start = page.next;
  }
  t.deepEqual([...first!.found.map(({ key }) => key), ...rest].sort(), [...keys].sort());
});

test('scan actor: a page waits for replicas of another ring, and says so when they stay with it', (t) => {
  const cluster = new ScanCluster();
  cluster.hold(ALL, 'key', recordOf(siblingOf('a', 1, 'v')));
  cluster.run(50);
  cluster.rings.do({ type: 'removeMember', id: cluster.rings.ring.members[2]!.id });
  cluster.rings.settle();
  const old = cluster.shards.get('n1/0')!.ring.ring;
  cluster.useRing();
  for (const [name, { ring }] of cluster.shards) if (!name.startsWith('n1/')) ring.ring = old;
  t.is(cluster.scan('n1/0')?.status, STALE_RING);
  cluster.useRing();
  t.is(cluster.scan('n1/0')?.status, OK);
});

test('scan actor: no such keyspace, no ring, and a deadline that is past are told', (t) => {
  const cluster = new ScanCluster();
  t.is(cluster.scan('n1/0', { keyspaceId: 99 })?.status, NO_KEYSPACE_FOUND);
  t.is(cluster.scan('n1/0', {}, 0)?.status, TIMED_OUT);
  cluster.shards.get('n1/0')!.ring.mayServe = false;
  t.is(cluster.scan('n1/0')?.status, LOADING);
});

test('scan actor: a value that is longer than a page comes alone', (t) => {
  const cluster = new ScanCluster({ engine: {} });
  const long = 'v'.repeat(300_000);
  for (const key of ['a', 'b', 'c']) cluster.hold(ALL, key, recordOf(siblingOf('a', 1, long)));
  cluster.run(100);
  const pages: number[] = [];
  for (let start: ScanPosition | null = SCAN_START; start !== null; ) {
    const page: ScannedPage | undefined = cluster.scan('n1/1', { start, wish: WANT_RECORDS, bytesMax: 10_000 });
    if (page?.status !== OK) return t.fail(page?.message);
    pages.push(page.found.length);
    start = page.next;
  }
  t.deepEqual(
    pages.filter((found) => found > 0),
    [1, 1, 1],
  );
});

interface Send {
  readonly bytes: Uint8Array;
}
const client = defineActor<Send, readonly [to: Ref, heard: (status: number, keys: number, next: ScanPosition | null) => void]>(
  'test.scanClient',
  (_context, to, heard) => ({
    receive: ({ bytes }) => void to.tellBytes(LIST, bytes, 0, bytes.length, 5),
    receiveBytes(operation, bytes, offset, length) {
      const answer = new ScanAnswer();
      const wrong = operation === LISTED ? readListed(bytes, offset, offset + length, answer) : `operation ${operation}`;
      if (wrong !== undefined) throw new Error(wrong);
      let keys = 0;
      while (answer.entries.next()) keys++;
      heard(answer.status, keys, answer.next);
    },
  }),
);

test('scan actor: LIST of a client is answered to it; what is malformed is refused', (t) => {
  const cluster = new ScanCluster();
  for (let i = 0; i < 30; i++) cluster.hold(ALL, `key ${i}`, recordOf(siblingOf('a', 1, 'v')));
  cluster.run(50);
  const { runtime } = cluster.sim.node('n2').shard(0);
  const heard: (readonly [status: number, keys: number, isEnd: boolean])[] = [];
  const ref = runtime.spawn(client, [
    runtime.wellKnown(SCAN_SLOT, { node: 'n1', shard: 1 }),
    (status, keys, next) => void heard.push([status, keys, next === null]),
  ]);
  const request = new ScanRequest();
  request.keyspaceId = cluster.keyspace.id;
  const out = new OutBuffer(64, 1_000);
  writeList(out, request, 500);
  const frame = Buffer.from(out.bytes.subarray(0, out.length));
  ref.tell({ bytes: frame });
  cluster.run(600);
  ref.tell({ bytes: frame.subarray(0, 20) });
  cluster.run(600);
  t.deepEqual(heard, [
    [OK, 30, true],
    [INVALID, 0, true],
  ]);
});

function compareTokens(cluster: ScanCluster, a: string, b: string): number {
  const [highA, lowA] = cluster.tokenOf(a);
  const [highB, lowB] = cluster.tokenOf(b);
  return highA - highB || lowA - lowB;
}
