import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { literalPrefix, matchesGlob } from '../../../actors/resp/glob.ts';
import { LOADING, QUORUM_NOT_MET } from '../../../actors/store/store-request.ts';
import { bulk, type Client, SessionKit } from './session-kit.ts';

const SYNTAX = '-ERR syntax error\r\n';

interface Scanned {
  readonly cursor: string;
  readonly keys: readonly string[];
}

/** Of a reply of SCAN to keys without line breaks. */
function scannedOf(reply: string): Scanned {
  const words = reply.split('\r\n').filter((line) => line !== '' && !/^[*$]/.test(line));
  return { cursor: words[0]!, keys: words.slice(1) };
}

function scanAll(client: Client, options = ''): readonly string[] {
  const all: string[] = [];
  let cursor = '0';
  do {
    const scanned = scannedOf(client.do(`SCAN ${cursor}${options}`));
    all.push(...scanned.keys);
    ({ cursor } = scanned);
  } while (cursor !== '0');
  return all.sort();
}

function filled(
  count: number,
  settings: ConstructorParameters<typeof SessionKit>[0] = {},
): { readonly kit: SessionKit; readonly client: Client } {
  const kit = new SessionKit(settings);
  const client = kit.connect();
  for (let i = 0; i < count; i++) client.do(`SET key:${i} ${i}`);
  return { kit, client };
}

test('SCAN: a reply is a cursor and keys; the last cursor is 0', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  t.is(client.do('SCAN 0'), '*2\r\n$1\r\n0\r\n*0\r\n');
  client.do('SET a 1');
  t.is(client.do('scan 0 count 5'), `*2\r\n${bulk('0')}*1\r\n${bulk('a')}`);
});

test('SCAN: every key comes once, whatever COUNT is, and cursors are whole numbers below 2^53', (t) => {
  const { client } = filled(57);
  const expected = Array.from({ length: 57 }, (_, i) => `key:${i}`).sort();
  for (const options of ['', ' COUNT 1', ' COUNT 7', ' COUNT 1000']) t.deepEqual(scanAll(client, options), expected, options);
  const { cursor, keys } = scannedOf(client.do('SCAN 0'));
  t.is(keys.length, 10);
  t.true(Number.isSafeInteger(Number(cursor)) && `${Number(cursor)}` === cursor);
});

test('SCAN: MATCH and TYPE leave out what does not match', (t) => {
  const { client } = filled(30);
  client.do('SET other 1');
  t.deepEqual(scanAll(client, ' MATCH key:1? COUNT 3').length, 10);
  t.deepEqual(scanAll(client, ' MATCH *e[qr]'), ['other']);
  t.deepEqual(scanAll(client, ' MATCH other TYPE string'), ['other']);
  t.deepEqual(scanAll(client, ' TYPE hash'), []);
});

test('SCAN: what is deleted or expired does not come, nor a key whose newest sibling is a tombstone', (t) => {
  const { kit, client } = filled(3);
  client.do('DEL key:0');
  client.do('SET key:1 x PX 10');
  kit.store.wallMs += 20;
  kit.store.concurrentPut(1, 'old', 'kept');
  kit.store.wallMs += 1;
  client.do('KV.DEL old');
  t.deepEqual(scanAll(client), ['key:2']);
});

test('SCAN: what is wrong with its arguments is said as Redis says it', (t) => {
  const client = new SessionKit().connect();
  for (const cursor of ['x', '-1', '1.5', '9007199254740993']) t.is(client.do(`SCAN ${cursor}`), '-ERR invalid cursor\r\n');
  t.is(client.do('SCAN 0 COUNT 0'), SYNTAX);
  t.is(client.do('SCAN 0 COUNT'), SYNTAX);
  t.is(client.do('SCAN 0 NOPE 1'), SYNTAX);
  t.is(client.do('SCAN 0 COUNT x'), '-ERR value is not an integer or out of range\r\n');
  t.is(client.do('SCAN'), "-ERR wrong number of arguments for 'scan' command\r\n");
  t.is(scannedOf(client.do('SCAN 9007199254740991')).cursor, '0');
});

test('SCAN: what the store refuses is the reply', (t) => {
  const { kit, client } = filled(2);
  kit.store.scanRefusals.push(QUORUM_NOT_MET, LOADING);
  t.regex(client.do('SCAN 0'), /^-CLUSTERDOWN /);
  t.regex(client.do('DBSIZE'), /^-LOADING /);
  Object.assign(kit.store.scans, { scans: null });
  t.regex(client.do('SCAN 0'), /^-LOADING /);
  t.is(kit.host.gate.requests, 0);
});

test('SCAN: it waits for what is before it in a pipeline, and what is behind it waits', (t) => {
  const { kit, client } = filled(0);
  kit.store.holds = true;
  t.is(client.send(['SET', 'a', '1'], ['DBSIZE'], ['SCAN', '0'], ['DEL', 'a'], ['DBSIZE']), '');
  kit.store.holds = false;
  kit.store.answerAll();
  kit.settle();
  t.is(client.take(), `+OK\r\n:1\r\n*2\r\n${bulk('0')}*1\r\n${bulk('a')}:1\r\n:0\r\n`);
});

for (const [command, reply] of [
  ['SCAN 0', `*2\r\n${bulk('0')}*1\r\n${bulk('a')}`],
  ['DBSIZE', ':1\r\n'],
  ['RANDOMKEY', bulk('a')],
  ['FLUSHDB', '+OK\r\n'],
] as const)
  test(`${command}: it waits until all before it are answered`, (t) => {
    const { kit, client } = filled(0, { allowsDrop: true });
    kit.store.holds = true;
    client.send(['SET', 'a', '1'], command.split(' '));
    t.is(kit.store.pages, 0);
    kit.store.holds = false;
    kit.store.answerAll();
    kit.settle();
    t.is(client.take(), `+OK\r\n${reply}`);
  });

test('DBSIZE: it counts; of many it estimates', (t) => {
  const { client } = filled(37);
  t.is(client.do('DBSIZE'), ':37\r\n');
  client.do('DEL key:1 key:2');
  t.is(client.do('DBSIZE'), ':35\r\n');
  const many = filled(14_000);
  const estimate = Number(many.client.do('DBSIZE').slice(1));
  t.true(estimate > 14_000 * 0.95 && estimate < 14_000 * 1.05, `${estimate}`);
  t.not(estimate, 14_000);
});

test('RANDOMKEY: nil of none, else one that is there, and not always the same', (t) => {
  const { kit, client } = filled(0);
  t.is(client.do('RANDOMKEY'), '$-1\r\n');
  for (let i = 0; i < 10; i++) client.do(`SET k${i} v`);
  kit.connect().do('DEL k3');
  const seen = new Set(Array.from({ length: 60 }, () => client.do('RANDOMKEY').split('\r\n')[1]!));
  t.true(seen.size > 3 && !seen.has('k3') && [...seen].every((key) => /^k\d$/.test(key)));
});

test('FLUSHDB: it is refused unless the settings allow it, and empties the keyspace in use alone', (t) => {
  t.regex(filled(1).client.do('FLUSHDB'), /^-ERR FLUSHDB is switched off/);
  const { kit, client } = filled(1_100, { allowsDrop: true });
  client.send(['KEYSPACE', 'USE', 'strict'], ['SET', 'other', '1'], ['KEYSPACE', 'USE', 'default']);
  t.is(client.do('FLUSHDB NOW'), SYNTAX);
  t.is(client.send(['FLUSHDB'], ['DBSIZE'], ['SET', 'a', '1'], ['DBSIZE']), '+OK\r\n:0\r\n+OK\r\n:1\r\n');
  t.is(client.do('FLUSHDB ASYNC'), '+OK\r\n');
  t.is(client.send(['KEYSPACE', 'USE', 'strict'], ['DBSIZE']), '+OK\r\n:1\r\n');
  t.is(kit.host.gate.requests, 0);
});

test('FLUSHDB: a write that it has not seen stays', (t) => {
  const { kit, client } = filled(1, { allowsDrop: true });
  kit.store.holds = true;
  t.is(client.do('FLUSHDB'), '');
  kit.store.concurrentPut(1, 'key:0', 'meanwhile');
  kit.store.holds = false;
  kit.store.answerAll();
  kit.settle();
  t.is(client.take(), '+OK\r\n');
  const left = client.do('KV.GET key:0');
  t.true(left.includes(`*1\r\n${bulk('meanwhile')}`), left);
});

test('FLUSHDB: it ends at the first failure, and says how far it came', (t) => {
  const { kit, client } = filled(3, { allowsDrop: true });
  kit.store.refusals.push({ status: QUORUM_NOT_MET, received: 1, needed: 2, message: '' });
  t.regex(client.do('FLUSHDB'), /^-CLUSTERDOWN .*; keys deleted before that: 0\r\n$/);
  t.is(kit.host.gate.requests, 0);
});

test('SCAN: a connection that is gone takes no page, and leaves no request counted', (t) => {
  const { kit, client } = filled(3);
  const line = Buffer.from('SCAN 0\r\n');
  client.session.feed(line, 0, line.length);
  client.session.run();
  t.is(kit.host.gate.requests, 1);
  client.session.closed();
  kit.settle();
  t.is(kit.host.gate.requests, 0);
});

/** The pattern as a regular expression: the oracle. */
function expressionOf(pattern: string): RegExp {
  let text = '';
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!;
    if (c === '*') text += '[^]*';
    else if (c === '?') text += '[^]';
    else text += `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;
  }
  return new RegExp(`^${text}$`);
}

const anyText = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 }).map((all) => all.join(''));
const anyPattern = fc.array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 8 }).map((all) => all.join(''));
testProp('glob: stars and question marks mean what a regular expression would', [anyPattern, anyText], (t, pattern, text) => {
  const key = Buffer.from(`..${text}.`);
  t.is(matchesGlob(Buffer.from(pattern), key, 2, key.length - 1), expressionOf(pattern).test(text));
});
testProp('glob: all that matches begins with the literal prefix', [anyPattern, anyText], (t, pattern, text) => {
  const prefix = Buffer.from(literalPrefix(Buffer.from(pattern))).toString();
  t.true(!matchesGlob(Buffer.from(pattern), Buffer.from(text), 0, text.length) || text.startsWith(prefix));
});

const prefix = test.macro((t, pattern: string, expected: string) => {
  t.is(Buffer.from(literalPrefix(Buffer.from(pattern))).toString(), expected);
});
test('glob prefix: it ends before a star', prefix, 'user:*:1', 'user:');
test('glob prefix: it ends before a question mark', prefix, 'user?', 'user');
test('glob prefix: it ends before a set', prefix, 'user[ab]', 'user');
test('glob prefix: what is escaped is part of it', prefix, 'a\\*b\\[*', 'a*b[');
test('glob prefix: all of a pattern without special characters', prefix, 'user', 'user');
test('glob prefix: a last backslash is itself', prefix, 'a\\', 'a\\');

const glob = test.macro((t, pattern: string, yes: readonly string[], no: readonly string[]) => {
  for (const text of [...yes, ...no]) t.is(matchesGlob(Buffer.from(pattern), Buffer.from(text), 0, text.length), yes.includes(text), text);
});
test('glob: a set has bytes and ranges', glob, 'h[a-ce]llo', ['hallo', 'hbllo', 'hello'], ['hdllo', 'hllo', 'h-llo']);
test('glob: a set may be turned round', glob, 'h[^e]llo', ['hallo', 'h^llo'], ['hello', 'hllo']);
test('glob: a backslash takes the meaning away', glob, 'a\\*b\\?', ['a*b?'], ['axb?', 'a*bx']);
test('glob: a set keeps a bracket behind a backslash', glob, '[\\]x]', [']', 'x'], ['\\', 'y']);
test('glob: a set that is not closed ends with the pattern', glob, 'a[bc', ['ab', 'ac'], ['a', 'ad', 'abc']);
test('glob: a range may be written backwards', glob, '[c-a]', ['a', 'b', 'c'], ['d', '-']);
