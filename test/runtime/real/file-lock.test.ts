import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { RealFiles } from '../../../runtime/real/files.ts';
import { completed, failure, lock } from '../files-contract.ts';

// Not imported: a test that imports it would be one.
const child = new URL('./file-lock-child.js', import.meta.url);
/** What locks go by is told by Linux alone. */
const onLinux = existsSync('/proc/self/stat') ? test : test.skip;

function directory(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-lock-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function startProcess(t: ExecutionContext): Promise<ChildProcess> {
  const started = fork(child, { execArgv: [] });
  t.teardown(() => started.kill('SIGKILL'));
  await once(started, 'message');
  return started;
}

async function answer(process: ChildProcess, path: string): Promise<string> {
  const answered = once(process, 'message');
  process.send(path);
  return (await answered)[0] as string;
}

async function kill(process: ChildProcess): Promise<void> {
  const exited = once(process, 'exit');
  process.kill('SIGKILL');
  await exited;
}

test('file lock: a second process is refused, and gets it when the first was killed', async (t) => {
  const path = `${directory(t)}/LOCK`;
  const [a, b] = await Promise.all([startProcess(t), startProcess(t)]);
  t.is(await answer(a, path), 'held');
  t.is(await answer(b, path), 'ELOCKED');
  t.is((await failure(t, lock(new RealFiles(), path))).code, 'ELOCKED');
  await kill(a);
  t.is(await answer(b, path), 'held');
  t.is((await failure(t, lock(new RealFiles(), path))).code, 'ELOCKED');
});

test('file lock: of two processes that find a dead one at once, one gets it', async (t) => {
  const dir = directory(t);
  const dead = await startProcess(t);
  const paths = Array.from({ length: 40 }, (_, i) => `${dir}/LOCK${i}`);
  for (const path of paths) t.is(await answer(dead, path), 'held');
  await kill(dead);
  const starters = await Promise.all([startProcess(t), startProcess(t)]);
  const files = new RealFiles();
  for (const path of paths) {
    const own = [1, 2].map(() =>
      lock(files, path).then(
        () => 'held',
        (error: { readonly code: string }) => error.code,
      ),
    );
    const all = await Promise.all([...starters.map((process) => answer(process, path)), ...own]);
    t.deepEqual(all.sort(), ['ELOCKED', 'ELOCKED', 'ELOCKED', 'held']);
  }
  t.is(readdirSync(dir).length, paths.length);
});

onLinux('file lock: a thread that ends leaves no lock behind, nor does it take one that is held', async (t) => {
  const path = `${directory(t)}/LOCK`;
  const worker = new Worker(child, { workerData: path });
  t.teardown(() => worker.terminate());
  t.is((await once(worker, 'message'))[0], 'held');
  t.is((await failure(t, lock(new RealFiles(), path))).code, 'ELOCKED');
  await worker.terminate();
  const held = await lock(new RealFiles(), path);
  await completed((done) => held.release(done));
});

for (const [what, change] of [
  ['number was given to another process', { startTime: '1' }],
  ['machine was started anew', { boot: '00000000-0000-0000-0000-000000000000' }],
  ['number is of no process', { pid: 2 ** 22 + 1, startTime: '' }],
] as const) {
  onLinux(`file lock: a record does not block, when its ${what}`, async (t) => {
    const path = `${directory(t)}/LOCK`;
    const files = new RealFiles();
    await lock(files, path);
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
    const held = await lock(files, path);
    t.is((await failure(t, lock(files, path))).code, 'ELOCKED');
    await completed((done) => held.release(done));
  });
}

test('file lock: a claim of one that died while taking over is followed by the next', async (t) => {
  const dir = directory(t);
  const path = `${dir}/LOCK`;
  const nonces = ['a', 'b', 'c'].map((letter) => `${letter.repeat(8)}-0000-0000-0000-000000000000`);
  const dead = nonces.map((nonce) => JSON.stringify({ nonce, pid: 2 ** 22 + 1, fd: 20, startTime: '', boot: 'x' }));
  writeFileSync(path, dead[0] as string);
  writeFileSync(`${path}.after-${nonces[0]}`, dead[1] as string);
  writeFileSync(`${path}.after-${nonces[1]}`, dead[2] as string);
  const held = await lock(new RealFiles(), path);
  t.deepEqual(readdirSync(dir), ['LOCK']);
  t.is((await failure(t, lock(new RealFiles(), path))).code, 'ELOCKED');
  await completed((done) => held.release(done));
});
