import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Machine } from './machine.ts';

test('bug: a node that was killed while it started went on, and kept its directory from the next start', async (t) => {
  const place = mkdtempSync(join(tmpdir(), 'dynactor-machine-'));
  t.teardown(() => rmSync(place, { recursive: true, force: true }));
  const args = ['--init', '--port', '0'];
  const machine = new Machine({ name: 'n1', place, args, environment: {}, owner: t, onBroken: () => t.fail() });
  const starting = machine.start();
  await machine.kill();
  await starting;
  t.is(machine.state, 'down');
  await machine.start();
  t.is(machine.state, 'up');
  await machine.kill();
});
