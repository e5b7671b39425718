/**
 * The workload `ring`: some nodes whose clients change the ring all the time, under a network that also loses, repeats and reorders, and under faults. The checker sees
 * every ring; each answer is compared with what came of it; at the end, with the faults over, all agree.
 */
import { RING_SLOT } from '../../../actors/membership/cluster-door.ts';
import type { Operation, OperationOutcome, Proposal } from '../../../actors/ring/operation.ts';
import type { RingState } from '../../../actors/ring/ring-state.ts';
import type { RingMessage } from '../../../actors/ring-protocol.ts';
import { type Answer, defineActor } from '../../../runtime/actor.ts';
import type { Random } from '../../../runtime/doors.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import type { Ref } from '../../../runtime/ref.ts';
import {
  type BuiltWorkload,
  generatePlan,
  type NodeSettings,
  type PlanItem,
  type RunPlan,
  type SimNode,
  type Simulation,
  type Workload,
} from '../../../runtime/simulation/testing.ts';
import { type Probed, PromiseRecord, promiseProber } from './promise-prober.ts';
import { RingWorld } from './ring-world.ts';
import { simDoor } from './sim-door.ts';

export const WRONG_ANSWER = 'an answer did not say what came of it';
export const NOT_SETTLED = 'the nodes did not come to one ring';
export const NOTHING_DONE = 'nothing was done';

const FAULTS_FROM_MS = 500;
const FAULTS_UNTIL_MS = 6_000;
const SENDING_UNTIL_MS = 6_500;
const STOP_MS = 14_000;
const STORM_FROM_MS = 2_500;
const STALL_RATIO = 0.03;
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
    let record: PromiseRecord | undefined;
    const stalls = new SeededRandom(seed).fork('stalls');
    const start = (world: RingWorld, node: SimNode): void => {
      client ??= new Client(world);
      record ??= new PromiseRecord((holds, what, detail) => world.sim.check(holds, what, detail));
      if (isStormy(Number(seed))) stallDisk(world.sim, node, stalls);
      node.main.spawn(clientActor, [client, world.ringActor(node.name)]);
      // In half of the runs: it outbids the others.
      if (Number(seed) % 2 === 1) spawnProber(world, node, record);
    };
    const world = new RingWorld({
      seed,
      plan,
      extra: start,
      gossips: new SeededRandom(seed).fork('gossip').chance(0.5),
      names: settings.nodes.map(({ name }) => name),
      shards: settings.nodes[0]!.shards,
      mutants: settings.mutants ?? [],
      ...(settings.network?.quality === undefined ? {} : { quality: settings.network.quality }),
      ...(settings.scheduling === undefined ? {} : { scheduling: settings.scheduling }),
    });
    return { simulation: world.sim, finish: () => client?.finish() };
  },
};

function spawnProber(world: RingWorld, node: SimNode, record: PromiseRecord): void {
  const door = simDoor(node.main);
  const probed: Probed = {
    sender: world.sender(node.name),
    voters: world.sim.nodes.map(({ name }) => door.ref<RingMessage>(RING_SLOT, name)),
    version: () => {
      const { newest } = world.checker;
      return newest && { generation: newest.generation, epoch: newest.epoch };
    },
    isOver: () => world.sim.now > SENDING_UNTIL_MS,
  };
  node.main.spawn(promiseProber, [probed, record]);
}

/** The run of a seed: size of the cluster, scheduler, network and faults are all drawn from it. */
export function ringRun(seed: number, mutants: readonly string[] = []): RunPlan {
  const random = new SeededRandom(seed).fork('ring');
  const shards = 1 + random.below(2);
  const nodes = ['a', 'b', 'c', 'd', 'e'].slice(0, 3 + random.below(3)).map((name) => ({ name, shards }));
  const isRough = random.chance(0.6);
  const isStorm = isStormy(seed);
  return {
    seed,
    stopMs: STOP_MS,
    plan: isStorm
      ? stormPlan(random, nodes)
      : generatePlan(seed, { nodes, fromMs: FAULTS_FROM_MS, untilMs: FAULTS_UNTIL_MS, kinds: KINDS }),
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

/** Power cuts in quick succession, often in the middle of a write, and little else: what counts is what was on disk. */
function isStormy(seed: number): boolean {
  return new SeededRandom(seed).fork('storm').chance(0.3);
}

function stormPlan(random: Random, nodes: readonly NodeSettings[]): PlanItem[] {
  const crash = (node: string, atMs: number): PlanItem => ({ kind: 'crash', atMs, node, forMs: 1 + random.below(20), silent: true });
  const plan: PlanItem[] = [];
  for (let atMs = STORM_FROM_MS; atMs < FAULTS_UNTIL_MS; atMs += 1 + random.below(120)) {
    const node = nodes[random.below(nodes.length)]!.name;
    const other = nodes[random.below(nodes.length)]!.name;
    if (random.chance(0.7) || node === other) plan.push(crash(node, atMs));
    else plan.push({ kind: 'clog', atMs, from: node, to: other, forMs: 1 + random.below(200) });
  }
  // A disk that stands still goes on only after a power cut.
  return [...plan, ...nodes.map(({ name }, i) => crash(name, FAULTS_UNTIL_MS + i * 30))];
}

/** A sync never ends now and then: the next power cut comes before it. */
function stallDisk(sim: Simulation, { disk }: SimNode, random: Random): void {
  disk.onCall = ({ operation, path }) => {
    const isTime = sim.now > STORM_FROM_MS && sim.now < FAULTS_UNTIL_MS;
    return isTime && operation === 'datasync' && path.includes('/ring-') && random.chance(STALL_RATIO)
      ? { kind: 'powerLoss', when: 'before' }
      : undefined;
  };
}

/** Clocks that jump or drift are no matter here. */
const KINDS = ['crash', 'killShard', 'pause', 'hang', 'slow', 'cut', 'clog', 'reset', 'degrade'] as const;
