import test, { type ExecutionContext } from 'ava';
import { bulk, SessionKit } from './session-kit.ts';

const NIL = '$-1\r\n';
const SYNTAX = '-ERR syntax error\r\n';
const NOT_AN_INTEGER = '-ERR value is not an integer or out of range\r\n';

/** Lines and what each answers, on one connection. */
const session = test.macro((t: ExecutionContext, ...lines: (readonly [line: string, reply: string])[]) => {
  const client = new SessionKit().connect();
  for (const [line, reply] of lines) t.is(client.do(line), reply, line);
});

test('GET: nil, then the value, when it was set', session, ['GET a', NIL], ['SET a 1', '+OK\r\n'], ['get a', bulk('1')]);
test(
  'SET: KEEPTTL keeps the expiry, plain SET drops it',
  session,
  ['SET a 1 PX 5000', '+OK\r\n'],
  ['SET a 2 KEEPTTL', '+OK\r\n'],
  ['PTTL a', ':5000\r\n'],
  ['SET a 3', '+OK\r\n'],
  ['PTTL a', ':-1\r\n'],
);
test(
  'SET: each unit of expiry means what Redis means by it',
  session,
  ['SET a 1 EX 10', '+OK\r\n'],
  ['TTL a', ':10\r\n'],
  ['SET a 1 px 1500', '+OK\r\n'],
  ['PTTL a', ':1500\r\n'],
  ['SET a 1 EXAT 1764000100', '+OK\r\n'],
  ['TTL a', ':100\r\n'],
  ['EXPIRETIME a', ':1764000100\r\n'],
  ['SET a 1 PXAT 1764000000700', '+OK\r\n'],
  ['PEXPIRETIME a', ':1764000000700\r\n'],
  ['PTTL a', ':700\r\n'],
);
test(
  'SET: GET answers what was there, with other options too',
  session,
  ['SET a 1 GET', NIL],
  ['SET a 2 EX 10 GET', bulk('1')],
  ['GET a', bulk('2')],
  ['TTL a', ':10\r\n'],
  ['SET a 3 KEEPTTL GET', bulk('2')],
  ['TTL a', ':10\r\n'],
);
test(
  'SET: a clear error, when its options make no sense',
  session,
  ['SET a 1 EX', SYNTAX],
  ['SET a 1 EX 10 PX 10', SYNTAX],
  ['SET a 1 KEEPTTL EX 10', SYNTAX],
  ['SET a 1 WHAT', SYNTAX],
  ['SET a 1 EX 0', "-ERR invalid expire time in 'set' command\r\n"],
  ['SET a 1 EX x', NOT_AN_INTEGER],
  ['SET a 1 EX 99999999999999999', NOT_AN_INTEGER],
  ['GET a', NIL],
);
test('SET: NX and XX are refused with the reason', (t) => {
  const client = new SessionKit().connect();
  for (const word of ['NX', 'xx'])
    t.regex(client.do(`SET a 1 ${word}`), /^-ERR SET with NX or XX is not supported: two replicas may decide/);
  t.is(client.do('GET a'), NIL);
});
test(
  'SETEX, PSETEX: set with an expiry',
  session,
  ['SETEX a 7 x', '+OK\r\n'],
  ['TTL a', ':7\r\n'],
  ['PSETEX a 70 y', '+OK\r\n'],
  ['PTTL a', ':70\r\n'],
  ['GET a', bulk('y')],
  ['SETEX a -1 x', "-ERR invalid expire time in 'setex' command\r\n"],
);
test(
  'GETDEL: answers the value and deletes it',
  session,
  ['GETDEL a', NIL],
  ['SET a 1', '+OK\r\n'],
  ['GETDEL a', bulk('1')],
  ['GET a', NIL],
);
test(
  'GETEX: sets, drops or leaves the expiry',
  session,
  ['GETEX a EX 5', NIL],
  ['SET a 1', '+OK\r\n'],
  ['GETEX a', bulk('1')],
  ['TTL a', ':-1\r\n'],
  ['GETEX a EX 5', bulk('1')],
  ['TTL a', ':5\r\n'],
  ['GETEX a', bulk('1')],
  ['TTL a', ':5\r\n'],
  ['GETEX a PERSIST', bulk('1')],
  ['TTL a', ':-1\r\n'],
  ['GETEX a PERSIST x', SYNTAX],
  ['GETEX a NO', SYNTAX],
);
test(
  'MSET, MGET: several keys, the last of a key named twice',
  session,
  ['MSET a 1 b 2 a 3', '+OK\r\n'],
  ['MGET a x b a', `*4\r\n${bulk('3')}${NIL}${bulk('2')}${bulk('3')}`],
  ['MSET a', "-ERR wrong number of arguments for 'mset' command\r\n"],
  ['MSET a 1 b', "-ERR wrong number of arguments for 'mset' command\r\n"],
);
test('STRLEN: the length, 0 without a value', session, ['STRLEN a', ':0\r\n'], ['SET a hello', '+OK\r\n'], ['STRLEN a', ':5\r\n']);
test(
  'APPEND: appends and keeps the expiry',
  session,
  ['APPEND a he', ':2\r\n'],
  ['EXPIRE a 100', ':1\r\n'],
  ['APPEND a llo', ':5\r\n'],
  ['GET a', bulk('hello')],
  ['TTL a', ':100\r\n'],
);
test(
  'GETRANGE: parts as Redis cuts them',
  session,
  ['SET a hello', '+OK\r\n'],
  ['GETRANGE a 0 -1', bulk('hello')],
  ['GETRANGE a 1 2', bulk('el')],
  ['GETRANGE a -3 -2', bulk('ll')],
  ['GETRANGE a 4 99', bulk('o')],
  ['GETRANGE a 3 1', bulk('')],
  ['GETRANGE a -1 -3', bulk('')],
  ['GETRANGE a 9 10', bulk('')],
  ['GETRANGE b 0 1', bulk('')],
  ['GETRANGE a -99 0', bulk('h')],
  ['GETRANGE a x 0', NOT_AN_INTEGER],
);
test(
  'SETRANGE: writes into the value and pads with zeros',
  session,
  ['SETRANGE a 2 xy', ':4\r\n'],
  ['GET a', bulk('\0\0xy')],
  ['SETRANGE a 1 AB', ':4\r\n'],
  ['GET a', bulk('\0ABy')],
  ['SETRANGE a -1 x', '-ERR offset is out of range\r\n'],
  ['SETRANGE a 9000000 x', '-ERR string exceeds maximum allowed size: expected at most 1048576 bytes, found 9000001\r\n'],
);
test('SETRANGE: changes nothing, when there is nothing to write', (t) => {
  const client = new SessionKit().connect();
  t.is(client.send(['SETRANGE', 'a', '5', '']), ':0\r\n');
  t.is(client.do('EXISTS a'), ':0\r\n');
});
test('values: come back byte by byte, when they are binary', (t) => {
  const client = new SessionKit().connect();
  const value = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  client.send(['SET', value, value]);
  t.is(client.send(['GET', value]), `$256\r\n${value.toString('latin1')}\r\n`);
});

test(
  'keys: deleted, counted and typed',
  session,
  ['MSET a 1 b 2', '+OK\r\n'],
  ['EXISTS a b c a', ':3\r\n'],
  ['TYPE a', '+string\r\n'],
  ['TYPE c', '+none\r\n'],
  ['DEL a a c', ':1\r\n'],
  ['EXISTS a', ':0\r\n'],
  ['UNLINK b', ':1\r\n'],
  ['UNLINK b', ':0\r\n'],
);
test(
  'EXPIRE: sets the expiry, deletes when it is past, and looks at its condition',
  session,
  ['EXPIRE a 10', ':0\r\n'],
  ['SET a 1', '+OK\r\n'],
  ['EXPIRE a 10 XX', ':0\r\n'],
  ['EXPIRE a 10 NX', ':1\r\n'],
  ['EXPIRE a 20 NX', ':0\r\n'],
  ['EXPIRE a 5 GT', ':0\r\n'],
  ['EXPIRE a 20 GT', ':1\r\n'],
  ['PEXPIRE a 900 LT', ':1\r\n'],
  ['PTTL a', ':900\r\n'],
  ['EXPIRE a 1 WHAT', '-ERR Unsupported option: expected one of NX, XX, GT, LT\r\n'],
  ['EXPIREAT a 1764000050', ':1\r\n'],
  ['TTL a', ':50\r\n'],
  ['PEXPIREAT a 1764000000001', ':1\r\n'],
  ['PTTL a', ':1\r\n'],
  ['PERSIST a', ':1\r\n'],
  ['PERSIST a', ':0\r\n'],
  ['TTL a', ':-1\r\n'],
  ['EXPIRE a -1', ':1\r\n'],
  ['GET a', NIL],
  ['TTL a', ':-2\r\n'],
  ['PERSIST a', ':0\r\n'],
  ['EXPIRE a x', NOT_AN_INTEGER],
);

test('expiry: the value is gone, when its time has come', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  client.do('SET a 1 PX 100');
  kit.store.wallMs += 99;
  t.is(client.do('GET a'), bulk('1'));
  kit.store.wallMs += 1;
  t.is(client.do('GET a'), NIL);
  t.is(client.do('EXISTS a'), ':0\r\n');
});

test('expiry: that of the keyspace holds, when a value is put without one', (t) => {
  const kit = new SessionKit();
  kit.keyspaces = [{ ...kit.keyspaces[0]!, ttlMs: 5_000 }];
  const client = kit.connect();
  client.do('SET a 1');
  t.is(client.do('PTTL a'), ':5000\r\n');
  client.do('SET a 1 PX 7');
  t.is(client.do('PTTL a'), ':7\r\n');
  client.do('PERSIST a');
  t.is(client.do('PTTL a'), ':-1\r\n');
});
