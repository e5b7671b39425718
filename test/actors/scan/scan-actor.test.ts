import test from 'ava';
import { WANT_RECORDS } from '../../../actors/scan/scan-frames.ts';
import { OK } from '../../../actors/store/store-request.ts';
import { recordOf, ScanCluster, siblingOf } from './scan-cluster.ts';

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
