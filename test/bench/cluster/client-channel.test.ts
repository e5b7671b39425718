/** Our own client as the load's channel, over real threads and sockets, with fake coordinators. */
import test from 'ava';
import { Generator } from '../../../bench/cluster/generator.ts';
import { TestNodes } from '../../actors/client/test-nodes.ts';

test('bench client channel: operations of all kinds end and are right, when the keyspace is made for them', async (t) => {
  await using nodes = await TestNodes.start(1);
  const settings = { seeds: nodes.seeds, inFlight: 16, n: 1, r: 1, w: 1, durability: 'none' } as const;
  const generator = await Generator.open({
    address: { protocol: 'client', settings },
    valueBytes: 64,
    records: 100,
    seed: 1,
    isStrict: true,
  });
  const loop = { kind: 'closed', depth: 1, settleMs: 0, ms: Number.POSITIVE_INFINITY, operations: 100 } as const;
  for (const workload of ['load', 'get', 'ycsb-f'] as const) {
    const { figures, troubles } = await generator.run({ workload, distribution: 'uniform', loop, pids: [] });
    t.is(figures.operations, 100);
    t.deepEqual(troubles, { wrong: 0, missing: 0, stale: 0, failed: 0, first: '' }, workload);
  }
  await generator.close();
});
