import { fork } from 'node:child_process';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';

// Not imported: a test that imports it would be one.
const child = new URL('./more-inlining-child.js', import.meta.url);
const module = new URL('../../../bench/cluster/more-inlining.js', import.meta.url).href;

/** How many lines V8 says about what it takes into a function that calls many others. */
async function inlined(t: ExecutionContext, execArgv: readonly string[]): Promise<number> {
  // Compiled within the turn, so that nothing is cut off by the end of the process.
  const started = fork(child, { execArgv: ['--trace-turbo-inlining', '--no-concurrent-recompilation', ...execArgv], silent: true });
  t.teardown(() => started.kill('SIGKILL'));
  const said = await text(started.stdout!);
  return said.match(/\binlining\b/gi)?.length ?? 0;
}

test('bench cluster: a node of dynactor-inlined has more of what a function calls taken into it', async (t) => {
  const byItself = await inlined(t, []);
  const more = await inlined(t, [`--import=${module}`]);
  t.true(byItself > 0 && more > byItself, `${more} lines, and ${byItself} by itself`);
});
