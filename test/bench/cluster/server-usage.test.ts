import { spawnSync } from 'node:child_process';
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
