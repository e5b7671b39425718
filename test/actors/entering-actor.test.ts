/** EnteringActor in simulated clusters: nodes `a` and so on of RingWorld, and a newcomer that the test starts by itself. */
import test from 'ava';
import { enteringActor, type Joining } from '../../actors/entering-actor.ts';
import { RING_SLOT } from '../../actors/membership/cluster-door.ts';
import type { OperationOutcome } from '../../actors/ring/operation.ts';
import type { RingBytes, RingChanged, RingMessage } from '../../actors/ring-protocol.ts';
import { defineActor } from '../../runtime/actor.ts';
import type { NodeAddress } from '../../runtime/node-address.ts';
import { RingWorld, type RingWorldOptions } from './membership/ring-world.ts';
import { simDoor } from './membership/sim-door.ts';

interface Told {
  /** Undefined: nothing yet. */
  reason: string | null | undefined;
  readonly asked: string[];
  seedsAsked: number;
}

const GIVE_UP_MS = 3_000;
const at = (node: string): NodeAddress => ({ node, host: node, ports: [] });

/** A cluster of `a` alone, with RingActors elsewhere that have no ring, unless they sleep; nobody joins of its own accord. No member is excluded for being away: that would tell all others a ring. */
function world(options: RingWorldOptions = {}): RingWorld {
  return new RingWorld({ names: ['a', 'b', 'c'], gossips: true, joins: false, options: { excludeAfterMs: 1_000_000 }, ...options });
}

/** Begins to enter on the main thread of that node. */
function enter(ring: RingWorld, name: string, joining: Partial<Joining>, mutants: readonly string[] = []): Told {
  const told: Told = { reason: undefined, asked: [], seedsAsked: 0 };
  const { main } = ring.sim.node(name);
  const whole: Joining = {
    ...{ seeds: [at('a')], replace: undefined, giveUpMs: GIVE_UP_MS },
    proposalOf: (operation) => {
      told.asked.push(operation.type);
      return ring.operation(operation);
    },
    askSeeds: (found) => {
      told.seedsAsked++;
      found([]);
    },
    ...joining,
  };
  const done = (reason: string | null): void => {
    if (told.reason !== undefined) throw new Error('it was done before');
    told.reason = reason;
  };
  const times = { retryMs: 100, askMs: 500 };
  main.spawn(enteringActor, [
    { identity: ring.identities.get(name)!, door: simDoor(main), joining: whole, done, ...times, mutants: new Set(mutants) },
  ]);
  return told;
}

const isIn = (ring: RingWorld, name: string): boolean => ring.ringOf(name)?.members.some(({ id }) => id === ring.idOf(name)) === true;

test('entering: a newcomer asks a seed to add it, and has the ring when it is done', (t) => {
  const ring = world();
  const told = enter(ring, 'b', {});
  ring.run(2_000);
  t.deepEqual(told, { reason: null, asked: ['addMember'], seedsAsked: told.seedsAsked });
  t.true(isIn(ring, 'b'));
});

/** Adds `b` while it is down, and tells nobody after that; then starts it. */
function addedWhileDown(mutants: readonly string[]): { readonly ring: RingWorld; readonly told: Told } {
  const ring = world();
  ring.run(500);
  ring.sim.crash('b');
  if (!ring.outcome(ring.propose('a', { type: 'addMember', member: ring.memberOf('b') })).ok) throw new Error('b was not added');
  // Longer than what it was told is kept for.
  ring.run(10_000);
  ring.sim.restart('b');
  ring.run(100);
  return { ring, told: enter(ring, 'b', {}, mutants) };
}

test('bug: who was added to the ring while it was down is told it by nobody, and fetches it (chaos, seed 701)', (t) => {
  const { ring, told } = addedWhileDown([]);
  ring.run(2_000);
  t.deepEqual(told.reason, null);
  t.deepEqual(told.asked, []);
  t.true(isIn(ring, 'b'));
});

test('entering: the planted bug ringNotFetched is seen: who was added while it was down waits for ever', (t) => {
  const { ring, told } = addedWhileDown(['ringNotFetched']);
  // Also beyond its time to give up: it is a member.
  ring.run(2 * GIVE_UP_MS);
  t.is(told.reason, undefined);
  t.false(isIn(ring, 'b'));
});

test('entering: a seed that is down, and one that has no ring, are passed over', (t) => {
  const ring = world();
  ring.run(500);
  ring.sim.crash('b');
  const told = enter(ring, 'c', { seeds: [at('b'), at('c'), at('a')] });
  ring.run(3_000);
  t.is(told.reason, null);
  t.true(isIn(ring, 'c'));
});

test('entering: seeds are asked for anew after a try that came to nothing', (t) => {
  const ring = world();
  // `c` has no ring.
  const told = enter(ring, 'b', { seeds: [at('c')], askSeeds: (found) => found([at('a')]) });
  ring.run(2_000);
  t.is(told.reason, null);
});

test('entering: it gives up after its time, and says why the last try failed', (t) => {
  const ring = world();
  const none = enter(ring, 'b', { seeds: [] });
  const ringless = enter(ring, 'c', { seeds: [at('b')] });
  ring.run(GIVE_UP_MS - 200);
  t.deepEqual([none.reason, ringless.reason], [undefined, undefined]);
  ring.run(1_000);
  t.deepEqual([none.reason, ringless.reason], ['node b could not join: no seed answers', 'node c could not join: node b has no ring yet']);
  t.true(none.seedsAsked > 10);
});

test('entering: what can not be asked for is not, and said at once', (t) => {
  const ring = world();
  ring.run(500);
  const told = enter(ring, 'b', { replace: 'x' });
  ring.run(500);
  t.deepEqual(told, { reason: 'replace: no member x; there are a', asked: [], seedsAsked: 0 });
});

test('entering: who is refused for good is told so, when the ring has not got it then', (t) => {
  const ring = world();
  const member = { ...ring.memberOf('c'), name: 'b' };
  ring.run(500);
  t.true(ring.outcome(ring.propose('a', { type: 'addMember', member })).ok);
  const told = enter(ring, 'b', {});
  ring.run(1_000);
  t.regex(told.reason ?? '', /^the cluster does not take node b: the name b is that of member/);
  t.deepEqual(told.asked, ['addMember']);
});

const DONE: OperationOutcome = { ok: true, version: { generation: 1, epoch: 2 } };
const REFUSED: OperationOutcome = { ok: false, code: 'EXISTS', message: 'it is there' };

/** In the place of RingActors: a seed that has one ring after the other, the last one for good, and answers all operations alike; and the node's own, which notes what it is told. */
const scriptedSeed = defineActor<RingMessage, readonly [readonly (RingBytes | null)[], OperationOutcome]>(
  'scripted-seed',
  (_context, rings, outcome) => {
    let looks = 0;
    return {
      receive(message): void {
        if (message.type === 'fetchRing') message.replyTo.tell({ ring: rings[Math.min(looks++, rings.length - 1)]! });
        else if (message.type === 'propose') message.replyTo.tell(outcome);
      },
    };
  },
);
const deafOwn = defineActor<RingMessage, readonly [RingMessage[]]>('deaf-own', (_context, got) => ({
  receive(message): void {
    if (message.type === 'ring') got.push(message);
  },
}));

const comesThrough = test.macro((t, outcome: OperationOutcome) => {
  const ring = world({ asleep: new Set(['b', 'c']) });
  ring.run(500);
  const before = ring.status('a').ring!;
  const member = ring.memberOf('b');
  t.true(ring.outcome(ring.propose('a', { type: 'addMember', member })).ok);
  const after = ring.status('a').ring!;
  const got: RingMessage[] = [];
  ring.sim.node('c').main.runtime.spawnWellKnown(RING_SLOT, scriptedSeed, [[before, after], outcome]);
  ring.sim.node('b').main.runtime.spawnWellKnown(RING_SLOT, deafOwn, [got]);
  ring.identities.set('b', { ...member, boot: 1, instance: '0'.repeat(16) });
  const told = enter(ring, 'b', { seeds: [at('c')] });
  // Within the first round.
  ring.run(80);
  t.deepEqual(told, { reason: undefined, asked: ['addMember'], seedsAsked: 0 });
  t.like(got[0], { type: 'ring', ring: { epoch: after.epoch } });
  // Its own RingActor has not said that it has it.
  const times = got.length;
  ring.run(1_000);
  t.true(got.length > times);
  // A member does not give up, whoever of the seeds is down.
  ring.sim.crash('c');
  ring.run(2 * GIVE_UP_MS);
  t.is(told.reason, undefined);
});
test('entering: who is refused because an earlier try has come through meanwhile is in', comesThrough, REFUSED);
test('entering: who is added fetches the ring from the seed that added it', comesThrough, DONE);

test('entering: a seed that refuses for good, and does not show its ring then, is not the last one', (t) => {
  const ring = world({ asleep: new Set(['c']) });
  ring.run(500);
  ring.sim.node('c').main.runtime.spawnWellKnown(RING_SLOT, scriptedSeed, [[ring.status('a').ring, null], REFUSED]);
  const told = enter(ring, 'b', { seeds: [at('c'), at('a')] });
  ring.run(2_000);
  t.deepEqual([told.reason, told.asked], [null, ['addMember', 'addMember']]);
});

/** A seed of another kind. */
const strangeSeed = defineActor<RingMessage>('strange-seed', () => ({
  receive(message): void {
    if (message.type === 'fetchRing') message.replyTo.tell(null as never);
  },
}));

test('entering: an answer that is malformed is passed over, and so is a ring that can not be read', (t) => {
  const ring = world({ names: ['a', 'b', 'c', 'd'], asleep: new Set(['c', 'd']) });
  ring.run(500);
  const torn = { ...ring.status('a').ring!, bytes: Buffer.from('no ring') };
  ring.sim.node('c').main.runtime.spawnWellKnown(RING_SLOT, strangeSeed);
  ring.sim.node('d').main.runtime.spawnWellKnown(RING_SLOT, scriptedSeed, [[torn], REFUSED]);
  const told = enter(ring, 'b', { seeds: [at('c'), at('d'), at('a')] });
  ring.run(2_000);
  t.is(told.reason, null);
  t.deepEqual(told.asked, ['addMember']);
});

/** The node's own RingActor: says what it has to who asks for the second time. */
const forgetful = defineActor<RingMessage, readonly [RingChanged]>('forgetful', (_context, changed) => {
  let subscribers = 0;
  return {
    receive(message): void {
      if (message.type === 'subscribe' && ++subscribers > 1) message.subscriber.tell(changed);
    },
  };
});

test('entering: a RingActor that was started anew, and has forgotten who listens, is asked again', (t) => {
  const ring = world({ asleep: new Set(['b']) });
  ring.run(500);
  const member = ring.memberOf('b');
  t.true(ring.outcome(ring.propose('a', { type: 'addMember', member })).ok);
  const changed: RingChanged = { type: 'ringChanged', ring: ring.ringOf('a')!, encoded: ring.status('a').ring! };
  ring.sim.node('b').main.runtime.spawnWellKnown(RING_SLOT, forgetful, [changed]);
  ring.identities.set('b', { ...member, boot: 1, instance: '0'.repeat(16) });
  const told = enter(ring, 'b', { seeds: [] });
  ring.run(500);
  t.is(told.reason, undefined);
  ring.run(1_000);
  t.is(told.reason, null);
});

test('entering: who was said to be added does not give up, though nobody shows it the ring', (t) => {
  const ring = world({ asleep: new Set(['c']) });
  ring.run(500);
  ring.sim.node('c').main.runtime.spawnWellKnown(RING_SLOT, scriptedSeed, [[ring.status('a').ring, null], DONE]);
  const told = enter(ring, 'b', { seeds: [at('c')] });
  ring.run(2 * GIVE_UP_MS);
  t.is(told.reason, undefined);
});

test('entering: who was added at its old address meanwhile gives its new one', (t) => {
  const ring = world({ asleep: new Set(['b', 'c']) });
  ring.run(500);
  const before = ring.status('a').ring!;
  const member = ring.memberOf('b');
  t.true(ring.outcome(ring.propose('a', { type: 'addMember', member })).ok);
  ring.sim.node('c').main.runtime.spawnWellKnown(RING_SLOT, scriptedSeed, [[before, ring.status('a').ring], REFUSED]);
  ring.identities.set('b', { ...member, address: { ...member.address, ports: [1, 2] }, boot: 2, instance: '0'.repeat(16) });
  const told = enter(ring, 'b', { seeds: [at('c')] });
  ring.run(1_000);
  t.deepEqual(told.asked, ['addMember', 'setAddress']);
  t.regex(told.reason ?? '', /does not take node b/);
});

test('entering: a member is not sent away by an old ring that has not got whose place it takes', (t) => {
  const ring = world({ asleep: new Set(['b', 'c']) });
  ring.run(500);
  const before = ring.status('a').ring!;
  const member = ring.memberOf('b');
  t.true(ring.outcome(ring.propose('a', { type: 'addMember', member })).ok);
  ring.sim.node('c').main.runtime.spawnWellKnown(RING_SLOT, scriptedSeed, [[ring.status('a').ring, before], REFUSED]);
  ring.identities.set('b', { ...member, boot: 1, instance: '0'.repeat(16) });
  const told = enter(ring, 'b', { seeds: [at('c')], replace: 'x' });
  ring.run(2 * GIVE_UP_MS);
  t.is(told.reason, undefined);
});

/** Refuses in a way that no RingActor does. */
const brokenSeed = defineActor<RingMessage, readonly [RingBytes]>('broken-seed', (_context, ring) => ({
  receive(message): void {
    if (message.type === 'fetchRing') message.replyTo.tell({ ring });
    else if (message.type === 'propose') message.replyTo.tell(null as never);
  },
}));

test('entering: an outcome that is malformed is passed over', (t) => {
  const ring = world({ asleep: new Set(['c']) });
  ring.run(500);
  ring.sim.node('c').main.runtime.spawnWellKnown(RING_SLOT, brokenSeed, [ring.status('a').ring!]);
  const told = enter(ring, 'b', { seeds: [at('c'), at('a')] });
  ring.run(2_000);
  t.deepEqual([told.reason, told.asked], [null, ['addMember', 'addMember']]);
});

test('entering: when it fails again and again, who waits for it hears of that', (t) => {
  const ring = world({ goOn: true });
  ring.run(500);
  const told = enter(ring, 'b', {
    proposalOf: () => {
      throw new Error('no id');
    },
  });
  ring.run(5_000);
  t.is(told.reason, 'node b does not get into its ring: its EnteringActor failed');
});

test('entering: a seed that says that it has added the node, and never shows it, is not asked without a pause', (t) => {
  const ring = world({ asleep: new Set(['c']) });
  ring.run(500);
  ring.sim.node('c').main.runtime.spawnWellKnown(RING_SLOT, scriptedSeed, [[ring.status('a').ring], DONE]);
  const told = enter(ring, 'b', { seeds: [at('c')] });
  ring.run(1_050);
  t.is(told.reason, undefined);
  // Once a round.
  t.true(told.asked.length > 3 && told.asked.length <= 11, `${told.asked.length}`);
});
