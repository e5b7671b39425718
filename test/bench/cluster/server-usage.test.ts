import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import test from 'ava';
import { processesOf, usageOf } from '../../../bench/cluster/server-usage.ts';

const BURNT_MS = 200;
const BURN = `while (process.cpuUsage().user + process.cpuUsage().system < ${BURNT_MS * 1000});`;

test('bench server usage: what a child used counts after it has ended, where there is /proc', (t) => {
  const before = usageOf([process.pid]);
  const { status } = spawnSync(process.execPath, ['-e', BURN]);
  const after = usageOf([process.pid]);
  t.is(status, 0);
  t.is(before === null, !existsSync('/proc/self/stat'));
  if (before === null || after === null) return;
  // Ticks are 10 ms.
  t.true(after.cpuUs - before.cpuUs >= (BURNT_MS - 20) * 1000, `${after.cpuUs - before.cpuUs} us`);
  t.true(after.bytesWritten >= before.bytesWritten);
});

test('bench server usage: nothing is known of no processes, nor when one is gone', (t) => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  t.is(usageOf([]), null);
  t.is(usageOf([process.pid, pid]), null);
  t.deepEqual(processesOf(pid), [pid]);
});

test('bench server usage: all that descend from a process belong to it, where there is /proc', async (t) => {
  const child = spawn(process.execPath, [
    '-e',
    "require('node:child_process').spawn('sleep', ['60']).once('spawn', () => console.log('up'))",
  ]);
  await once(child.stdout, 'data');
  const found = processesOf(child.pid!);
  t.is(found.length, existsSync('/proc/self/stat') ? 2 : 1);
  t.is(found[0], child.pid);
  for (const pid of found.toReversed()) process.kill(pid, 'SIGKILL');
  await once(child, 'exit');
});
