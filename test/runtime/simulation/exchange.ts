/**
 * The workload by which the simulator checks the runtime: a member per shard that sends numbered messages to all others, asks them, watches
 * them, and gives work to a child of its own; and a source that sends bytes to the sinks of all others (`flow.ts`). Checked on the way: nothing is reordered or doubled within a pair and lane, every answer is the
 * right one, `terminated` comes once. Checked at the end, when all has been quiet for long: every ask was answered or failed, all local work is done,
 * and whoever watched somebody that is dead was told.
 */
import { type ActorDefinition, defineActor } from '../../../runtime/actor.ts';
import { addressName } from '../../../runtime/address.ts';
import type { ShardStart } from '../../../runtime/definitions.ts';
import { unreachable } from '../../../runtime/errors.ts';
import { BACKGROUND, type Lane, REQUEST, RESPONSE } from '../../../runtime/lanes.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import type { AnyRef, Ref } from '../../../runtime/ref.ts';
import type { RunPlan } from '../../../runtime/simulation/plan-file.ts';
import { generatePlan } from '../../../runtime/simulation/plan-generator.ts';
import type { NodeSettings } from '../../../runtime/simulation/settings.ts';
import { Simulation } from '../../../runtime/simulation/simulation.ts';
import type { BuiltWorkload, Workload } from '../../../runtime/simulation/workload.ts';
import { FlowRecord, type FlowSettings, sinkActor, sourceActor } from './flow.ts';

/** Faults begin after this, and all is sent before `SENDING_UNTIL_MS`; then only what is under way still happens. */
const FAULTS_FROM_MS = 50;
const FAULTS_UNTIL_MS = 2500;
const SENDING_UNTIL_MS = 2700;
const STOP_MS = 9000;
const ASK_TIMEOUT_MS = 400;
const PLANNED = 'planned failure';

/** The worker's planned failures must not stop it for good. */
const RESTARTS_MAX = 10_000;

interface Peer {
  readonly id: number;
  readonly ref: Ref<MemberMessage>;
}

type MemberMessage =
  | { readonly type: 'joined'; readonly peer: Peer }
  | { readonly type: 'tick' }
  | { readonly type: 'item'; readonly from: number; readonly lane: Lane; readonly sequence: number; readonly padding: string }
  | { readonly type: 'question'; readonly number: number; readonly replyTo: Ref<number> }
  | { readonly type: 'answered'; readonly number: number; readonly answer: number | null }
  | { readonly type: 'worked'; readonly count: number };

type WorkMessage = { readonly type: 'work'; readonly sequence: number; readonly replyTo: Ref<MemberMessage> } | { readonly type: 'fail' };

/** What the checkers know of one life of a member. */
class Member {
  readonly id: number;
  readonly place: string;
  readonly boot: number;
  ref: Ref<MemberMessage> | undefined;
  asked = 0;
  answered = 0;
  workGiven = 0;
  workDone = 0;
  /** By the address of who is watched: how often it was told. */
  readonly watches = new Map<string, number>();
  readonly flow: FlowRecord;

  constructor(id: number, place: string, boot: number) {
    this.id = id;
    this.place = place;
    this.boot = boot;
    this.flow = new FlowRecord(id);
  }
}

class Exchange {
  readonly members: Member[] = [];
  simulation: Simulation | undefined;
  readonly flow: FlowSettings = {
    check: (condition, what, detail) => this.check(condition, what, detail),
    isSending: () => this.isSending,
  };

  get isSending(): boolean {
    return this.simulation !== undefined && this.simulation.now <= SENDING_UNTIL_MS;
  }

  check(condition: boolean, what: string, detail: () => string): void {
    this.simulation?.check(condition, what, detail);
  }

  isAlive(member: Member): boolean {
    const shard = this.simulation?.nodes.flatMap((node) => node.shards).find((other) => other.name === member.place);
    return shard?.isUp === true && shard.boot === member.boot;
  }

  /** Everybody who lives gets to know everybody who lives. */
  announce(newcomer: Member): void {
    const { simulation } = this;
    if (simulation === undefined || newcomer.ref === undefined) return;
    for (const other of this.members) {
      if (other === newcomer || other.ref === undefined || !this.isAlive(other)) continue;
      simulation.tell(other.ref, { type: 'joined', peer: { id: newcomer.id, ref: newcomer.ref } });
      simulation.tell(newcomer.ref, { type: 'joined', peer: { id: other.id, ref: other.ref } });
      simulation.tell(other.flow.source!, { type: 'sink', id: newcomer.id, ref: newcomer.flow.sink! });
      simulation.tell(newcomer.flow.source!, { type: 'sink', id: other.id, ref: other.flow.sink! });
    }
  }

  join(start: ShardStart, boot: number): void {
    const member = new Member(this.members.length + 1, `${start.node}/${start.shard}`, boot);
    this.members.push(member);
    member.ref = start.spawn(memberActor, [member, this]);
    member.flow.sink = start.spawn(sinkActor, [member.flow, this.flow]);
    member.flow.source = start.spawn(sourceActor, [member.flow, this.flow]);
    this.announce(member);
  }

  finish(): void {
    for (const member of this.members) {
      if (!this.isAlive(member)) continue;
      const name = `${member.place}@${member.boot}`;
      this.check(
        member.asked === member.answered,
        'an ask came to no end',
        () => `${name}: ${member.asked} asked, ${member.answered} ended`,
      );
      this.check(
        member.workGiven === member.workDone,
        'local work was not done',
        () => `${name}: ${member.workDone} of ${member.workGiven}`,
      );
      for (const other of this.members) {
        if (other.ref === undefined) continue;
        if (this.isAlive(other)) {
          const isStuck = member.flow.waiting.has(addressName(other.flow.sink!.address));
          this.check(!isStuck, 'a sender waits for ever', () => `${name} for the sink of ${other.place}@${other.boot}`);
          continue;
        }
        const told = member.watches.get(addressName(other.ref.address));
        this.check(told !== 0, 'nobody told a watcher', () => `${name} watches ${other.place}@${other.boot}, which is dead`);
      }
    }
  }
}

const worker: ActorDefinition<WorkMessage> = defineActor('worker', (context) => ({
  receive(message: WorkMessage): void {
    if (message.type === 'fail') throw new Error(PLANNED);
    context.charge(3);
    message.replyTo.tell({ type: 'worked', count: 1 }, { lane: RESPONSE });
  },
}));

const memberActor: ActorDefinition<MemberMessage, readonly [Member, Exchange]> = defineActor(
  'member',
  (context, member: Member, exchange: Exchange) => {
    const peers: Peer[] = [];
    const sent = new Map<number, number[]>();
    const received = new Map<number, number[]>();
    const child = context.spawn(worker, []);
    context.every('tick', 10 + context.random.below(10), { type: 'tick' });

    return {
      receive(message: MemberMessage): void {
        switch (message.type) {
          case 'joined':
            if (!peers.some((peer) => peer.id === message.peer.id)) peers.push(message.peer);
            return;
          case 'tick':
            return onTick();
          case 'item':
            return onItem(message.from, message.lane, message.sequence);
          case 'question':
            message.replyTo.tell(message.number + 1);
            return;
          case 'answered':
            member.answered++;
            exchange.check(
              message.answer === null || message.answer === message.number + 1,
              'wrong answer',
              () => `${message.answer} to ${message.number}`,
            );
            return;
          case 'worked':
            member.workDone += message.count;
            return;
          default:
            unreachable(message);
        }
      },
      signal(signal): void {
        if (signal.type === 'terminated') onTerminated(signal.ref, signal.reason);
      },
    };

    function onTick(): void {
      if (!exchange.isSending) return;
      const { random } = context;
      giveWork(random.below(8));
      if (random.chance(0.02)) child.tell({ type: 'fail' });
      if (peers.length === 0) return;
      const peer = peers[random.below(peers.length)]!;
      const lane = random.chance(0.7) ? REQUEST : BACKGROUND;
      for (let count = 1 + random.below(8); count > 0; count--) sendItem(peer, lane);
      if (random.chance(0.3)) ask(peer);
      if (random.chance(0.1)) watch(peer);
      // Those of former lives are asked now and then, and mostly let be.
      if (peers.length > 12) peers.shift();
    }

    function giveWork(count: number): void {
      for (let i = 0; i < count; i++)
        if (child.tell({ type: 'work', sequence: ++member.workGiven, replyTo: context.self }) === false) member.workGiven--;
    }

    function sendItem(peer: Peer, lane: Lane): void {
      const sequences = countersOf(sent, peer.id);
      const sequence = sequences[lane]! + 1;
      sequences[lane] = sequence;
      peer.ref.tell({ type: 'item', from: member.id, lane, sequence, padding: 'x'.repeat(sequence % 50) }, { lane });
    }

    function onItem(from: number, lane: Lane, sequence: number): void {
      const sequences = countersOf(received, from);
      const last = sequences[lane]!;
      exchange.check(sequence !== last, 'a message came twice', () => `${sequence} from ${from}, lane ${lane}`);
      exchange.check(sequence >= last, 'messages were reordered', () => `${sequence} after ${last} from ${from}, lane ${lane}`);
      sequences[lane] = sequence;
    }

    function ask(peer: Peer): void {
      const number = ++member.asked;
      context.ask(
        peer.ref,
        (replyTo: Ref<number>): MemberMessage => ({ type: 'question', number, replyTo }),
        { timeoutMs: ASK_TIMEOUT_MS },
        (answer) => ({ type: 'answered', number, answer: answer.ok ? answer.value : null }),
      );
    }

    function watch(peer: Peer): void {
      const name = addressName(peer.ref.address);
      if (member.watches.has(name)) return;
      member.watches.set(name, 0);
      context.watch(peer.ref);
    }

    function onTerminated(ref: AnyRef, reason: string): void {
      const name = addressName(ref.address);
      const times = (member.watches.get(name) ?? 0) + 1;
      member.watches.set(name, times);
      exchange.check(times === 1, 'terminated was told twice', () => `${member.place} of ${name}`);
      const target = exchange.members.find((other) => other.ref !== undefined && addressName(other.ref.address) === name);
      const isFact = reason !== 'unreachable';
      exchange.check(
        !isFact || target === undefined || !exchange.isAlive(target),
        'somebody alive was said to be dead',
        () => `${name}: ${reason}`,
      );
    }
  },
  { mailbox: { capacity: 100_000 }, supervision: { restartsMax: RESTARTS_MAX } },
);

function countersOf(all: Map<number, number[]>, id: number): number[] {
  let counters = all.get(id);
  if (counters === undefined) {
    counters = [0, 0, 0, 0, 0];
    all.set(id, counters);
  }
  return counters;
}

export const exchange: Workload = {
  name: 'exchange',
  build(run: RunPlan): BuiltWorkload {
    const state = new Exchange();
    const simulation = new Simulation({
      ...run.settings,
      seed: run.seed,
      plan: run.plan,
      startShard: (start) => state.join(start, state.simulation?.node(start.node).shard(start.shard).boot ?? 1),
      mayThrow: (actor, error) => actor === 'worker' && error instanceof Error && error.message === PLANNED,
    });
    state.simulation = simulation;
    for (const member of state.members) state.announce(member);
    return { simulation, finish: () => state.finish() };
  },
};

export interface ExchangeOptions {
  readonly mutants?: readonly string[];
  /** Default: drawn from the seed, 1 in 10 in bytes. */
  readonly fidelity?: 'frames' | 'bytes';
}

/** The run of a seed: size of the cluster, scheduler, network and faults are all drawn from it. */
export function exchangeRun(seed: number, options: ExchangeOptions = {}): RunPlan {
  const random = new SeededRandom(seed).fork('exchange');
  const nodes: NodeSettings[] = ['a', 'b', 'c'].slice(0, 2 + random.below(2)).map((name) => ({ name, shards: 1 + random.below(2) }));
  const drawn = random.chance(0.1) ? 'bytes' : 'frames';
  return {
    seed,
    stopMs: STOP_MS,
    plan: generatePlan(seed, { nodes, fromMs: FAULTS_FROM_MS, untilMs: FAULTS_UNTIL_MS }),
    settings: {
      nodes,
      network: {
        fidelity: options.fidelity ?? drawn,
        quality: {
          delay: { kind: 'exponential', minMs: 0.05, meanMs: 0.1 * 2 ** random.below(6) },
          splitRatio: random.chance(0.5) ? 0.3 : 0,
          retransmitRatio: random.chance(0.3) ? 0.02 : 0,
          chunkBytesMax: 1 << (4 + random.below(10)),
        },
        // Narrow ones fill up, so that senders have to wait for room.
        windowBytes: 1 << (9 + random.below(10)),
        limits: {
          outInitialBytes: 1024,
          outMaxBytes: 1 << (10 + random.below(10)),
          handshakeTimeoutMs: 400,
          holdMs: 400,
          pingIntervalMs: 150,
          peerTimeoutMs: 450,
          unreachableMs: 1500,
          backoff: { minMs: 20, maxMs: 300, factor: 2, jitterRatio: 0.5 },
        },
      },
      scheduling: { policy: (['fifo', 'random', 'pct'] as const)[random.below(3)]! },
      tuning: { throughput: 1 << random.below(5), turnsPerRun: 1 << random.below(7), backlogMax: 4 << random.below(12) },
      ...(options.mutants === undefined ? {} : { mutants: options.mutants }),
    },
  };
}
