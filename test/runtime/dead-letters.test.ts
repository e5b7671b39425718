import test from 'ava';
import type { DeadLetter } from '../../runtime/dead-letters.ts';
import type { Ref } from '../../runtime/ref.ts';
import { Driver } from '../helpers/driver.ts';
import { World } from '../helpers/world.ts';

function setUp() {
  const world = new World();
  const { runtime } = world.shard();
  const [reader, target] = [new Driver(runtime), new Driver(runtime, { mailbox: { capacity: 1 } })];
  world.settle();
  runtime.deadLetters.subscribe(reader.ref);
  return { world, runtime, reader, target, letters: reader.messages as DeadLetter[] };
}

test('dead letters: show reason, target and the type of the message, never its content', (t) => {
  const { world, runtime, target, letters } = setUp();
  runtime.stop(target.ref);
  for (const message of [{ type: 'secret', key: 'abc' }, 'abc', 7, null, undefined, { type: 5 }, { type: 'x'.repeat(100) }])
    target.ref.tell(message);
  target.ref.tellBytes(7, Buffer.alloc(1), 0, 1);
  world.settle();
  t.deepEqual(
    letters.map(({ message }) => message),
    ['secret', 'string', 'number', 'null', 'undefined', 'object', 'x'.repeat(64), 'operation 7'],
  );
  t.true(
    letters.every(({ type, reason, target: name }) => type === 'deadLetter' && reason === 'stopped' && name.startsWith('driver(a/0#')),
  );
});

test('bug: a binary message that was lost was shown as a string', (t) => {
  const { world, runtime, letters } = setUp();
  const failing = new Driver(runtime, {
    receiveBytes: () => {
      throw new Error('boom');
    },
  });
  failing.ref.tellBytes(3, Buffer.alloc(1), 0, 1);
  world.settle();
  t.deepEqual(
    letters.map(({ reason, message }) => `${reason} ${message}`),
    ['failed operation 3'],
  );
});

test('dead letters: subscribers get at most 64 per run, and counters count all', (t) => {
  const { world, runtime, target, letters } = setUp();
  runtime.stop(target.ref);
  for (let i = 0; i < 100; i++) target.ref.tell(i);
  world.settle();
  t.deepEqual([letters.length, runtime.deadLetters.counts().stopped], [64, 100]);
  target.ref.tell(1);
  world.settle();
  t.is(letters.length, 65);
});

test("dead letters: a letter that can't be delivered makes no other letter", (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const [small, roomy] = [new Driver(runtime, { mailbox: { capacity: 1 } }), new Driver(runtime)];
  for (const { ref } of [small, roomy]) runtime.deadLetters.subscribe(ref);
  const gone = new Driver(runtime);
  runtime.stop(gone.ref);
  for (let i = 0; i < 5; i++) gone.ref.tell(i);
  world.settle();
  t.deepEqual([small.messages.length, roomy.messages.length], [1, 5]);
  t.is(runtime.deadLetters.counts().stopped, 5);
});

test("bug: the actor whose message died was told that a subscriber's mailbox was full", (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const readers = (['reject', 'credit'] as const).map((overflow) => new Driver(runtime, { mailbox: { capacity: 1, overflow } }));
  for (const { ref } of readers) runtime.deadLetters.subscribe(ref);
  const [sender, gone] = [new Driver(runtime), new Driver(runtime)];
  world.settle();
  runtime.stop(gone.ref);
  world.turn(sender, () => {
    for (let i = 0; i < 3; i++) gone.ref.tell(i);
  });
  t.deepEqual(sender.news, ['rejected noSuchActor', 'rejected noSuchActor', 'rejected noSuchActor']);
});

test('dead letters: a subscriber subscribes once, and there are at most 16', (t) => {
  const { runtime, reader } = setUp();
  t.true(runtime.deadLetters.subscribe(reader.ref));
  const others = Array.from({ length: 16 }, () => new Driver(runtime).ref as Ref<DeadLetter>);
  t.deepEqual(
    others.map((ref) => runtime.deadLetters.subscribe(ref)),
    [...new Array<boolean>(15).fill(true), false],
  );
});

test('bug: a subscriber that ended stayed one, and each letter to it died', (t) => {
  const { world, runtime, reader, target } = setUp();
  runtime.stop(reader.ref);
  runtime.stop(target.ref);
  target.ref.tell(1);
  world.settle();
  t.is(runtime.deadLetters.counts().stopped, 1);
  t.true(Array.from({ length: 16 }, () => runtime.deadLetters.subscribe(new Driver(runtime).ref as Ref<DeadLetter>)).every(Boolean));
});

test('dead letters: a subscriber in another thread goes with its thread', (t) => {
  const { world, runtime } = setUp();
  const far = world.shard({ shard: 1, boot: 3 });
  world.network.connect(runtime, far.runtime);
  const remote = new Driver(far.runtime);
  runtime.deadLetters.subscribe(runtime.refTo(remote.ref.address) as Ref<DeadLetter>);
  const gone = new Driver(runtime);
  runtime.stop(gone.ref);
  gone.ref.tell({ type: 'lost' });
  world.settle();
  t.is((remote.messages[0] as DeadLetter).message, 'lost');
  runtime.receiver.onPlaceDown(far.runtime.place, 3, 'shardDown');
  gone.ref.tell(1);
  t.is(runtime.deadLetters.counts().noSuchActor, 0);
});
