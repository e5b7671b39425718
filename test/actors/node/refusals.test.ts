import { cpSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { memberOf } from '../../../actors/membership/joining.ts';
import { resolveConfig } from '../../../actors/node/config/resolve.ts';
import { Node } from '../../../actors/node/node.ts';
import { NodeDirectory } from '../../../actors/node/node-directory.ts';
import type { NodeErrorCode } from '../../../actors/node/node-error.ts';
import { transportName } from '../../../actors/node/seeds.ts';
import { RealFiles } from '../../../runtime/real/files.ts';
import { randomHex } from '../../../runtime/real/host.ts';
import { serviceKey } from '../../../runtime/receptionist-protocol.ts';
import { ActorSystem } from '../../../runtime/system.ts';
import { temporaryDirectory, until } from './processes.ts';

const COMMON = { port: '0', httpPort: '0', respPort: '0', shards: '1', logLevel: 'silent', gossipInterval: '100', joinTimeout: '0' };

const NOTHING = serviceKey<never>('nothing');

/** In this process. */
function start(directory: string, flags: Readonly<Record<string, string | true>>): Promise<Node> {
  const { config } = resolveConfig({ flags: { ...COMMON, ...flags }, environment: {}, file: null });
  return Node.start(config, {
    files: new RealFiles(),
    directory,
    modules: ['actors/shard-module.js', 'storage/jobs.js'].map((path) => new URL(`../../../${path}`, import.meta.url)),
    newId: () => randomHex(16),
    instance: randomHex(8),
    shards: 1,
    version: '0.0.0',
  });
}

async function refused(
  t: ExecutionContext,
  directory: string,
  flags: Readonly<Record<string, string | true>>,
  code: NodeErrorCode,
  message: RegExp,
): Promise<void> {
  await t.throwsAsync(start(directory, flags), { code, message }, JSON.stringify(flags));
}

test('node: is refused where it must not run, says why, and leaves the directory to others', async (t) => {
  const dir = temporaryDirectory(t);
  const at = (name: string): string => join(dir, name);
  const other = await start(at('other'), { name: 'x', init: true });
  await other.stop();
  const a = await start(at('a'), { name: 'a', init: true });
  t.teardown(() => a.stop());
  const seed = `127.0.0.1:${a.self.address.ports[0]}`;
  // Without its data, whose files come and go while the engine is opened.
  cpSync(at('a'), at('copy'), { recursive: true, filter: (path) => !path.includes('shard-') });

  await refused(t, at('a'), {}, 'IN_USE', /in use by another process/);
  await refused(t, at('copy'), {}, 'DUPLICATE', /node a \([0-9a-f]{32}\) runs already, at 127\.0\.0\.1:\d+: .*is a copy/);
  await refused(t, at('empty'), {}, 'NO_CLUSTER', /is empty: say --init to make a new cluster, or --join/);
  await refused(t, at('other'), { name: 'y' }, 'OTHER_NAME', /is that of node x, not of y/);
  await refused(t, at('other'), { shards: '2' }, 'OTHER_SHARDS', /was made for 1 shards, not for 2/);
  await refused(
    t,
    at('other'),
    { join: seed },
    'OTHER_CLUSTER',
    /belongs to cluster [0-9a-f]{32}, but 127\.0\.0\.1:\d+ is of cluster [0-9a-f]{32}/,
  );
  await refused(t, at('new'), { name: 'a', join: seed }, 'CANNOT_JOIN', /does not take node a: .*the name a is that of member/);
  await refused(
    t,
    at('lonely'),
    { join: '127.0.0.1:1' },
    'CANNOT_JOIN',
    /no seed answers \(127\.0\.0\.1:1\): 127\.0\.0\.1:1: connection refused/,
  );
  const taken = { init: true, port: String(a.self.address.ports[0]) } as const;
  await t.throwsAsync(start(at('port'), taken), { message: /cannot listen on 127\.0\.0\.1:\d+: address in use/ });
  await refused(t, at('resp'), { init: true, respPort: taken.port }, 'IO', /^Redis clients: .*(EADDRINUSE|address in use|already in use)/);
  await a.stop();

  // What was refused has let go: it can be told otherwise.
  const again = await start(at('other'), {});
  t.is(again.self.name, 'x');
  // Refusals of a directory that were found before it was to be used don't count as starts.
  t.is(again.self.boot, 2);
  await again.stop();
});

test('bug: who was added to the ring, and killed before it had it on disk, waited for it for ever when it was started again', async (t) => {
  const dir = temporaryDirectory(t);
  const a = await start(join(dir, 'a'), { name: 'a', init: true });
  t.teardown(() => a.stop());
  const { cluster } = a.system;
  const id = randomHex(16);
  const [name, host, ports] = ['b', '127.61.3.7', [7_000, 7_001]];
  const address = { node: transportName({ name, id }), host, ports };
  const files = new RealFiles();
  const directory = await NodeDirectory.open(files, join(dir, 'b'));
  await directory.write({ id, cluster, phase: 'joining', name, shards: 1, boot: 1, address });
  await directory.close();
  const member = memberOf({ ...a.self, id, name, address });
  t.true((await a.propose({ type: 'addMember', member })).ok);
  // What it was told is kept for 5 s.
  await new Promise((resolve) => setTimeout(resolve, 6_000));

  const b = await start(join(dir, 'b'), { host, port: '7000', join: `127.0.0.1:${a.self.address.ports[0]}`, joinTimeout: '20' });
  t.teardown(() => b.stop());
  await b.untilUp();
  t.is((await b.look()).ring?.members.find((it) => it.id === id)?.state, 'up');
});

test('node: a place that knows a later start of it says so', async (t) => {
  const listen = { host: '127.0.0.1', port: 0 };
  await using peer = await ActorSystem.start({ node: 'peer', logLevel: 'silent', listen });
  const later = await ActorSystem.start({ node: 'n', logLevel: 'silent', boot: 7 });
  await later.introduce(peer.address);
  await t.notThrowsAsync(later.find(NOTHING, { node: 'peer', timeoutMs: 20_000 }));
  await later.stop();
  const refusals: string[] = [];
  const earlier = await ActorSystem.start({
    ...{ node: 'n', logLevel: 'silent', boot: 6 },
    onRefused: ({ node }, { code, reason }) => {
      refusals.push(`${node} ${code} ${reason}`);
    },
  });
  await earlier.introduce(peer.address);
  const asked = earlier.find(NOTHING, { node: 'peer', timeoutMs: 20_000 }).catch(() => undefined);
  await until(
    () => (refusals.length > 0 ? true : null),
    () => 'no refusal',
  );
  t.regex(refusals[0] as string, /^peer ZOMBIE "?boot 6 of n\/main, seen before: 7/);
  await earlier.stop();
  await asked;
});
