/**
 * RingWorld: simulated nodes, each with its RingActor, agents, and data directory; a stand-in for gossip that knows everything; and the checker, told of all.
 * Node `a` begins the cluster, all others join through it.
 */

import { gossipActor } from '../../../actors/gossip-actor.ts';
import type { GossipMessage, MembershipView } from '../../../actors/gossip-protocol.ts';
import { GOSSIP_SLOT, RING_SLOT } from '../../../actors/membership/cluster-door.ts';
import { readRing } from '../../../actors/membership/known-ring.ts';
import type { NodeIdentity } from '../../../actors/membership/node-identity.ts';
import type { RingOptions } from '../../../actors/membership/ring-options.ts';
import { initialRing } from '../../../actors/ring/initial-ring.ts';
import type { NewKeyspace, NewMember, Operation, OperationOutcome, Proposal } from '../../../actors/ring/operation.ts';
import type { Id, RingState, RingVersion } from '../../../actors/ring/ring-state.ts';
import { ringActor } from '../../../actors/ring-actor.ts';
import { type RingHolder, ringAgent } from '../../../actors/ring-agent.ts';
import type { RingChanged, RingMessage, RingStatus, Sender } from '../../../actors/ring-protocol.ts';
import { defineActor } from '../../../runtime/actor.ts';
import type { ShardStart } from '../../../runtime/definitions.ts';
import type { Ref } from '../../../runtime/ref.ts';
import { SimSyncFiles } from '../../../runtime/simulation/sim-sync-files.ts';
import {
  type AskHolder,
  type LinkQuality,
  type PlanItem,
  type SimDisk,
  type SimNode,
  Simulation,
} from '../../../runtime/simulation/testing.ts';
import { spawnEntering } from './membership-actors.ts';
import { RingChecker } from './ring-checker.ts';
import { simDoor } from './sim-door.ts';

export interface RingWorldOptions {
  readonly seed?: number | string;
  /** Default: a, b, c. */
  readonly names?: readonly string[];
  /** Worker threads of each. Default 1. */
  readonly shards?: number;
  readonly options?: Partial<RingOptions>;
  readonly mutants?: readonly string[];
  readonly quality?: Partial<LinkQuality>;
  readonly plan?: readonly PlanItem[];
  /** The real GossipActor, in the place of one that knows everything. */
  readonly gossips?: boolean;
  /** Nodes on which nothing is started, as long as they are in it. */
  readonly asleep?: ReadonlySet<string>;
  /** Of a node, whose directory it has a copy of: it starts as that member. */
  readonly copyOf?: Readonly<Record<string, string>>;
  /** A run goes on after a failure. */
  readonly goOn?: boolean;
  /** Others join by themselves. Default true. */
  readonly joins?: boolean;
}

export const DATA = '/data';
export const CLUSTER: Id = 'c'.repeat(32);
const INIT_OPERATION: Id = '1'.repeat(32);
const NO_VERSION: RingVersion = { generation: 0, epoch: 0 };
const PARTITIONS = 16;
const VIEW_MS = 100;
const NAMES: readonly string[] = ['a', 'b', 'c'];
const TIMES: Partial<RingOptions> = {
  registerMs: 100,
  registerGraceMs: 1_000,
  reregisterMs: 2_000,
  resendMs: 50,
  backoffMs: 20,
  backoffMaxMs: 300,
  proposeTimeoutMs: 3_000,
  settleMs: 200,
  takeOverMs: 400,
  excludeAfterMs: 5_000,
  writeRetryMs: 100,
  driveMs: 50,
  subscribeMs: 500,
};

export function keyspace(name: string): NewKeyspace {
  return {
    ...{ name, n: 3, r: 'quorum', w: 'quorum', mode: 'ap', conflict: 'lww', durability: 'sync' },
    ...{ pr: 0, pw: 0, ttlMs: 0, keyBytesMax: 100, valueBytesMax: 100 },
  };
}

export class RingWorld {
  readonly sim: Simulation;
  readonly checker: RingChecker;
  /** By `node/shard`. */
  readonly holders = new Map<string, RingHolder>();
  /** By node: of its last start. */
  readonly identities = new Map<string, NodeIdentity>();
  readonly #options: RingWorldOptions;
  readonly #switchedTo = new Map<Id, RingVersion>();
  #operations = 0;
  #instances = 0;

  constructor(options: RingWorldOptions = {}) {
    const { seed = 1, names = NAMES, shards = 1, quality, plan, goOn = false } = options;
    this.#options = options;
    this.expected = names.length;
    // The nodes start while `sim` is made.
    let pending: (() => void)[] | null = [];
    const whenMade = (start: () => void): void => void (pending === null ? start() : pending.push(start));
    this.sim = new Simulation({
      seed,
      nodes: names.map((name) => ({ name, shards })),
      start: (node) => whenMade(() => this.#start(node)),
      startShard: (start) => whenMade(() => this.#startShard(start)),
      goOn,
      ...(plan === undefined ? {} : { plan }),
      ...(quality === undefined ? {} : { network: { quality } }),
    });
    this.checker = new RingChecker((condition, what, detail) => this.sim.check(condition, what, detail));
    const starts = pending;
    pending = null;
    for (const start of starts) start();
  }

  /** The id of a node's member: in the order of the names. */
  idOf(node: string): Id {
    const name = this.#options.copyOf?.[node] ?? node;
    return Buffer.from(name).toString('hex').padStart(32, '0');
  }

  run(ms: number): void {
    this.runUntil(this.sim.now + ms);
  }

  /** Runs until all nodes that are up have the newest ring, all members are full ones and nothing moves; throws when that takes longer. */
  settle(withinMs = 20_000): RingState {
    const end = this.sim.now + withinMs;
    while (this.sim.now < end) {
      this.run(50);
      const newest = this.checker.newest;
      if (newest === null || newest.transition !== null || newest.members.some(({ state }) => state !== 'up')) continue;
      const up = this.sim.nodes.filter((node) => node.isUp && newest.members.some(({ address }) => address.node === node.name));
      const isEverywhere = up.every((node) => node.shards.every(({ index }) => this.#holds(node.name, index, newest)));
      if (isEverywhere && newest.members.length === this.expected) return newest;
    }
    throw new Error(
      `not settled: ${JSON.stringify(this.checker.newest, (_, value: unknown) => (ArrayBuffer.isView(value) ? undefined : value))}\n${this.logs()}`,
    );
  }

  /** How many members `settle` waits for. Default: all. */
  expected: number;

  logs(): string {
    return this.sim.log.map((line) => JSON.stringify(line)).join('\n');
  }

  ringActor(name: string): Ref<RingMessage> {
    return this.sim.node(name).main.runtime.wellKnown(RING_SLOT) as unknown as Ref<RingMessage>;
  }

  operation(operation: Operation): Proposal {
    const proposal = { operationId: (++this.#operations).toString(16).padStart(32, 'f'), operation };
    this.checker.proposed(proposal);
    return proposal;
  }

  propose(name: string, operation: Operation | Proposal, timeoutMs = 3_000): AskHolder<OperationOutcome> {
    const proposal = 'operationId' in operation ? operation : this.operation(operation);
    return this.sim.ask<RingMessage, OperationOutcome>(this.ringActor(name), (replyTo) => ({ type: 'propose', proposal, replyTo }), {
      timeoutMs,
    });
  }

  force(name: string, survivors: readonly string[]): AskHolder<OperationOutcome> {
    const { operationId } = this.operation({ type: 'dropKeyspace', name: 'never' });
    const ids = survivors.map((survivor) => this.idOf(survivor));
    return this.sim.ask<RingMessage, OperationOutcome>(
      this.ringActor(name),
      (replyTo) => ({ type: 'force', operationId, survivors: ids, replyTo }),
      {
        timeoutMs: 3_000,
      },
    );
  }

  /** Runs until that moment of the run. */
  runUntil(atMs: number): void {
    this.sim.run(atMs);
    if (this.#options.goOn !== true) this.sim.throwIfFailed();
  }

  createKeyspace(node: string, name: string): AskHolder<OperationOutcome> {
    return this.propose(node, { type: 'createKeyspace', keyspace: keyspace(name) });
  }

  status(name: string): RingStatus {
    const holder = this.sim.ask<RingMessage, RingStatus>(this.ringActor(name), (replyTo) => ({ type: 'status', replyTo }), {
      timeoutMs: 1_000,
    });
    this.run(100);
    if (holder.answer?.ok !== true) throw new Error(`no status of ${name}`);
    return holder.answer.value;
  }

  ringOf(name: string): RingState | null {
    const { ring } = this.status(name);
    return ring && readRing(ring).state;
  }

  /** The outcome of what was asked, once it is there. */
  outcome(holder: AskHolder<OperationOutcome>, withinMs = 5_000): OperationOutcome {
    for (const end = this.sim.now + withinMs; holder.answer === undefined && this.sim.now < end; ) this.run(10);
    if (holder.answer?.ok !== true) throw new Error(`no outcome: ${holder.answer?.error.message ?? 'none in time'}`);
    return holder.answer.value;
  }

  /** As the RingActor of `node` names itself. */
  sender(node: string): Sender {
    const { id, boot, instance } = this.identities.get(node)!;
    return { cluster: CLUSTER, id, boot, instance };
  }

  /** Puts another disk into a machine that is down. */
  setDisk(name: string, disk: SimDisk): void {
    (this.sim.node(name) as { disk: SimDisk }).disk = disk;
  }

  memberOf(name: string): NewMember {
    const { shards = 1 } = this.#options;
    const ports = Array.from({ length: shards + 1 }, (_, i) => 7_000 + i);
    return { id: this.idOf(name), name, address: { node: name, host: name, ports }, dataCenter: 'dc', rack: 'r', capacity: 1, shards };
  }

  #holds(name: string, shard: number, { generation, epoch }: RingState): boolean {
    const ring = this.holders.get(`${name}/${shard}`)?.ring?.state;
    return ring?.generation === generation && ring.epoch === epoch;
  }

  #start(node: SimNode): void {
    const { name } = node;
    if (this.#options.asleep?.has(name)) return;
    const { mutants = [], options, joins = true } = this.#options;
    const life = `${name}@${node.main.boot}`;
    const identity: NodeIdentity = {
      ...this.memberOf(name),
      boot: nextBoot(node),
      instance: (++this.#instances).toString(16).padStart(16, '0'),
    };
    this.identities.set(name, identity);
    const door = simDoor(node.main);
    const isFirst = name === (this.#options.names ?? NAMES)[0];
    const initial = isFirst
      ? initialRing({
          cluster: CLUSTER,
          clusterName: 'test',
          operationId: INIT_OPERATION,
          member: this.memberOf(name),
          partitions: PARTITIONS,
        })
      : null;
    const { runtime } = node.main;
    const complete = { ...TIMES, ...options, mutants: new Set(mutants) };
    runtime.spawnWellKnown(RING_SLOT, ringActor, [{ identity, door, directory: DATA, initial, options: complete }]);
    const others = (this.#options.names ?? NAMES).filter((other) => other !== name).map((other) => door.ref<RingMessage>(RING_SLOT, other));
    const board: Board = { view: () => this.#view(), switched: (version) => this.#switchedTo.set(identity.id, version) };
    if (this.#options.gossips === true)
      runtime.spawnWellKnown(GOSSIP_SLOT, gossipActor, [{ identity, door, mutants: new Set<string>(), intervalMs: VIEW_MS }]);
    else runtime.spawnWellKnown(GOSSIP_SLOT, knowingGossip, [identity, board, this.ringActor(name), others]);
    node.main.spawn(observer, [this.ringActor(name), (ring) => this.checker.published(life, ring)]);
    if (!isFirst && joins)
      spawnEntering(node.main, {
        ...{ identity, door, seeds: [this.#seed], mutants: complete.mutants },
        proposalOf: (operation) => this.operation(operation),
        onNever: (reason) => this.sim.check(false, 'a node that may join was refused for good', () => `${name}: ${reason}`),
      });
  }

  #startShard(start: ShardStart): void {
    const { node, shard } = start;
    const place = `${node}/${shard}`;
    const holder = spiedHolder((ring) => this.checker.switched(place, ring));
    this.holders.set(place, holder);
    const door = simDoor(this.sim.node(node).shard(shard));
    start.spawn(ringAgent, [{ door, node, shard, holder, followMs: 200 }]);
  }

  get #seed(): string {
    return (this.#options.names ?? NAMES)[0]!;
  }

  #view(): MembershipView {
    const members = this.sim.nodes.map(({ name, isUp }) => {
      const id = this.idOf(name);
      const label = isUp ? ('up' as const) : ('down' as const);
      return {
        id,
        label,
        isSuspected: !isUp,
        accusers: [],
        boot: 1,
        incarnation: 0,
        heartbeat: 1,
        silentMs: 0,
        switchedTo: this.#switchedTo.get(id) ?? NO_VERSION,
      };
    });
    return { members };
  }
}

/** What the start code of a node does: the count of starts, on disk before anything is said to anybody. */
function nextBoot({ disk }: SimNode): number {
  const files = new SimSyncFiles(disk);
  disk.makeDirectory(DATA);
  const file = files.open(`${DATA}/boot`, 'create');
  const bytes = Buffer.alloc(4);
  file.pread(bytes, 0);
  const boot = bytes.readUInt32LE(0) + 1;
  bytes.writeUInt32LE(boot, 0);
  file.pwrite([bytes], 0);
  file.datasync();
  files.syncDir(DATA);
  file.close();
  return boot;
}

function spiedHolder(onRing: (ring: RingState) => void): RingHolder {
  let held: RingHolder['ring'] = null;
  return {
    mayServe: false,
    get ring() {
      return held;
    },
    set ring(ring) {
      held = ring;
      if (ring !== null) onRing(ring.state);
    },
  };
}

interface Board {
  readonly view: () => MembershipView;
  readonly switched: (version: RingVersion) => void;
}

type ViewRef = Ref<{ readonly type: 'view'; readonly view: MembershipView }>;
type GossipArguments = readonly [NodeIdentity, Board, Ref<RingMessage>, readonly Ref<RingMessage>[]];

/** In the place of GossipActor: knows at once who is up, and gives its ring to somebody from time to time. */
const knowingGossip = defineActor<GossipMessage | { readonly type: 'tick' }, GossipArguments>(
  'gossip',
  (context, { id, boot, instance }, board, ring, others) => {
    const subscribers = new Map<string, ViewRef>();
    let newest: RingChanged | null = null;
    context.every('tick', VIEW_MS, { type: 'tick' });
    ring.tell({ type: 'subscribe', subscriber: context.self });
    return {
      receive(message): void {
        if (message.type === 'subscribe') subscribers.set(message.subscriber.toString(), message.subscriber);
        else if (message.type === 'switchedTo') board.switched(message.version);
        else if (message.type === 'ringChanged') newest = message;
        else if (message.type === 'tick') onTick();
      },
    };

    function onTick(): void {
      for (const subscriber of subscribers.values()) subscriber.tell({ type: 'view', view: board.view() });
      ring.tell({ type: 'subscribe', subscriber: context.self });
      if (newest === null || others.length === 0) return;
      const from = { cluster: newest.ring.cluster, id, boot, instance };
      others[context.random.below(others.length)]!.tell({ type: 'ring', from, ring: newest.encoded });
    }
  },
);

const observer = defineActor<RingChanged | { readonly type: 'tick' }, readonly [Ref<RingMessage>, (ring: RingState) => void]>(
  'observer',
  (context, ring, onRing) => {
    context.every('tick', VIEW_MS, { type: 'tick' });
    ring.tell({ type: 'subscribe', subscriber: context.self });
    return {
      receive(message): void {
        if (message.type === 'ringChanged') onRing(message.ring);
        else ring.tell({ type: 'subscribe', subscriber: context.self });
      },
    };
  },
);
