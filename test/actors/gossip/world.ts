/** A simulated cluster of GossipActors, each with a RingActor that only keeps what it is given, and a recorder of its views. */
import type { GossipTuning } from '../../../actors/gossip/options.ts';
import { gossipActor } from '../../../actors/gossip-actor.ts';
import type { GossipMessage, MembershipView, MemberView } from '../../../actors/gossip-protocol.ts';
import { GOSSIP_SLOT, RING_SLOT } from '../../../actors/membership/cluster-door.ts';
import type { NodeIdentity } from '../../../actors/membership/node-identity.ts';
import { compareVersions, type Id, type Member, type RingState } from '../../../actors/ring/ring-state.ts';
import type { RingChanged, RingMessage } from '../../../actors/ring-protocol.ts';
import { defineActor } from '../../../runtime/actor.ts';
import type { NodeAddress } from '../../../runtime/node-address.ts';
import type { Ref } from '../../../runtime/ref.ts';
import type { PlanItem } from '../../../runtime/simulation/plan.ts';
import type { SchedulingOptions } from '../../../runtime/simulation/scheduling.ts';
import type { NetworkSettings } from '../../../runtime/simulation/settings.ts';
import type { SimNode } from '../../../runtime/simulation/sim-node.ts';
import { Simulation } from '../../../runtime/simulation/simulation.ts';
import { simDoor } from '../membership/sim-door.ts';

export const CLUSTER: Id = 'c'.repeat(32);
export const INTERVAL_MS = 1000;

export interface GossipWorldOptions {
  readonly nodes: number;
  readonly seed: number;
  readonly plan?: readonly PlanItem[];
  readonly mutants?: readonly string[];
  readonly network?: NetworkSettings;
  readonly scheduling?: SchedulingOptions;
  readonly tuning?: Partial<GossipTuning>;
  /** Members at the start; default all. */
  readonly members?: number;
}

/** Somebody was accused by somebody, as the view of some node showed it. */
export interface SeenAccusation {
  readonly atMs: number;
  readonly seenBy: string;
  readonly accused: string;
  readonly accusers: readonly string[];
  readonly label: MemberView['label'];
}

export function nodeName(index: number): string {
  return `n${index}`;
}

export function idOf(index: number): Id {
  return (index + 1).toString(16).padStart(32, '0');
}

export function ringOf(epoch: number, indexes: readonly number[]): RingState {
  return {
    cluster: CLUSTER,
    clusterName: 'test',
    generation: 1,
    epoch,
    parent: '',
    operationId: idOf(epoch),
    members: indexes.map(memberOf),
    owners: new Uint16Array(8),
    transition: null,
    changedAt: new Uint32Array(8),
    keyspaces: [],
    nextKeyspaceId: 1,
    banned: [],
  };
}

function memberOf(index: number): Member {
  const common = { dataCenter: 'dc1', rack: 'r1', capacity: 1, shards: 1 };
  return { id: idOf(index), name: nodeName(index), address: addressOf(index), ...common, state: 'up', isExcluded: false };
}

function addressOf(index: number): NodeAddress {
  return { node: nodeName(index), host: nodeName(index), ports: [7000] };
}

export function instanceOf(index: number, boot: number): string {
  return `${index}a${boot}`.padStart(16, '0');
}

export function identityOf(index: number, boot: number): NodeIdentity {
  const common = { dataCenter: 'dc1', rack: 'r1', capacity: 1, shards: 1 };
  return { id: idOf(index), name: nodeName(index), address: addressOf(index), ...common, boot, instance: instanceOf(index, boot) };
}

/** Bytes of a ring mean nothing here but its number. */
export function ringChanged(ring: RingState): RingChanged {
  const { generation, epoch } = ring;
  return { type: 'ringChanged', ring, encoded: { generation, epoch, bytes: new Uint8Array(2000) } };
}

/** What fake RingActors know in common, by epoch, and how far each is. */
export interface RingBook {
  readonly rings: ReadonlyMap<number, RingState>;
  readonly epochs: number[];
}

export type FakeRingMessage = RingMessage | { readonly type: 'install'; readonly epoch: number };

/** Keeps the newest ring that it was given, by anybody. */
export const fakeRing = defineActor<FakeRingMessage, readonly [RingBook, number]>('fakeRing', (_context, book, index) => {
  const subscribers: Ref<RingChanged>[] = [];
  let newest: RingChanged | undefined;
  const install = (epoch: number): void => {
    const ring = book.rings.get(epoch);
    if (ring === undefined || (newest !== undefined && compareVersions(ring, newest.encoded) <= 0)) return;
    newest = ringChanged(ring);
    book.epochs[index] = epoch;
    for (const subscriber of subscribers) subscriber.tell(newest);
  };
  return {
    receive(message: FakeRingMessage): void {
      if (message.type === 'install') install(message.epoch);
      else if (message.type === 'ring') install(message.ring.epoch);
      else if (message.type === 'subscribe') {
        if (!subscribers.some((other) => other.toString() === message.subscriber.toString())) subscribers.push(message.subscriber);
        if (newest !== undefined) message.subscriber.tell(newest);
      }
    },
  };
});

const recorder = defineActor<{ readonly type: 'view'; readonly view: MembershipView }, readonly [GossipWorld, number]>(
  'recorder',
  (_context, world, index) => ({
    receive(message): void {
      world.onView(index, message.view);
    },
  }),
);

export class GossipWorld implements RingBook {
  readonly simulation: Simulation;
  /** By epoch. */
  readonly rings = new Map<number, RingState>();
  /** Newest epoch of each node. */
  readonly epochs: number[] = [];
  readonly seen: SeenAccusation[] = [];
  /** All views of all nodes. */
  readonly history: { readonly atMs: number; readonly index: number; readonly view: MembershipView }[] = [];
  readonly #options: GossipWorldOptions;
  readonly #views: (MembershipView | undefined)[] = [];
  /** When each node first showed this member down, since `forgetTimes`. */
  readonly #downMs = new Map<string, number>();

  constructor(options: GossipWorldOptions) {
    this.#options = options;
    const indexes = Array.from({ length: options.nodes }, (_, index) => index);
    this.rings.set(1, ringOf(1, indexes.slice(0, options.members)));
    this.simulation = new Simulation({
      seed: options.seed,
      nodes: indexes.map((index) => ({ name: nodeName(index), shards: 0 })),
      plan: options.plan ?? [],
      ...(options.network === undefined ? {} : { network: options.network }),
      ...(options.scheduling === undefined ? {} : { scheduling: options.scheduling }),
      start: (node) => this.#start(node),
    });
  }

  get nowMs(): number {
    return this.simulation.now;
  }

  run(untilMs: number): void {
    this.simulation.run(untilMs);
    this.simulation.throwIfFailed();
  }

  /** Gives a node a ring, as if it had been decided there. */
  install(index: number, epoch: number): void {
    const ref = this.simulation.node(nodeName(index)).main.runtime.wellKnown(RING_SLOT) as unknown as Ref<FakeRingMessage>;
    this.simulation.tell(ref, { type: 'install', epoch });
  }

  gossip(index: number): Ref<GossipMessage> {
    return this.simulation.node(nodeName(index)).main.runtime.wellKnown(GOSSIP_SLOT) as unknown as Ref<GossipMessage>;
  }

  view(index: number): readonly MemberView[] {
    return this.#views[index]?.members ?? [];
  }

  member(seenBy: number, index: number): MemberView | undefined {
    return this.view(seenBy).find(({ id }) => id === idOf(index));
  }

  /** When `seenBy` first showed `index` down; undefined: not yet. */
  downAtMs(seenBy: number, index: number): number | undefined {
    return this.#downMs.get(`${seenBy} ${index}`);
  }

  /** Labels as node `seenBy` sees them: the names of those that are down. */
  down(seenBy: number): string[] {
    return this.view(seenBy)
      .filter(({ label }) => label === 'down')
      .map(({ id }) => nameOf(id));
  }

  /** Accusations, in any view, of others than those. */
  accusedBeside(...names: readonly string[]): SeenAccusation[] {
    return this.seen.filter(({ accused }) => !names.includes(accused));
  }

  onView(index: number, view: MembershipView): void {
    this.#views[index] = view;
    this.history.push({ atMs: this.nowMs, index, view });
    for (const { id, accusers, label } of view.members) {
      const key = `${index} ${indexOf(id)}`;
      if (label === 'down' && !this.#downMs.has(key)) this.#downMs.set(key, this.nowMs);
      if (accusers.length === 0) continue;
      this.seen.push({ atMs: this.nowMs, seenBy: nodeName(index), accused: nameOf(id), accusers: accusers.map(nameOf), label });
    }
  }

  #start(node: SimNode): void {
    const index = Number(node.name.slice(1));
    const { runtime } = node.main;
    const ring = runtime.spawnWellKnown(RING_SLOT, fakeRing, [this, index]);
    ring.tell({ type: 'install', epoch: 1 });
    const { mutants = [], tuning = {} } = this.#options;
    const options = { identity: identityOf(index, node.main.boot), door: simDoor(node.main), mutants: new Set(mutants), ...tuning };
    const gossip = runtime.spawnWellKnown(GOSSIP_SLOT, gossipActor, [options]);
    const subscriber = node.main.spawn(recorder, [this, index]);
    gossip.tell({ type: 'subscribe', subscriber });
  }
}

function indexOf(id: Id): number {
  return Number.parseInt(id, 16) - 1;
}

function nameOf(id: Id): string {
  return nodeName(indexOf(id));
}
