import test from 'ava';
import { parseHostAndPort } from '../../../../actors/node/config/host-and-port.ts';
import { type ConfigInput, resolveConfig } from '../../../../actors/node/config/resolve.ts';
import { environmentName, flagName, optionName, SETTINGS } from '../../../../actors/node/config/settings.ts';

function resolve(input: { flags?: ConfigInput['flags']; environment?: ConfigInput['environment']; text?: string }) {
  const { flags = {}, environment = {}, text } = input;
  return resolveConfig({ flags, environment, file: text === undefined ? null : { path: 'node.yaml', text } });
}

test('config: defaults hold, when nothing is said', (t) => {
  const { config, sources } = resolve({});
  t.deepEqual(config, {
    data: 'data',
    host: '127.0.0.1',
    port: 7000,
    http: { host: '127.0.0.1', port: 9700 },
    resp: { host: '127.0.0.1', port: 6379, allowDrop: false },
    memory: 512,
    init: false,
    join: [],
    joinTimeoutSeconds: 60,
    dataCenter: 'dc1',
    rack: 'rack1',
    capacity: 100,
    clusterName: 'dynactor',
    partitions: 256,
    modules: [],
    gossip: { intervalMs: 1000 },
    log: { level: 'info', statsEverySeconds: 0 },
  });
  t.deepEqual(new Set(sources.values()), new Set(['default']));
});

test('config: a secret is in no message, when it is wrong', (t) => {
  const error = t.throws(() => resolve({ environment: { DYNACTOR_SECRET: 'short' } }));
  t.regex(error.message, /^secret: expected 16 to 255 printable characters, got another \(DYNACTOR_SECRET\)$/);
});

test('config: a setting without a flag can be said by none', (t) => {
  for (const setting of SETTINGS.filter(({ flags }) => flags === ''))
    t.like(resolve({ flags: { [optionName(setting)]: 'x' } }).config, { port: 7000 });
});

test('config: flags go before the environment, that before the file, that before the defaults', (t) => {
  const text = 'port: 1\nrack: r1\nhttp:\n  port: 4\n  host: h1\ncapacity: 7\njoin: [a:1, "[::1]:2"]\n';
  const environment = { DYNACTOR_PORT: '2', DYNACTOR_HTTP__PORT: '5', DYNACTOR_RACK: 'r2', DYNACTOR_NAME: '', PATH: '/bin' };
  const { config, sources } = resolve({ text, environment, flags: { port: '3', dc: 'x' } });
  t.like(config, { port: 3, rack: 'r2', http: { port: 5, host: 'h1' }, capacity: 7, dataCenter: 'x', data: 'data' });
  t.deepEqual(config.join, [
    { host: 'a', port: 1 },
    { host: '::1', port: 2 },
  ]);
  t.is(config.name, undefined);
  t.deepEqual(
    ['port', 'rack', 'capacity', 'dataCenter', 'data'].map((key) => sources.get(key)),
    ['--port', 'DYNACTOR_RACK', 'node.yaml', '--dc', 'default'],
  );
});

test('config: every setting can be said in each of the three ways', (t) => {
  const samples: Readonly<Record<string, [said: string, is: unknown]>> = {
    init: ['true', true],
    'resp.allowDrop': ['true', true],
    join: [
      'h:1,g:2',
      [
        { host: 'h', port: 1 },
        { host: 'g', port: 2 },
      ],
    ],
    modules: ['a.js, b.js', ['a.js', 'b.js']],
    partitions: ['64', 64],
    memory: ['64', 64],
    secret: ['sixteen-letters-or-more', 'sixteen-letters-or-more'],
    'log.level': ['warn', 'warn'],
    'gossip.intervalMs': ['100', 100],
  };
  for (const setting of SETTINGS) {
    const [said, is] = samples[setting.key] ?? (setting.kind === 'number' ? ['9', 9] : ['abc', 'abc']);
    const read = (input: Parameters<typeof resolve>[0]): unknown =>
      setting.key.split('.').reduce<unknown>((value, part) => (value as Record<string, unknown>)[part], resolve(input).config);
    if (setting.flags !== '') t.deepEqual(read({ flags: { [optionName(setting)]: said } }), is, flagName(setting));
    t.deepEqual(read({ environment: { [environmentName(setting.key)]: said } }), is, environmentName(setting.key));
    const typed = setting.kind === 'list' ? JSON.stringify(said.split(',').map((part) => part.trim())) : said;
    const [group, key] = setting.key.split('.') as [string, string | undefined];
    t.deepEqual(read({ text: key === undefined ? `${group}: ${typed}` : `${group}:\n  ${key}: ${typed}` }), is, setting.key);
  }
});

test('config: names in the environment follow from keys', (t) => {
  t.is(environmentName('http.port'), 'DYNACTOR_HTTP__PORT');
  t.is(environmentName('log.statsEverySeconds'), 'DYNACTOR_LOG__STATS_EVERY_SECONDS');
});

const wrong = test.macro({
  exec: (t, input: Parameters<typeof resolve>[0], message: RegExp) => {
    t.throws(() => resolve(input), { code: 'INVALID_CONFIG', message });
  },
  title: (_, input) => `config: an error names key, expectation and place, when given ${JSON.stringify(input)}`,
});
test(wrong, { text: 'prot: 7000' }, /^prot: unknown key in node\.yaml; expected one of name, data, host, port/);
test(wrong, { text: 'http:\n  prot: 1' }, /^http\.prot: unknown key in node\.yaml; expected one of http\.host, http\.port$/);
test(wrong, { text: 'http: 9700' }, /^http: unknown key in node\.yaml; expected one of/);
test(wrong, { text: '- a' }, /node\.yaml: expected keys with values, found a list/);
test(wrong, { text: 'a: [' }, /node\.yaml: /);
test(wrong, { text: '__proto__: {port: 1}' }, /__proto__: unknown key/);
test(wrong, { environment: { DYNACTOR_HTTP_PORT: '1' } }, /^DYNACTOR_HTTP_PORT: unknown variable; expected one of .*DYNACTOR_HTTP__PORT/);
test(wrong, { environment: { DYNACTOR_PORT: 'x' } }, /^port: expected a whole number from 0 to 65535, got "x" \(DYNACTOR_PORT\)$/);
test(
  wrong,
  { flags: { host: '0.0.0.0' } },
  /^host: expected an address that other nodes can reach, or advertise beside it, got "0\.0\.0\.0" \(--host\)$/,
);
test(wrong, { flags: { port: '65536' } }, /^port: expected a whole number from 0 to 65535, got 65536 \(--port\)$/);
test(wrong, { flags: { port: '1.5' } }, /got 1\.5 \(--port\)/);
test(wrong, { text: 'port: "7000"' }, /^port: expected a whole number.*got "7000" \(node\.yaml\)$/);
test(wrong, { flags: { name: '7up' } }, /^name: expected 1 to 31 of .*beginning with a letter, got "7up" \(--name\)$/);
test(wrong, { flags: { join: 'a:1,b' } }, /^join: expected host:port, got \["a:1","b"\] \(--join\)$/);
test(wrong, { flags: { partitions: '100' } }, /^partitions: expected a power of two from 8 to 16384, got 100/);
test(wrong, { flags: { logLevel: 'loud' } }, /^log\.level: expected one of debug, info, warn, error, silent, got "loud" \(--log-level\)$/);
test(wrong, { text: 'init: yes please' }, /^init: expected true or false, got "yes please"/);
test(wrong, { text: 'join: a:1' }, /^join: expected a list of host:port, got "a:1"/);

test('config: all that is wrong is told at once', (t) => {
  const error = t.throws(() => resolve({ text: 'x: 1\nport: -1', environment: { DYNACTOR_Y: '1' }, flags: { rack: '' } }));
  t.is(error.message.split('\n').length, 4, error.message);
});

test('config: a host and a port', (t) => {
  t.deepEqual(parseHostAndPort('[fe80::1]:70'), { host: 'fe80::1', port: 70 });
  for (const text of ['a', 'a:', ':1', 'a:0', 'a:65536', 'a b:1', 'fe80::1:70', '[x]:1']) t.is(parseHostAndPort(text), null, text);
});
