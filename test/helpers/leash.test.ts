import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';

const LEASH = new URL('./leash.js', import.meta.url).href;

function leashed(t: ExecutionContext, program: string): ChildProcess {
  const child = spawn(process.execPath, ['--import', LEASH, '-e', program], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

test('leash: the process is killed, when the other end of its pipe is closed', async (t) => {
  const child = leashed(t, "setInterval(() => {}, 1000); console.log('up')");
  await once(child.stdout!, 'data');
  child.stdio[3]!.destroy();
  t.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
});

test('leash: the process ends by itself, when it has nothing more to do', async (t) => {
  t.deepEqual(await once(leashed(t, "new (require('node:worker_threads').Worker)('0', { eval: true })"), 'exit'), [0, null]);
});
