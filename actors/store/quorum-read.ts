/**
 * QuorumReads: whether enough replicas have said what they hold, who is to be asked for more, and who is to be repaired. Pure: replies in, a decision out.
 *
 * One replica is asked for its record, the others for digests (8 bytes that are equal where the siblings are: version/digest.ts). A replica is covered once its record
 * is here, or one with the same digest; only covered ones count, so what the caller merges has all that R replicas hold.
 *
 * ```
 *   replica      a        b        c            R = 2
 *   asked for    record   digest
 *   said         d1       d1                    a, b covered: met
 *   said         d1       d2                    a covered: mismatch, b is wanted; its record comes: met, a is repaired where merging gave d2
 *   said         failed   d1                    none covered: c is asked for its record; d1 again: b, c covered: met
 * ```
 *
 * | rule | why |
 * |---|---|
 * | one node, one vote | a duplicate is one copy |
 * | a stand-in counts only where the request is sloppy, and its `absent` only beside a primary that has answered | else what exists is not found (T15) |
 * | a replica of another ring says `stale`, which is no vote | it may have dropped the partition, or not have it yet (T19) |
 * | not found and too few answers are different things | T15 |
 */
import { countBits, firstBits, lowestBit, REPLICAS_MAX } from './replica-mask.ts';

/** record, digest: what came, with the digest of it; absent is the digest 0, 0 of either. failed: no answer is to come. overloaded: not now. stale: rings differ. */
export type ReadReply = 'record' | 'digest' | 'failed' | 'overloaded' | 'stale';

/**
 * mismatch: enough have answered, but records of `wanted` are needed. lost: too few are left. stale: so, but more may answer under the present ring. overloaded: so, but with those
 * that have too much to do they would be enough.
 */
export type ReadProgress = 'waiting' | 'met' | 'mismatch' | 'lost' | 'stale' | 'overloaded';

/** Looked up once: a look into the set takes longer than most of what is done here. */
interface ReadMutants {
  readonly readsOneLess: boolean;
  readonly staleRingIgnored: boolean;
  readonly countsReplicaTwice: boolean;
  readonly digestIgnored: boolean;
  readonly notFoundFromNonPrimaryCounts: boolean;
}

export class QuorumReads {
  readonly #mutants: ReadMutants;
  readonly #replicas: Uint8Array;
  readonly #primaries: Int32Array;
  readonly #standIns: Int32Array;
  readonly #needed: Uint8Array;
  readonly #neededPrimaries: Uint8Array;
  readonly #asked: Int32Array;
  readonly #askedForRecord: Int32Array;
  readonly #records: Int32Array;
  readonly #digests: Int32Array;
  readonly #failed: Int32Array;
  readonly #stale: Int32Array;
  /** Of those who have failed. */
  readonly #overloaded: Int32Array;
  /** REPLICAS_MAX per slot. */
  readonly #low: Int32Array;
  readonly #high: Int32Array;
  /** Records that came, again and again too. */
  readonly #recordReplies: Uint8Array;
  /** Had nothing, when those who had something were asked again. */
  readonly #absent: Int32Array;
  /** How often they were. */
  readonly #rounds: Uint8Array;
  /** Replies counted twice: a planted bug only. */
  readonly #repeated: Uint8Array;

  constructor(capacity: number, mutants: ReadonlySet<string> = new Set()) {
    this.#mutants = {
      readsOneLess: mutants.has('readsOneLess'),
      staleRingIgnored: mutants.has('staleRingIgnored'),
      countsReplicaTwice: mutants.has('countsReplicaTwice'),
      digestIgnored: mutants.has('digestIgnored'),
      notFoundFromNonPrimaryCounts: mutants.has('notFoundFromNonPrimaryCounts'),
    };
    this.#replicas = new Uint8Array(capacity);
    this.#primaries = new Int32Array(capacity);
    this.#standIns = new Int32Array(capacity);
    this.#needed = new Uint8Array(capacity);
    this.#neededPrimaries = new Uint8Array(capacity);
    this.#asked = new Int32Array(capacity);
    this.#askedForRecord = new Int32Array(capacity);
    this.#records = new Int32Array(capacity);
    this.#digests = new Int32Array(capacity);
    this.#failed = new Int32Array(capacity);
    this.#stale = new Int32Array(capacity);
    this.#overloaded = new Int32Array(capacity);
    this.#low = new Int32Array(capacity * REPLICAS_MAX);
    this.#high = new Int32Array(capacity * REPLICAS_MAX);
    this.#recordReplies = new Uint8Array(capacity);
    this.#absent = new Int32Array(capacity);
    this.#rounds = new Uint8Array(capacity);
    this.#repeated = new Uint8Array(capacity);
  }

  /**
   * `replicas`: how many there are to ask, in the order in which they are asked. `primaries`: those of the ring that reads go to; `isSloppy`: records of the others
   * count too. `needed`: at least 1; of them as many primaries as `neededPrimaries`. Also begins again, under a newer ring.
   */
  start(slot: number, replicas: number, primaries: number, isSloppy: boolean, needed: number, neededPrimaries = 0): void {
    this.#replicas[slot] = replicas;
    this.#primaries[slot] = primaries;
    this.#standIns[slot] = isSloppy ? firstBits(replicas) & ~primaries : 0;
    this.#needed[slot] = this.#mutants.readsOneLess ? needed - 1 : needed;
    this.#neededPrimaries[slot] = neededPrimaries;
    this.#absent[slot] = 0;
    this.#rounds[slot] = 0;
    this.#asked[slot] = 0;
    this.#askedForRecord[slot] = 0;
    this.#records[slot] = 0;
    this.#digests[slot] = 0;
    this.#failed[slot] = 0;
    this.#stale[slot] = 0;
    this.#overloaded[slot] = 0;
    this.#recordReplies[slot] = 0;
    this.#repeated[slot] = 0;
  }

  asked(slot: number, replica: number, forRecord: boolean): void {
    this.#asked[slot]! |= 1 << replica;
    if (forRecord) this.#askedForRecord[slot]! |= 1 << replica;
  }

  /** In any order, again and again. A record replaces the digest that came before it; a digest replaces nothing. */
  addReply(slot: number, replica: number, reply: ReadReply, low: number, high: number): void {
    const bit = 1 << replica;
    const isStale = reply === 'stale' && !this.#mutants.staleRingIgnored;
    if (reply === 'failed' || reply === 'overloaded' || isStale) {
      if ((this.#records[slot]! & bit) !== 0) return;
      this.#failed[slot]! |= bit;
      if (isStale) this.#stale[slot]! |= bit;
      if (reply === 'overloaded') this.#overloaded[slot]! |= bit;
      else this.#overloaded[slot]! &= ~bit;
      return;
    }
    if (((this.#records[slot]! | this.#digests[slot]!) & bit) !== 0) {
      if (this.#mutants.countsReplicaTwice) this.#repeated[slot]!++;
      if (reply !== 'record') return;
    }
    this.#low[slot * REPLICAS_MAX + replica] = low;
    this.#high[slot * REPLICAS_MAX + replica] = high;
    this.#failed[slot]! &= ~bit;
    this.#overloaded[slot]! &= ~bit;
    if (reply === 'digest') {
      this.#digests[slot]! |= bit;
    } else {
      this.#digests[slot]! &= ~bit;
      this.#records[slot]! |= bit;
      // What matters is whether it is the only one.
      if (this.#recordReplies[slot]! < 2) this.#recordReplies[slot]!++;
    }
  }

  enough(slot: number): ReadProgress {
    const covered = this.#covered(slot);
    if (this.#records[slot] !== 0 && this.#suffices(slot, this.#votes(slot, covered))) return 'met';
    // Who has failed is of no use, though its digest came: its record will not.
    const lost = this.#failed[slot]! & ~covered;
    const answered = (this.#records[slot]! | this.#digests[slot]!) & ~lost;
    if (this.#suffices(slot, this.#votes(slot, answered))) return 'mismatch';
    const unanswered = (this.#primaries[slot]! | this.#standIns[slot]!) & ~answered & ~lost;
    if (this.#suffices(slot, this.#votes(slot, answered) | unanswered)) return 'waiting';
    if (this.#stale[slot] !== 0) return 'stale';
    return this.#suffices(slot, this.#votes(slot, answered) | this.#overloaded[slot]!) ? 'overloaded' : 'lost';
  }

  /** Whose records are to be asked for now: digests that no record covers. A mask. */
  wanted(slot: number): number {
    const uncovered = this.#digests[slot]! & ~this.#covered(slot) & ~this.#failed[slot]! & ~this.#askedForRecord[slot]!;
    return this.#votes(slot, uncovered);
  }

  /** Whom to ask next, when one that was asked is slow or has failed; -1: all have been asked. */
  next(slot: number): number {
    const rest = (this.#primaries[slot]! | this.#standIns[slot]!) & ~this.#asked[slot]!;
    return rest === 0 ? -1 : lowestBit(rest);
  }

  /** Whether that one is to give its record: nobody who was asked for one can give it any more, or all take too long. */
  lacksRecord(slot: number): boolean {
    return this.#records[slot] === 0;
  }

  /**
   * Whether what was said may be of before and behind a purge: a primary has nothing, and had not said so before `again`; or nobody has said what merging gave (`agreeing`, a mask, is empty), and nobody was asked again
   * yet. Comes to an end, as there are so many primaries. Requires: more than one was asked.
   */
  mayBeMixed(slot: number, agreeing: number): boolean {
    if (agreeing === 0 && this.#rounds[slot] === 0) return true;
    return (this.#absentOf(slot) & this.#primaries[slot]! & ~this.#absent[slot]!) !== 0;
  }

  /** What was said by those who have something counts no more: they are to be asked again. Returns them, a mask. */
  again(slot: number): number {
    const absent = this.#absentOf(slot);
    const holders = (this.#records[slot]! | this.#digests[slot]!) & ~absent;
    this.#rounds[slot]!++;
    this.#absent[slot]! |= absent;
    this.#records[slot]! &= absent;
    this.#digests[slot]! &= absent;
    this.#asked[slot]! &= absent;
    // Whose digest is here is to be asked for its record by its new number.
    this.#askedForRecord[slot]! &= this.#records[slot]!;
    for (const states of [this.#failed, this.#stale, this.#overloaded]) states[slot]! &= ~holders;
    this.#recordReplies[slot] = Math.min(2, countBits(this.#records[slot]!));
    this.#repeated[slot] = 0;
    return holders;
  }

  /** Votes that count, a mask. */
  replied(slot: number): number {
    return this.#votes(slot, this.#covered(slot));
  }

  /** How many. */
  received(slot: number): number {
    return countBits(this.replied(slot));
  }

  /** It has answered already, or is said not to. */
  hasReplied(slot: number, replica: number): boolean {
    return ((this.#records[slot]! | this.#digests[slot]! | this.#failed[slot]!) & (1 << replica)) !== 0;
  }

  primaries(slot: number): number {
    return countBits(this.#covered(slot) & this.#primaries[slot]!);
  }

  needed(slot: number): number {
    return Math.max(this.#needed[slot]!, this.#neededPrimaries[slot]!);
  }

  /** Has not said what it was asked for; a mask. */
  silent(slot: number): number {
    const said = this.#records[slot]! | (this.#digests[slot]! & ~this.#askedForRecord[slot]!);
    return this.#asked[slot]! & ~said & ~this.#failed[slot]!;
  }

  isAskedForRecord(slot: number, replica: number): boolean {
    return (this.#askedForRecord[slot]! & (1 << replica)) !== 0;
  }

  /** Primaries that have said something else than what merging gave, whose digest is `low`, `high`; a mask. Stand-ins are left as they are. */
  repairs(slot: number, low: number, high: number): number {
    let mask = 0;
    for (let rest = (this.#records[slot]! | this.#digests[slot]!) & this.#primaries[slot]!; rest !== 0; rest &= rest - 1) {
      const replica = lowestBit(rest);
      const at = slot * REPLICAS_MAX + replica;
      if (this.#low[at] !== (low | 0) || this.#high[at] !== (high | 0)) mask |= 1 << replica;
    }
    return mask;
  }

  /** Nobody but that primary is asked, and it is enough: its reply is compared with no other, and needs no digest. */
  isSole(slot: number, replica: number): boolean {
    const bit = 1 << replica;
    return this.#asked[slot] === bit && (this.#primaries[slot]! & bit) !== 0 && this.needed(slot) <= 1;
  }

  /** The replica whose record is the only one that came, so that merging gave just that; -1: none, or several. */
  onlyRecord(slot: number): number {
    return this.#recordReplies[slot] === 1 ? lowestBit(this.#records[slot]!) : -1;
  }

  /** As `repairs`, where what merging gave is what `replica` has said. */
  repairsAs(slot: number, replica: number): number {
    const at = slot * REPLICAS_MAX + replica;
    return this.repairs(slot, this.#low[at]!, this.#high[at]!);
  }

  /** Who has said that it has nothing. */
  #absentOf(slot: number): number {
    let mask = 0;
    for (let rest = this.#records[slot]! | this.#digests[slot]!; rest !== 0; rest &= rest - 1) {
      const at = slot * REPLICAS_MAX + lowestBit(rest);
      if (this.#low[at] === 0 && this.#high[at] === 0) mask |= rest & -rest;
    }
    return mask;
  }

  #suffices(slot: number, votes: number): boolean {
    if (countBits(votes) + this.#repeated[slot]! < this.#needed[slot]!) return false;
    return countBits(votes & this.#primaries[slot]!) >= this.#neededPrimaries[slot]!;
  }

  /** Records, digests equal to that of a record, and of stand-ins those of nothing. */
  #covered(slot: number): number {
    const records = this.#records[slot]!;
    if (this.#mutants.digestIgnored) return records | this.#digests[slot]!;
    let covered = records;
    for (let rest = this.#digests[slot]!; rest !== 0; rest &= rest - 1) {
      const replica = lowestBit(rest);
      if (this.#equalsRecord(slot, replica, records) || this.#isAbsentStandIn(slot, replica)) covered |= 1 << replica;
    }
    return covered;
  }

  #equalsRecord(slot: number, replica: number, records: number): boolean {
    const base = slot * REPLICAS_MAX;
    for (let rest = records; rest !== 0; rest &= rest - 1) {
      const at = base + lowestBit(rest);
      if (this.#low[at] === this.#low[base + replica] && this.#high[at] === this.#high[base + replica]) return true;
    }
    return false;
  }

  #isAbsentStandIn(slot: number, replica: number): boolean {
    const at = slot * REPLICAS_MAX + replica;
    return (this.#standIns[slot]! & (1 << replica)) !== 0 && this.#low[at] === 0 && this.#high[at] === 0;
  }

  /** Of those in `mask`: primaries, and stand-ins: those that hold something, and beside a primary also the others. */
  #votes(slot: number, mask: number): number {
    if (this.#mutants.notFoundFromNonPrimaryCounts) return mask & firstBits(this.#replicas[slot]!);
    const primaries = mask & this.#primaries[slot]!;
    let votes = primaries;
    for (let rest = mask & this.#standIns[slot]!; rest !== 0; rest &= rest - 1) {
      const replica = lowestBit(rest);
      if (primaries !== 0 || !this.#isAbsentStandIn(slot, replica)) votes |= 1 << replica;
    }
    return votes;
  }
}
