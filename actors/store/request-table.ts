/**
 * RequestTable: the requests of one coordinator that are under way, in typed arrays by slot. Of fixed capacity: beyond it `take` refuses, and the caller says OVERLOADED (T35).
 * A request allocates nothing once its slot's buffer has grown to what requests need, but what `copyBytes` does.
 *
 * The id on the wire says the number of the request and the replica that was asked. All 2^27 numbers pass before one comes again, over ten minutes at 200,000 requests a second; so an answer
 * that is late finds nobody, and is dropped:
 *
 * ```
 *   31           5 4          0
 *   number (27)  | replica (5)
 * ```
 * The slot that was freed last is taken next: what a request needs is then in the processor's cache. Used in turn, all slots with their buffers are megabytes, and every request found its
 * own in memory. That is why ids don't say slots: the same few would have come again within a second.
 * Each start of a shard begins somewhere else among the numbers (`startAt`): the actor keeps its place among nodes, so answers to what was asked before a restart still come to it, and one that
 * was taken for an answer to a new request would be another key's record.
 */
import { copyBytes, OutBuffer } from '../../runtime/bytes.ts';
import { assert, BugError } from '../../runtime/errors.ts';
import type { KeyPlace } from './key-place.ts';
import { REPLICAS_MAX } from './replica-mask.ts';
import { CONTEXT_GIVEN, type ContextKind, PUT, type RequestKind, type RequestSink, type StoreRequest } from './store-request.ts';

export const CAPACITY_MAX = 4_096;
const REPLICA_BITS = 5;
const REPLICA_MASK = REPLICAS_MAX - 1;
const NUMBER_MASK = 2 ** (32 - REPLICA_BITS) - 1;
/** Twice as many as there can be requests: the next free one is near. */
const PLACES = 2 * CAPACITY_MAX;
const PLACE_MASK = PLACES - 1;
const INITIAL_BYTES = 256;
/** What a slot keeps of a large request. */
const KEPT_BYTES_MAX = 64 * 1_024;
const NEVER = Number.POSITIVE_INFINITY;

export const FREE = 0;

/** What one slot is about. Offsets are in `buffers[slot]`. */
export class RequestTable {
  readonly capacity: number;
  /** FREE, or what the coordinator is doing. */
  readonly phases: Uint8Array;
  readonly kinds: Uint8Array;
  readonly contextKinds: Uint8Array;
  readonly durabilities: Uint8Array;
  readonly isLocal: Uint8Array;
  readonly isMonotonic: Uint8Array;
  readonly r: Uint8Array;
  readonly w: Uint8Array;
  readonly primaries: Uint8Array;
  readonly keyspaces: Uint32Array;
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly expiryMs: Float64Array;
  readonly deadlineMs: Float64Array;
  readonly begunMs: Float64Array;
  /** When it is to be looked at, at the latest its deadline; Infinity for free slots. */
  readonly wakeMs: Float64Array;
  readonly tokens: Float64Array;
  readonly sinks: (RequestSink | null)[];
  /** 1: came from another coordinator or a client by FORWARD, and is not forwarded again. */
  readonly isForwarded: Uint8Array;
  /** Place of the member that it was forwarded to last. */
  readonly forwardedTo: Uint8Array;
  /** Looks in a row that found no connection to that member. */
  readonly lostLooks: Uint8Array;
  /** Times that it was begun under another ring. */
  readonly attempts: Uint8Array;
  /** REPLICAS_MAX per slot: indices in the members of the ring of `epochs`, in the order in which they are asked. */
  readonly members: Uint16Array;
  readonly replicaCounts: Uint8Array;
  /** Which of them stand in for others (a mask), and for whom: by place, the place of the one. */
  readonly standIns: Int32Array;
  readonly owners: Uint8Array;
  /** Who has a stand-in, or would have one if there were any left; of whom nobody holds the write yet: masks. */
  readonly covered: Int32Array;
  readonly orphans: Int32Array;
  readonly epochs: Uint32Array;
  readonly generationsOfRing: Uint32Array;
  readonly changedAt: Uint32Array;
  /** Key, context, value, then records: `[0, keyEnds)`, `[keyEnds, contextEnds)`, `[contextEnds, valueEnds)`, `[recordStarts, recordEnds)`. */
  readonly buffers: (OutBuffer | null)[];
  readonly keyEnds: Uint32Array;
  readonly contextEnds: Uint32Array;
  readonly valueEnds: Uint32Array;
  /** The record as merged so far (get) or minted (put, delete); empty: none. */
  readonly recordStarts: Uint32Array;
  readonly recordEnds: Uint32Array;
  /** With CONTEXT_READ: the version vector of what was read; empty: nothing was, or not yet. */
  readonly readContextStarts: Uint32Array;
  readonly readContextEnds: Uint32Array;
  readonly #bytesMax: number;
  readonly #takesLate: boolean;
  /** By slot: the number of its request. By the low bits of that number: the slot, for as long as it is taken and has that number. */
  readonly #numbers: Uint32Array;
  readonly #slots = new Uint16Array(PLACES);
  #number = 0;
  /** Behind the first `#used`: the free slots, the one that was freed last first. */
  readonly #free: Uint16Array;
  #used = 0;
  #nextWakeMs = NEVER;

  /** `capacity`: 1 to CAPACITY_MAX. `bytesMax`: of key, context, value and the records merged, per request. */
  constructor(capacity: number, bytesMax: number, mutants?: ReadonlySet<string>) {
    assert(capacity >= 1 && capacity <= CAPACITY_MAX, `requests: expected a capacity of 1 to ${CAPACITY_MAX}, got ${capacity}`);
    this.capacity = capacity;
    this.#bytesMax = bytesMax;
    this.#takesLate = mutants?.has('lateAnswerTaken') === true;
    this.phases = new Uint8Array(capacity);
    this.kinds = new Uint8Array(capacity);
    this.contextKinds = new Uint8Array(capacity);
    this.durabilities = new Uint8Array(capacity);
    this.isLocal = new Uint8Array(capacity);
    this.isMonotonic = new Uint8Array(capacity);
    this.r = new Uint8Array(capacity);
    this.w = new Uint8Array(capacity);
    this.primaries = new Uint8Array(capacity);
    this.keyspaces = new Uint32Array(capacity);
    this.high = new Uint32Array(capacity);
    this.low = new Uint32Array(capacity);
    this.expiryMs = new Float64Array(capacity);
    this.deadlineMs = new Float64Array(capacity);
    this.begunMs = new Float64Array(capacity);
    this.wakeMs = new Float64Array(capacity).fill(NEVER);
    this.tokens = new Float64Array(capacity);
    this.sinks = new Array<RequestSink | null>(capacity).fill(null);
    this.attempts = new Uint8Array(capacity);
    this.members = new Uint16Array(capacity * REPLICAS_MAX);
    this.replicaCounts = new Uint8Array(capacity);
    this.standIns = new Int32Array(capacity);
    this.owners = new Uint8Array(capacity * REPLICAS_MAX);
    this.covered = new Int32Array(capacity);
    this.orphans = new Int32Array(capacity);
    this.epochs = new Uint32Array(capacity);
    this.generationsOfRing = new Uint32Array(capacity);
    this.changedAt = new Uint32Array(capacity);
    this.buffers = new Array<OutBuffer | null>(capacity).fill(null);
    this.keyEnds = new Uint32Array(capacity);
    this.contextEnds = new Uint32Array(capacity);
    this.valueEnds = new Uint32Array(capacity);
    this.recordStarts = new Uint32Array(capacity);
    this.recordEnds = new Uint32Array(capacity);
    this.readContextStarts = new Uint32Array(capacity);
    this.readContextEnds = new Uint32Array(capacity);
    this.isForwarded = new Uint8Array(capacity);
    this.forwardedTo = new Uint8Array(capacity);
    this.lostLooks = new Uint8Array(capacity);
    this.#numbers = new Uint32Array(capacity);
    this.#free = Uint16Array.from({ length: capacity }, (_, slot) => slot);
  }

  /** Where ids begin, by chance: `draw` is any u32. Requires: nothing was taken yet. */
  startAt(draw: number): void {
    assert(this.#used === 0, 'requests: some are under way already');
    this.#number = draw & NUMBER_MASK;
  }

  /** Requests under way. */
  get used(): number {
    return this.#used;
  }

  /** Copies what the request says. Returns its slot; -1: the table is full; -2: the request is longer than `bytesMax`. */
  take(request: StoreRequest, nowMs = 0): number {
    if (this.#used === this.capacity) return -1;
    const slot = this.#free[this.#used]!;
    const out = this.bufferOf(slot);
    out.clear();
    const keyBytes = request.keyEnd - request.keyStart;
    const contextBytes = request.contextKind === CONTEXT_GIVEN ? request.contextEnd - request.contextStart : 0;
    const valueBytes = request.kind === PUT ? request.valueEnd - request.valueStart : 0;
    if (!out.ensure(keyBytes + contextBytes + valueBytes)) return -2;
    this.#used++;
    this.renew(slot);
    copyBytes(request.key, request.keyStart, request.keyEnd, out.bytes, 0);
    if (contextBytes > 0) copyBytes(request.context, request.contextStart, request.contextEnd, out.bytes, keyBytes);
    if (valueBytes > 0) copyBytes(request.value, request.valueStart, request.valueEnd, out.bytes, keyBytes + contextBytes);
    out.length = keyBytes + contextBytes + valueBytes;
    this.keyEnds[slot] = keyBytes;
    this.contextEnds[slot] = keyBytes + contextBytes;
    this.valueEnds[slot] = out.length;
    this.recordStarts[slot] = 0;
    this.recordEnds[slot] = 0;
    this.readContextStarts[slot] = 0;
    this.readContextEnds[slot] = 0;
    this.isForwarded[slot] = 0;
    this.kinds[slot] = request.kind;
    this.contextKinds[slot] = request.contextKind;
    this.durabilities[slot] = request.durability;
    this.isLocal[slot] = request.isLocal ? 1 : 0;
    this.isMonotonic[slot] = request.isMonotonic ? 1 : 0;
    this.r[slot] = request.r;
    this.w[slot] = request.w;
    this.primaries[slot] = request.primaries;
    this.begunMs[slot] = nowMs;
    this.keyspaces[slot] = request.keyspace.id;
    this.expiryMs[slot] = request.expiryMs;
    this.deadlineMs[slot] = request.deadlineMs;
    this.tokens[slot] = request.token;
    this.sinks[slot] = request.sink;
    this.attempts[slot] = 0;
    this.clearStandIns(slot);
    this.wake(slot, request.deadlineMs);
    return slot;
  }

  /** Where its key lies, by the ring that it was last begun under. */
  fillPlace(slot: number, place: KeyPlace): void {
    place.keyspace = this.keyspaces[slot]!;
    place.tokenHigh = this.high[slot]!;
    place.tokenLow = this.low[slot]!;
    place.changedAt = this.changedAt[slot]!;
    place.generation = this.generationsOfRing[slot]!;
  }

  /** What it asks for, as it was taken: all but keyspace, deadline, sink and token, with views of its buffer. */
  fillRequest(slot: number, request: StoreRequest): void {
    const { bytes } = this.bufferOf(slot);
    request.kind = this.kinds[slot] as RequestKind;
    request.contextKind = this.contextKinds[slot] as ContextKind;
    request.r = this.r[slot]!;
    request.w = this.w[slot]!;
    request.durability = this.durabilities[slot]!;
    request.isLocal = this.isLocal[slot] === 1;
    request.isMonotonic = this.isMonotonic[slot] === 1;
    request.primaries = this.primaries[slot]!;
    request.expiryMs = this.expiryMs[slot]!;
    request.key = bytes;
    request.keyStart = 0;
    request.keyEnd = this.keyEnds[slot]!;
    request.context = bytes;
    request.contextStart = request.keyEnd;
    request.contextEnd = this.contextEnds[slot]!;
    request.value = bytes;
    request.valueStart = request.contextEnd;
    request.valueEnd = this.valueEnds[slot]!;
  }

  /** Answers that are still to come for it find nobody. */
  free(slot: number): void {
    if (this.phases[slot] === FREE) throw new BugError(`requests: slot ${slot} is free already`);
    this.phases[slot] = FREE;
    this.sinks[slot] = null;
    this.wakeMs[slot] = NEVER;
    this.#used--;
    this.#free[this.#used] = slot;
    const out = this.buffers[slot]!;
    if (out !== null && out.bytes.length > KEPT_BYTES_MAX) this.buffers[slot] = null;
  }

  /** Under another number, as the same request is under a newer ring: answers to what was sent before find nobody. */
  renew(slot: number): void {
    let number = this.#number;
    do number = (number + 1) & NUMBER_MASK;
    while (this.#isPlaceTaken(number & PLACE_MASK));
    this.#number = number;
    this.#numbers[slot] = number;
    this.#slots[number & PLACE_MASK] = slot;
  }

  bufferOf(slot: number): OutBuffer {
    const made = this.buffers[slot] ?? new OutBuffer(INITIAL_BYTES, this.#bytesMax);
    this.buffers[slot] = made;
    return made;
  }

  /** u32. */
  idOf(slot: number, replica: number): number {
    return ((this.#numbers[slot]! << REPLICA_BITS) | replica) >>> 0;
  }

  /** -1: that request is over. */
  slotOf(id: number): number {
    const number = id >>> REPLICA_BITS;
    const slot = this.#slots[number & PLACE_MASK]!;
    if (this.phases[slot] === FREE) return -1;
    return this.#numbers[slot] === number || this.#takesLate ? slot : -1;
  }

  replicaOf(id: number): number {
    return id & REPLICA_MASK;
  }

  /** For whom the replica of that id stands in, a member; -1: for nobody. Requires: that request is under way. */
  ownerOf(id: number): number {
    const replica = this.replicaOf(id);
    const slot = this.#slots[(id >>> REPLICA_BITS) & PLACE_MASK]!;
    if ((this.standIns[slot]! & (1 << replica)) === 0) return -1;
    const base = slot * REPLICAS_MAX;
    return this.members[base + this.owners[base + replica]!]!;
  }

  /** The replicas of the slot are to be chosen: none of them stands in for another yet. */
  clearStandIns(slot: number): void {
    this.standIns[slot] = 0;
    this.covered[slot] = 0;
    this.orphans[slot] = 0;
  }

  /** `member` is the next replica of the slot, for the one at `owner`. Returns its place. Requires: room, and it is none yet. */
  addStandIn(slot: number, member: number, owner: number): number {
    const place = this.replicaCounts[slot]!++;
    this.members[slot * REPLICAS_MAX + place] = member;
    this.owners[slot * REPLICAS_MAX + place] = owner;
    this.standIns[slot]! |= 1 << place;
    return place;
  }

  /** Of those for the same one. */
  isLastStandIn(slot: number, place: number): boolean {
    const base = slot * REPLICAS_MAX;
    for (let i = place + 1; i < this.replicaCounts[slot]!; i++)
      if ((this.standIns[slot]! & (1 << i)) !== 0 && this.owners[base + i] === this.owners[base + place]) return false;
    return true;
  }

  /** Has the slot looked at by `atMs`, or by its deadline. */
  wake(slot: number, atMs: number): void {
    const ms = Math.min(atMs, this.deadlineMs[slot]!);
    this.wakeMs[slot] = ms;
    if (ms < this.#nextWakeMs) this.#nextWakeMs = ms;
  }

  /** When `due` is to be called next, perhaps for nothing; Infinity: not until a request comes. */
  get nextWakeMs(): number {
    return this.#nextWakeMs;
  }

  /**
   * Fills `slots` with those that are to be looked at now, and returns how many.
   * Cost: O(capacity), some 4 us; requests that end in time cost nothing, as the timer is not moved for them.
   */
  due(nowMs: number, slots: Uint16Array): number {
    let count = 0;
    let next = NEVER;
    const { wakeMs, capacity } = this;
    for (let slot = 0; slot < capacity; slot++) {
      const ms = wakeMs[slot]!;
      if (ms <= nowMs) slots[count++] = slot;
      else if (ms < next) next = ms;
    }
    this.#nextWakeMs = next;
    return count;
  }

  /** By a request that has been under way since all places went by. */
  #isPlaceTaken(place: number): boolean {
    const slot = this.#slots[place]!;
    return this.phases[slot] !== FREE && (this.#numbers[slot]! & PLACE_MASK) === place;
  }
}
