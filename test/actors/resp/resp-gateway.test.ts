import test from 'ava';
import type { RespListening } from '../../../actors/resp/resp-gateway.ts';
import { defineActor } from '../../../runtime/actor.ts';
import type { Ref } from '../../../runtime/ref.ts';
import { GatewayKit } from './gateway-kit.ts';
import { bulk, encode } from './session-kit.ts';

const NIL = '$-1\r\n';

/** What the gateway tells of where it listens. */
function listeningOf({ shard, gateway, world }: GatewayKit): RespListening | undefined {
  let heard: RespListening | undefined;
  const hearer = defineActor<RespListening>('hearer', () => ({
    receive(message) {
      heard = message;
    },
  }));
  const replyTo: Ref<RespListening> = shard.runtime.spawn(hearer, []);
  gateway.tell({ type: 'listening', replyTo });
  world.settle();
  return heard;
}

test('gateway: says where it listens, or why it does not', (t) => {
  t.deepEqual(listeningOf(new GatewayKit()), { port: 6_379, fault: '' });
  t.deepEqual(listeningOf(new GatewayKit({}, 'address in use')), { port: 6_379, fault: 'address in use' });
});

test('gateway: one write for all that was answered in a run, when many commands and chunks came', (t) => {
  const kit = new GatewayKit();
  const [a, b] = [kit.connect(), kit.connect()];
  a.sends(encode(['SET', 'k', '1'], ['GET', 'k'], ['APPEND', 'k', '2']));
  b.sends('PING\r\n');
  a.sends(encode(['GET', 'k'], ['PING']));
  kit.world.settle();
  t.deepEqual(a.writes, [`+OK\r\n${bulk('1')}:2\r\n${bulk('12')}+PONG\r\n`]);
  t.deepEqual(b.writes, ['+PONG\r\n']);
});

test('gateway: one write for all, when the store answers later', (t) => {
  const kit = new GatewayKit();
  kit.store.holds = true;
  const stream = kit.connect();
  stream.sends(encode(...Array.from({ length: 100 }, (_, i) => ['GET', `${i}`])));
  kit.world.settle();
  t.deepEqual(stream.writes, []);
  kit.answer();
  t.deepEqual(stream.writes, [NIL.repeat(100)]);
});

test('gateway: a buffer that the stream keeps is not written again, and what follows waits for its drain', (t) => {
  const kit = new GatewayKit();
  const stream = kit.connect();
  const kept: { bytes: Buffer; text: string }[] = [];
  stream.write = (bytes, start, end) => {
    kept.push({ bytes: bytes.subarray(start, end), text: bytes.toString('latin1', start, end) });
    return false;
  };
  stream.sends('ECHO first\r\n');
  kit.world.settle();
  stream.sends('ECHO other\r\n');
  kit.world.settle();
  t.is(kept.length, 1);
  stream.handler.onDrain();
  kit.world.settle();
  t.deepEqual(
    kept.map(({ bytes, text }) => [bytes.toString('latin1'), text]),
    [
      [bulk('first'), bulk('first')],
      [bulk('other'), bulk('other')],
    ],
  );
});

test('gateway: reading stops when too many commands are in flight, and goes on', (t) => {
  const kit = new GatewayKit({ inFlightMax: 16 });
  kit.store.holds = true;
  const stream = kit.connect();
  stream.sends(encode(...Array.from({ length: 40 }, (_, i) => ['GET', `${i}`])));
  kit.world.settle();
  t.true(stream.isPaused);
  t.is(kit.store.held.length, 16);
  kit.answer();
  kit.answer();
  t.true(kit.store.held.length === 8 && !stream.isPaused);
  kit.answer();
  t.is(stream.take(), NIL.repeat(40));
});

test('gateway: reading stops when the client takes no replies, and all are sent once it does', (t) => {
  const kit = new GatewayKit({ replyBytesMax: 20_000 });
  const stream = kit.connect();
  stream.sends(encode(['SET', 'a', 'x'.repeat(5_000)]));
  kit.world.settle();
  stream.take();
  stream.takes = false;
  stream.sends(encode(...Array.from({ length: 30 }, () => ['GET', 'a'])));
  kit.world.settle();
  t.true(stream.isPaused);
  let got = stream.take().length;
  for (let i = 0; i < 10; i++) {
    stream.handler.onDrain();
    kit.world.settle();
    const more = stream.take().length;
    t.true(more < 30_000);
    got += more;
  }
  t.is(got, 30 * (5_000 + 9));
  t.false(stream.isPaused);
});

test('gateway: a malformed command is answered, its connection closed, and no other harmed', (t) => {
  const kit = new GatewayKit();
  const [bad, good] = [kit.connect(), kit.connect()];
  bad.sends('*1\r\n$-5\r\n');
  good.sends('PING\r\n');
  kit.world.settle();
  t.is(bad.take(), '-ERR Protocol error: invalid bulk length: expected 0 to 16777216\r\n');
  t.true(bad.isEnded && !good.isEnded);
  bad.sends('PING\r\n');
  bad.handler.onClose('closed by the peer');
  kit.world.settle();
  t.is(bad.take(), '');
  good.sends('PING\r\n');
  kit.world.settle();
  t.is(good.take(), '+PONG\r\n+PONG\r\n');
});

test('gateway: the connection is broken, when replies pass their cap', (t) => {
  const kit = new GatewayKit({ replyBytesCap: 4_096 });
  const stream = kit.connect();
  stream.sends(encode(['SET', 'a', 'x'.repeat(8_000)], ['GET', 'a']));
  kit.world.settle();
  t.is(stream.destroyed, 'it does not take its replies');
});

test('gateway: QUIT ends the stream after its answer', (t) => {
  const kit = new GatewayKit();
  kit.store.holds = true;
  const stream = kit.connect();
  stream.sends(encode(['GET', 'a'], ['QUIT']));
  kit.world.settle();
  t.false(stream.isEnded);
  kit.answer();
  t.is(stream.take(), `${NIL}+OK\r\n`);
  t.true(stream.isEnded);
});

test('gateway: answers to a connection that is gone go nowhere', (t) => {
  const kit = new GatewayKit();
  kit.store.holds = true;
  const stream = kit.connect();
  stream.sends(encode(['GET', 'a'], ['APPEND', 'b', 'c'], ['MGET', 'd', 'e']));
  kit.world.settle();
  stream.handler.onClose('reset by the peer');
  kit.answer();
  t.deepEqual(stream.writes, []);
  t.is(kit.store.held.length, 0);
  const other = kit.connect();
  other.sends('CLIENT LIST\r\n');
  kit.world.settle();
  t.regex(other.take(), /^\$\d+\r\nid=2 [^\n]*\n\r\n$/);
});

test('gateway: one connection too many is told so and closed', (t) => {
  const kit = new GatewayKit({ connectionsMax: 1 });
  const [first, second] = [kit.connect(), kit.connect()];
  t.is(second.take(), '-ERR max number of clients reached\r\n');
  t.true(second.isEnded);
  first.handler.onClose('closed');
  const third = kit.connect();
  third.sends('PING\r\n');
  kit.world.settle();
  t.is(third.take(), '+PONG\r\n');
});

test('gateway: an idle connection is closed, one that waits for an answer is not', (t) => {
  const kit = new GatewayKit({ idleMs: 5_000 });
  kit.store.holds = true;
  const [idle, busy, waiting] = [kit.connect(), kit.connect(), kit.connect()];
  waiting.sends(encode(['GET', 'a']));
  kit.world.advance(4_000);
  busy.sends('PING\r\n');
  kit.world.advance(4_000);
  t.deepEqual([idle.destroyed, busy.destroyed, waiting.destroyed], ['it was idle for too long', '', '']);
});

test('gateway: LOADING until there is a ring, a keyspace made by the ring is there at once', (t) => {
  const kit = new GatewayKit({ allowsDrop: true });
  const { ring } = kit.holder;
  kit.holder.ring = null;
  const stream = kit.connect();
  const ask = (line: string): string => {
    stream.sends(`${line}\r\n`);
    kit.world.settle();
    return stream.take();
  };
  t.is(ask('GET a'), '-LOADING this node has no ring yet\r\n');
  t.regex(ask('INFO persistence'), /loading:1/);
  kit.holder.ring = ring;
  t.is(ask('GET a'), NIL);
  t.regex(ask('INFO persistence'), /loading:0/);
  t.is(ask('KEYSPACE CREATE new N 2 MODE cp'), '+OK\r\n');
  t.is(ask('KEYSPACE CREATE new'), '-ERR there is a keyspace new\r\n');
  t.is(ask('KEYSPACE LIST'), `*2\r\n${bulk('default')}${bulk('new')}`);
  t.is(ask('KEYSPACE USE new'), '+OK\r\n');
  t.is(ask('SET a 1'), '+OK\r\n');
  t.is(ask('KEYSPACE DROP new'), '+OK\r\n');
  t.is(ask('GET a'), '-ERR no such keyspace: new; KEYSPACE LIST shows those there are\r\n');
});

test('gateway: closes its listener and connections, when it stops', (t) => {
  const kit = new GatewayKit();
  const stream = kit.connect();
  t.true(kit.isListening);
  kit.shard.runtime.stop(kit.gateway);
  kit.world.settle();
  t.false(kit.isListening);
  t.is(stream.destroyed, 'the node is stopping');
});
