/**
 * The workload by which the simulator checks that data moves with its partitions: a cluster of store/cluster-workload.ts, in which members join, leave, are lost and are replaced. When all
 * has been well for long there is no transition, every key is read at R = quorum through every member and from all replicas together, and no shard holds a key that is not its own.
 */
import { memberOf } from '../../../actors/membership/joining.ts';
import { Placement } from '../../../actors/ring/placement.ts';
import type { RingState } from '../../../actors/ring/ring-state.ts';
import { Hasher, partitionOf, shardOf } from '../../../actors/ring/token.ts';
import { engineKeyOf } from '../../../actors/store/engine-key.ts';
import { LOADING, STALE_RING } from '../../../actors/store/store-request.ts';
import type { ActItem } from '../../../runtime/simulation/plan.ts';
import type { RunPlan } from '../../../runtime/simulation/plan-file.ts';
import type { SimNode } from '../../../runtime/simulation/sim-node.ts';
import type { BuiltWorkload, Workload } from '../../../runtime/simulation/workload.ts';
import { builtOf, ClusterRun } from '../store/cluster-workload.ts';
import { promisesOf } from '../store/run-promises.ts';
import { missingCopies } from './copies-checker.ts';
import { LOST, type MoveAction, type MoveShape, shapeOf } from './move-run.ts';
import { shrinkShapeOf } from './shrink-run.ts';

const KEYS = 10;
/** Keys that are written once; so many that partitions have several. */
const FILLED = 24;
/** For the reads of the last look. */
const LOOK_MS = 3_000;

export class MoveRun extends ClusterRun {
  readonly #shape: MoveShape;
  readonly #mayJoin: Set<string>;
  /** Keys that all replicas had, with their keyspaces. */
  readonly #filled = new Map<string, number>();
  /** Of its ring, in the end. */
  members = 0;

  constructor(run: RunPlan, shape: MoveShape = shapeOf(run.seed)) {
    // Who is killed for good takes with it what only it had.
    const isKept = shape.profile === 'calm' || shape.profile === 'net';
    const promises = promisesOf(run);
    super(
      run,
      {},
      {
        promises: { ...promises, forgets: !isKept, keepsSingle: promises.keepsSingle && !shape.excludes },
        keys: KEYS,
        capacity: 128,
        excludeAfterMs: shape.excludes ? 1_200 : 1_000_000,
      },
    );
    this.#shape = shape;
    this.#mayJoin = new Set(this.machines.slice(0, shape.first));
  }

  override act(item: ActItem): void {
    const { node: name, draw } = item;
    const action = item.action as MoveAction;
    const node = this.simulation.node(name);
    const ring = this.#ringAt(node);
    // Who is lost, or leaves.
    const leaver = action === 'leave' ? `m${1 + (draw % this.#shape.leaving)}` : LOST;
    const lost = ring?.members.find((member) => member.name === leaver);
    switch (action) {
      case 'join':
        return this.#join(node);
      case 'fill':
        return this.#fill(node);
      case 'kill':
        if (this.isFormed) this.simulation.crash(name, 'silent');
        return;
      case 'leave':
      case 'remove':
        if (this.isFormed && lost !== undefined && node.isUp) this.proposeAt(node, { type: 'removeMember', id: lost.id }, `${draw}`);
        return;
      case 'replace':
        return this.#replace(node, lost?.id, draw);
      case 'cancel': {
        const startedAt = ring?.transition?.startedAt;
        if (startedAt !== undefined && node.isUp) this.proposeAt(node, { type: 'cancelTransition', startedAt }, `${draw}`);
        return;
      }
      default:
        super.act(item);
    }
  }

  override finish(): void {
    const { simulation, clients } = this;
    if (!this.isFormed) return;
    const ring = this.#ringAt(this.simulation.node(this.machines[0]!));
    const isSettled = ring !== undefined && ring.transition === null && ring.members.every(({ state }) => state === 'up');
    if (!simulation.check(isSettled, 'the change of members has not ended, when all is well for long', () => said(ring))) return;
    this.members = ring!.members.length;
    this.#checkCopies(ring!);
    for (const { name } of ring!.members) {
      const gateway = this.gatewayAt(simulation.node(name), 0);
      if (!simulation.check(gateway !== undefined, 'a shard does not serve, when all is well for long', name)) return;
      clients.readEach(gateway!);
    }
    if (!simulation.run(simulation.now + LOOK_MS)) return;
    this.#checkHeld(ring!);
    super.finish();
  }

  /** Killed for good; or it may have been excluded when it left, and gone with what it held. */
  protected override isGone(machine: string): boolean {
    return this.#shape.profile === 'dead' ? machine === LOST : this.#shape.excludes && this.#leaves(machine);
  }

  protected override get firstMachines(): readonly string[] {
    return this.machines.slice(0, this.#shape.first);
  }

  protected override seedsOf(machine: string): readonly string[] {
    // Who may not join yet asks nobody, again and again.
    return this.#mayJoin.has(machine) ? super.seedsOf(machine) : [];
  }

  protected override onFatal(node: SimNode): void {
    if (!this.#leaves(node.name)) super.onFatal(node);
    else this.simulation.crash(node.name, 'silent');
  }

  /** Those behind the first one, which has made the cluster. */
  #leaves(machine: string): boolean {
    return this.machines.indexOf(machine) > 0 && this.machines.indexOf(machine) <= this.#shape.leaving;
  }

  /** Of a node that is no member yet, or any more: to be asked elsewhere. */
  protected override mayAnswer(status: number): boolean {
    return status === LOADING || (status === STALE_RING && this.#shape.leaving > 0);
  }

  #fill(node: SimNode): void {
    if (!this.hasFormed() || this.#filled.size > 0) return;
    const gateway = this.gatewayAt(node, 0);
    const keyspace = gateway?.keyspaces.find(({ name }) => name === 'ap');
    if (gateway === undefined || keyspace === undefined) return;
    for (let i = 0; i < FILLED; i++) {
      const key = `filled${i}`;
      this.clients.putOnce(keyspace, key, this.#shape.first, gateway, () => this.#filled.set(key, keyspace.id));
    }
  }

  #join(node: SimNode): void {
    if (this.#mayJoin.has(node.name) || !this.isFormed) return;
    this.#mayJoin.add(node.name);
    if (node.isUp) this.spawnEntering(node);
  }

  #replace(node: SimNode, lost: string | undefined, draw: number): void {
    const newcomer = this.simulation.node(this.machines[this.#shape.first]!);
    const identity = this.identities.get(newcomer.name);
    if (!this.isFormed || !node.isUp || lost === undefined || identity === undefined) return;
    this.proposeAt(node, { type: 'replaceMember', id: lost, member: memberOf(identity) }, `${draw}`);
    // It is a member, or will be, and fetches the ring.
    this.#join(newcomer);
  }

  #ringAt(node: SimNode): RingState | undefined {
    return this.shards.get(`${node.name}/0`)?.ring.ring?.state;
  }

  #checkCopies(ring: RingState): void {
    const { simulation, shards, clients } = this;
    const { excludes: losesSingle } = this.#shape;
    const [first] = missingCopies({ ring, shards, acknowledged: clients.acknowledged, purged: this.purgeWatch, losesSingle });
    simulation.check(first === undefined, 'an acknowledged write has too few copies', first ?? '');
  }

  /** No shard has a key that lies elsewhere, and each has those of its own that all replicas had. */
  #checkHeld(ring: RingState): void {
    const hasher = new Hasher();
    for (const [place, { replicas }] of this.shards) {
      const [name, shard] = place.split('/');
      const self = ring.members.findIndex((member) => member.name === name);
      if (self < 0 || replicas.replicas === null) continue;
      const { engine } = replicas.replicas;
      for (const { id, n } of ring.keyspaces) {
        const placement = new Placement(ring.members, ring.owners);
        const rows = placement.replicas(n);
        const width = placement.replicaCount(n);
        for (const key of [...this.clients.keys, ...this.#filled.keys()]) {
          hasher.hash(Buffer.from(key));
          const partition = partitionOf(hasher.high, ring.owners.length);
          const isOwn =
            rows.subarray(partition * width, (partition + 1) * width).includes(self) &&
            shardOf(partition, ring.members[self]!.shards, ring.owners.length) === Number(shard);
          const isHeld = engine.getNow(engineKeyOf(id, hasher.high, hasher.low, Buffer.from(key)), undefined) !== undefined;
          const where = (): string => `${place}: ${id}/${key} of partition ${partition}`;
          this.simulation.check(isOwn || !isHeld, 'a shard holds what is not its own', where);
          if (isOwn && this.#filled.get(key) === id) this.simulation.check(isHeld, 'a replica lacks what all replicas had', where);
        }
      }
    }
  }
}

function said(ring: RingState | undefined): string {
  if (ring === undefined) return 'there is no ring';
  const { epoch, transition, members } = ring;
  return `epoch ${epoch}, step ${transition?.step ?? 'none'}, ${members.map(({ name, state }) => `${name} ${state}`).join(', ')}`;
}

export interface BuiltMove extends BuiltWorkload {
  readonly cluster: MoveRun;
}

export function buildMove(run: RunPlan): BuiltMove {
  return builtOf(run, new MoveRun(run));
}

export const moves: Workload = { name: 'moves', build: buildMove };

export function buildShrink(run: RunPlan): BuiltMove {
  return builtOf(run, new MoveRun(run, shrinkShapeOf(run.seed)));
}

export const shrinks: Workload = { name: 'shrinks', build: buildShrink };
