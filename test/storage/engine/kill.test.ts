/** A few rounds of what `npm run bench:storage-kill` does by the hundred. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { KillRounds } from './kill-rounds.ts';

test('kill: every acknowledged write is there and batches are whole, when a process is killed under writes five times', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-kill-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const rounds = new KillRounds(join(dir, 'db'), 1);
  let acknowledged = 0;
  for (const [acks, readOnly] of [
    [1, true],
    [200, false],
    [0, true],
    [600, true],
    [300, false],
  ] as const) {
    acknowledged += (await rounds.run(acks, readOnly)).acknowledged;
  }
  t.true(acknowledged >= 1_101);
});
