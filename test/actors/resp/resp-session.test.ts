import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { commandTables } from '../../../actors/resp/commands.ts';
import { CONTEXT_GIVEN, CONTEXT_LOCAL, CONTEXT_NONE, CONTEXT_READ, GET, PUT } from '../../../actors/store/store-request.ts';
import { bulk, encode, SessionKit } from './session-kit.ts';

const NIL = '$-1\r\n';

test('pipeline: answered in order, when the store answers in any order', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  client.send(['MSET', 'a', '1', 'b', '2', 'c', '3']);
  kit.store.holds = true;
  t.is(client.send(['GET', 'a'], ['PING'], ['GET', 'b'], ['APPEND', 'd', 'x'], ['GET', 'c']), '');
  t.deepEqual(
    kit.store.held.map(({ key }) => key),
    ['a', 'b', 'd', 'c'],
  );
  kit.store.answerAll((held) => held.toReversed());
  kit.settle();
  t.is(client.take(), `${bulk('1')}+PONG\r\n${bulk('2')}`);
  kit.store.answerAll();
  kit.settle();
  t.is(client.take(), `:1\r\n${bulk('3')}`);
});

test('pipeline: a command waits for those before it on its key of which either writes, and others behind it too', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  kit.store.holds = true;
  client.send(['GET', 'a'], ['GET', 'a'], ['SET', 'b', '1'], ['SET', 'a', '1'], ['GET', 'c']);
  t.deepEqual(
    kit.store.held.map(({ kind, key }) => [kind, key]),
    [
      [GET, 'a'],
      [GET, 'a'],
      [PUT, 'b'],
    ],
  );
  t.false(client.session.wantsInput);
  kit.store.answerAll();
  kit.settle();
  t.deepEqual(
    kit.store.held.map(({ kind, key }) => [kind, key]),
    [
      [PUT, 'a'],
      [GET, 'c'],
    ],
  );
  t.true(client.session.wantsInput);
  kit.store.answerAll();
  kit.settle();
  t.is(client.take(), `${NIL}${NIL}+OK\r\n+OK\r\n${NIL}`);
});

test('pipeline: a command that was held is right, when more bytes come meanwhile', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  kit.store.holds = true;
  client.send(['SET', 'key', 'first'], ['SET', 'key', 'second']);
  for (let i = 0; i < 50; i++) client.send(['SET', `other-${i}`, 'x'.repeat(1_000)]);
  for (let i = 0; i < 60; i++) {
    kit.store.answerAll();
    kit.settle();
  }
  t.is(client.take(), '+OK\r\n'.repeat(52));
  kit.store.holds = false;
  t.is(client.do('GET key'), bulk('second'));
});

test('pipeline: input is not wanted, when too many commands are in flight, and is again when they are answered', (t) => {
  const kit = new SessionKit({ inFlightMax: 16 });
  const client = kit.connect();
  kit.store.holds = true;
  client.send(...Array.from({ length: 40 }, (_, i) => ['GET', `${i}`]));
  t.is(kit.store.held.length, 16);
  t.false(client.session.wantsInput);
  for (let i = 0; i < 3; i++) {
    kit.store.answerAll();
    kit.settle();
  }
  t.true(client.session.wantsInput);
  t.is(client.take(), NIL.repeat(40));
});

test('pipeline: input is not wanted, when the client does not take its replies', (t) => {
  const kit = new SessionKit({ replyBytesMax: 10_000 });
  const client = kit.connect();
  client.send(['SET', 'a', 'x'.repeat(4_000)]);
  const { session } = client;
  const bytes = encode(...Array.from({ length: 10 }, () => ['GET', 'a']));
  session.feed(bytes, 0, bytes.length);
  session.run();
  t.false(session.wantsInput);
  t.true(session.out.length < 20_000);
  t.is(client.take().length, 10 * (4_000 + 9));
  t.true(session.wantsInput);
});

test('replies: the connection is to be broken, when they pass their cap', (t) => {
  const kit = new SessionKit({ replyBytesMax: 100_000, replyBytesCap: 4_096 });
  const client = kit.connect();
  kit.keyspaces = [{ ...kit.keyspaces[0]!, valueBytesMax: 10_000 }];
  client.send(['SET', 'a', 'x'.repeat(8_000)]);
  client.send(['GET', 'a']);
  t.true(client.session.isOverflown);
});

test('faults: said, and nothing more is taken, when bytes are no command', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  kit.store.holds = true;
  t.is(client.raw('*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n:5\r\n*1\r\n$4\r\nPING\r\n'), '');
  t.false(client.session.isDone);
  kit.store.answerAll();
  t.is(client.take(), `${NIL}-ERR Protocol error: expected '$', got ':'\r\n`);
  t.true(client.session.isDone);
  t.is(client.do('PING'), '');
});

const refused = test.macro((t: ExecutionContext, words: readonly string[], reply: string | RegExp) => {
  const client = new SessionKit().connect();
  const got = client.send(words);
  if (typeof reply === 'string') t.is(got, reply);
  else t.regex(got, reply);
  t.is(client.do('PING'), '+PONG\r\n');
});
test(
  'commands: unknown ones are named with their arguments',
  refused,
  ['FOO', 'a\r\nb', 'c'],
  "-ERR unknown command 'FOO', with args beginning with: 'a??b' 'c'\r\n",
);
test(
  'commands: refused with the reason, when they have no meaning here',
  refused,
  ['incr', 'a'],
  /^-ERR INCR is not supported: a counter that/,
);
test('commands: refused, when arguments are missing', refused, ['GET'], "-ERR wrong number of arguments for 'get' command\r\n");
test(
  'commands: refused, when there are too many arguments',
  refused,
  ['GET', 'a', 'b'],
  "-ERR wrong number of arguments for 'get' command\r\n",
);
test('SELECT: refused, when it is not 0', refused, ['SELECT', '1'], /^-ERR DB index is out of range/);
test('CONFIG: refused, when it is not GET', refused, ['CONFIG', 'SET', 'a', 'b'], /^-ERR CONFIG SET is not supported/);
test('KV.GET: refused, when R is no count', refused, ['KV.GET', 'a', 'R', '0'], '-ERR R: expected a count of replicas from 1 on\r\n');
test('KV.GET: refused, when PR is no count', refused, ['KV.GET', 'a', 'PR', 'all'], '-ERR PR: expected a count of replicas from 1 on\r\n');
test(
  'KV.GET: refused, when there is no such option',
  refused,
  ['KV.GET', 'a', 'PW', '1'],
  '-ERR syntax error: expected KV.GET key [R n] [PR n] [MONOTONIC] [LOCAL]\r\n',
);
test('KV.DEL: refused, when PW is no count', refused, ['KV.DEL', 'a', 'PW', '0'], '-ERR PW: expected a count of replicas from 1 on\r\n');
test('KV.PUT: refused, when W is no count', refused, ['KV.PUT', 'a', '1', 'W', 'x'], '-ERR W: expected a count of replicas from 1 on\r\n');
test('KV.PUT: refused, when an option has no value', refused, ['KV.PUT', 'a', '1', 'W'], '-ERR syntax error: expected a value after W\r\n');
test(
  'KV.PUT: refused, when the context is no context',
  refused,
  ['KV.PUT', 'a', '1', 'CONTEXT', 'äö!'],
  '-ERR context: expected what KV.GET gave, in base64url\r\n',
);
test('KV.PUT: refused, when the context is too short', refused, ['KV.PUT', 'a', '1', 'CONTEXT', 'abcd'], /^-ERR context: expected 22 to /);

const failing = test.macro((t: ExecutionContext, status: number, reply: string) => {
  const kit = new SessionKit();
  const client = kit.connect();
  for (const line of ['GET a', 'SET a 1', 'MGET a b', 'APPEND a b', 'KV.GET a', 'DEL a']) {
    kit.store.refusals.push({ status, received: 1, needed: 2, message: status === 6 ? 'key: too long' : '' });
    t.is(client.do(line), `-${reply}\r\n`, line);
  }
});
test(
  'failures: CLUSTERDOWN, when too few replicas can be reached',
  failing,
  2,
  'CLUSTERDOWN quorum not met, nothing was written: 2 replicas needed, 1 answered',
);
test(
  'failures: INDETERMINATE, when a write was begun',
  failing,
  3,
  'INDETERMINATE the write was begun, and 1 of 2 replicas have confirmed it: it may be found later, or not',
);
test('failures: TRYAGAIN, when the store is overloaded', failing, 4, 'TRYAGAIN overloaded, nothing was done');
test('failures: TRYAGAIN, when time was up', failing, 5, 'TRYAGAIN timed out before anything was written: 2 replicas needed, 1 answered');
test('failures: ERR with what is wrong, when the store takes it for invalid', failing, 6, 'ERR key: too long');
test(
  'failures: LOADING, when the node has no ring',
  failing,
  7,
  'LOADING this node has no ring yet, is not confirmed, or is opening its replicas',
);
test('failures: ERR, when storage failed', failing, 8, 'ERR storage failed');
test('failures: TRYAGAIN, when the ring changes', failing, 9, 'TRYAGAIN the ring has changed under the request, nothing was written');
test('failures: ERR, when the keyspace was dropped', failing, 10, 'ERR no such keyspace: it was dropped');

test('failures: the first is the answer, when the second step of a command fails', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  kit.store.holds = true;
  client.do('APPEND a b');
  kit.store.refusals.push({ status: 3, received: 1, needed: 2, message: 'node n2 is gone' });
  kit.store.answerAll();
  kit.settle();
  kit.store.answerAll();
  kit.settle();
  t.is(
    client.take(),
    '-INDETERMINATE the write was begun, and 1 of 2 replicas have confirmed it: it may be found later, or not: node n2 is gone\r\n',
  );
});

test('contexts: local in ap, read first in cp, given by commands that read and modify', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  kit.store.holds = true;
  const kinds = (line: string): readonly number[] => {
    client.do(line);
    const seen: number[] = [];
    while (kit.store.held.length > 0) {
      seen.push(...kit.store.held.filter(({ kind }) => kind !== GET).map(({ request }) => request.contextKind));
      kit.store.answerAll();
      kit.settle();
    }
    client.take();
    return seen;
  };
  t.deepEqual(kinds('APPEND a 1'), [CONTEXT_NONE]);
  t.deepEqual(kinds('SET a 1'), [CONTEXT_LOCAL]);
  t.deepEqual(kinds('APPEND a 1'), [CONTEXT_GIVEN]);
  t.deepEqual(kinds('DEL a'), [CONTEXT_GIVEN]);
  t.deepEqual(kinds('KV.PUT a 1'), [CONTEXT_NONE]);
  t.deepEqual(kinds('KV.DEL a'), [CONTEXT_LOCAL]);
  t.deepEqual(kinds('KEYSPACE USE strict'), []);
  t.deepEqual(kinds('SET a 1'), [CONTEXT_READ]);
  t.deepEqual(kinds('MSET a 1 b 2'), [CONTEXT_READ, CONTEXT_READ]);
});

/** The context in a reply of KV.GET or KV.PUT. */
function contextIn(reply: string): string {
  return /\$7\r\ncontext\r\n\$\d+\r\n([A-Za-z0-9_-]+)\r\n/.exec(reply)?.[1] ?? '';
}

test('siblings: plain commands show the newest, KV.GET all, and a put with its context replaces them', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  client.do('SET a mine');
  kit.store.wallMs++;
  kit.store.concurrentPut(1, 'a', 'theirs');
  t.is(client.do('GET a'), bulk('theirs'));
  const seen = client.do('KV.GET a');
  t.true(seen.includes(`${bulk('values')}*2\r\n`) && seen.includes(bulk('mine')) && seen.includes(bulk('theirs')));
  kit.store.concurrentPut(1, 'a', 'later', 8);
  const written = client.do(`KV.PUT a merged CONTEXT ${contextIn(seen)}`);
  t.true(written.startsWith(`*10\r\n${bulk('siblings')}:2\r\n${bulk('context')}${NIL}`), written);
  const again = client.do(`KV.GET a`);
  t.true(again.includes(bulk('merged')) && again.includes(bulk('later')) && !again.includes(bulk('mine')));
  t.true(client.do(`KV.PUT a one CONTEXT ${contextIn(again)}`).startsWith(`*10\r\n${bulk('siblings')}:1\r\n${bulk('context')}$`));
  t.is(client.do('GET a'), bulk('one'));
});

test('siblings: a put without a context makes one, and KV.DEL with a context deletes what it has seen', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  client.do('KV.PUT a 1');
  const first = client.do('KV.GET a');
  kit.store.wallMs++;
  kit.store.concurrentPut(1, 'a', '2');
  client.do(`KV.DEL a CONTEXT ${contextIn(first)}`);
  const left = client.do('KV.GET a');
  t.true(left.includes(`${bulk('values')}*1\r\n${bulk('2')}${bulk('tombstones')}:1\r\n`), left);
  client.do(`KV.DEL a CONTEXT ${contextIn(left)}`);
  const gone = client.do('KV.GET a');
  t.true(gone.includes(`${bulk('values')}*0\r\n${bulk('tombstones')}:1\r\n`));
  t.true(client.do(`KV.PUT a 3 CONTEXT ${contextIn(gone)}`).includes(`${bulk('siblings')}:1\r\n`));
});

test('contexts: refused, when they are forged or of another key or keyspace', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  client.do('SET a 1');
  const context = contextIn(client.do('KV.GET a'));
  const forged = `${context.slice(0, 20)}${context[20] === 'A' ? 'B' : 'A'}${context.slice(21)}`;
  t.regex(client.do(`KV.PUT a 2 CONTEXT ${forged}`), /^-ERR context: /);
  t.regex(client.do(`KV.PUT b 2 CONTEXT ${context}`), /^-ERR context: expected one that this cluster gave out/);
  client.do('KEYSPACE USE strict');
  t.regex(client.do(`KV.PUT a 2 CONTEXT ${context}`), /^-ERR context: expected one that this cluster gave out/);
});

test('KV.GET: R, PR, MONOTONIC, LOCAL, W and PW reach the store, and what is not said next is not taken from before', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  kit.store.holds = true;
  client.do('KV.GET a R 3 LOCAL');
  client.do('KV.PUT b 1 W 2 TTL 500');
  client.do('KV.GET d PR 2 MONOTONIC');
  client.do('KV.GET a');
  client.do('KV.DEL c PW 3');
  const [get, put, monotonic, plain, del] = kit.store.held.map(({ request }) => request);
  t.deepEqual([get!.r, get!.isLocal], [3, true]);
  t.deepEqual([put!.w, put!.isLocal, put!.expiryMs, put!.deadlineMs], [2, false, kit.store.wallMs + 500, 5_000]);
  t.like(monotonic, { r: 0, primaries: 2, isMonotonic: true, isLocal: false });
  t.like(plain, { r: 0, primaries: 0, isMonotonic: false, isLocal: false });
  t.like(del, { w: 0, primaries: 3, isMonotonic: false });
});

test('README: the tables of commands are those of the code', (t) => {
  const readme = readFileSync('actors/resp/README.md', 'utf8');
  const [, between] = /<!-- commands -->\n([\s\S]*)<!-- \/commands -->/.exec(readme) ?? [];
  t.is(between, `\n${commandTables()}\n`);
});
