/**
 * The workload `ring`: some nodes whose clients change the ring all the time, under a network that also loses, repeats and reorders, and under faults. The checker sees
 * every ring; each answer is compared with what came of it; at the end, with the faults over, all agree.
 */
import type { Operation, OperationOutcome, Proposal } from '../../../actors/ring/operation.ts';
import type { RingState } from '../../../actors/ring/ring-state.ts';
import type { RingMessage } from '../../../actors/ring-protocol.ts';
import { type Answer, defineActor } from '../../../runtime/actor.ts';
import type { Random } from '../../../runtime/doors.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import type { Ref } from '../../../runtime/ref.ts';
import { type BuiltWorkload, generatePlan, type RunPlan, type SimNode, type Workload } from '../../../runtime/simulation/testing.ts';
import { RingWorld } from './ring-world.ts';

export const WRONG_ANSWER = 'an answer did not say what came of it';
export const NOT_SETTLED = 'the nodes did not come to one ring';
export const NOTHING_DONE = 'nothing was done';

const FAULTS_FROM_MS = 500;
const FAULTS_UNTIL_MS = 6_000;
const SENDING_UNTIL_MS = 6_500;
const STOP_MS = 14_000;
const CLIENT_MS = 150;
const ASK_MS = 2_000;

class Client {
  readonly world: RingWorld;
  readonly answers: { readonly proposal: Proposal; readonly outcome: OperationOutcome }[] = [];
  made = 0;

  constructor(world: RingWorld) {
    this.world = world;
  }

  /** Mostly against a ring that is old by the time it is decided. */
  operation(random: Random): Operation {
    const ring = this.world.checker.newest;
    const member = ring?.members[random.below(ring.members.length)];
    const keyspace = ring?.keyspaces[random.below(Math.max(1, ring.keyspaces.length))];
    const draw = random.below(10);
    if (member !== undefined && draw < 2) return { type: 'setCapacity', id: member.id, capacity: 1 + random.below(3) };
    if (keyspace !== undefined && draw < 4) return { type: 'dropKeyspace', name: keyspace.name };
    if (keyspace !== undefined && draw < 6) return { type: 'alterKeyspace', name: keyspace.name, changes: { ttlMs: random.below(1_000) } };
    if (ring?.transition && draw < 7) return { type: 'cancelTransition', startedAt: ring.transition.startedAt };
    const name = `k${++this.made % 7}`;
    return {
      type: 'createKeyspace',
      keyspace: {
        ...{ name, n: 1 + random.below(3), r: 'one', w: 'one', mode: 'ap', conflict: 'lww', durability: 'sync' },
        ...{ ttlMs: 0, keyBytesMax: 100, valueBytesMax: 100 },
      },
    };
  }

  finish(): void {
    const { world } = this;
    const { sim, checker } = world;
    for (const { proposal, outcome } of this.answers) {
      const made = checker.madeBy(proposal.operationId);
      const isRight = outcome.ok
        ? made === null || (made.epoch === outcome.version.epoch && made.generation === outcome.version.generation)
        : outcome.code === 'INDETERMINATE' || made === null;
      sim.check(isRight, WRONG_ANSWER, () => `${JSON.stringify(outcome)} for ${JSON.stringify(proposal)}, made ${made?.epoch}`);
    }
    sim.check(checker.count > 5, NOTHING_DONE, () => `${checker.count} rings`);
    const { newest } = checker;
    const holding = (name: string): RingState | undefined => world.holders.get(`${name}/0`)?.ring?.state;
    const behind = sim.nodes.filter(({ name, isUp }) => isUp && holding(name)?.epoch !== newest?.epoch);
    sim.check(behind.length === 0, NOT_SETTLED, () =>
      behind.map(({ name }) => `${name} at ${holding(name)?.epoch} of ${newest?.epoch}`).join(),
    );
    const isOver = newest?.transition === null && newest.members.every(({ state, isExcluded }) => state === 'up' && !isExcluded);
    sim.check(isOver, NOT_SETTLED, () => `step ${newest?.transition?.step}, ${newest?.members.map(({ state }) => state).join()}`);
  }
}

type ClientMessage =
  | { readonly type: 'tick' }
  | { readonly type: 'done'; readonly proposal: Proposal; readonly answer: Answer<OperationOutcome> };

const clientActor = defineActor<ClientMessage, readonly [Client, Ref<RingMessage>]>('client', (context, client, ring) => {
  context.every('tick', CLIENT_MS, { type: 'tick' });
  return {
    receive(message): void {
      if (message.type === 'tick') onTick();
      else if (message.answer.ok) client.answers.push({ proposal: message.proposal, outcome: message.answer.value });
    },
  };

  function onTick(): void {
    if (client.world.sim.now > SENDING_UNTIL_MS || context.random.chance(0.5)) return;
    const proposal = client.world.operation(client.operation(context.random));
    context.ask<RingMessage, OperationOutcome>(
      ring,
      (replyTo) => ({ type: 'propose', proposal, replyTo }),
      { timeoutMs: ASK_MS },
      (answer) => ({ type: 'done', proposal, answer }),
    );
  }
});

export const ringWorkload: Workload = {
  name: 'ring',
  build({ seed, plan, settings }: RunPlan): BuiltWorkload {
    let client: Client | undefined;
    const start = (world: RingWorld, node: SimNode): void => {
      client ??= new Client(world);
      node.main.spawn(clientActor, [client, world.ringActor(node.name)]);
    };
    const world = new RingWorld({
      seed,
      plan,
      extra: start,
      names: settings.nodes.map(({ name }) => name),
      shards: settings.nodes[0]!.shards,
      mutants: settings.mutants ?? [],
      ...(settings.network?.quality === undefined ? {} : { quality: settings.network.quality }),
      ...(settings.scheduling === undefined ? {} : { scheduling: settings.scheduling }),
    });
    return { simulation: world.sim, finish: () => client?.finish() };
  },
};

/** The run of a seed: size of the cluster, scheduler, network and faults are all drawn from it. */
export function ringRun(seed: number, mutants: readonly string[] = []): RunPlan {
  const random = new SeededRandom(seed).fork('ring');
  const shards = 1 + random.below(2);
  const nodes = ['a', 'b', 'c', 'd', 'e'].slice(0, 3 + random.below(3)).map((name) => ({ name, shards }));
  const isRough = random.chance(0.6);
  return {
    seed,
    stopMs: STOP_MS,
    plan: generatePlan(seed, { nodes, fromMs: FAULTS_FROM_MS, untilMs: FAULTS_UNTIL_MS, kinds: KINDS }),
    settings: {
      nodes,
      network: {
        quality: {
          delay: { kind: 'exponential', minMs: 0.05, meanMs: 0.1 * 2 ** random.below(8) },
          ...(isRough ? { lossRatio: 0.1 * random.float(), duplicateRatio: 0.2 * random.float(), reorderRatio: 0.3 * random.float() } : {}),
        },
      },
      scheduling: { policy: (['fifo', 'random', 'pct'] as const)[random.below(3)]! },
      ...(mutants.length === 0 ? {} : { mutants }),
    },
  };
}

/** Clocks that jump or drift are no matter here. */
const KINDS = ['crash', 'killShard', 'pause', 'hang', 'slow', 'cut', 'clog', 'reset', 'degrade'] as const;
