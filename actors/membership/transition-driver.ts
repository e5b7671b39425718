/**
 * What a member does for the ring of its own accord: begins a change of owners when members wait for one, advances it when all have acknowledged a step,
 * excludes who holds a step up, and mends what the ring says of itself. Pure: `due` says what to propose now, if anything.
 *
 * Any member may; the first that is up, by id, does at once, and each after it only when it has been due for `takeOverMs` more, so that mostly
 * one proposes. Two that do are no harm to the ring, but where many do they outbid each other for long: so turns count from when something is due, however
 * long the step took, and who has failed waits for its turn again.
 *
 * A step is complete when every shard of every member that is not excluded acknowledges its epoch: `switchedTo` in the view. A shard acknowledges a ring
 * when it has done what the step asks of it: one that copies data holds its acknowledgement back until the data is there (ring-agent.ts).
 */
import { sameNodeAddress } from '../../runtime/node-address.ts';
import type { MembershipView, MemberView } from '../gossip-protocol.ts';
import { unfilledMember } from '../ring/apply-transition.ts';
import type { Operation } from '../ring/operation.ts';
import { planOwners } from '../ring/plan.ts';
import { compareVersions, type Id, type Member, type RingState, type Transition } from '../ring/ring-state.ts';

export interface DriverTimes {
  /** A ring has to be so old before a change of owners begins with it: who join together get their share together. */
  readonly settleMs: number;
  readonly takeOverMs: number;
  /** A member that is down so long while a step waits for it is excluded. */
  readonly excludeAfterMs: number;
}

export interface DriverInput {
  readonly ring: RingState;
  readonly self: Id;
  /** As this node is started; the ring may have it otherwise. */
  readonly address: Member['address'];
  /** Null: none has come from GossipActor. */
  readonly view: MembershipView | null;
  readonly nowMs: number;
  /** `hashOfRing`. */
  readonly hash: string;
}

/** The owners that the members as they are should have; null: they have them. Costly where they don't (ring/plan.ts): asked once for each ring. */
export type Planner = (ring: RingState) => Uint16Array | null;

/** Plans of least movement (ring/plan.ts). */
export function leastMovement(ring: RingState): Uint16Array | null {
  const { owners, isNeeded } = planOwners(ring);
  return isNeeded ? owners : null;
}

export class TransitionDriver {
  readonly #times: DriverTimes;
  readonly #plan: Planner;
  /** For `#hash`; undefined: not asked for yet. */
  #planned: Uint16Array | null | undefined;
  #isBusy = false;
  #restsUntilMs = 0;
  #hash = '';
  /** When this ring came. */
  #sinceMs = 0;
  /** When nothing was due for all, or what was due failed here, last: turns count from it. */
  #turnsFromMs = 0;
  /** Members that were down at every look since. */
  readonly #downSince = new Map<Id, number>();

  constructor(times: DriverTimes, plan: Planner) {
    this.#times = times;
    this.#plan = plan;
  }

  /** What it gives is to be proposed, and nothing more is due until it has `ended`. */
  due(input: DriverInput): Operation | null {
    if (this.#isBusy || input.nowMs < this.#restsUntilMs) return null;
    const operation = this.#find(input);
    this.#isBusy = operation !== null;
    return operation;
  }

  /** `jitter`: at random in [0, 1). */
  ended(isDone: boolean, nowMs: number, jitter: number): void {
    this.#isBusy = false;
    if (isDone) return;
    this.#restsUntilMs = nowMs + this.#times.takeOverMs * (0.5 + jitter);
    this.#turnsFromMs = nowMs;
  }

  #find(input: DriverInput): Operation | null {
    const { ring, hash, nowMs, self } = input;
    if (hash !== this.#hash) {
      this.#hash = hash;
      this.#sinceMs = nowMs;
      this.#turnsFromMs = nowMs;
      this.#planned = undefined;
    }
    const member = ring.members.find(({ id }) => id === self);
    if (member === undefined) return null;
    this.#watch(input);
    // Its own affairs wait for nobody.
    if (!sameNodeAddress(member.address, input.address)) return { type: 'setAddress', id: self, address: input.address };
    if (member.isExcluded) return { type: 'includeMember', id: self };
    return this.#dueForAll(input);
  }

  #dueForAll(input: DriverInput): Operation | null {
    const { ring, hash, nowMs } = input;
    const { transition } = ring;
    const ofStep = transition === null ? null : this.#dueOfStep(input, transition);
    const isDue = transition === null ? nowMs - this.#sinceMs >= this.#times.settleMs : ofStep !== null;
    if (!isDue) this.#turnsFromMs = nowMs;
    if (!isDue || nowMs - this.#turnsFromMs < this.#times.takeOverMs * rankOf(input)) return null;
    if (transition !== null) return ofStep;
    // Only who has its turn plans.
    if (this.#planned === undefined) this.#planned = this.#plan(ring);
    return this.#planned === null ? null : { type: 'beginTransition', parent: hash, owners: this.#planned };
  }

  #dueOfStep({ ring, view, nowMs, self }: DriverInput, transition: Transition): Operation | null {
    const { startedAt, step } = transition;
    // Who is to be filled, and is taken out meanwhile, never will be: what is planned then leaves it out.
    if (step === 'stream' && unfilledMember(ring, transition)?.state === 'leaving') return { type: 'cancelTransition', startedAt };
    const late = ring.members.filter((member) => !member.isExcluded && !hasSwitched(member, ring, view));
    if (late.length === 0) return { type: 'advance', startedAt, step };
    const lost = late.find(({ id }) => id !== self && nowMs - (this.#downSince.get(id) ?? nowMs) >= this.#times.excludeAfterMs);
    return lost === undefined ? null : { type: 'excludeMember', id: lost.id };
  }

  #watch({ view, nowMs }: DriverInput): void {
    const down = new Set((view?.members ?? []).filter(({ label }) => label === 'down').map(({ id }) => id));
    for (const id of this.#downSince.keys()) if (!down.has(id)) this.#downSince.delete(id);
    for (const id of down) if (!this.#downSince.has(id)) this.#downSince.set(id, nowMs);
  }
}

/** How many come before this node. */
function rankOf({ ring, self, view }: DriverInput): number {
  const isUp = (id: Id): boolean => viewOf(view, id)?.label !== 'down';
  return ring.members.filter((member) => member.id < self && !member.isExcluded && isUp(member.id)).length;
}

function hasSwitched({ id }: Member, ring: RingState, view: MembershipView | null): boolean {
  const known = viewOf(view, id);
  return known !== undefined && compareVersions(known.switchedTo, ring) >= 0;
}

function viewOf(view: MembershipView | null, id: Id): MemberView | undefined {
  return view?.members.find((member) => member.id === id);
}
