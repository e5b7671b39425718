import test from 'ava';
import { RuntimeError } from '../../runtime/errors.ts';
import { RESPONSE } from '../../runtime/lanes.ts';
import { serviceKey } from '../../runtime/receptionist-protocol.ts';
import { ReplyAddress } from '../../runtime/reply.ts';
import { type Context, Driver } from '../helpers/driver.ts';
import { World } from '../helpers/world.ts';

const CALLS: Readonly<Record<string, (context: Context) => unknown>> = {
  spawn: (context) => new Driver(context),
  stop: (context) => context.stop(context.self),
  watch: (context) => context.watch(context.self),
  unwatch: (context) => context.unwatch(context.self),
  after: (context) => context.after('t', 1, 1),
  every: (context) => context.every('t', 1, 1),
  cancel: (context) => context.cancel('t'),
  ask: (context) =>
    context.ask(
      context.self,
      () => 1,
      { timeoutMs: 1 },
      () => 1,
    ),
  job: (context) => context.job({ name: 'j' }, 1, { timeoutMs: 1 }, () => 1),
  completion: (context) => context.completion(() => 1),
  doorbell: (context) => context.doorbell(1),
  replyBytes: (context) => context.replyBytes(1, Buffer.alloc(1), 0, 1),
  noteSender: (context) => context.noteSender(new ReplyAddress()),
  replyBytesTo: (context) => context.replyBytesTo(new ReplyAddress(), 1, Buffer.alloc(1), 0, 1),
  remainingMs: (context) => context.remainingMs(),
  lane: (context) => context.lane,
  stash: (context) => context.stash(),
  unstashAll: (context) => context.unstashAll(),
  register: (context) => context.register(serviceKey<unknown>('k'), context.self),
  subscribe: (context) => context.subscribe(serviceKey<unknown>('k'), () => 1),
  charge: (context) => context.charge(1),
};

for (const [name, call] of Object.entries(CALLS)) {
  test(`context: \`${name}\` is refused, when it is used outside its turn or in another actor's`, (t) => {
    const world = new World();
    const { runtime } = world.shard();
    let kept: Context | undefined;
    const [actor, other] = [
      new Driver(runtime, {
        create: (context) => {
          kept = context;
        },
      }),
      new Driver(runtime),
    ];
    world.settle();
    t.throws(() => call(kept!), { name: 'BugError', message: /outside its turn/ });
    world.turn(other, () => t.throws(() => call(kept!), { name: 'BugError', message: /outside its turn/ }));
    t.is(actor.starts, 1);
    t.deepEqual([runtime.actors.count, runtime.backlog, runtime.asks.size], [2, 0, 0]);
  });
}

test('context: shows who the actor is and what it was given', (t) => {
  const world = new World();
  const { runtime, log } = world.shard();
  const parent = new Driver(runtime);
  let child: Context | undefined;
  world.turn(parent, (context) => {
    t.is(context.self, parent.ref);
    t.is(context.parent, undefined);
    t.is(context.clock, world.clock);
    new Driver(context, {
      name: 'child',
      create: (inner) => {
        child = inner;
      },
    });
  });
  t.deepEqual([child?.name, child?.parent], ['child', parent.ref]);
  child?.log.info('hello');
  t.like(log.lines[0], { event: 'hello', fields: { node: 'a', place: 'a/0' } });
});

test('context: the lane is that of the message being handled', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const lanes: number[] = [];
  const actor = new Driver(runtime, { receive: (_message, context) => lanes.push(context.lane) });
  for (const lane of [1, 2, 3, 4] as const) actor.ref.tell(lane, { lane });
  world.settle();
  t.deepEqual(lanes, [1, 2, 3, 4]);
  world.turn(actor, (context) =>
    context.ask(
      context.self,
      () => 1,
      { timeoutMs: 1 },
      () => 'outcome',
    ),
  );
  world.advance(10);
  t.is(lanes.at(-1), RESPONSE);
});

test('context: charges are handed to the simulation, and to nobody in production', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const actor = new Driver(runtime);
  world.turn(actor, (context) => context.charge(5));
  const charges: number[] = [];
  runtime.onCharge = (us) => charges.push(us);
  world.turn(actor, (context) => context.charge(7));
  t.deepEqual(charges, [7]);
});

test('context: arguments of the spawn come to the factory, at each restart', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const seen: unknown[] = [];
  const ref = runtime.spawn(
    {
      kind: 'dynactor:actor',
      name: 'with-arguments',
      create: (_context, a: number, b: string) => {
        seen.push([a, b]);
        return {
          receive: () => {
            throw new RuntimeError('STOPPED', 'boom');
          },
        };
      },
      defaults: {},
    },
    [1, 'two'],
  );
  ref.tell(1);
  world.settle();
  t.deepEqual(seen, [
    [1, 'two'],
    [1, 'two'],
  ]);
});
