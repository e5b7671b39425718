import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { readLog } from '../../storage/log/log-reader.ts';
import { decodeCurrent, readManifest } from '../../storage/manifest/manifest-reader.ts';
import { exampleFiles, exampleOf } from './golden.ts';
import { DB_UID, keysOf } from './log/log-world.ts';

const DIR = 'test/storage/golden/v1';

function golden(name: string): Buffer {
  return readFileSync(`${DIR}/${name}`);
}

test('format: the examples of version 1 are what the code writes', (t) => {
  const made = exampleFiles();
  t.deepEqual([...made.keys()].sort(), ['000001.log', 'CURRENT', 'MANIFEST-000001']);
  for (const [name, bytes] of made) t.deepEqual(exampleOf(name), bytes, name);
});

test('format: golden files of version 1 are read', (t) => {
  t.true(readdirSync(DIR).length >= 3);
  const log = readLog([{ number: 1, file: '000001.log', bytes: golden('000001.log') }], 1, DB_UID);
  t.deepEqual(keysOf(log), ['key']);
  t.is(log.end?.kind, 'cleanEnd');
  t.is(log.segments[0]?.reading.opening?.baseSequence, 41);
  t.is(decodeCurrent(golden('CURRENT'), 'CURRENT'), 1);
  const { state, end } = readManifest(golden('MANIFEST-000001'), 'MANIFEST-000001');
  t.is(end.kind, 'closed');
  t.is(state.levels[0]?.[0]?.number, 2);
  t.like(state, { nextFileNumber: 3, logNumber: 1, lastSequence: 29, options: '{}' });
});
