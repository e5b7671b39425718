/**
 * The workload by which the simulator checks ring and membership: whole nodes but for their data, which start from their disks as production's do, join
 * through any of the others, and are told by operators to change the ring in competing ways, while machines, network, clocks and disks do their worst. Checked at
 * every step (god-view.ts, ring-history.ts) and, when all has been well for long, at the end (membership-end.ts).
 */
import { gossipActor } from '../../../actors/gossip-actor.ts';
import { GOSSIP_SLOT, RING_SLOT } from '../../../actors/membership/cluster-door.ts';
import { memberOf } from '../../../actors/membership/joining.ts';
import { type KnownRing, readRing } from '../../../actors/membership/known-ring.ts';
import { isFenced } from '../../../actors/membership/ring-keeper.ts';
import { initialRing } from '../../../actors/ring/initial-ring.ts';
import type { OperationOutcome, Proposal } from '../../../actors/ring/operation.ts';
import type { Id } from '../../../actors/ring/ring-state.ts';
import { ringActor } from '../../../actors/ring-actor.ts';
import { type RingHolder, ringAgent } from '../../../actors/ring-agent.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import type { ActItem } from '../../../runtime/simulation/plan.ts';
import type { RunPlan } from '../../../runtime/simulation/plan-file.ts';
import { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import type { SimNode } from '../../../runtime/simulation/sim-node.ts';
import { Simulation } from '../../../runtime/simulation/simulation.ts';
import type { BuiltWorkload, Workload } from '../../../runtime/simulation/workload.ts';
import { GodView, type Start } from './god-view.ts';
import { MachineRun } from './machine-run.ts';
import { spawnEntering, watcher } from './membership-actors.ts';
import { act } from './membership-acts.ts';
import { checkEnd } from './membership-end.ts';
import { idFrom, type MembershipKnobs, membershipKnobs, plannerOf } from './membership-knobs.ts';
import {
  DIRECTORY,
  type DirectoryRecord,
  emptyDisk,
  hasUnfinishedWrite,
  identityOf,
  MachineDoor,
  readRecord,
  storedOn,
  writeRecord,
} from './sim-machine.ts';

/** An operation, where it was asked for, and what came of it; undefined: nothing yet. */
export interface Asked {
  readonly proposal: Proposal;
  readonly where: string;
  /** Asked over the network, which may deliver it twice: the second may be done though the first was refused. */
  readonly isRemote: boolean;
  readonly answer: () => OperationOutcome | 'unknown' | undefined;
}

export class MembershipRun extends MachineRun {
  readonly god: GodView;
  readonly knobs: MembershipKnobs;
  readonly asked: Asked[] = [];
  #lives = 0;

  constructor(run: RunPlan) {
    super(run);
    this.knobs = membershipKnobs(run.seed);
    this.god = new GodView((condition, what, detail) => void this.simulation.check(condition, what, detail), this.mutants);
  }

  protected startThread(node: SimNode, index: number): void {
    const start = this.god.here(node.name);
    if (start === undefined || start.threadBoot !== node.main.boot) return;
    const shard = node.shard(index);
    const { address } = start.identity;
    const door = new MachineDoor(shard, this.machines, address.node, (name) => this.god.whereIs(name));
    const holder: RingHolder = { ring: null, mayServe: false };
    start.holders.set(index, holder);
    start.switchedTo.delete(index);
    shard.spawn(ringAgent, [
      {
        ...{ door, node: address.node, shard: index, holder, followMs: 300 },
        beforeSwitched: (ring: KnownRing, done: () => void) => {
          this.god.switched(start, index, ring);
          done();
        },
      },
    ]);
  }

  act(item: ActItem): void {
    const operator = {
      simulation: this.simulation,
      plan: plannerOf(this.knobs),
      god: this.god,
      asked: (proposal: Proposal, where: string, answer: Asked['answer']): void =>
        void this.asked.push({ proposal, where, isRemote: false, answer }),
      renew: (machine: string): void => this.#renew(machine),
      isGone: (start: Start): boolean => start.isStale || this.god.history.newest?.state.banned.includes(start.identity.id) === true,
    };
    act(operator, item);
  }

  #renew(machine: string): void {
    const { simulation } = this;
    simulation.crash(machine, 'silent');
    simulation.node(machine).disk = new SimDisk();
    simulation.restart(machine);
    this.god.note('an operator emptied a disk');
  }

  protected startNode(node: SimNode): void {
    const { main } = node;
    const record = this.#open(node);
    if (record === null) return;
    const identity = identityOf(node, record);
    const { id } = identity;
    const isStale = !this.god.isReal(id, node.disk);
    const start: Start = {
      ...{ identity, isStale, machine: node.name, threadBoot: main.boot, disk: node.disk },
      ...{ holders: new Map<number, RingHolder>(), switchedTo: new Map(), last: undefined, view: null, hasEnded: false },
    };
    this.god.started(start);
    const { runtime } = main;
    const { cluster, partitions, ring, gossip } = this.knobs;
    const door = new MachineDoor(main, this.machines, identity.address.node, (name) => this.god.whereIs(name));
    const mutants = this.mutants;
    const member = memberOf(identity);
    const initial = record.isInit ? initialRing({ cluster, clusterName: 'simulated', operationId: cluster, member, partitions }) : null;
    const own = runtime.spawnWellKnown(RING_SLOT, ringActor, [
      { identity, door, directory: DIRECTORY, initial, options: { ...ring, plan: plannerOf(this.knobs), mutants } },
    ]);
    const gossipRef = runtime.spawnWellKnown(GOSSIP_SLOT, gossipActor, [{ identity, door, mutants, ...gossip }]);
    const end = (why: string): void => {
      this.god.note(why);
      start.hasEnded = true;
      this.simulation.crashSoon(node.name);
    };
    main.spawn(watcher, [
      {
        ...{ identity, own, gossip: gossipRef },
        onView: (view) => {
          this.god.viewed(start, view);
        },
        onFatal: () => end(isStale ? 'an old copy of a directory was found out' : 'a node was told to end'),
      },
    ]);
    const outcomes = new Map<Proposal, OperationOutcome | 'unknown'>();
    spawnEntering(main, {
      ...{ identity, door, mutants },
      seeds: record.isInit ? [] : this.machines.filter((machine) => machine !== node.name),
      proposalOf: (operation) => {
        const proposal = { operationId: idFrom(new SeededRandom(`join:${this.seed}:${this.asked.length}`)), operation };
        this.asked.push({ proposal, where: node.name, isRemote: true, answer: () => outcomes.get(proposal) });
        return proposal;
      },
      onAnswered: (proposal, answer) => void outcomes.set(proposal, answer.ok ? answer.value : 'unknown'),
      onNever: (reason) => {
        const isRight = isStale || this.#isRefusedForGood(id, reason);
        this.simulation.check(isRight, 'a node that may join was refused for good', () => `${node.name}: ${reason}`);
        end('a node was refused for good');
      },
    });
  }

  /** It has left, or there was no room for it, as it says. */
  #isRefusedForGood(id: Id, reason: string): boolean {
    const isFull = reason.includes('the ring has');
    return this.god.history.all.some(({ state }) => (isFull ? state.members.length >= state.owners.length : state.banned.includes(id)));
  }

  /** The record of this start, on disk. Null: the directory can't be used here. */
  #open(node: SimNode): DirectoryRecord | null {
    let found = readRecord(node.disk);
    if (hasUnfinishedWrite(node.disk)) this.god.note('a crash within a write of the ring state');
    if (found !== null && !this.#mayStart(node, found)) {
      emptyDisk(node.disk);
      found = null;
      this.god.note('a copy that nobody could know was emptied');
    }
    if (found !== null && found.shards !== node.shards.length) {
      this.god.note('a directory made for another number of shards was refused');
      return null;
    }
    const life = ++this.#lives;
    const random = new SeededRandom(`life:${this.seed}:${life}`);
    const instance = idFrom(random).slice(0, 16);
    const before = found ?? this.#newRecord(node, random);
    const record = { ...before, boot: before.boot + 1, instance };
    writeRecord(node.disk, record);
    return record;
  }

  /** False: it is a copy, or an older state, that the cluster would take for the real one. */
  #mayStart({ disk }: SimNode, { id, boot }: DirectoryRecord): boolean {
    if (this.god.isReal(id, disk)) return true;
    const stored = storedOn(disk);
    if (stored !== null && isFenced(stored, id)) {
      this.god.note('a directory that was fenced off started again');
      return true;
    }
    return this.god.isToldApart(id, boot + 1, stored?.ring ? readRing(stored.ring).state : null);
  }

  #newRecord(node: SimNode, random: SeededRandom): DirectoryRecord {
    const isInit = this.#lives === 1;
    const name = `${node.name}-${this.#lives}`;
    const drawn = { id: idFrom(random), capacity: 1 + random.below(3), rack: `r${random.below(3)}` };
    return { ...drawn, name, isInit, shards: node.shards.length, boot: 0, instance: '' };
  }
}

export const membership: Workload = {
  name: 'membership',
  build(run: RunPlan): BuiltWorkload {
    return buildMembership(run);
  },
};

export interface BuiltMembership extends BuiltWorkload {
  readonly membership: MembershipRun;
}

/** As `membership.build`, with what a bench wants to know of the run. */
export function buildMembership(run: RunPlan): BuiltMembership {
  const state = new MembershipRun(run);
  const simulation = new Simulation({
    ...run.settings,
    seed: run.seed,
    plan: run.plan,
    start: (node) => state.start(node),
    startShard: (start) => state.startShard(start),
    act: (item) => state.act(item),
  });
  state.begin(simulation);
  return { simulation, membership: state, finish: () => checkEnd(state) };
}
