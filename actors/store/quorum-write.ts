/**
 * QuorumWrites: whether a write has been confirmed by enough replicas, and what may be said of it when it has not. Pure: replies in, a decision out.
 *
 * Of many writes at once, in typed arrays by the slot of the request, so that no write allocates. A replica is a bit (replica-mask.ts); `first` and `second` are
 * the primaries before and after a change of owners, the same ones when there is none.
 *
 * | rule | why |
 * |---|---|
 * | `needed` confirmations in the first set and in the second | W of the old replicas alone may all be dropped with the old set (T19) |
 * | one node, one vote | a duplicate, or a replica in both sets, is one copy |
 * | a stand-in counts only where the request is sloppy | hints in W break R + W > N (T14) |
 * | an owner and those that stand in for it are one vote | what they hold becomes one copy: the owner's |
 * | a replica of another ring says `stale`, which is no confirmation | its copy may be dropped (T19) |
 * | refused is said only where no replica can hold the write | a failed W is not a rollback (T16) |
 */
import { countBits, lowestBit, REPLICAS_MAX } from './replica-mask.ts';

/**
 * durable: written, as durably as asked. refused: surely not written. stale: not written, since rings differ.
 * unknown: unreachable, silent or failed on the way, it may hold the write.
 */
export type WriteReply = 'durable' | 'refused' | 'stale' | 'unknown';

/** lost: too few are left that could confirm. stale: so, but some of them may under the present ring. */
export type WriteProgress = 'waiting' | 'met' | 'lost' | 'stale';

export type WriteVerdict =
  | 'ok'
  /** No replica has it or will. */
  | 'quorumNotMet'
  /** Some replica may have it. */
  | 'indeterminate';

export class QuorumWrites {
  readonly #mutants: ReadonlySet<string>;
  /** Planted bugs that are looked for at each write. */
  readonly #acksEarly: boolean;
  readonly #takesOneSet: boolean;
  readonly #first: Int32Array;
  readonly #second: Int32Array;
  readonly #standIns: Int32Array;
  /** REPLICAS_MAX per slot: for whom a stand-in counts. */
  readonly #owners: Uint8Array;
  readonly #neededFirst: Uint8Array;
  readonly #neededSecond: Uint8Array;
  readonly #neededPrimaries: Uint8Array;
  readonly #durable: Int32Array;
  /** Of whom no confirmation is to come. */
  readonly #failed: Int32Array;
  readonly #stale: Int32Array;
  /** Who may hold the write, in this round or an earlier one. */
  readonly #mayHold: Int32Array;
  readonly #heldBefore: Uint8Array;
  /** Replies counted twice: a planted bug only. */
  readonly #repeated: Uint8Array;

  /** Planted bugs: ackAtWMinus1, oneSetInTransition, countsReplicaTwice, staleRingIgnored, failedWriteSaidRefused, standInCountedBesideOwner. */
  constructor(capacity: number, mutants: ReadonlySet<string> = new Set()) {
    this.#mutants = mutants;
    this.#acksEarly = mutants.has('ackAtWMinus1');
    this.#takesOneSet = mutants.has('oneSetInTransition');
    this.#first = new Int32Array(capacity);
    this.#second = new Int32Array(capacity);
    this.#standIns = new Int32Array(capacity);
    this.#owners = new Uint8Array(capacity * REPLICAS_MAX);
    this.#neededFirst = new Uint8Array(capacity);
    this.#neededSecond = new Uint8Array(capacity);
    this.#neededPrimaries = new Uint8Array(capacity);
    this.#durable = new Int32Array(capacity);
    this.#failed = new Int32Array(capacity);
    this.#stale = new Int32Array(capacity);
    this.#mayHold = new Int32Array(capacity);
    this.#heldBefore = new Uint8Array(capacity);
    this.#repeated = new Uint8Array(capacity);
  }

  /**
   * `first`, `second`: primaries; who stands in for them is added later. `neededFirst`, `neededSecond`: confirmations, at least 1.
   * `neededPrimaries`: of each set as many must be primaries. Nothing was sent yet.
   */
  start(slot: number, first: number, second: number, neededFirst: number, neededSecond: number, neededPrimaries = 0): void {
    this.#heldBefore[slot] = 0;
    this.#neededPrimaries[slot] = neededPrimaries;
    this.#begin(slot, first, second, neededFirst, neededSecond);
  }

  /** The same write again, under a newer ring. What earlier rounds may have left somewhere is not forgotten; confirmations are, as they were of another set. */
  restart(slot: number, first: number, second: number, neededFirst: number, neededSecond: number): void {
    if (this.#mayHold[slot] !== 0) this.#heldBefore[slot] = 1;
    this.#begin(slot, first, second, neededFirst, neededSecond);
  }

  #begin(slot: number, first: number, second: number, neededFirst: number, neededSecond: number): void {
    this.#first[slot] = first;
    this.#second[slot] = second;
    this.#standIns[slot] = 0;
    const less = this.#acksEarly ? 1 : 0;
    this.#neededFirst[slot] = neededFirst - less;
    this.#neededSecond[slot] = this.#takesOneSet ? 0 : neededSecond - less;
    this.#durable[slot] = 0;
    this.#failed[slot] = 0;
    this.#stale[slot] = 0;
    this.#mayHold[slot] = 0;
    this.#repeated[slot] = 0;
  }

  /** That replica counts for the primary at `owner`, in both sets: who may hold a hint when data moves gives it to the old and the new. */
  addStandIn(slot: number, replica: number, owner: number): void {
    this.#standIns[slot]! |= 1 << replica;
    this.#owners[slot * REPLICAS_MAX + replica] = this.#mutants.has('standInCountedBesideOwner') ? replica : owner;
  }

  /** Who has said that no confirmation is to come: a mask. */
  failed(slot: number): number {
    return this.#failed[slot]!;
  }

  /** The write is on its way to `replica`. */
  sent(slot: number, replica: number): void {
    this.#mayHold[slot]! |= 1 << replica;
  }

  /** A replica has it in memory: from now on it is never said that none has. */
  held(slot: number): void {
    this.#heldBefore[slot] = 1;
  }

  /** Takes replies in any order, again and again; once durable stays durable, and a replica that has failed may still confirm later. */
  addReply(slot: number, replica: number, reply: WriteReply): void {
    const bit = 1 << replica;
    const isDurable = (this.#durable[slot]! & bit) !== 0;
    if (reply === 'durable' || (reply === 'stale' && this.#mutants.has('staleRingIgnored'))) {
      if (isDurable && this.#mutants.has('countsReplicaTwice')) this.#repeated[slot]!++;
      this.#durable[slot]! |= bit;
      this.#mayHold[slot]! |= bit;
      this.#failed[slot]! &= ~bit;
      return;
    }
    if (isDurable) return;
    // Why: refused after unknown is of a second attempt, and says nothing about the first.
    const wasUnknown = (this.#failed[slot]! & this.#mayHold[slot]! & bit) !== 0;
    this.#failed[slot]! |= bit;
    if (reply === 'stale') this.#stale[slot]! |= bit;
    if (reply === 'unknown') this.#mayHold[slot]! |= bit;
    else if (!wasUnknown) this.#mayHold[slot]! &= ~bit;
  }

  enough(slot: number): WriteProgress {
    if (this.#suffices(slot, this.#durable[slot]!, this.#repeated[slot]!)) return 'met';
    if (this.#suffices(slot, ~this.#failed[slot]!, 0)) return 'waiting';
    return this.#stale[slot] === 0 ? 'lost' : 'stale';
  }

  /** At any time; what is not met is answered as it stands. */
  answer(slot: number): WriteVerdict {
    if (this.enough(slot) === 'met') return 'ok';
    if (this.#mutants.has('failedWriteSaidRefused')) return 'quorumNotMet';
    return this.#mayHold[slot] === 0 && this.#heldBefore[slot] === 0 ? 'quorumNotMet' : 'indeterminate';
  }

  /** Who has confirmed, a mask: also those of whom two are one vote. */
  replied(slot: number): number {
    return this.#durable[slot]! & (this.#first[slot]! | this.#second[slot]! | this.#standIns[slot]!);
  }

  /** Confirmations that count: in the set that has fewer of them, stand-ins included. */
  received(slot: number): number {
    const durable = this.#durable[slot]!;
    const stoodFor = this.#stoodFor(slot, durable);
    return Math.min(countBits((durable & this.#first[slot]!) | stoodFor), countBits((durable & this.#second[slot]!) | stoodFor));
  }

  /** Of those, primaries. */
  primaries(slot: number): number {
    return Math.min(countBits(this.#durable[slot]! & this.#first[slot]!), countBits(this.#durable[slot]! & this.#second[slot]!));
  }

  needed(slot: number): number {
    return Math.max(this.#neededFirst[slot]!, this.#neededSecond[slot]!, this.#neededPrimaries[slot]!);
  }

  /** Of whom nothing was heard. */
  silent(slot: number): number {
    return this.#mayHold[slot]! & ~this.#durable[slot]! & ~this.#failed[slot]!;
  }

  #suffices(slot: number, replicas: number, more: number): boolean {
    const first = this.#first[slot]!;
    const second = this.#second[slot]!;
    const stoodFor = this.#stoodFor(slot, replicas);
    if (countBits((replicas & first) | stoodFor) + more < this.#neededFirst[slot]!) return false;
    if (countBits((replicas & second) | stoodFor) + more < this.#neededSecond[slot]!) return false;
    const primaries = this.#neededPrimaries[slot]!;
    return countBits(replicas & first) >= primaries && countBits(replicas & second) >= primaries;
  }

  /** Primaries for whom one of these stands in: a mask. */
  #stoodFor(slot: number, replicas: number): number {
    let owners = 0;
    for (let rest = replicas & this.#standIns[slot]!; rest !== 0; rest &= rest - 1)
      owners |= 1 << this.#owners[slot * REPLICAS_MAX + lowestBit(rest)]!;
    return owners;
  }
}
