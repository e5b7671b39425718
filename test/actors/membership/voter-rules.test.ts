/** Rules of who may vote, propose and be believed, each with the planted bug that breaks it: real RingActors, and a peer that a test plays. */
import test, { type ExecutionContext } from 'ava';
import type { RingVersion } from '../../../actors/ring/ring-state.ts';
import type { Ballot, PrepareAnswer, RegisterAnswer, RingMessage, Sender } from '../../../actors/ring-protocol.ts';
import type { PlanItem } from '../../../runtime/simulation/testing.ts';
import { RingWorld } from './ring-world.ts';

const CUT_MS = 4_000;

function prepare(world: RingWorld, to: string, from: Sender, version: RingVersion, ballot: Ballot): PrepareAnswer {
  const message = { type: 'prepare' as const, from, version, ballot };
  const holder = world.sim.ask<RingMessage, PrepareAnswer>(world.ringActor(to), (replyTo) => ({ ...message, replyTo }), {
    timeoutMs: 1_000,
  });
  world.run(50);
  if (holder.answer?.ok !== true) throw new Error('no answer');
  return holder.answer.value;
}

function register(world: RingWorld, to: string, from: Sender): RegisterAnswer {
  const holder = world.sim.ask<RingMessage, RegisterAnswer>(world.ringActor(to), (replyTo) => ({ type: 'register', from, replyTo }), {
    timeoutMs: 1_000,
  });
  world.run(50);
  if (holder.answer?.ok !== true) throw new Error('no answer');
  return holder.answer.value;
}

function versionOf({ generation, epoch }: RingVersion): RingVersion {
  return { generation, epoch };
}

/** The test itself has to fail with the bug: so what it sees is given back. */
const rule = test.macro(
  (t: ExecutionContext, mutant: string, see: (mutants: readonly string[]) => string, right: string, wrong: string) => {
    t.is(see([]), right);
    t.is(see([mutant]), wrong);
  },
);

test(
  'voter rules: who has not registered with a majority does not vote',
  rule,
  'votesUnconfirmed',
  (mutants) => {
    const alone: PlanItem = { kind: 'cut', atMs: CUT_MS, from: ['b'], to: ['a', 'c'], forMs: 5_000, oneWay: false };
    const world = new RingWorld({ mutants, plan: [alone] });
    const ring = world.settle();
    world.runUntil(CUT_MS + 10);
    world.sim.crash('b', 'silent');
    world.sim.restart('b');
    world.run(300);
    return prepare(world, 'b', world.sender('c'), versionOf(ring), { round: 9, proposer: world.idOf('c') }).type;
  },
  'notVoting',
  'promised',
);

test(
  'voter rules: a lower boot than the registered one is not believed',
  rule,
  'acceptsLowerBoot',
  (mutants) => {
    const world = new RingWorld({ mutants });
    const ring = world.settle();
    const old = world.sender('c');
    world.sim.crash('c', 'silent');
    world.sim.restart('c');
    world.run(500);
    const answer = prepare(world, 'b', old, versionOf(ring), { round: 9, proposer: old.id });
    return `${answer.type}, ${register(world, 'a', old).type}`;
  },
  'superseded, superseded',
  'promised, registered',
);

test(
  'voter rules: two starts with one boot are told apart by their instance',
  rule,
  'acceptsLowerBoot',
  (mutants) => {
    const world = new RingWorld({ mutants });
    world.settle();
    return register(world, 'a', { ...world.sender('c'), instance: 'f'.repeat(16) }).type;
  },
  'superseded',
  'registered',
);

test(
  'voter rules: a message of an older generation changes nothing, whatever its epoch, however late',
  rule,
  'ignoresGeneration',
  (mutants) => {
    const world = new RingWorld({ mutants });
    world.settle();
    world.outcome(world.force('a', ['a', 'b']));
    world.run(1_000);
    const { epoch } = world.ringOf('b')!;
    return prepare(world, 'b', world.sender('a'), { generation: 1, epoch }, { round: 9, proposer: world.idOf('a') }).type;
  },
  'newer',
  'promised',
);
