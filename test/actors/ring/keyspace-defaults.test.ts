import test from 'ava';
import { Command } from 'commander';
import { KeyspaceAdmin } from '../../../actors/client/keyspace-admin.ts';
import { addKeyspaceCommand } from '../../../actors/node/cli/keyspace-command.ts';
import { createApp } from '../../../actors/node/http/app.ts';
import { KEYSPACE_DEFAULTS, newKeyspace } from '../../../actors/ring/keyspace-defaults.ts';
import type { Operation } from '../../../actors/ring/operation.ts';
import { keyspaceProblem } from '../../../actors/ring/validate.ts';
import { RecordingLog } from '../../runtime/recording-log.ts';
import { FakeAdmin, idOf } from '../node/fake-admin.ts';
import { SessionKit } from '../resp/session-kit.ts';

async function byClient(): Promise<Operation | undefined> {
  const proposed: Operation[] = [];
  const version = { generation: 1, epoch: 2 };
  const admin = new KeyspaceAdmin({
    keyspaces: () => [],
    propose: (_id, operation) => {
      proposed.push(operation);
      return Promise.resolve({ ok: true, version });
    },
    untilRing: () => Promise.resolve(),
    newId: () => idOf('1'),
    now: () => 0,
  });
  await admin.create('k');
  return proposed[0];
}

function byResp(): Operation | undefined {
  const kit = new SessionKit();
  kit.connect().do('KEYSPACE CREATE k');
  return kit.proposals[0]?.operation;
}

/** Also that of the command line, which sends only what is said. */
async function byHttp(): Promise<Operation | undefined> {
  const admin = new FakeAdmin();
  const app = createApp({ admin, log: new RecordingLog(), metrics: () => Promise.reject(new Error('none')) });
  await app.request('/v1/keyspaces', { method: 'POST', body: '{"name":"k"}', headers: { 'content-type': 'application/json' } });
  return admin.proposed[0];
}

test('keyspace defaults: three replicas, quorums, always writable, siblings, synced, and sound', (t) => {
  t.like(KEYSPACE_DEFAULTS, { n: 3, r: 'quorum', w: 'quorum', mode: 'ap', conflict: 'siblings', durability: 'sync', ttlMs: 0 });
  t.is(keyspaceProblem(newKeyspace('k', {})), undefined);
});

test('keyspace defaults: client, RESP and HTTP make the same keyspace, when only its name is said', async (t) => {
  const expected: Operation = { type: 'createKeyspace', keyspace: { ...KEYSPACE_DEFAULTS, name: 'k' } };
  t.deepEqual(await byClient(), expected);
  t.deepEqual(byResp(), expected);
  t.deepEqual(await byHttp(), expected);
});

test('keyspace defaults: the command line names each of them in its help', (t) => {
  const program = new Command();
  addKeyspaceCommand(program);
  const create = program.commands[0]!.commands.find((command) => command.name() === 'create')!;
  for (const [rule, value] of Object.entries(KEYSPACE_DEFAULTS)) {
    const option = create.options.find((one) => one.attributeName() === rule);
    t.true(option?.description.endsWith(`(default: ${value})`), rule);
    t.is(option?.defaultValue, undefined, rule);
  }
});
