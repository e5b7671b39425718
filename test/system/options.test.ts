import test from 'ava';
import { RuntimeError } from '../../runtime/errors.ts';
import { ActorSystem, type SystemOptions } from '../../runtime/system.ts';

const refuses = test.macro({
  exec: async (t, options: SystemOptions, named: RegExp) => {
    const error = await t.throwsAsync(ActorSystem.start({ logLevel: 'silent', ...options }), { instanceOf: RuntimeError });
    t.is(error?.code, 'INVALID_ARGUMENT');
    t.regex(error?.message ?? '', named);
  },
  title: (title) => `${title} is refused, and named`,
});

test('system options: a node name with a slash', refuses, { node: 'a/b' }, /node name.*a\/b/);
test('system options: a cluster name that is empty', refuses, { cluster: '' }, /node name/);
test('system options: a negative number of shards', refuses, { shards: -1 }, /shards.*-1/);
test('system options: half a pool thread', refuses, { poolThreads: 0.5 }, /poolThreads.*0\.5/);
test('system options: a port beyond the last', refuses, { listen: { host: '127.0.0.1', port: 65_536 } }, /listen\.port.*65536/);
test('system options: a boot of zero', refuses, { boot: 0 }, /boot.*0/);
test('system options: a throughput of zero', refuses, { tuning: { throughput: 0 } }, /throughput.*0/);
test('system options: a flight recorder of three records', refuses, { tuning: { flightRecords: 3 } }, /flightRecords.*3/);
test(
  'system options: a function for the supervision of shards',
  refuses,
  { shards: 1, tuning: { supervision: { decide: () => 'stop' } } },
  /supervision\.decide/,
);
