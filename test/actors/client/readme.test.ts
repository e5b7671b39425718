import { readFileSync } from 'node:fs';
import test from 'ava';
import { ClientError, type ClientErrorCode } from '../../../actors/client/client-error.ts';
import { CONNECT_TIMEOUT_MS_DEFAULT, TIMEOUT_MS_DEFAULT, TUNING_DEFAULTS } from '../../../actors/client/options.ts';

const README = readFileSync('actors/client/README.md', 'utf8');

test('client readme: the defaults are those of the code', (t) => {
  const shown = (value: unknown): string =>
    typeof value === 'number'
      ? value.toLocaleString('en-US')
      : Object.values(value as object).join(value === TUNING_DEFAULTS.backoff ? ' to ' : ', ');
  const defaults = { connectTimeoutMs: CONNECT_TIMEOUT_MS_DEFAULT, timeoutMs: TIMEOUT_MS_DEFAULT };
  const tuning = Object.entries(TUNING_DEFAULTS).map(([key, value]) => [`tuning.${key}`, value] as const);
  for (const [key, value] of [...Object.entries(defaults), ...tuning])
    t.true(README.includes(`| \`${key}\` | ${shown(value)} |`), `${key} ${shown(value)}`);
});

test('client readme: every error code is there, and whether it may be tried again', (t) => {
  const declared = /export type ClientErrorCode =([\s\S]*?);\n\n/.exec(readFileSync('actors/client/client-error.ts', 'utf8'))?.[1] ?? '';
  const codes = [...declared.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code as ClientErrorCode);
  t.true(codes.length > 15);
  for (const code of codes) {
    const row = README.split('\n').find((line) => line.startsWith('| `') && line.split('|')[1]!.includes(`\`${code}\``));
    t.is(row?.split('|')[2]?.trim(), new ClientError(code, '').retryable ? 'yes' : 'no', code);
  }
});
