import test, { type ExecutionContext } from 'ava';
import { BULK_CLASS, CONTROL, CONTROL_CLASS } from '../../runtime/lanes.ts';
import { ReplyAddress } from '../../runtime/reply.ts';
import { ask, Driver, type DriverOptions } from '../helpers/driver.ts';
import { type Shard, World } from '../helpers/world.ts';

const BYTES = Buffer.from('__payload__');

/** A client and a server, in one thread or in two. */
function setUp(isRemote: boolean, server: DriverOptions = {}, client: DriverOptions = {}) {
  const world = new World();
  const near = world.shard();
  const far: Shard = isRemote ? world.shard({ shard: 1, seed: 2 }) : near;
  if (isRemote) world.network.connect(near.runtime, far.runtime);
  const responder = new Driver(far.runtime, server);
  const requester = new Driver(near.runtime, client);
  world.settle();
  const target = near.runtime.refTo(responder.ref.address) as typeof responder.ref;
  return { world, near, far, responder, requester, target };
}

const answer: DriverOptions = {
  receiveBytes: ({ operation, text }, context) => {
    const reply = Buffer.from(`<${text}>`);
    context.replyBytes(operation + 1, reply, 1, reply.length - 2);
  },
};

const both = test.macro((t: ExecutionContext, run: (t: ExecutionContext, isRemote: boolean) => void) => {
  run(t, false);
  run(t, true);
});

test('bytes: operation, region and request id arrive, and the reply carries the id back', both, (t, isRemote) => {
  const { world, responder, requester, target } = setUp(isRemote, answer);
  world.turn(requester, () => t.true(target.tellBytes(0xffff - 1, BYTES, 2, 7, 0xffff_ffff)));
  t.deepEqual(responder.bytes, [{ operation: 0xfffe, text: 'payload', requestId: 0xffff_ffff }]);
  t.deepEqual(requester.bytes, [{ operation: 0xffff, text: 'payload', requestId: 0xffff_ffff }]);
});

test('bug: a binary message within a thread changed, when its sender used the buffer again', both, (t, isRemote) => {
  const { world, responder, requester, target } = setUp(isRemote);
  const sent = ['a', 'bc', 'x'.repeat(20_000), '', ...Array.from({ length: 30 }, (_, i) => String(i).repeat(4_000))];
  const buffer = Buffer.alloc(20_001);
  world.turn(requester, () => {
    for (const text of sent) {
      buffer.fill(0).write(text, 1);
      t.true(target.tellBytes(1, buffer, 1, text.length));
    }
  });
  t.deepEqual(
    responder.bytes.map(({ text }) => text),
    sent,
  );
});

test('bytes: who was noted is answered in a later turn, each by its own request id', both, (t, isRemote) => {
  const noted: ReplyAddress[] = [];
  const { world, responder, requester, target } = setUp(isRemote, {
    receiveBytes: (_bytes, context) => {
      const address = new ReplyAddress();
      context.noteSender(address);
      noted.push(address);
    },
  });
  for (const id of [1, 2]) world.turn(requester, () => t.true(target.tellBytes(1, BYTES, 0, 1, id)));
  t.deepEqual(requester.bytes, []);
  world.turn(responder, (context) => {
    for (const address of noted.reverse()) t.true(context.replyBytesTo(address, 9, BYTES, 2, 7));
    t.false(context.replyBytesTo(new ReplyAddress(), 9, BYTES, 2, 7));
  });
  t.deepEqual(
    requester.bytes.map(({ operation, text, requestId }) => [operation, text, requestId]),
    [
      [9, 'payload', 2],
      [9, 'payload', 1],
    ],
  );
});

test('bytes: of any length arrive as they are, from none to more than are copied by a loop', both, (t, isRemote) => {
  const { world, responder, target } = setUp(isRemote);
  const texts = [0, 1, 47, 48, 49, 1023, 1024, 5000].map((length) => 'x'.repeat(length));
  for (const text of texts) t.true(target.tellBytes(1, Buffer.from(text), 0, text.length));
  world.settle();
  t.deepEqual(
    responder.bytes.map(({ text }) => text),
    texts,
  );
});

test('bytes: and objects keep their order in a lane', both, (t, isRemote) => {
  const order: unknown[] = [];
  const { world, target } = setUp(isRemote, {
    receive: (message) => order.push(message),
    receiveBytes: ({ operation }) => order.push(operation),
  });
  for (let i = 0; i < 10; i++) {
    if (i % 2 === 0) target.tell(i);
    else target.tellBytes(i, BYTES, 0, 1);
  }
  world.settle();
  t.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('bytes: a reply goes by the bulk connection, whatever the lane of the request', (t) => {
  const { world, near, far, requester, target } = setUp(true, answer);
  world.network.link(far.runtime, near.runtime, BULK_CLASS).isStalled = true;
  world.turn(requester, () => target.tellBytes(1, BYTES, 0, 1, 0, CONTROL));
  t.is(world.network.link(far.runtime, near.runtime, CONTROL_CLASS).out.length, 0);
  t.deepEqual(requester.bytes, []);
});

test('bytes: from outside of any actor there is nobody to reply to', both, (t, isRemote) => {
  const results: boolean[] = [];
  const { world, target } = setUp(isRemote, { receiveBytes: (_record, context) => results.push(context.replyBytes(1, BYTES, 0, 1)) });
  target.tellBytes(1, BYTES, 0, 1);
  world.settle();
  t.deepEqual(results, [false]);
});

test('bytes: an object message or an ask is not answered with bytes', both, (t, isRemote) => {
  const results: boolean[] = [];
  const { world, near, requester, target } = setUp(isRemote, {
    receive: (_message, context) => results.push(context.replyBytes(1, BYTES, 0, 1)),
  });
  world.turn(requester, () => target.tell('plain'));
  ask(near.runtime, target, () => 'question');
  world.settle();
  t.deepEqual([results, requester.bytes], [[false, false], []]);
});

test('bytes: a reply to somebody who is gone is a dead letter', both, (t, isRemote) => {
  const { world, near, far, requester, target } = setUp(isRemote, answer);
  requester.post((context) => {
    target.tellBytes(1, BYTES, 0, 1);
    context.stop(context.self);
  });
  world.settle();
  t.is(near.runtime.deadLetters.counts().noSuchActor, 1);
  t.deepEqual([near.runtime.backlog, far.runtime.backlog], [0, 0]);
});

test('bytes: a reply that finds the mailbox full returns false, in the same thread', (t) => {
  const results: boolean[] = [];
  const { world, requester, responder, target } = setUp(
    false,
    { receiveBytes: (_record, context) => results.push(context.replyBytes(1, BYTES, 0, 1)) },
    { mailbox: { capacity: 1 } },
  );
  world.turn(requester, () => {
    for (let i = 0; i < 3; i++) target.tellBytes(1, BYTES, 0, 1);
  });
  t.deepEqual(results, [true, false, false]);
  t.deepEqual(responder.news, ['rejected overloaded', 'rejected overloaded']);
});

test('bytes: a reply that finds the link full returns false, and the actor is told when there is room', (t) => {
  const results: boolean[] = [];
  const world = new World();
  world.network.outMaxBytes = 100;
  const [near, far] = [world.shard(), world.shard({ shard: 1 })];
  world.network.connect(near.runtime, far.runtime);
  const responder = new Driver(far.runtime, { receiveBytes: (_record, context) => results.push(context.replyBytes(1, BYTES, 0, 10)) });
  const requester = new Driver(near.runtime);
  world.settle();
  const target = near.runtime.refTo(responder.ref.address);
  world.network.link(far.runtime, near.runtime, BULK_CLASS).isStalled = true;
  for (let i = 0; i < 3; i++) world.turn(requester, () => target.tellBytes(1, BYTES, 0, 1));
  t.deepEqual(results, [true, true, false]);
  world.network.link(far.runtime, near.runtime, BULK_CLASS).isStalled = false;
  world.network.link(far.runtime, near.runtime, BULK_CLASS).flush();
  world.settle();
  t.deepEqual([responder.news, requester.bytes.length], [['ready'], 2]);
});

test('bytes: a reply to an actor that grants credit waits for credit', (t) => {
  const results: boolean[] = [];
  const { world, requester, responder, target } = setUp(
    true,
    { receiveBytes: (_record, context) => results.push(context.replyBytes(1, BYTES, 0, 10)) },
    { mailbox: { capacity: 4, overflow: 'credit' } },
  );
  world.turn(requester, () => target.tellBytes(1, BYTES, 0, 1));
  t.deepEqual([results, requester.bytes.length, responder.news], [[false], 0, ['ready']]);
  world.turn(requester, () => target.tellBytes(1, BYTES, 0, 1));
  t.deepEqual([results, requester.bytes.length], [[false, true], 1]);
});

test('bytes: an actor without receiveBytes fails', (t) => {
  const world = new World();
  const { runtime, log } = world.shard();
  const ref = runtime.spawn({ kind: 'dynactor:actor', name: 'plain', create: () => ({ receive: () => {} }), defaults: {} }, []);
  ref.tellBytes(5, BYTES, 0, 1);
  world.settle();
  t.true(log.lines.some(({ fields }) => String(fields.error).includes('operation 5')));
});

for (const [what, operation, offset, length, requestId] of [
  ['operation', -1, 0, 1, 0],
  ['operation', 0x1_0000, 0, 1, 0],
  ['operation', 1.5, 0, 1, 0],
  ['operation', Number.NaN, 0, 1, 0],
  ['offset', 1, -1, 1, 0],
  ['offset', 1, 12, 0, 0],
  ['offset', 1, 0.5, 1, 0],
  ['length', 1, 0, 12, 0],
  ['length', 1, 11, 1, 0],
  ['length', 1, 0, -1, 0],
  ['offset', 1, 2 ** 32, 1, 0],
  ['requestId', 1, 0, 1, -1],
  ['requestId', 1, 0, 1, 2 ** 32],
] as const) {
  test(`bytes: operation ${operation}, offset ${offset}, length ${length}, request id ${requestId} are refused for the ${what}`, (t) => {
    for (const isRemote of [false, true]) {
      const { near, target } = setUp(isRemote);
      const error = t.throws(() => target.tellBytes(operation, BYTES, offset, length, requestId), { code: 'INVALID_ARGUMENT' });
      t.true(error.message.startsWith(what), error.message);
      t.is(near.runtime.backlog, 0);
    }
  });
}

test('bytes: what is no bytes is refused', (t) => {
  const { target } = setUp(false);
  t.throws(() => target.tellBytes(1, 'text' as unknown as Uint8Array, 0, 1), { code: 'INVALID_ARGUMENT', message: /^bytes/ });
});
