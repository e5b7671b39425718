import test from 'ava';
import { fatal } from '../../../actors/node/fatal.ts';
import { transportBoot } from '../../../actors/node/prepare.ts';
import { clusterOf, type Seed, transportName } from '../../../actors/node/seeds.ts';

const seed = (cluster: string, port: number): Seed => ({ cluster, address: { node: `n${port}`, host: 'h', ports: [port] } });

test('seeds: they say which cluster it is, and must agree with each other and with the directory', (t) => {
  t.is(clusterOf([seed('x', 1), seed('x', 2)], '', '/d'), 'x');
  t.is(clusterOf([], 'x', '/d'), 'x');
  t.throws(() => clusterOf([seed('x', 1), seed('y', 2)], '', '/d'), {
    code: 'OTHER_CLUSTER',
    message: 'seeds of two clusters: h:1 is of cluster x, h:2 is of cluster y',
  });
  t.throws(() => clusterOf([seed('x', 1), seed('y', 2)], 'x', '/d'), {
    code: 'OTHER_CLUSTER',
    message: /\/d belongs to cluster x, but h:2 is of cluster y/,
  });
});

test('seeds: a node is named for transports by its name and the first half of its id', (t) => {
  t.is(transportName({ name: 'a', id: '0123456789abcdef0123456789abcdef' }), 'a.0123456789abcdef');
});

test('transport boot: rises with each start, and differs between processes that claim the same one', (t) => {
  t.true(transportBoot(2, '0'.repeat(16)) > transportBoot(1, 'f'.repeat(16)) + 500_000);
  t.not(transportBoot(1, '00000001'.repeat(2)), transportBoot(1, '00000002'.repeat(2)));
  t.true(Number.isSafeInteger(transportBoot(2 ** 32, 'f'.repeat(16))));
});

test('fatal: what RingActor can not take back ends the node, what an operator can mend does not', (t) => {
  const codes = (['superseded', 'removed', 'storage', 'conflict', 'departing', null] as const).map(
    (fence) => fatal({ fence, trouble: 'why' }, { name: 'a' })?.code,
  );
  t.deepEqual(codes, ['DUPLICATE', 'REMOVED', 'IO', undefined, undefined, undefined]);
  t.is(fatal({ fence: 'removed', trouble: 'why' }, { name: 'a' })?.message, 'node a: why');
});
