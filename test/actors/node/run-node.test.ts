import { writeFileSync } from 'node:fs';
import test from 'ava';
import { runCli, temporaryDirectory } from './processes.ts';

const FLAGS_SAID = new URL('./flags-said.js', import.meta.url).href;

test('run node: the heaps of a node may grow, and those of a command that runs none are as they are', async (t) => {
  // So that it ends by itself.
  const data = `${temporaryDirectory(t)}/data`;
  writeFileSync(data, 'a file');
  const environment = { NODE_OPTIONS: `--import=${FLAGS_SAID}` };
  const started = await runCli(t, ['start', '--init', '--data', data, '--port', '0', '--resp-port', '0', '--http-port', '0'], environment);
  t.not(started.code, 0);
  t.true(started.err.includes('V8 --heap-growing-percent=200\n'), started.err);
  const shown = await runCli(t, ['config', 'show'], environment);
  t.is(shown.code, 0);
  t.false(shown.err.includes('V8 '), shown.err);
});
