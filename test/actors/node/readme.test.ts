import { readFileSync } from 'node:fs';
import test from 'ava';
import { environmentName, SETTINGS } from '../../../actors/node/config/settings.ts';
import { createApp } from '../../../actors/node/http/app.ts';
import { RecordingLog } from '../../runtime/recording-log.ts';
import { FakeAdmin } from './fake-admin.ts';

const README = readFileSync('actors/node/README.md', 'utf8');

test('node readme: the table of settings is the one that the code goes by', (t) => {
  for (const { key, flags, byDefault, about } of SETTINGS) {
    const shown = byDefault === undefined || Array.isArray(byDefault) ? '' : `\`${String(byDefault)}\``;
    const flag = flags === '' ? '' : `\`${flags}\``;
    t.true(README.includes(`| \`${key}\` | ${flag} | \`${environmentName(key)}\` | ${shown} | ${about} |`), key);
  }
  t.is(README.match(/^\| `[\w.]+` \| (`--|\s*\| `DYN)/gm)?.length, SETTINGS.length);
});

test('node readme: every path of the HTTP interface is named', (t) => {
  const app = createApp({ admin: new FakeAdmin(), log: new RecordingLog(), metrics: () => Promise.reject(new Error('none')) });
  for (const { method, path } of app.routes) {
    const shown = path.replaceAll(/:(\w+)/g, '{$1}');
    t.true(
      README.split('\n').some((line) => line.startsWith('| `') && line.includes(shown) && line.includes(method)),
      `${method} ${shown}`,
    );
  }
});
