import test from 'ava';
import type { Answer } from '../../runtime/actor.ts';
import type { Ref } from '../../runtime/ref.ts';
import { ask, Driver } from '../helpers/driver.ts';
import { World } from '../helpers/world.ts';

interface Question {
  readonly replyTo: Ref<unknown>;
}

function setUp() {
  const world = new World();
  const { runtime, loop } = world.shard();
  const echo = new Driver(runtime, { receive: (message) => (message as Question).replyTo.tell('answer') });
  const silent = new Driver(runtime);
  const asker = new Driver(runtime);
  world.settle();
  return { world, runtime, loop, echo, silent, asker };
}

const question = (replyTo: Ref<unknown>): Question => ({ replyTo });

test('ask: gives the answer', (t) => {
  const { world, runtime, echo } = setUp();
  const asked = ask(runtime, echo.ref, question);
  world.settle();
  t.deepEqual(asked.outcomes, ['answer']);
  t.is(runtime.asks.size, 0);
});

test('ask: promises the answer, outside of actors', async (t) => {
  const { world, echo, silent } = setUp();
  const answered = echo.ref.ask<unknown>(question, { timeoutMs: 10 });
  const unanswered = silent.ref.ask<unknown>(question, { timeoutMs: 10 });
  world.advance(10);
  t.is(await answered, 'answer');
  await t.throwsAsync(unanswered, { code: 'DEADLINE_EXCEEDED', message: /10 ms/ });
});

test('ask: brings the answer as a message, within an actor', (t) => {
  const { world, echo, asker } = setUp();
  world.turn(asker, (context) => context.ask(echo.ref, question, { timeoutMs: 10 }, (answer: Answer<unknown>) => answer));
  t.deepEqual(asker.messages, [{ ok: true, value: 'answer' }]);
});

test('ask: fails at the deadline, neither before nor again after', (t) => {
  const { world, runtime, silent } = setUp();
  const asked = ask(runtime, silent.ref, question, 10);
  world.advance(9);
  t.deepEqual(asked.outcomes, []);
  world.advance(1);
  t.deepEqual(asked.outcomes, ['DEADLINE_EXCEEDED']);
  world.advance(100_000);
  t.is(asked.outcomes.length, 1);
});

test('ask: the loop is woken for the deadline, and for nothing when all are answered', (t) => {
  const { world, runtime, loop, silent, echo } = setUp();
  ask(runtime, silent.ref, question, 5000);
  world.settle();
  t.is(loop.wakeAtMs, 5000);
  world.advance(5000);
  ask(runtime, echo.ref, question, 5000);
  world.settle();
  t.is(loop.wakeAtMs, Number.POSITIVE_INFINITY);
});

test('ask: fails at its deadline, when nothing else wakes the thread', (t) => {
  const world = new World();
  const { runtime } = world.shard({ tuning: { supervision: { backoff: { minMs: 1000 } } } });
  const suspended = new Driver(runtime);
  world.turn(suspended, () => {
    throw new Error('boom');
  });
  const asked = ask(runtime, suspended.ref, question, 10);
  world.advance(10);
  t.deepEqual(asked.outcomes, ['DEADLINE_EXCEEDED']);
});

test('ask: a late answer is a dead letter, and `tell` returns false', (t) => {
  const { world, runtime, silent } = setUp();
  const asked = ask(runtime, silent.ref, question, 10);
  world.advance(10);
  const [{ replyTo }] = silent.messages as [Question];
  t.false(replyTo.tell('late'));
  t.deepEqual(asked.outcomes, ['DEADLINE_EXCEEDED']);
  t.is(runtime.deadLetters.counts().lateReply, 1);
});

test('ask: only the first answer counts', (t) => {
  const { world, runtime } = setUp();
  const twice = new Driver(runtime, {
    receive: (message) => {
      const { replyTo } = message as Question;
      t.true(replyTo.tell('first'));
      t.false(replyTo.tell('second'));
    },
  });
  const asked = ask(runtime, twice.ref, question);
  world.settle();
  t.deepEqual(asked.outcomes, ['first']);
});

test('ask: a question still queued at its deadline is never handled', (t) => {
  const { world, runtime, silent } = setUp();
  ask(runtime, silent.ref, question, 10);
  world.clock.ms = 10;
  world.settle();
  t.deepEqual(silent.messages, []);
  t.is(runtime.deadLetters.counts().expired, 1);
});

test('ask: fails at once, when the actor has stopped', (t) => {
  const { world, runtime, silent, asker } = setUp();
  runtime.stop(silent.ref);
  t.deepEqual(ask(runtime, silent.ref, question).outcomes, ['NO_SUCH_ACTOR']);
  t.deepEqual(ask(runtime, runtime.refTo(silent.ref.address), question).outcomes, ['NO_SUCH_ACTOR']);
  world.turn(asker, (context) =>
    context.ask(silent.ref, question, { timeoutMs: 10 }, (answer: Answer<unknown>) => !answer.ok && answer.error.code),
  );
  t.deepEqual(asker.messages, ['NO_SUCH_ACTOR']);
  t.deepEqual(asker.news, []);
});

test('ask: fails with OVERLOADED, when too many are pending', (t) => {
  const world = new World();
  const { runtime } = world.shard({ tuning: { pendingAsksMax: 2 } });
  const silent = new Driver(runtime);
  const asked = [1, 2, 3].map(() => ask(runtime, silent.ref, question, 10));
  t.deepEqual(
    asked.map(({ outcomes }) => outcomes[0]),
    [undefined, undefined, 'OVERLOADED'],
  );
  world.advance(10);
  t.true(asked.every(({ outcomes }) => outcomes.length === 1));
});

test("ask: what makes the message may fail, which is the caller's failure and leaves nothing pending", async (t) => {
  const { world, runtime, echo, asker } = setUp();
  const boom = (): never => {
    throw new TypeError('boom');
  };
  t.throws(() => ask(runtime, echo.ref, boom), { instanceOf: TypeError });
  await t.throwsAsync(echo.ref.ask(boom, { timeoutMs: 10 }), { instanceOf: TypeError });
  world.turn(asker, (context) => context.ask(echo.ref, boom, { timeoutMs: 10 }, () => 'outcome'));
  world.advance(100);
  t.deepEqual([asker.starts, asker.messages, runtime.asks.size], [2, [], 0]);
});

test('ask: a reply address can be asked nothing and takes no bytes', async (t) => {
  const { runtime, silent, world } = setUp();
  ask(runtime, silent.ref, question);
  world.settle();
  const [{ replyTo }] = silent.messages as [Question];
  await t.throwsAsync(
    replyTo.ask(() => 1, { timeoutMs: 10 }),
    { code: 'INVALID_ARGUMENT' },
  );
  t.throws(() => replyTo.tellBytes(1, Buffer.alloc(1), 0, 1), { code: 'INVALID_ARGUMENT' });
});

for (const timeoutMs of [0, Number.NaN, -5, undefined] as unknown as number[]) {
  test(`ask: a timeout of ${timeoutMs} is refused`, async (t) => {
    const { echo, asker, world } = setUp();
    await t.throwsAsync(echo.ref.ask(question, { timeoutMs }), { code: 'INVALID_ARGUMENT' });
    world.turn(asker, (context) => t.throws(() => context.ask(echo.ref, question, { timeoutMs }, () => 1), { code: 'INVALID_ARGUMENT' }));
  });
}

test('ask: an actor may ask itself', (t) => {
  const { world, runtime } = setUp();
  const target = new Driver(runtime, { receive: (message) => typeof message === 'object' && (message as Question).replyTo.tell('self') });
  world.turn(target, (context) =>
    context.ask(context.self, question, { timeoutMs: 10 }, (answer: Answer<unknown>) => (answer.ok ? answer.value : answer.error.code)),
  );
  t.is(target.messages[1], 'self');
});

test('ask: the outcome is taken, when the mailbox of the asker is full', (t) => {
  const { world, runtime, echo } = setUp();
  const small: Driver = new Driver(runtime, { mailbox: { capacity: 1 } });
  world.turn(small, (context) => {
    for (const i of [1, 2, 3]) context.ask(echo.ref, question, { timeoutMs: 10 }, () => i);
    small.ref.tell('fills it');
  });
  t.deepEqual([...small.messages].map(String).sort(), ['1', '2', '3', 'fills it']);
});

test('ask: nothing comes, when the asker has ended', (t) => {
  const { world, runtime, echo, silent, asker } = setUp();
  world.turn(asker, (context) => {
    context.ask(echo.ref, question, { timeoutMs: 10 }, () => 1);
    context.ask(silent.ref, question, { timeoutMs: 10 }, () => 2);
    context.stop(context.self);
  });
  world.advance(100);
  t.deepEqual(asker.messages, []);
  t.is(runtime.asks.size, 0);
});

test('ask: the deadline travels along, and `remainingMs` tells what is left', (t) => {
  const { world, runtime } = setUp();
  const left: number[] = [];
  const target = new Driver(runtime, { receive: (_message, context) => left.push(context.remainingMs()) });
  ask(runtime, target.ref, question, 50);
  target.ref.tell('timeout', { timeoutMs: 20 });
  target.ref.tell('none');
  world.clock.ms = 5;
  world.settle();
  t.deepEqual(left, [45, 15, Number.POSITIVE_INFINITY]);
});

test('job: its outcome comes as a message, and its ticket cancels it', (t) => {
  const world = new World();
  const shard = world.shard();
  const asker = new Driver(shard.runtime);
  world.turn(asker, (context) => {
    const outcome = (answer: Answer<unknown>): unknown => (answer.ok ? answer.value : answer.error.code);
    context.job({ name: 'sum' }, [1, 2], { timeoutMs: 10 }, outcome);
    context.job({ name: 'long' }, 3, { timeoutMs: 10 }, outcome).cancel();
    t.throws(() => context.job({ name: 'x' }, 1, { timeoutMs: 0 }, outcome), { code: 'INVALID_ARGUMENT' });
  });
  const [sum, long] = shard.jobs.started;
  t.deepEqual([sum?.name, sum?.input, sum?.isCancelled, long?.isCancelled], ['sum', [1, 2], false, true]);
  sum?.done({ ok: true, value: 3 });
  long?.done({ ok: false, code: 'JOB_CANCELLED', message: 'cancelled' });
  world.settle();
  t.deepEqual(asker.messages, [3, 'JOB_CANCELLED']);
});

test('completion: brings what it is called with as a message, outside of any turn', (t) => {
  const { world, asker } = setUp();
  let done: ((value: number) => void) | undefined;
  world.turn(asker, (context) => {
    done = context.completion((value: number) => ['read', value]);
  });
  done?.(7);
  world.settle();
  t.deepEqual(asker.messages, [['read', 7]]);
});
