import test, { type ExecutionContext } from 'ava';
import type { OperationOutcome } from '../../../actors/ring/operation.ts';
import { bulk, keyspaceOf, SessionKit } from './session-kit.ts';

const NIL = '$-1\r\n';

const session = test.macro((t: ExecutionContext, ...lines: (readonly [line: string, reply: string | RegExp])[]) => {
  const client = new SessionKit().connect();
  for (const [line, reply] of lines) {
    const got = client.do(line);
    if (typeof reply === 'string') t.is(got, reply, line);
    else t.regex(got, reply, line);
  }
});

test(
  'connection: says what is expected of it',
  session,
  ['PING', '+PONG\r\n'],
  ['PING hi', bulk('hi')],
  ['PING a b', "-ERR wrong number of arguments for 'ping' command\r\n"],
  ['ECHO hi', bulk('hi')],
  ['SELECT 0', '+OK\r\n'],
  ['TIME', `*2\r\n${bulk('1764000000')}${bulk('0')}`],
);
test(
  'CLIENT: names, numbers and lists connections',
  session,
  ['CLIENT ID', ':1\r\n'],
  ['CLIENT GETNAME', NIL],
  ['CLIENT SETNAME me', '+OK\r\n'],
  ['CLIENT GETNAME', bulk('me')],
  ['CLIENT SETINFO LIB-NAME x', '+OK\r\n'],
  ['CLIENT SETINFO lib-ver 1', '+OK\r\n'],
  ['CLIENT SETINFO other 1', /^-ERR Unrecognized option/],
  ['CLIENT LIST', /id=1 name=me .* cmd=client .* lib-name=x lib-ver=1 resp=2\n/],
  ['CLIENT INFO', /id=1 name=me/],
  ['CLIENT NO-EVICT on', '+OK\r\n'],
  ['CLIENT NO-EVICT what', /^-ERR/],
  ['CLIENT KILL x', /^-ERR unknown subcommand/],
);
test(
  'COMMAND: counts, lists and describes',
  session,
  ['COMMAND COUNT', /^:\d+\r\n$/],
  ['COMMAND LIST', /\$3\r\nget\r\n/],
  ['COMMAND INFO get nope', `*2\r\n*6\r\n${bulk('get')}:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n${NIL}`],
  ['COMMAND DOCS get', /^\*2\r\n\$3\r\nget\r\n\*4\r\n\$7\r\nsummary\r\n/],
  ['COMMAND', /^\*\d+\r\n\*6/],
  ['COMMAND NOPE', /^-ERR/],
);
test(
  'CONFIG: gives what tools ask for',
  session,
  ['CONFIG GET save', `*2\r\n${bulk('save')}${bulk('')}`],
  ['CONFIG GET append*', `*2\r\n${bulk('appendonly')}${bulk('yes')}`],
  ['CONFIG GET nope', '*0\r\n'],
  ['CONFIG GET max*s', /maxclients/],
);
test(
  'HELLO: protocol 3 answers maps and nulls',
  session,
  ['HELLO', /^\*16\r\n/],
  ['HELLO 3', /^%8\r\n\$6\r\nserver\r\n\$5\r\nredis\r\n/],
  ['GET a', '_\r\n'],
  ['CONFIG GET save', `%1\r\n${bulk('save')}${bulk('')}`],
  ['HELLO 4', /^-NOPROTO/],
  ['HELLO 2 SETNAME x', /^\*16/],
  ['CLIENT GETNAME', bulk('x')],
  ['GET a', NIL],
  ['HELLO 3 WHAT', /^-ERR Syntax error in HELLO/],
  ['HELLO 3', /^%8/],
  ['RESET', '+RESET\r\n'],
  ['GET a', NIL],
);
test(
  'INFO: loading is 0 when the node may serve',
  session,
  ['INFO', /loading:0\r\n/],
  ['INFO server', /^\$\d+\r\n# Server\r\nredis_version:7\.2\.0\r\n/],
);

test('INFO: loading is 1, when the node may not serve yet', (t) => {
  const kit = new SessionKit();
  kit.isLoading = true;
  t.regex(kit.connect().do('INFO persistence'), /loading:1\r\n/);
});

test('keyspace: LOADING without a ring, an error when it is gone, and found again when it is there', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  const { keyspaces } = kit;
  kit.keyspaces = [];
  t.is(client.do('GET a'), '-LOADING this node has no ring yet\r\n');
  kit.keyspaces = [keyspaces[1]!];
  kit.ringChanges++;
  t.is(client.do('GET a'), '-ERR no such keyspace: default; KEYSPACE LIST shows those there are\r\n');
  kit.keyspaces = keyspaces;
  kit.ringChanges++;
  t.is(client.do('GET a'), NIL);
});

test('KEYSPACE: lists, shows and uses keyspaces, each with its own keys', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  t.is(client.do('KEYSPACE LIST'), `*2\r\n${bulk('default')}${bulk('strict')}`);
  t.regex(client.do('KEYSPACE INFO strict'), /\$4\r\nmode\r\n\$2\r\ncp\r\n/);
  client.do('SET a 1');
  t.is(client.do('KEYSPACE USE strict'), '+OK\r\n');
  t.is(client.do('GET a'), NIL);
  t.is(client.do('KEYSPACE USE nope'), '-ERR no such keyspace: nope\r\n');
  t.is(client.do('KEYSPACE USE default'), '+OK\r\n');
  t.is(client.do('GET a'), bulk('1'));
});

test('KEYSPACE: a change is proposed and answered in order, when the ring has decided', (t) => {
  const kit = new SessionKit({ allowsDrop: true });
  const client = kit.connect();
  const decide = (outcome: OperationOutcome): void => kit.proposals.shift()!.decided(outcome);
  t.is(client.send(['KEYSPACE', 'CREATE', 'new', 'n', '2', 'W', 'all', 'MODE', 'cp', 'TTL', '5', 'PR', '1', 'PW', 'quorum'], ['PING']), '');
  const operation = kit.proposals[0]!.operation;
  t.true(
    operation.type === 'createKeyspace' &&
      operation.keyspace.n === 2 &&
      operation.keyspace.w === 'all' &&
      operation.keyspace.r === 'quorum' &&
      operation.keyspace.pr === 1 &&
      operation.keyspace.pw === 'quorum' &&
      operation.keyspace.ttlMs === 5,
  );
  decide({ ok: true, version: { generation: 1, epoch: 2 } });
  t.is(client.take(), '+OK\r\n+PONG\r\n');
  client.do('KEYSPACE ALTER new N 3 PR 0');
  t.deepEqual(kit.proposals[0]!.operation, { type: 'alterKeyspace', name: 'new', changes: { n: 3, pr: 0 } });
  decide({ ok: false, code: 'NOT_FOUND', message: 'no keyspace new' });
  t.is(client.take(), '-ERR no keyspace new\r\n');
  client.do('KEYSPACE DROP new');
  decide({ ok: false, code: 'NO_MAJORITY', message: '1 of 3' });
  t.is(client.take(), '-CLUSTERDOWN 1 of 3\r\n');
});

test('KEYSPACE: a keyspace can be used, when the command that makes it is just before in the pipeline', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  t.is(client.send(['KEYSPACE', 'CREATE', 'new'], ['KEYSPACE', 'USE', 'new'], ['SET', 'a', '1']), '');
  t.false(client.session.wantsInput);
  kit.keyspaces = [...kit.keyspaces, keyspaceOf(3, 'new')];
  kit.proposals.shift()!.decided({ ok: true, version: { generation: 1, epoch: 2 } });
  kit.settle();
  t.is(client.take(), '+OK\r\n+OK\r\n+OK\r\n');
  t.true(client.session.wantsInput);
});

test(
  'KEYSPACE: a clear error, when an option makes no sense',
  session,
  ['KEYSPACE CREATE a N', '-ERR KEYSPACE CREATE: expected a value after N\r\n'],
  ['KEYSPACE CREATE a MODE x', '-ERR KEYSPACE CREATE: MODE: expected ap or cp, got "x"\r\n'],
  ['KEYSPACE CREATE a W none', /expected a number, one, quorum or all/],
  ['KEYSPACE CREATE a PW none', /PW: expected a number, one, quorum or all, got "none"/],
  [
    'KEYSPACE CREATE a FOO 1',
    '-ERR KEYSPACE CREATE: expected N, R, W, PR, PW, MODE, CONFLICT, DURABILITY, TTL, KEYBYTES or VALUEBYTES, got FOO\r\n',
  ],
  ['KEYSPACE CREATE a.b', /expected a name of 1 to 64/],
  ['KEYSPACE ALTER a CONFLICT lww', /CONFLICT is fixed/],
  ['KEYSPACE DROP a', /is switched off/],
  ['KEYSPACE NOPE a', /^-ERR KEYSPACE: expected LIST/],
  ['KEYSPACE USE', /^-ERR KEYSPACE: expected/],
);

test('AUTH: nothing but what the password needs is done, until it is given', (t) => {
  const kit = new SessionKit({ password: 'secret' });
  const client = kit.connect();
  t.is(client.do('GET a'), '-NOAUTH Authentication required.\r\n');
  t.regex(client.do('HELLO 3'), /^-NOAUTH HELLO/);
  t.regex(client.do('AUTH wrong'), /^-WRONGPASS/);
  t.regex(client.do('AUTH secret2'), /^-WRONGPASS/);
  t.regex(client.do('AUTH secre'), /^-WRONGPASS/);
  t.regex(client.do('AUTH other secret'), /^-WRONGPASS/);
  t.is(client.do('AUTH secret'), '+OK\r\n');
  t.is(client.do('GET a'), NIL);
  t.is(client.do('RESET'), '+RESET\r\n');
  t.is(client.do('GET a'), '-NOAUTH Authentication required.\r\n');
  t.regex(client.do('HELLO 3 AUTH default secret'), /^%8/);
  t.is(client.do('GET a'), '_\r\n');
});

test(
  'AUTH: an error, when no password is configured',
  session,
  ['AUTH x', /^-ERR AUTH <password> called without any password/],
  ['AUTH default x', '+OK\r\n'],
);

test('AUTH: long commands are refused, until the password is given', (t) => {
  const kit = new SessionKit({ password: 'secret' });
  t.is(kit.connect().raw('*11\r\n'), '-ERR Protocol error: invalid multibulk length: expected 0 to 10\r\n');
  t.is(kit.connect().raw('*2\r\n$4\r\nAUTH\r\n$16385\r\n'), '-ERR Protocol error: invalid bulk length: expected 0 to 16384\r\n');
  const client = kit.connect();
  client.do('AUTH secret');
  t.is(client.send(['SET', 'a', 'x'.repeat(20_000)]), '+OK\r\n');
});

test('CLIENT REPLY: OFF is silent until ON, SKIP for one command', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  t.is(client.send(['CLIENT', 'REPLY', 'SKIP'], ['SET', 'a', '1'], ['GET', 'a']), bulk('1'));
  t.is(client.send(['CLIENT', 'REPLY', 'OFF'], ['SET', 'a', '2'], ['NOPE'], ['MGET', 'a', 'b'], ['PING']), '');
  t.is(client.send(['CLIENT', 'REPLY', 'ON'], ['GET', 'a']), `+OK\r\n${bulk('2')}`);
});

test('QUIT: answered after all before it, and nothing after it is done', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  kit.store.holds = true;
  t.is(client.send(['GET', 'a'], ['QUIT'], ['SET', 'a', '1']), '');
  t.false(client.session.isDone);
  kit.store.answerAll();
  t.is(client.take(), `${NIL}+OK\r\n`);
  t.true(client.session.isDone);
  t.is(kit.store.begun, 1);
});

test('inline: commands as people type them', (t) => {
  const client = new SessionKit().connect();
  t.is(client.raw('PING\r\n\r\nSET a "x y"\nGET a\r\n'), `+PONG\r\n+OK\r\n${bulk('x y')}`);
  t.is(client.raw('PING\r\nGET a\r\n', 1), `+PONG\r\n${bulk('x y')}`);
});

test('closed: late answers go nowhere, when the connection is gone', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  kit.store.holds = true;
  client.send(['GET', 'a'], ['APPEND', 'b', 'x'], ['MGET', 'c', 'd']);
  client.session.closed();
  kit.store.answerAll();
  kit.settle();
  t.is(client.session.out.length, 0);
  t.is(kit.store.held.length, 0);
});
