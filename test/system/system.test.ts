import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { TerminationReason } from '../../runtime/actor.ts';
import { RuntimeError } from '../../runtime/errors.ts';
import type { FlightRecord } from '../../runtime/flight-recorder.ts';
import type { Ref } from '../../runtime/ref.ts';
import { ActorSystem, type SystemOptions } from '../../runtime/system.ts';
import { clerk, type GreeterMessage, greeter, greeterKey, keeper, type News, relay, sumJob, watcher } from './actors.ts';
import { freePort, startProcess } from './other-process.ts';
import { probe } from './probe.ts';

const MODULES = [new URL('./actors.js', import.meta.url)];
const LISTEN = { host: '127.0.0.1', port: 0 };
const ASK = { timeoutMs: 20_000 };
/** So that a machine that is gone is noticed soon. */
const IMPATIENT = { pingIntervalMs: 200, peerTimeoutMs: 600, unreachableMs: 800, holdMs: 500, backoff: { minMs: 20, maxMs: 200 } };

async function start(t: ExecutionContext, options: SystemOptions = {}): Promise<ActorSystem> {
  const system = await ActorSystem.start({ modules: MODULES, logLevel: 'silent', ...options });
  t.teardown(() => system.stop());
  return system;
}

function greet(ref: Ref<GreeterMessage>, timeoutMs = ASK.timeoutMs): Promise<string> {
  return ref.ask<string>((replyTo) => ({ type: 'greet', who: 'world', replyTo }), { timeoutMs });
}

/** Asks until it is answered: until a connection is made with its new start, what is sent to a place can be lost with what was meant for the old one. */
async function greetAtLast(ref: Ref<GreeterMessage>): Promise<string> {
  for (;;) {
    try {
      return await greet(ref);
    } catch (error) {
      if (!(error instanceof RuntimeError && error.code === 'UNREACHABLE')) throw error;
    }
  }
}

/** Asks until the listing is as wanted: registration is a message, and arrives when it arrives. */
async function found(system: ActorSystem, count: number, node?: string): Promise<readonly Ref<GreeterMessage>[]> {
  for (;;) {
    try {
      const refs = await system.find(greeterKey, node === undefined ? ASK : { ...ASK, node });
      if (refs.length === count) return refs;
    } catch (error) {
      // The node has just restarted, and what was on its way to it was taken for its earlier self's.
      if (!(error instanceof RuntimeError && error.code === 'UNREACHABLE')) throw error;
    }
  }
}

/** Calls until there is no answer: the message that keeps the thread busy arrives when it arrives. In an object, so that it isn't awaited here. */
async function unanswered<T>(call: () => Promise<T>): Promise<{ readonly call: Promise<T> }> {
  for (;;) {
    const pending = call();
    const isAnswered = await Promise.race([pending.then(() => true), delay(300, false)]);
    if (!isAnswered) return { call: pending };
  }
}

function shardOf(refs: readonly Ref<GreeterMessage>[], shard: number): Ref<GreeterMessage> {
  return refs.find((ref) => ref.address.shard === shard) as Ref<GreeterMessage>;
}

test.serial('system: an actor answers, when it runs on the main thread', async (t) => {
  const system = await start(t);
  t.is(await greet(system.spawn(greeter, ['good day'])), 'good day, world');
});

test.serial('system: an actor answers, when it was spawned on a shard by name', async (t) => {
  const system = await start(t, { shards: 2 });
  const ref = await system.spawnOn(1, greeter, ['good day']);
  t.is(ref.address.shard, 1);
  t.is(await greet(ref), 'good day, world');
});

test.serial('system: a definition that no module exports is refused by name, when spawned on a shard', async (t) => {
  const system = await start(t, { shards: 1 });
  const error = await t.throwsAsync(system.spawnOn(0, { ...greeter, name: 'test.unknown' }, ['x']), { instanceOf: RuntimeError });
  t.is(error?.code, 'NOT_DEFINED');
});

test.serial('system: arguments that are refs work from their new thread, when sent with a spawn', async (t) => {
  const system = await start(t, { shards: 2 });
  const last = probe<unknown>(system);
  const second = await system.spawnOn(1, relay, [last.ref]);
  const first = await system.spawnOn(0, relay, [second]);
  first.tell({ n: 1, nested: [{ text: 'two' }] });
  t.deepEqual(await last.next(), { n: 1, nested: [{ text: 'two' }] });
  first.tellBytes(7, new Uint8Array([0, 1, 2, 3]), 1, 2, 99);
  t.deepEqual(await last.next(), { operation: 7, bytes: [1, 2], requestId: 99 });
});

test.serial('system: finds the actors of all shards, when they have registered at their start', async (t) => {
  const system = await start(t, { node: 'n', shards: 2 });
  const greetings = await Promise.all((await found(system, 2)).map((ref) => greet(ref)));
  t.deepEqual(greetings.sort(), ['hello from n/0, world', 'hello from n/1, world']);
});

test.serial('system: what is registered disappears, when its actor is stopped', async (t) => {
  const system = await start(t, { shards: 2 });
  const refs = await found(system, 2);
  system.stopActor(shardOf(refs, 0));
  t.deepEqual(
    (await found(system, 1)).map((ref) => ref.address.shard),
    [1],
  );
});

const reported = test.macro(
  async (t: ExecutionContext, end: (system: ActorSystem, ref: Ref<GreeterMessage>) => unknown, reason: string) => {
    const system = await start(t, { shards: 2, tuning: { supervision: { restartsMax: 0 } } });
    const target = await system.spawnOn(0, greeter, ['x']);
    const news = probe<News>(system);
    const other = await system.spawnOn(1, watcher, [news.ref]);
    other.tell({ type: 'watch', ref: target });
    t.is((await news.next()).type, 'watching');
    await end(system, target);
    const gone = await news.next();
    t.is(gone.type === 'gone' ? gone.reason : gone.type, reason);
  },
);

test.serial(
  'death watch: a watcher on another thread is told, when the actor is stopped',
  reported,
  (system, ref) => system.stopActor(ref),
  'stopped',
);
test.serial(
  'death watch: a watcher on another thread is told, when the actor fails for good',
  reported,
  (_system, ref) => ref.tell({ type: 'fail' }),
  'failed',
);
test.serial(
  'death watch: a watcher on another thread is told, when the thread is ended',
  reported,
  (system) => system.killShard(0, 'terminate'),
  'shardDown',
);
test.serial(
  'death watch: a watcher on another thread is told, when the thread crashes',
  reported,
  (system) => system.killShard(0, 'crash'),
  'shardDown',
);

test.serial('system: a shard is started again and its actors register again, when its thread has died', async (t) => {
  const deaths: { shard: number; reason: string; records: readonly FlightRecord[] }[] = [];
  const system = await start(t, { shards: 2, onShardDied: (shard, reason, records) => deaths.push({ shard, reason, records }) });
  const old = shardOf(await found(system, 2), 0);
  await greet(old);
  const watch = probe<never>(system);
  watch.watch(old);
  await greet(old);
  await system.killShard(0, 'crash');
  const signal = await watch.nextSignal();
  t.is(signal.type === 'terminated' ? signal.reason : signal.type, 'shardDown');
  t.is((await t.throwsAsync(greet(old), { instanceOf: RuntimeError }))?.code, 'UNREACHABLE');
  let fresh = old;
  while (fresh.address.boot === old.address.boot) fresh = shardOf(await found(system, 2), 0);
  t.regex(await greet(fresh), /^hello from/);
  t.true(fresh.address.boot > old.address.boot);
  t.is(deaths.length, 1);
  t.is(deaths[0]?.shard, 0);
  t.regex(deaths[0]?.reason ?? '', /crashed on request/);
  t.true(deaths[0]?.records.some((record) => JSON.stringify(record).includes('greet')));
});

test.serial('system: asks that are under way fail, when the thread dies', async (t) => {
  const system = await start(t, { shards: 1 });
  const ref = await system.spawnOn(0, greeter, ['x']);
  ref.tell({ type: 'spin' });
  const asked = greet(ref);
  const [error] = await Promise.all([t.throwsAsync(asked, { instanceOf: RuntimeError }), system.killShard(0)]);
  t.is(error?.code, 'UNREACHABLE');
});

test.serial('control plane: a call fails at once, when the thread dies instead of answering', async (t) => {
  const system = await start(t, { shards: 1 });
  const ref = await system.spawnOn(0, greeter, ['x']);
  await greet(ref);
  ref.tell({ type: 'spin' });
  const pending = await unanswered(() => system.spawnOn(0, greeter, ['never']));
  const begun = performance.now();
  const [error] = await Promise.all([t.throwsAsync(pending.call, { instanceOf: RuntimeError }), system.killShard(0)]);
  t.is(error?.code, 'UNREACHABLE');
  t.true(performance.now() - begun < 9_000, 'before the time limit of the call itself');
});

test.serial('system: has jobs done by the pool, when an actor on a shard asks for them', async (t) => {
  const system = await start(t, { shards: 1 });
  const ref = await system.spawnOn(0, clerk, []);
  t.is(await ref.ask<number | string>((replyTo) => ({ type: 'sum', upTo: 10_000, replyTo }), ASK), 50_005_000);
  t.is(await system.runJob(sumJob, 100, { timeoutMs: 10_000 }), 5050);
});

test.serial('system: stats name every thread, when one of them is down', async (t) => {
  const system = await start(t, { node: 'n', shards: 2 });
  await found(system, 2);
  const before = await system.stats();
  t.deepEqual(
    before.shards.map((shard) => shard?.actors),
    [1, 1],
  );
  await system.killShard(1);
  t.is((await system.stats()).shards[1] ?? null, null);
});

test.serial('nodes: find and ask each other across processes, when introduced', async (t) => {
  const other = await startProcess({ node: 'far', shards: 2, listen: LISTEN });
  t.teardown(() => other.kill());
  const system = await start(t, { node: 'near', shards: 1 });
  await system.introduce(other.address);
  const refs = await found(system, 2, 'far');
  t.deepEqual((await Promise.all(refs.map((ref) => greet(ref)))).sort(), ['hello from far/0, world', 'hello from far/1, world']);
});

test.serial('nodes: an actor on a shard reaches one on a shard of another process, when it was sent its ref', async (t) => {
  const other = await startProcess({ node: 'far', shards: 1, listen: LISTEN });
  t.teardown(() => other.kill());
  const system = await start(t, { node: 'near', shards: 1 });
  await system.introduce(other.address);
  const [far] = (await found(system, 1, 'far')) as [Ref<GreeterMessage>];
  // The answer comes straight to this thread, which listens nowhere: over the connection that it has made itself.
  await greet(far);
  const relayed = await system.spawnOn(0, relay, [far as Ref<unknown>]);
  t.is(await relayed.ask<string>((replyTo) => ({ type: 'greet', who: 'both', replyTo }), ASK), 'hello from far/0, both');
});

const farDeath = test.macro(async (t: ExecutionContext, isRestarted: boolean, reason: TerminationReason) => {
  const options: SystemOptions = { node: 'far', shards: 1, listen: { ...LISTEN, port: await freePort(1) }, wire: IMPATIENT };
  const other = await startProcess(options);
  t.teardown(() => other.kill());
  const system = await start(t, {
    node: 'near',
    shards: 1,
    wire: isRestarted ? { ...IMPATIENT, unreachableMs: 30_000, holdMs: 20_000 } : IMPATIENT,
  });
  await system.introduce(other.address);
  const [old] = (await found(system, 1, 'far')) as [Ref<GreeterMessage>];
  const onMain = probe<never>(system);
  onMain.watch(old);
  const news = probe<News>(system);
  const onShard = await system.spawnOn(0, watcher, [news.ref]);
  onShard.tell({ type: 'watch', ref: old });
  await news.next();
  // Both threads have a connection by which the watch went before this answer came.
  await greet(old);
  await (await system.spawnOn(0, relay, [old as Ref<unknown>])).ask<string>((replyTo) => ({ type: 'greet', who: 'x', replyTo }), ASK);
  await other.kill();
  if (isRestarted) {
    const again = await startProcess(options);
    t.teardown(() => again.kill());
    const [fresh] = (await found(system, 1, 'far')) as [Ref<GreeterMessage>];
    t.true(fresh.address.boot > old.address.boot);
    t.is(await greetAtLast(fresh), 'hello from far/0, world');
  }
  const signal = await onMain.nextSignal();
  t.is(signal.type === 'terminated' ? signal.reason : signal.type, reason);
  const gone = await news.next();
  t.is(gone.type === 'gone' ? gone.reason : gone.type, reason);
});

test.serial(
  'death watch: watchers are told that it is unreachable, when another process is killed and stays away',
  farDeath,
  false,
  'unreachable',
);
test.serial('death watch: watchers are told that it is down, when another process is killed and restarted', farDeath, true, 'shardDown');

test.serial('nodes: one of another cluster is refused, when introduced', async (t) => {
  const other = await start(t, { node: 'far', cluster: 'theirs', shards: 1, listen: LISTEN });
  const system = await start(t, { node: 'near', cluster: 'ours', wire: IMPATIENT });
  await system.introduce(other.address);
  const error = await t.throwsAsync(system.find(greeterKey, { node: 'far', timeoutMs: 1000 }), { instanceOf: RuntimeError });
  t.true(['UNREACHABLE', 'DEADLINE_EXCEEDED'].includes(error?.code ?? ''));
  const [own] = (await found(other, 1)) as [Ref<GreeterMessage>];
  t.is(await greet(own), 'hello from far/0, world', 'and the refusing node goes on');
});

test.serial('system: leaves nothing behind, when it is stopped', async (t) => {
  const other = await startProcess({ node: 'far', shards: 2, listen: LISTEN });
  t.teardown(() => other.kill());
  const system = await start(t, { node: 'near', shards: 1 });
  await system.introduce(other.address);
  await Promise.all((await found(system, 2, 'far')).map((ref) => greet(ref)));
  const { code, resources } = await other.stop();
  t.is(code, 0, 'the process ends on its own');
  t.deepEqual(
    resources.filter((resource) => !['PipeWrap', 'TTYWrap'].includes(resource)),
    [],
  );
});

test.serial('system: waits for what a stopped actor has left to do, when it is stopped and the actor holds it', async (t) => {
  const system = await start(t);
  let done = 0;
  await system.spawn(keeper, [100, () => done++]).ask<string>((replyTo) => ({ replyTo }), ASK);
  await system.stop();
  t.is(done, 1);
});

test.serial('system: ends in time, when an actor holds it for ever', async (t) => {
  const system = await start(t);
  let done = 0;
  await system.spawn(keeper, [600_000, () => done++]).ask<string>((replyTo) => ({ replyTo }), ASK);
  await system.stop({ drainMs: 50 });
  t.is(done, 0);
});

test.serial('system: an actor at a well-known slot answers who knows only that, here and on another node', async (t) => {
  const other = await start(t, { node: 'far', listen: LISTEN });
  const system = await start(t, { node: 'near' });
  const ref = other.spawnWellKnown(15, greeter, ['known']);
  t.is(other.wellKnown<GreeterMessage>(15), ref);
  await system.introduce(other.address);
  t.is(await greet(system.wellKnown<GreeterMessage>(15, 'far')), 'known, world');
  t.is((await t.throwsAsync(greet(system.wellKnown<GreeterMessage>(14, 'far')), { instanceOf: RuntimeError }))?.code, 'NO_SUCH_ACTOR');
});

test.serial('system: a well-known slot is refused, when it is taken, the receptionist’s or none', async (t) => {
  const system = await start(t);
  system.spawnWellKnown(2, greeter, ['x']);
  for (const [slot, message] of [
    [2, /slot 2 of node local is taken/],
    [1, /slot: expected .*2 .*15, got 1/],
    [16, /slot: expected .*2 .*15, got 16/],
  ] as const)
    t.throws(() => system.spawnWellKnown(slot, greeter, ['x']), { code: 'INVALID_ARGUMENT', message });
  t.throws(() => system.wellKnown(16), { code: 'INVALID_ARGUMENT', message: /slot: / });
  t.throws(() => system.wellKnown(2, 'far', 256), { code: 'INVALID_ARGUMENT', message: /shard: expected 0 to 255/ });
});

test.serial('system: refuses settings of shards that can not be copied, before it starts anything', async (t) => {
  await t.throwsAsync(ActorSystem.start({ shards: 1, shardSettings: { decide: () => 1 } }), {
    code: 'INVALID_ARGUMENT',
    message: /shardSettings: expected what can be copied to another thread: .*could not be cloned/,
  });
});

test.serial('system: refuses work with a code, when it is stopped', async (t) => {
  const system = await start(t, { shards: 1 });
  const ref = system.spawn(greeter, ['x']);
  const onShard = await system.spawnOn(0, greeter, ['x']);
  await system.stop();
  t.is((await t.throwsAsync(greet(ref), { instanceOf: RuntimeError }))?.code, 'STOPPED');
  t.is((await t.throwsAsync(greet(onShard), { instanceOf: RuntimeError }))?.code, 'STOPPED');
  t.is((await t.throwsAsync(system.spawnOn(0, greeter, ['x']), { instanceOf: RuntimeError }))?.code, 'UNREACHABLE');
  t.throws(() => system.spawn(greeter, ['x']), { instanceOf: RuntimeError });
  await t.notThrowsAsync(system.stop());
});

const refused = test.macro(async (t: ExecutionContext, options: SystemOptions, message: RegExp) => {
  const error = await t.throwsAsync(ActorSystem.start({ logLevel: 'silent', ...options }));
  t.regex(error?.message ?? '', message);
});

test.serial(
  'system: names the option, when it is out of range',
  refused,
  { shards: -1 },
  /^shards: expected a whole number from 0 to 256, got -1$/,
);
test.serial(
  'system: names the module, when it cannot be loaded',
  refused,
  { shards: 1, modules: ['file:///no/such/module.js'] },
  /no\/such\/module\.js/,
);
test.serial('system: says what is in use, when its port is taken', async (t) => {
  const first = await start(t, { node: 'first', listen: LISTEN });
  const port = first.address.ports[0] as number;
  const error = await t.throwsAsync(ActorSystem.start({ node: 'second', logLevel: 'silent', listen: { ...LISTEN, port } }));
  t.regex(error?.message ?? '', new RegExp(`${port}: .*EADDRINUSE`));
});
