import { Worker } from 'node:worker_threads';
import test from 'ava';
import { realClock } from '../../../runtime/real/clock.ts';

test('real clock: now never goes back and has fractions', (t) => {
  const clock = realClock();
  const times = Array.from({ length: 10_000 }, () => clock.now());
  t.true(times.every((time, i) => i === 0 || time >= (times[i - 1] ?? 0)));
  t.true(times.some((time) => !Number.isInteger(time)));
  t.true(Number.isInteger(clock.wall()));
});

test('real clock: two threads count from the same moment', async (t) => {
  const clock = realClock();
  const url = new URL('../../../runtime/real/clock.js', import.meta.url).href;
  const before = clock.now();
  const inWorker = await new Promise<number>((resolve, reject) => {
    const code = `import(${JSON.stringify(url)}).then((m) => require('node:worker_threads').parentPort.postMessage(m.realClock().now()))`;
    new Worker(code, { eval: true }).on('message', resolve).on('error', reject);
  });
  t.true(before <= inWorker && inWorker <= clock.now(), `${before} <= ${inWorker}`);
});
