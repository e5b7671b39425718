/** RingChecker: what must hold of the rings of a cluster, at every moment, whoever looks at them. Told of each ring that anybody publishes or switches to. */
import { knownRing } from '../../../actors/membership/known-ring.ts';
import { applyOperation } from '../../../actors/ring/apply.ts';
import type { Operation, Proposal } from '../../../actors/ring/operation.ts';
import { Placement } from '../../../actors/ring/placement.ts';
import { compareVersions, type RingState, type RingVersion } from '../../../actors/ring/ring-state.ts';

/** As `Simulation.check`. */
type Check = (condition: boolean, what: string, detail: () => string) => void;

const TWO_RINGS = 'two rings share a generation and an epoch';
const NOT_FROM_PARENT = 'a ring does not follow from the one before';
const WENT_BACK = 'a node went back to an older ring';
const NOT_DISTINCT = 'a partition has one node twice';
const LOST_RING = 'a shard switched to a ring that nobody decided';
const TWICE_DONE = 'one operation was done twice';

const REPLICAS = 3;

interface Seen {
  readonly ring: RingState;
  readonly hash: string;
}

export class RingChecker {
  readonly #check: Check;
  readonly #rings = new Map<string, Seen>();
  readonly #operations = new Map<string, Operation>();
  readonly #byOperation = new Map<string, string>();
  /** Per node and life: the last that it published. */
  readonly #last = new Map<string, RingVersion>();

  constructor(check: Check) {
    this.#check = check;
  }

  /** The newest that anybody published. */
  get newest(): RingState | null {
    return [...this.#rings.values()].reduce<RingState | null>(
      (newest, { ring }) => (newest === null || compareVersions(ring, newest) > 0 ? ring : newest),
      null,
    );
  }

  /** Somebody wants this done. What members do of their own accord need not be told. */
  proposed({ operationId, operation }: Proposal): void {
    this.#operations.set(operationId, operation);
  }

  /** `life`: a node, and which start of it. */
  published(life: string, ring: RingState): void {
    const last = this.#last.get(life);
    this.#check(last === undefined || compareVersions(last, ring) <= 0, WENT_BACK, () => `${life}: ${name(ring)} after ${name(last!)}`);
    this.#last.set(life, ring);
    const { hash } = knownRing(ring);
    const known = this.#rings.get(name(ring));
    if (known !== undefined) {
      return this.#check(known.hash === hash, TWO_RINGS, () => `${life}: ${name(ring)} is ${hash}, and is ${known.hash} elsewhere`);
    }
    this.#rings.set(name(ring), { ring, hash });
    this.#checkOwners(ring);
    const before = this.#byOperation.get(ring.operationId);
    this.#check(before === undefined, TWICE_DONE, () => `${ring.operationId} made ${name(ring)} and ${before}`);
    this.#byOperation.set(ring.operationId, name(ring));
    this.#checkStep(ring);
    const next = this.#rings.get(name({ generation: ring.generation, epoch: ring.epoch + 1 }));
    if (next !== undefined) this.#checkStep(next.ring);
  }

  switched(shard: string, ring: RingState): void {
    const known = this.#rings.get(name(ring));
    this.#check(known?.hash === knownRing(ring).hash, LOST_RING, () => `${shard}: ${name(ring)}`);
  }

  #checkStep(ring: RingState): void {
    const parent = this.#rings.get(name({ generation: ring.generation, epoch: ring.epoch - 1 }));
    if (parent === undefined) return;
    this.#check(
      ring.parent === parent.hash && this.#candidates(parent.ring, ring).some((operation) => follows(parent.ring, operation, ring)),
      NOT_FROM_PARENT,
      () => `${name(ring)}, operation ${ring.operationId} ${this.#operations.get(ring.operationId)?.type ?? ''}`,
    );
  }

  /** The operation that was proposed under its id; or all that members propose by themselves which could have led there. */
  #candidates(parent: RingState, ring: RingState): readonly Operation[] {
    const known = this.#operations.get(ring.operationId);
    if (known !== undefined) return [known];
    const { transition } = parent;
    return [
      ...(ring.transition === null ? [] : [{ type: 'beginTransition' as const, parent: ring.parent, owners: ring.transition.owners }]),
      ...(transition === null ? [] : [{ type: 'advance' as const, startedAt: transition.startedAt, step: transition.step }]),
      ...ring.members.flatMap(({ id, address }): readonly Operation[] => [
        { type: 'excludeMember', id },
        { type: 'includeMember', id },
        { type: 'setAddress', id, address },
      ]),
    ];
  }

  #checkOwners(ring: RingState): void {
    for (const owners of [ring.owners, ...(ring.transition === null ? [] : [ring.transition.owners])]) {
      const placement = new Placement(ring.members, owners);
      const width = Math.min(REPLICAS, new Set(owners).size);
      const replicas = placement.replicas(REPLICAS);
      const isDistinct =
        replicas.length === owners.length * width &&
        owners.every((_, p) => new Set(replicas.subarray(p * width, (p + 1) * width)).size === width);
      this.#check(isDistinct, NOT_DISTINCT, () => name(ring));
    }
  }
}

function follows(parent: RingState, operation: Operation, ring: RingState): boolean {
  const applied = applyOperation(parent, { operationId: ring.operationId, operation });
  return applied.ok && knownRing(applied.ring).hash === knownRing(ring).hash;
}

function name({ generation, epoch }: RingVersion): string {
  return `${generation}.${epoch}`;
}
