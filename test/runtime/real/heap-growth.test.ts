import { fork } from 'node:child_process';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';

// Not imported: a test that imports it would be one.
const child = new URL('./heap-growth-child.js', import.meta.url);

/** How often the child's heap was marked whole. */
async function marked(t: ExecutionContext, how: 'grows' | 'stays', execArgv: readonly string[] = []): Promise<number> {
  const started = fork(child, [how], { execArgv: [...execArgv] });
  t.teardown(() => started.kill('SIGKILL'));
  const [answer] = (await once(started, 'message')) as [{ readonly marked: number }];
  return answer.marked;
}

test('heap growth: a heap that may grow is marked less often while it fills', async (t) => {
  const stays = await marked(t, 'stays');
  const grows = await marked(t, 'grows');
  t.true(grows < stays, `marked ${grows} times, and ${stays} as it was`);
});

test('heap growth: what the process was told by its arguments holds', async (t) => {
  const grows = await marked(t, 'grows');
  // V8 takes both.
  for (const told of ['--heap-growing-percent=10', '--heap_growing_percent=10']) {
    const times = await marked(t, 'grows', [told]);
    t.true(grows < times, `marked ${grows} times, and ${times} with ${told}`);
  }
});
