import test from 'ava';
import type { NodeRecord } from '../../../actors/node/node-record.ts';
import { shardSettings } from '../../../actors/node/shard-settings.ts';

const MIB = 1024 * 1024;

test('shard settings: memtables with their indexes, cached blocks and what is not collected yet stay within the memory of the node', (t) => {
  for (const [memory, shards, memtable, cache] of [
    [512, 1, 64, 128],
    [512, 4, 16, 28],
    [64, 1, 8, 14],
    [4_096, 1, 64, 4_096 - 256 - 32 - 96],
  ] as const) {
    const record = { shards, name: 'a', cluster: 'c' } as NodeRecord;
    const { engine } = shardSettings(record, { memory, secret: undefined, resp: null }, '/data');
    t.deepEqual(engine, { memtableBytes: memtable * MIB, memtablesMax: 3, cacheBytes: cache * MIB }, `${memory} MiB, ${shards} shards`);
  }
});
