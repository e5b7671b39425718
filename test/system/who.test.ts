import test from 'ava';
import { MAIN_SHARD } from '../../runtime/address.ts';
import { ActorSystem } from '../../runtime/system.ts';

test('system probe: every thread of a node says who and where the node is', async (t) => {
  await using system = await ActorSystem.start({
    ...{ node: 'n', cluster: 'probed', shards: 1, boot: 5, logLevel: 'silent' },
    listen: { host: '127.0.0.1', port: 0 },
    advertise: 'localhost',
  });
  t.deepEqual(system.address.host, 'localhost');
  for (const [index, port] of system.address.ports.entries()) {
    const [answer, ...more] = await ActorSystem.probe('127.0.0.1', port);
    t.is(more.length, 0);
    t.true(answer?.ok);
    if (answer?.ok !== true) return;
    const { boot, ...iam } = answer.iam;
    t.true(index === 0 ? boot === 5 : boot >= 5);
    const shard = index === 0 ? MAIN_SHARD : index - 1;
    t.deepEqual(iam, { versionMin: 1, versionMax: 1, cluster: 'probed', node: 'n', shard, address: system.address });
  }
});

test('system probe: every address of a host is asked, and one that does not answer is told', async (t) => {
  await using system = await ActorSystem.start({ node: 'n', logLevel: 'silent', listen: { host: '127.0.0.1', port: 0 } });
  const port = system.address.ports[0] as number;
  const answers = await ActorSystem.probe('localhost', port);
  t.true(answers.some((answer) => answer.ok && answer.host === '127.0.0.1'));
  const [unknown] = await ActorSystem.probe('no-such-host.invalid', port);
  t.like(unknown, { ok: false, host: 'no-such-host.invalid', port });
  await t.throwsAsync(async () => ActorSystem.probe('localhost', 0), {
    code: 'INVALID_ARGUMENT',
    message: /port: expected a whole number/,
  });
});
