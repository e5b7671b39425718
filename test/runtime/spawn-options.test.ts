import test from 'ava';
import { type ActorDefinition, defineActor, type SpawnOptions } from '../../runtime/actor.ts';
import { completeRuntimeOptions, type RuntimeTuning } from '../../runtime/runtime-options.ts';
import { completeSupervision, type SupervisionOptions } from '../../runtime/supervision.ts';
import { Driver } from '../helpers/driver.ts';
import { World } from '../helpers/world.ts';

for (const [option, value] of [
  ['mailbox.capacity', { mailbox: { capacity: 0 } }],
  ['mailbox.capacity', { mailbox: { capacity: -1 } }],
  ['mailbox.capacity', { mailbox: { capacity: 1.5 } }],
  ['mailbox.capacity', { mailbox: { capacity: Number.NaN } }],
  ['mailbox.capacity', { mailbox: { capacity: 2 ** 24 + 1 } }],
  ['mailbox.capacity', { mailbox: { capacity: '10' } }],
  ['mailbox.overflow', { mailbox: { overflow: 'dropAll' } }],
  ['throughput', { throughput: 0 }],
  ['throughput', { throughput: -1 }],
  ['throughput', { throughput: Number.POSITIVE_INFINITY }],
  ['stashCapacity', { stashCapacity: -1 }],
  ['name', { name: 7 }],
  ['supervision.scope', { supervision: { scope: 'some' } }],
  ['supervision.decide', { supervision: { decide: 'restart' } }],
  ['supervision.backoff.minMs', { supervision: { backoff: { minMs: -1 } } }],
  ['supervision.backoff.minMs', { supervision: { backoff: { minMs: 10, maxMs: 5 } } }],
  ['supervision.restartsMax', { supervision: { restartsMax: Number.NaN } }],
] as unknown as [string, SpawnOptions][]) {
  test(`spawn: ${JSON.stringify(value)} is refused for ${option}`, (t) => {
    const { runtime } = new World().shard();
    const definition = defineActor('x', () => ({ receive: () => {} }));
    const message = new RegExp(`^${option.replace('.', '\\.')}`);
    t.throws(() => runtime.spawn(definition, [], value), { code: 'INVALID_ARGUMENT', message });
    t.throws(() => runtime.spawn({ ...definition, defaults: value }, []), { code: 'INVALID_ARGUMENT', message });
    t.deepEqual([runtime.actors.count, runtime.stats().spawned], [0, 0]);
  });
}

test('spawn: the largest and smallest allowed options are taken', (t) => {
  const { runtime } = new World().shard();
  const definition = defineActor('x', () => ({ receive: () => {} }));
  t.notThrows(() =>
    runtime.spawn(definition, [], { mailbox: { capacity: 2 ** 24, overflow: 'credit' }, throughput: 2 ** 30, stashCapacity: 0 }),
  );
  t.notThrows(() => runtime.spawn(definition, [], { mailbox: { capacity: 1 }, throughput: 1, supervision: { restartsMax: 0 } }));
});

test('spawn: options of the call go before those of the definition', (t) => {
  const { runtime } = new World().shard();
  const definition = defineActor('x', () => ({ receive: () => {} }), { name: 'default', mailbox: { capacity: 1 } });
  const ref = runtime.spawn<unknown, readonly []>(definition, [], { mailbox: { capacity: 2 } });
  t.deepEqual([ref.tell(1), ref.tell(2), ref.tell(3)], [true, true, false]);
  t.is(runtime.stats().busiest[0]?.name, 'default');
});

for (const definition of [undefined, null, {}, () => ({})] as unknown as ActorDefinition<unknown>[]) {
  test(`spawn: a definition that is ${typeof definition === 'function' ? 'a function' : JSON.stringify(definition)} is refused`, (t) => {
    const { runtime } = new World().shard();
    t.throws(() => runtime.spawn(definition, []), { code: 'INVALID_ARGUMENT', message: /defineActor/ });
  });
}

for (const name of ['', 'with space', 'x'.repeat(65), 'ä']) {
  test(`definition: the name ${JSON.stringify(name)} is refused`, (t) => {
    t.throws(() => defineActor(name, () => ({ receive: () => {} })), { code: 'INVALID_ARGUMENT' });
  });
}

test('spawn: an actor that spawns wrongly fails, and its parent decides', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const parent = new Driver(runtime);
  world.turn(parent, (context) => void new Driver(context, { throughput: -1 }));
  t.deepEqual(parent.stops, ['restart']);
});

test('supervision: defaults are filled in', (t) => {
  const { decide, ...rest } = completeSupervision({ backoff: { minMs: 5 } });
  t.is(decide(new Error('x')), 'restart');
  t.deepEqual(rest, { scope: 'one', backoff: { minMs: 5, maxMs: 30_000, factor: 2, jitterRatio: 0.2 }, restartsMax: 10, windowMs: 60_000 });
});

for (const [option, value] of [
  ['backoff.maxMs', { backoff: { maxMs: 2 ** 31 + 1 } }],
  ['backoff.factor', { backoff: { factor: 0.5 } }],
  ['backoff.jitterRatio', { backoff: { jitterRatio: 2 } }],
  ['restartsMax', { restartsMax: -1 }],
  ['windowMs', { windowMs: 0 }],
] as [string, SupervisionOptions][]) {
  test(`supervision: ${JSON.stringify(value)} is refused`, (t) => {
    t.throws(() => completeSupervision(value), { code: 'INVALID_ARGUMENT', message: new RegExp(`supervision\\.${option}`) });
  });
}

for (const [option, value] of [
  ['throughput', { throughput: 0 }],
  ['mailboxCapacity', { mailboxCapacity: 0 }],
  ['sliceMs', { sliceMs: 0 }],
  ['turnsPerRun', { turnsPerRun: 0 }],
  ['actorsMax', { actorsMax: 16 }],
  ['pendingAsksMax', { pendingAsksMax: 0 }],
  ['backlogMax', { backlogMax: 1 }],
  ['backlogBytesMax', { backlogBytesMax: 1.5 }],
  ['flightRecords', { flightRecords: 1000 }],
] as [string, RuntimeTuning][]) {
  test(`tuning: ${JSON.stringify(value)} is refused`, (t) => {
    t.throws(() => completeRuntimeOptions(value), { code: 'INVALID_ARGUMENT', message: new RegExp(`^${option}`) });
  });
}
