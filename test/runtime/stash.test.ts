import test from 'ava';
import { ask, Driver } from '../helpers/driver.ts';
import { World } from '../helpers/world.ts';

/** Stashes until it is opened, then handles. */
function setUp(stashCapacity = 256) {
  const world = new World();
  const { runtime } = world.shard();
  const handled: unknown[] = [];
  let isOpen = false;
  const actor = new Driver(runtime, {
    stashCapacity,
    receive: (message, context) => {
      if (message === 'open') {
        isOpen = true;
        context.unstashAll();
      } else if (isOpen) {
        handled.push(message);
      } else {
        context.stash();
      }
    },
  });
  world.settle();
  return { world, runtime, actor, handled };
}

test('stash: puts messages back before what is queued, in their order', (t) => {
  const { world, runtime, actor, handled } = setUp();
  for (const message of [1, 2, 'open', 3]) actor.ref.tell(message);
  world.settle();
  t.deepEqual(handled, [1, 2, 3]);
  t.is(runtime.backlog, 0);
});

test('stash: what is put aside counts neither as queued nor against the capacity', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const actor = new Driver(runtime, {
    mailbox: { capacity: 2 },
    receive: (message, context) => (message === 'open' ? context.unstashAll() : context.stash()),
  });
  for (let i = 0; i < 10; i++) {
    t.true(actor.ref.tell(i));
    world.settle();
  }
  t.is(runtime.backlog, 0);
});

test('stash: refuses with OVERLOADED, when it is full', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const actor = new Driver(runtime, {
    stashCapacity: 1,
    receive: (message, context) => (message === 1 ? context.stash() : t.throws(() => context.stash(), { code: 'OVERLOADED' })),
  });
  actor.ref.tell(1);
  actor.ref.tell(2);
  world.settle();
  t.is(actor.messages.length, 2);
});

test('stash: an ask that was put aside is answered later, or expires there', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  let isOpen = false;
  const actor = new Driver(runtime, {
    receive: (message, context) => {
      if (message === 'open') {
        isOpen = true;
        context.unstashAll();
      } else if (isOpen) (message as { replyTo: { tell(answer: string): void } }).replyTo.tell('answer');
      else context.stash();
    },
  });
  const short = ask(runtime, actor.ref, (replyTo) => ({ replyTo }), 10);
  const long = ask(runtime, actor.ref, (replyTo) => ({ replyTo }), 100);
  world.advance(20);
  t.is(actor.messages.length, 2);
  actor.ref.tell('open');
  world.settle();
  t.deepEqual([short.outcomes, long.outcomes], [['DEADLINE_EXCEEDED'], ['answer']]);
  t.is(actor.messages.length, 4);
});

test('stash: asks that were put aside fail at once, when the actor stops', (t) => {
  const { world, runtime, actor } = setUp();
  const asked = ask(runtime, actor.ref, () => 1);
  world.settle();
  runtime.stop(actor.ref);
  t.deepEqual(asked.outcomes, ['NO_SUCH_ACTOR']);
  t.is(runtime.deadLetters.counts().stopped, 1);
  t.is(runtime.backlog, 0);
});

test('stash: goes back into the mailbox, when the actor is restarted', (t) => {
  const { world, actor, handled } = setUp();
  for (const message of [1, 2]) actor.ref.tell(message);
  world.settle();
  actor.post(() => {
    throw new Error('boom');
  });
  world.settle();
  actor.ref.tell('open');
  world.settle();
  t.deepEqual(handled, [1, 2]);
});

test('stash: a message put aside is not lost, when its handling then fails', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  let count = 0;
  const actor = new Driver(runtime, {
    receive: (_message, context) => {
      if (++count > 1) return;
      context.stash();
      throw new Error('boom');
    },
  });
  const asked = ask(runtime, actor.ref, () => 'question', 50);
  world.settle();
  t.deepEqual(actor.messages, ['question', 'question']);
  t.deepEqual(asked.outcomes, []);
  t.is(runtime.deadLetters.counts().failed, 0);
});

test('stash: the same message twice is a bug of the actor', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const actor = new Driver(runtime, {
    receive: (_message, context) => {
      context.stash();
      t.throws(() => context.stash(), { name: 'BugError' });
    },
  });
  actor.ref.tell(1);
  actor.ref.tell(2, { timeoutMs: 10 });
  world.settle();
  t.is(actor.messages.length, 2);
});

test('bug: a signal could be put aside, and came back as a message', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const actor = new Driver(runtime, {
    create: (context) => t.throws(() => context.stash(), { name: 'BugError' }),
    signal: (_signal, context) => t.throws(() => context.stash(), { name: 'BugError' }),
    receiveBytes: (_record, context) => t.throws(() => context.stash(), { name: 'BugError', message: /operation 1/ }),
  });
  const other = new Driver(runtime);
  other.ref.tell('so that a message was handled before');
  world.turn(actor, (context) => context.watch(other.ref));
  runtime.stop(other.ref);
  actor.ref.tellBytes(1, Buffer.alloc(1), 0, 1);
  world.turn(actor, (context) => context.unstashAll());
  t.deepEqual([actor.messages, actor.news], [[], ['terminated stopped']]);
});

test('stash: bytes that are an object message can be put aside', (t) => {
  const { world, actor, handled } = setUp();
  const bytes = Buffer.from('abc');
  actor.ref.tell(bytes);
  actor.ref.tell('open');
  world.settle();
  t.deepEqual(handled, [bytes]);
});

test('stash: unstashing nothing does nothing', (t) => {
  const { world, actor, handled } = setUp();
  actor.ref.tell('open');
  actor.ref.tell('open');
  actor.ref.tell(1);
  world.settle();
  t.deepEqual(handled, [1]);
});
