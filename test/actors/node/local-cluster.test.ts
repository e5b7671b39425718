import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { takenPorts } from '../../../runtime/real/ports.ts';
import { type Ended, NodeProcess, Running, runCli, temporaryDirectory, until } from './processes.ts';
import { redisTo } from './redis-writer.ts';

/** Below the ports that systems give out by themselves, and apart from those of people. */
const BASE_MIN = 20_000;
const BASE_STEP = 250;
const BASES = 48;
const SPAN = 210;
const DONE = 'done, by 2 replicas (2 needed)\n';
const ENVIRONMENT = { DYNACTOR_GOSSIP__INTERVAL_MS: '100', DYNACTOR_LOG__LEVEL: 'warn', DYNACTOR_PARTITIONS: '64' };

interface Ready {
  readonly ready: boolean;
  readonly nodes: readonly { readonly name: string; readonly pid: number; readonly port: number; readonly respPort: number }[];
}

async function freeBase(): Promise<number> {
  const first = process.pid % BASES;
  for (let i = 0; i < BASES; i++) {
    const base = BASE_MIN + BASE_STEP * ((first + i) % BASES);
    const ports = Array.from({ length: SPAN }, (_, port) => base + port);
    if ((await takenPorts('127.0.0.1', ports)).size === 0) return base;
  }
  throw new Error('no ports are free');
}

async function start(t: ExecutionContext, args: readonly string[]): Promise<{ readonly running: Running; readonly ready: Ready }> {
  const running = new Running(t, ['cluster', '-o', 'json', '--shards', '1', ...args], ENVIRONMENT);
  await until(
    () => running.out.includes('\n') || running.child.exitCode !== null || null,
    () => running.err,
  );
  t.is(running.child.exitCode, null, running.err);
  const ready = JSON.parse(running.out) as Ready;
  // The processes are in groups of their own: a test that fails must not leave them.
  t.teardown(() => {
    for (const { pid } of ready.nodes) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  return { running, ready };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function untilGone({ nodes }: Ready): Promise<void> {
  const left = (): string => nodes.flatMap(({ pid }) => (isAlive(pid) ? [pid] : [])).join(', ');
  await until(() => (left() === '' ? true : null), left);
}

test('local cluster: three nodes keep what is put, through the death of one, its restart, and that of all', async (t) => {
  const data = join(temporaryDirectory(t), 'cluster');
  const base = await freeBase();
  const place = ['--data', data, '--base-port', String(base)];
  const first = await start(t, [...place, '-n', '3', '-r', '2', '-w', '2']);
  const [n1, n2, n3] = first.ready.nodes;
  t.deepEqual(
    first.ready.nodes.map(({ name, port, respPort }) => [name, port, respPort]),
    [1, 2, 3].map((i) => [`n${i}`, base + 10 * (i - 1), base + 100 + i]),
  );
  const at = (node: { readonly port: number } | undefined): string => `127.0.0.1:${node?.port}`;
  const cli = (command: string, seed: string, ...args: string[]): Promise<Ended> =>
    runCli(t, [command, ...args, '--timeout', '20000'], { DYNACTOR_SEEDS: seed });

  const redis = redisTo(n2!.respPort);
  t.is(await redis.set('by redis', 'R'), 'OK');
  t.is(await redis.get('by redis'), 'R');
  const put = await cli('put', at(n1), 'by command', 'C');
  t.deepEqual([put.code, put.out], [0, DONE], put.err);
  t.is((await cli('put', at(n1), 'by command', 'D')).code, 0);
  t.is((await cli('get', at(n3), 'by command')).out, 'D\n');
  t.is(await redis.get('by command'), 'D');
  redis.disconnect();
  t.deepEqual(await cli('get', at(n3), 'none'), { code: 3, out: '', err: 'dynactor: no key "none" in keyspace default\n' });

  process.kill(n2!.pid, 'SIGKILL');
  t.is((await cli('get', `${at(n2)},${at(n3)}`, 'by command')).out, 'D\n');
  t.is((await cli('put', at(n1), 'without n2', 'E')).code, 0);
  await until(
    () => first.running.err.includes('starts it again') || null,
    () => first.running.err,
  );
  t.regex(first.running.err, /n2 has ended \(SIGKILL\); last lines of \S+n2\.log:/);
  t.true(isAlive(n1!.pid) && isAlive(n3!.pid));

  const n2Args = ['--name', 'n2', '--data', join(data, 'n2'), '--port', String(n2!.port), '--resp-port', String(n2!.respPort)];
  const again = await NodeProcess.start(t, n2Args);
  await again.isUp();
  const redis2 = redisTo(n2!.respPort);
  t.is(await redis2.get('without n2'), 'E');
  redis2.disconnect();
  t.is((await again.end('SIGTERM')).code, 0);
  first.running.child.kill('SIGINT');
  t.is((await first.running.ended).code, 0, first.running.err);
  await untilGone(first.ready);

  const second = await start(t, ['--data', data]);
  t.is(second.ready.nodes[0]?.port, base);
  const lines = [
    'get "by command"',
    'put "by command" a\\ value',
    'get "by command"',
    'del "by command"',
    'get "by command"',
    'exit',
    'help',
  ];
  const repl = new Running(t, ['repl', '--seeds', `127.0.0.1:${base}`], {}, lines.join('\n'));
  t.deepEqual([(await repl.ended).out, (await repl.ended).code], [`D\n${DONE}a value\n${DONE}error: no such key\n`, 1], repl.err);

  t.deepEqual((await cli('scan', at(n3), 'by r', '--values')).out, 'by redis\tR\n');

  const taken = await runCli(t, ['cluster', ...place.with(1, `${data}-other`)]);
  t.is(taken.code, 1);
  t.regex(taken.err, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${base} \\(n1, main thread\\): in use; --base-port chooses others`));
  t.false(existsSync(`${data}-other`));

  // Whoever started them is gone without a word.
  second.running.child.kill('SIGKILL');
  await untilGone(second.ready);
});

test('local cluster: nothing is left, when one of its nodes can not start', async (t) => {
  const data = join(temporaryDirectory(t), 'cluster');
  const base = await freeBase();
  const environment = { ...ENVIRONMENT, DYNACTOR_PARTITIONS: '7' };
  const { code, err } = await runCli(t, ['cluster', '--data', data, '--base-port', String(base)], environment);
  t.is(code, 1);
  t.regex(
    err,
    /n1 has ended \(exit code 2\); last lines of \S+n1\.log:\n(?: .*\n)* +partitions: expected a power of two from 8 to 16384, got 7/,
  );
  t.deepEqual(readdirSync(data), ['n1.log']);
});

test('local cluster: a signal ends it, when it is still starting', async (t) => {
  const data = join(temporaryDirectory(t), 'cluster');
  const base = await freeBase();
  const running = new Running(t, ['cluster', '--data', data, '--base-port', String(base)], ENVIRONMENT);
  await until(
    () => existsSync(join(data, 'n1', 'NODE')) || null,
    () => running.err,
  );
  running.child.kill('SIGTERM');
  t.deepEqual([(await running.ended).code, running.out], [0, '']);
  t.is((await takenPorts('127.0.0.1', [base])).size, 0);
});

test('local cluster: a port that somebody else has is named before anything is begun', async (t) => {
  const data = join(temporaryDirectory(t), 'cluster');
  const base = await freeBase();
  const stranger = createServer().listen(base + 203, '127.0.0.1');
  t.teardown(() => void stranger.close());
  await until(
    () => stranger.listening || null,
    () => '',
  );
  const { code, err } = await runCli(t, ['cluster', '--data', data, '--base-port', String(base)]);
  t.is(code, 1);
  t.is(err, `dynactor: cannot listen on 127.0.0.1:${base + 203} (n3, HTTP): in use; --base-port chooses others\n`);
  t.false(existsSync(data));
});
