import test, { type ExecutionContext } from 'ava';
import { BULK_CLASS, CONTROL_CLASS } from '../../../runtime/lanes.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { createThreadChannel } from '../../../runtime/threads/thread-channel.ts';
import { POISON_ID, putFrame } from '../wire/rig.ts';
import { join, NODE, quiet, range, TestThread, turn, until } from './rig.ts';

function pair(t: ExecutionContext, options: { readonly maxBytes?: number; readonly bulkBytes?: number } = {}): [TestThread, TestThread] {
  const limits = { initialBytes: 64, maxBytes: options.maxBytes ?? 1 << 20 };
  const a = new TestThread(0, { boot: 11, limits });
  const b = new TestThread(1, { boot: 22, limits });
  join(a, b, { bulkBytes: options.bulkBytes ?? 4096, controlBytes: 1024 });
  t.teardown(() => Promise.all([a.close(), b.close()]));
  return [a, b];
}

test('thread transport: frames go both ways in order, when two threads are attached', async (t) => {
  const [a, b] = pair(t);
  a.send(b, range(0, 100));
  b.send(a, range(500, 100));
  await until(() => b.received(a).length === 100 && a.received(b).length === 100);
  t.deepEqual(b.received(a), range(0, 100));
  t.deepEqual(a.received(b), range(500, 100));
  t.deepEqual(a.events.ups, ['n/1:0', 'n/1:1']);
  t.is(a.link(b).peerBoot, 22);
  t.is(b.link(a).peerBoot, 11);
});

test('thread transport: control is handed over before bulk, when both were sent before the receiver looked', async (t) => {
  const [a, b] = pair(t);
  const order: string[] = [];
  b.events.onId = (id, link) => order.push(`${link.laneClass}:${id}`);
  a.send(b, [1, 2], { laneClass: BULK_CLASS });
  a.send(b, [3], { laneClass: CONTROL_CLASS });
  await until(() => order.length === 3);
  t.deepEqual(order, [`${CONTROL_CLASS}:3`, `${BULK_CLASS}:1`, `${BULK_CLASS}:2`]);
});

test('thread transport: what ended a sleep has been delivered when it says that it is awake', async (t) => {
  const [a, b] = pair(t);
  await quiet(a, b);
  const before = b.wokenWith.length;
  a.send(b, [1]);
  await until(() => b.received(a).length === 1);
  t.is(b.wokenWith.length, before + 1);
  t.is(b.wokenWith.at(-1), b.events.bytesReceived);
  t.true(b.events.bytesReceived > 0);
});

test('thread transport: a link keeps frames, when its thread is not attached yet', async (t) => {
  const limits = { initialBytes: 64, maxBytes: 256 };
  const [a, b] = [new TestThread(0, { limits }), new TestThread(1, { limits })];
  t.is(a.send(b, range(0, 10)), 6);
  t.is(a.link(b).outFrames, 6);
  t.is(a.link(b).peerBoot, 0);
  t.true(a.link(b).hasWaiters);
  join(a, b);
  await until(() => b.received(a).length === 6);
  t.deepEqual(b.received(a), range(0, 6));
  await until(() => a.events.drained.length > 0);
  t.deepEqual(a.events.drained, ['n/1:1']);
  await Promise.all([a.close(), b.close()]);
});

test('thread transport: frames of all sizes arrive whole and in order, when rings are small and both sides send', async (t) => {
  const [a, b] = pair(t, { bulkBytes: 256 });
  const random = new SeededRandom('sizes');
  const count = 3000;
  const sent = [0, 0];
  const feed = (from: TestThread, to: TestThread, side: 0 | 1) => {
    const link = from.link(to);
    for (let i = random.below(12); i > 0 && (sent[side] as number) < count; i--) {
      if (!putFrame(link, sent[side] as number, random.chance(0.02) ? 1 + random.below(5000) : 1 + random.below(60))) break;
      sent[side] = (sent[side] as number) + 1;
    }
    link.flush();
  };
  while (a.received(b).length < count || b.received(a).length < count) {
    feed(a, b, 0);
    feed(b, a, 1);
    if (random.chance(0.7)) await turn();
  }
  t.deepEqual(b.received(a), range(0, count));
  t.deepEqual(a.received(b), range(0, count));
  t.is(a.link(b).outFrames, 0);
});

test('thread transport: one wake-up is posted for a sleep, when many flushes come before it is taken', async (t) => {
  const [a, b] = pair(t);
  await quiet(a, b);
  const before = a.transport.stats().wakesPosted;
  for (const id of range(0, 50)) a.send(b, [id]);
  t.is(a.transport.stats().wakesPosted, before + 1);
  await until(() => b.received(a).length === 50);
  t.is(b.transport.stats().wakesTaken, b.transport.stats().sleeps);
});

test('thread transport: no wake-up is posted, when the receiver is awake', async (t) => {
  const [a, b] = pair(t);
  await quiet(a, b);
  a.send(b, [0]);
  await until(() => b.received(a).length === 1);
  const before = a.transport.stats().wakesPosted;
  a.send(b, [1]);
  await until(() => b.received(a).length === 2);
  t.is(a.transport.stats().wakesPosted, before);
});

test('thread transport: one wake-up tells the sender of room, when its ring was full', async (t) => {
  const [a, b] = pair(t, { bulkBytes: 256 });
  b.events.congested = true;
  a.send(b, range(0, 10));
  await quiet(a, b);
  t.is(a.link(b).outFrames, 4);
  const before = b.transport.stats().wakesPosted;
  b.events.congested = false;
  b.transport.resume();
  await until(() => b.received(a).length === 10);
  t.is(b.transport.stats().wakesPosted, before + 1);
  t.deepEqual(b.received(a), range(0, 10));
});

test('thread transport: memory is bounded and control passes, when the receiver is congested', async (t) => {
  const maxBytes = 64 * 1024;
  const [a, b] = pair(t, { maxBytes, bulkBytes: 4096 });
  b.events.congested = true;
  let taken = 0;
  for (const round of range(0, 100)) {
    taken += a.send(b, range(taken, 100), { payloadBytes: 50 });
    a.send(b, [round], { laneClass: CONTROL_CLASS });
    await turn();
  }
  await until(() => b.received(a, CONTROL_CLASS).length === 100);
  t.is(b.received(a).length, 0);
  t.true(a.link(b).out.bytes.length <= maxBytes);
  t.true(taken < (maxBytes + 4096) / 89);
  t.deepEqual(a.events.drained, []);
  b.events.congested = false;
  b.transport.resume();
  await until(() => a.events.drained.length > 0);
  await until(() => b.received(a).length === taken);
  t.deepEqual(b.received(a), range(0, taken));
  t.is(a.send(b, [taken]), 1);
  t.deepEqual(a.events.drained, ['n/1:1']);
});

test('thread transport: an out-buffer that a full ring made grow is given back, when it has long been mostly empty', async (t) => {
  const [a, b] = pair(t, { bulkBytes: 4096 });
  b.events.congested = true;
  a.send(b, range(0, 10_000));
  t.true(a.link(b).out.bytes.length > 256 * 1024);
  b.events.congested = false;
  b.transport.resume();
  await until(() => b.received(a).length === 10_000);
  for (const id of range(10_000, 1001)) {
    a.send(b, [id]);
    if (id % 50 === 0) await until(() => b.received(a).length === id + 1);
  }
  await until(() => b.received(a).length === 11_001);
  t.true(a.link(b).out.bytes.length <= 16 * 1024);
});

test('thread transport: it stops in the middle of its input, when a batch makes the runtime congested', async (t) => {
  const [a, b] = pair(t);
  const c = new TestThread(2);
  join(c, b);
  b.events.onId = () => {
    b.events.congested = true;
  };
  a.send(b, [1]);
  c.send(b, [1]);
  await quiet(a, b, c);
  t.is(b.received(a).length + b.received(c).length, 1);
  b.events.congested = false;
  b.transport.resume();
  await until(() => b.received(a).length + b.received(c).length === 2);
  t.deepEqual([b.received(a), b.received(c)], [[1], [1]]);
  await c.close();
});

test('thread transport: a frame that breaks the protocol costs the rest of its batch and is logged', async (t) => {
  const [a, b] = pair(t);
  a.send(b, [1, POISON_ID, 2]);
  await until(() => b.transport.stats().protocolErrors === 1);
  a.send(b, [3]);
  await until(() => b.received(a).length === 2);
  t.deepEqual(b.received(a), [1, 3]);
  t.deepEqual(
    b.log.lines.map(({ event, fields }) => [event, fields.peer, fields.reason, fields.count]),
    [['frames of a thread broke the protocol', 'n/0', 'poison', 1]],
  );
});

test('thread transport: what a dead thread had sent is delivered, then its links and place go down once', async (t) => {
  const [a, b] = pair(t, { bulkBytes: 256 });
  await quiet(a, b);
  const order: string[] = [];
  b.events.onId = (id) => order.push(`${id}, place down: ${b.events.placesDown.length}`);
  b.events.congested = true;
  a.send(b, [7]);
  b.send(a, range(0, 10));
  b.transport.detach(0, 11);
  b.transport.detach(0, 11);
  t.deepEqual(order, ['7, place down: 0']);
  // Six fit into the ring, four were left in `out`.
  t.deepEqual(b.events.downs, [
    { link: 'n/0:0', reason: 'the thread has ended', lostFrames: 0 },
    { link: 'n/0:1', reason: 'the thread has ended', lostFrames: 10 },
  ]);
  t.deepEqual(b.events.placesDown, [{ place: 'n/0', boot: 11, reason: 'shardDown' }]);
  t.is(b.link(a).peerBoot, 0);
  t.is(b.link(a).outFrames, 0);
  await until(() => a.events.placesDown.length > 0);
  t.deepEqual(a.events.placesDown, [{ place: 'n/1', boot: 22, reason: 'shardDown' }]);
});

test('thread transport: a thread that is started again is reached under its new boot, and gets nothing meant for the old one', async (t) => {
  const a = new TestThread(0);
  const [old, young, zombie] = [2, 3, 2].map((boot) => new TestThread(1, { boot })) as [TestThread, TestThread, TestThread];
  join(a, old);
  a.transport.detach(1, 2);
  a.send(old, [1]);
  a.transport.detach(1, 3);
  t.deepEqual(a.events.downs.at(-1), { link: 'n/1:1', reason: 'the thread has ended', lostFrames: 1 });
  const later = new TestThread(1, { boot: 4 });
  join(a, young);
  join(a, later);
  join(a, zombie);
  a.send(later, [2]);
  await until(() => later.received(a).length === 1);
  t.deepEqual([young.received(a), later.received(a)], [[], [2]]);
  t.deepEqual(
    a.events.placesDown.map(({ boot }) => boot),
    [2, 3],
  );
  t.deepEqual(
    a.log.lines.map(({ event, fields }) => [event, fields.boot, fields.known]),
    [
      ['thread not attached', 3, 3],
      ['thread not attached', 2, 4],
    ],
  );
  await Promise.all([a, old, young, later, zombie].map((thread) => thread.close()));
});

test('thread transport: the place of the old boot goes down, when a newer one is attached without a word', async (t) => {
  const a = new TestThread(0);
  const [old, young] = [2, 3].map((boot) => new TestThread(1, { boot })) as [TestThread, TestThread];
  join(a, old);
  join(a, young);
  t.deepEqual(a.events.placesDown, [{ place: 'n/1', boot: 2, reason: 'shardDown' }]);
  t.is(a.link(young).peerBoot, 3);
  await Promise.all([a, old, young].map((thread) => thread.close()));
});

test('thread transport: close hands over what is left and is done once, and peers learn of it', async (t) => {
  const [a, b] = pair(t, { bulkBytes: 256 });
  a.send(b, range(0, 50));
  t.true(a.link(b).outFrames > 0);
  let done = 0;
  a.transport.close(() => done++);
  t.is(done, 0);
  await until(() => done > 0);
  await until(() => b.events.placesDown.length > 0);
  t.deepEqual(b.received(a), range(0, 50));
  t.deepEqual(b.events.placesDown, [{ place: 'n/0', boot: 11, reason: 'shardDown' }]);
  a.tasks.runAll();
  t.is(done, 1);
});

test('thread transport: close gives up after its time, when the peer reads nothing', async (t) => {
  const [a, b] = pair(t, { bulkBytes: 256 });
  b.events.congested = true;
  a.send(b, range(0, 50));
  await quiet(a, b);
  let done = 0;
  a.transport.close(() => done++);
  t.is(done, 0);
  a.tasks.runAll();
  t.is(done, 1);
  t.deepEqual(
    a.log.lines.map(({ event, fields }) => [event, fields.peer, fields.frames]),
    [['thread link closed before all was sent', 'n/1', 44]],
  );
  await until(() => b.events.placesDown.length > 0);
  t.deepEqual(b.received(a), range(0, 6));
});

test('thread transport: a closed one takes part in nothing', async (t) => {
  const a = new TestThread(0);
  await a.close();
  const { a: half, b: other } = createThreadChannel();
  a.transport.attach({ shard: 1, boot: 1 }, half.end);
  other.end.port.ref();
  await new Promise((resolve) => other.end.port.once('close', resolve));
  t.deepEqual(a.events.ups, []);
  a.transport.resume();
  a.transport.link({ node: NODE, shard: 1 }, BULK_CLASS).flush();
});

test('thread transport: attaching a thread to itself is refused', (t) => {
  const a = new TestThread(0);
  const channel = createThreadChannel();
  t.throws(() => a.transport.attach({ shard: 0, boot: 1 }, channel.a.end), { message: 'attach: shard 0 is this thread itself' });
  channel.a.end.port.close();
});

test('thread channel: ring sizes that are no power of two are refused', (t) => {
  t.throws(() => createThreadChannel({ bulkBytes: 1000 }), {
    message: 'ring: expected a power of two from 64 to 268435456 bytes, got 1000',
  });
  t.throws(() => createThreadChannel({ controlBytes: 32 }), {
    message: 'ring: expected a power of two from 64 to 268435456 bytes, got 32',
  });
});
