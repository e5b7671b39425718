/**
 * RingHistory: all rings that any node of a simulated cluster ever took for decided, and all that any voter ever accepted, as they stood in the ring files that were
 * written. What it checks is checked when a ring is first seen; each check has a text of its own.
 */
import { type KnownRing, readRing } from '../../../actors/membership/known-ring.ts';
import type { StoredRing } from '../../../actors/membership/ring-file.ts';
import { applyOperation } from '../../../actors/ring/apply.ts';
import { forcedRing } from '../../../actors/ring/forced-ring.ts';
import type { Proposal } from '../../../actors/ring/operation.ts';
import { decodeProposal } from '../../../actors/ring/operation-codec.ts';
import { Placement } from '../../../actors/ring/placement.ts';
import { encodeRing } from '../../../actors/ring/ring-codec.ts';
import type { Id, RingState, RingVersion } from '../../../actors/ring/ring-state.ts';
import { validateRing } from '../../../actors/ring/validate.ts';
import { voters } from '../../../actors/ring/voters.ts';
import type { RingBytes } from '../../../actors/ring-protocol.ts';
import { errorMessage } from '../../../runtime/errors.ts';

export type Check = (condition: boolean, what: string, detail: () => string) => void;

interface Acceptance {
  readonly proposal: Proposal;
  readonly bytes: Uint8Array;
  readonly by: Set<Id>;
}

export class RingHistory {
  readonly #check: Check;
  readonly #mutants: ReadonlySet<string>;
  readonly #rings = new Map<string, KnownRing>();
  /** By hash. */
  readonly #byHash = new Map<string, KnownRing>();
  /** By the version of the ring they follow, then by ballot. */
  readonly #acceptances = new Map<string, Map<string, Acceptance>>();
  readonly #proposals = new Map<Id, Proposal>();
  readonly #epochsOf = new Map<Id, string[]>();
  readonly #banned = new Set<Id>();
  #newest: KnownRing | null = null;
  /** Epochs in which more than one value was accepted by somebody, and values accepted under a later ballot again. */
  contested = 0;
  adoptedValues = 0;

  constructor(check: Check, mutants: ReadonlySet<string>) {
    this.#check = check;
    this.#mutants = mutants;
  }

  get newest(): KnownRing | null {
    return this.#newest;
  }

  get count(): number {
    return this.#rings.size;
  }

  get all(): readonly KnownRing[] {
    return [...this.#rings.values()];
  }

  ring(version: RingVersion): KnownRing | undefined {
    return this.#rings.get(keyOf(version));
  }

  /** Versions of the rings that this operation made. */
  decidedIn(operationId: Id): readonly string[] {
    return this.#epochsOf.get(operationId) ?? [];
  }

  /** Whether nothing had to be decided for it at that ring, or it was decided there. */
  isDoneAt(version: RingVersion, proposal: Proposal): boolean {
    const known = this.ring(version);
    if (known === undefined) return false;
    if (known.state.operationId === proposal.operationId) return true;
    const applied = applyOperation(known.state, proposal);
    return applied.ok && applied.ring === known.state;
  }

  /** A voter has written its state: `by` is its id. */
  accepted(by: Id, { ring, accepted }: StoredRing): void {
    if (ring === null || accepted === null) return;
    const key = keyOf(ring);
    const byBallot = this.#acceptances.get(key) ?? new Map<string, Acceptance>();
    this.#acceptances.set(key, byBallot);
    const ballot = `${accepted.ballot.round} ${accepted.ballot.proposer}`;
    const known = byBallot.get(ballot);
    if (known !== undefined) {
      const isSame = Buffer.compare(known.bytes, accepted.proposal) === 0;
      this.#check(isSame, 'a ballot was used for two values', () => `after ${key}, ballot ${ballot}, by ${by}`);
      known.by.add(by);
      return;
    }
    const proposal = decodeProposal(accepted.proposal);
    this.#proposals.set(proposal.operationId, proposal);
    const others = [...byBallot.values()].map((other) => other.proposal.operationId);
    if (others.includes(proposal.operationId)) this.adoptedValues++;
    else if (others.length > 0) this.contested++;
    byBallot.set(ballot, { proposal, bytes: accepted.proposal, by: new Set([by]) });
  }

  /** Some node, `where`, takes this for the ring. */
  seen(bytes: RingBytes, where: string): void {
    const key = keyOf(bytes);
    const known = this.#rings.get(key);
    if (known !== undefined) {
      const isSame = Buffer.compare(known.encoded.bytes, bytes.bytes) === 0;
      this.#check(isSame, 'two rings have one generation and epoch', () => `${key} at ${where}`);
      return;
    }
    let ring: KnownRing;
    try {
      ring = readRing(bytes);
    } catch (error) {
      this.#check(false, 'a ring can not be read', () => `${key} at ${where}: ${errorMessage(error)}`);
      return;
    }
    this.#checkSound(ring.state, where);
    this.#checkDerived(ring, where);
    this.#rings.set(key, ring);
    this.#byHash.set(ring.hash, ring);
    this.#epochsOf.set(ring.state.operationId, [...this.decidedIn(ring.state.operationId), key]);
    if (this.#newest === null || isNewer(bytes, this.#newest.encoded)) this.#newest = ring;
  }

  #checkSound(state: RingState, where: string): void {
    const name = `${keyOf(state)} at ${where}`;
    const problems = validateRing(state);
    this.#check(problems.length === 0, 'a ring is not sound', () => `${name}: ${problems.join('; ')}`);
    const ids = new Set(state.members.map(({ id }) => id));
    this.#check(ids.size === state.members.length, 'an id is there twice', () => name);
    const returned = state.members.find(({ id }) => this.#banned.has(id));
    this.#check(returned === undefined, 'a banned id came back', () => `${name}: ${returned?.id}`);
    for (const id of state.banned) this.#banned.add(id);
    for (const n of new Set([1, 3, ...state.keyspaces.map((keyspace) => keyspace.n)])) {
      for (const owners of [state.owners, state.transition?.owners]) {
        if (owners !== undefined) this.#checkReplicas(state, owners, n, name);
      }
    }
  }

  /** Against the naive count: as many different nodes as there are that own something, n at most. */
  #checkReplicas(state: RingState, owners: Uint16Array, n: number, name: string): void {
    const most = Math.min(n, new Set(owners).size);
    const rows = new Placement(state.members, owners, { mutants: this.#mutants }).replicas(n);
    const width = rows.length / owners.length;
    const bad = owners.findIndex((_, p) => new Set(rows.subarray(p * width, (p + 1) * width)).size !== most);
    this.#check(bad === -1, 'a partition has not as many distinct nodes as it could', () => `${name}: partition ${bad}, n ${n}`);
  }

  #checkDerived(ring: KnownRing, where: string): void {
    const { state } = ring;
    const name = `${keyOf(state)} at ${where}`;
    const isFirst = state.generation === 1 && state.epoch === 1;
    if (isFirst) return;
    const parent = this.#byHash.get(state.parent);
    this.#check(parent !== undefined, 'a ring follows from none that was decided', () => name);
    if (parent === undefined) return;
    if (parent.state.generation !== state.generation) {
      const forced = forcedRing(
        parent.state,
        state.members.map(({ id }) => id),
        state.operationId,
      );
      const isRight = forced.ok && Buffer.compare(encodeRing(forced.ring), ring.encoded.bytes) === 0;
      return this.#check(isRight, 'a forced ring is not what force makes of the one before', () => name);
    }
    const proposal = this.#proposals.get(state.operationId);
    this.#check(proposal !== undefined, 'a ring was made by an operation that nobody accepted', () => name);
    if (proposal === undefined) return;
    const applied = applyOperation(parent.state, proposal);
    const isRight = applied.ok && Buffer.compare(encodeRing(applied.ring), ring.encoded.bytes) === 0;
    this.#check(isRight, 'a ring does not follow from the one before by its operation', () => `${name}: ${proposal.operation.type}`);
    this.#checkMajority(parent, proposal, name);
  }

  #checkMajority(parent: KnownRing, { operationId }: Proposal, name: string): void {
    // Who has gone on to a forced generation has forgotten what it accepted in this one, and never votes in it again.
    if (this.#newest !== null && this.#newest.state.generation > parent.state.generation) return;
    const ids = voters(parent.state).map(({ id }) => id);
    const needed = Math.floor(ids.length / 2) + 1;
    const counts = [...(this.#acceptances.get(keyOf(parent.state))?.values() ?? [])]
      .filter(({ proposal }) => proposal.operationId === operationId)
      .map(({ by }) => ids.filter((id) => by.has(id)).length);
    const most = Math.max(0, ...counts);
    this.#check(most >= needed, 'a minority decided', () => `${name}: ${most} of ${ids.length} voters had accepted it under one ballot`);
  }
}

export function keyOf({ generation, epoch }: RingVersion): string {
  return `${generation}.${epoch}`;
}

function isNewer(a: RingVersion, b: RingVersion): boolean {
  return a.generation > b.generation || (a.generation === b.generation && a.epoch > b.epoch);
}
