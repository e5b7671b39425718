/** One ring and what happens to it, in words of a test. Everything is checked for soundness on the way. */
import assert from 'node:assert/strict';
import { type Applied, type ApplyOptions, applyOperation } from '../../../actors/ring/apply.ts';
import { initialRing } from '../../../actors/ring/initial-ring.ts';
import type { NewKeyspace, NewMember, Operation } from '../../../actors/ring/operation.ts';
import { type Plan, planOwners } from '../../../actors/ring/plan.ts';
import type { Id, Member, RingState, Step } from '../../../actors/ring/ring-state.ts';
import { leavesOf, sharesOf } from '../../../actors/ring/shares.ts';
import { validateRing } from '../../../actors/ring/validate.ts';

export const STEPS: readonly Step[] = ['writeBoth', 'stream', 'readNew', 'writeNew'];

export function idOf(number: number): Id {
  return number.toString(16).padStart(32, '0');
}

export type Traits = Partial<Pick<Member, 'capacity' | 'dataCenter' | 'rack' | 'shards'>>;

export function memberOf(number: number, traits: Traits = {}): NewMember {
  const name = `n${number}`;
  const address = { node: name, host: `10.0.0.${number % 256}`, ports: [7_000, 7_001] };
  return { id: idOf(number), name, address, dataCenter: 'dc1', rack: 'r1', capacity: 100, shards: 1, ...traits };
}

export function keyspaceOf(name: string, changes: Partial<NewKeyspace> = {}): NewKeyspace {
  const limits = { pr: 0, pw: 0, ttlMs: 0, keyBytesMax: 1_024, valueBytesMax: 1_048_576 } as const;
  return { name, n: 3, r: 'quorum', w: 'quorum', mode: 'ap', conflict: 'siblings', durability: 'sync', ...limits, ...changes };
}

export interface RingWorldOptions extends ApplyOptions {
  readonly partitions?: number;
  readonly keyspace?: Partial<NewKeyspace> | null;
}

export class RingWorld {
  ring: RingState;
  readonly #options: RingWorldOptions;
  #operations = 0;

  /** Members 1 to `count`, all up, settled at once. */
  constructor(count: number, options: RingWorldOptions = {}, traitsOf: (number: number) => Traits = () => ({})) {
    const { partitions = 64, keyspace = {} } = options;
    this.#options = options;
    this.ring = initialRing({
      cluster: idOf(0xc0),
      clusterName: 'test',
      operationId: idOf(0xf0_0000),
      member: memberOf(1, traitsOf(1)),
      partitions,
    });
    if (keyspace !== null) this.do({ type: 'createKeyspace', keyspace: keyspaceOf('users', keyspace) });
    for (let number = 2; number <= count; number++) this.do({ type: 'addMember', member: memberOf(number, traitsOf(number)) });
    if (count > 1) this.settle();
  }

  try(operation: Operation): Applied {
    const applied = applyOperation(this.ring, { operationId: idOf(0xf0_0001 + this.#operations++), operation }, this.#options);
    if (applied.ok) this.ring = applied.ring;
    return applied;
  }

  do(operation: Operation): RingState {
    const applied = this.try(operation);
    assert.ok(applied.ok, `${operation.type}: ${applied.ok ? '' : applied.message}`);
    assert.deepEqual(validateRing(this.ring), []);
    return this.ring;
  }

  begin(): Plan {
    const plan = planOwners(this.ring);
    this.do({ type: 'beginTransition', parent: plan.parent, owners: plan.owners });
    return plan;
  }

  /** Completes steps of the transition under way, until `step` is the present one, or to its end. */
  advance(step?: Step): void {
    while (this.ring.transition !== null && this.ring.transition.step !== step) {
      this.do({ type: 'advance', startedAt: this.ring.transition.startedAt, step: this.ring.transition.step });
    }
  }

  /** Carries out the plan for the ring as it is; where none is needed, nothing. */
  settle(): Plan {
    const plan = planOwners(this.ring);
    if (plan.isNeeded) {
      this.do({ type: 'beginTransition', parent: plan.parent, owners: plan.owners });
      this.advance();
    }
    return plan;
  }

  member(number: number): Member | undefined {
    return this.ring.members.find(({ id }) => id === idOf(number));
  }

  /** Numbers of the members in a state. */
  in(state: Member['state']): number[] {
    return this.ring.members.filter((member) => member.state === state).map(({ id }) => Number.parseInt(id, 16));
  }
}

/** Replicas that each member should hold, by index; 0 for those that leave. */
export function fairLoads({ members, owners }: RingState, n: number): Float64Array {
  const loads = new Float64Array(members.length);
  const staying = [...members.keys()].filter((i) => members[i]!.state !== 'leaving');
  for (const { member, slots } of leavesOf([sharesOf(members, staying, n)])) loads[member] = slots * owners.length;
  return loads;
}

/** Copies that a change from `before` to `ring` asks for: by how much fair loads grow, or what those hold that leave, if that is more. */
export function leastMoves(before: RingState, ring: RingState, plan: Plan): number {
  const [was, is] = [fairLoads(before, plan.n), fairLoads(ring, plan.n)];
  const fairBefore = new Map(before.members.map(({ id }, i) => [id, was[i]!]));
  const grown = ring.members.reduce((sum, { id }, i) => sum + Math.max(0, is[i]! - (fairBefore.get(id) ?? 0)), 0);
  const left = plan.members.reduce((sum, { heldBefore }, i) => sum + (ring.members[i]!.state === 'leaving' ? heldBefore : 0), 0);
  return Math.max(grown, left);
}

/** The greatest of load / fair load. */
export function worstLoad(ring: RingState, plan: Plan): number {
  const fair = fairLoads(ring, plan.n);
  return Math.max(...plan.members.map(({ heldAfter }, i) => (fair[i] === 0 ? 0 : heldAfter / fair[i]!)));
}
