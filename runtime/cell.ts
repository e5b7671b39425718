/** Cell: one actor's mailbox, state and turn. See also `supervise.ts` (failing), `lifecycle.ts` (stopping), `watch.ts`, `context.ts`. */
import type { Actor, ActorDefinition, OverflowPolicy, Signal, SpawnOptions } from './actor.ts';
import { CREDIT_SLOT_BIT } from './address.ts';
import { admit } from './admission.ts';
import { ACTIVE, type CellState, DRAINING, ENDED, NEW } from './cell-state.ts';
import { Context } from './context.ts';
import { grantCredit } from './credit.ts';
import { type Envelope, SKIP } from './envelope.ts';
import { BugError } from './errors.ts';
import { LANE_COUNT, type Lane, REQUEST, SYSTEM } from './lanes.ts';
import { stopCell } from './lifecycle.ts';
import { LocalRef } from './local-ref.ts';
import type { ActorTimes } from './metrics.ts';
import type { Peer } from './peer.ts';
import type { RareState } from './rare-state.ts';
import {
  ENVELOPE,
  NO_MESSAGE,
  PLAIN,
  Ring,
  ROW_DEADLINE,
  ROW_LENGTH,
  ROW_LINK,
  ROW_OFFSET,
  ROW_OPERATION,
  ROW_REQUEST_ID,
  ROW_SENDER_SLOT,
  ROW_SENDER_UID,
} from './ring.ts';
import { rewindRings } from './ring-keeper.ts';
import type { ShardRuntime } from './shard-runtime.ts';
import { fail } from './supervise.ts';
import { ACCEPTED, type Verdict, WAIT } from './verdict.ts';
import type { WaitList } from './wait-list.ts';
import { takeIfWanted } from './watch.ts';

const REQUEST_BIT = 1 << REQUEST;
/** Queues of more messages than this don't keep their memory for ever. */
const LONG_QUEUE = 128;
/** In a row of plain messages the clock is read after the first few, for actors that are slow, and then once per so many. */
const CLOCK_FIRST = 8;
const CLOCK_EVERY = 64;

/** Definitions of any message and argument types, as the runtime holds them. */
export type AnyDefinition = ActorDefinition<never, readonly never[]>;

export class Cell {
  readonly runtime: ShardRuntime;
  readonly definition: AnyDefinition;
  readonly args: readonly unknown[];
  readonly name: string;
  readonly parent: Cell | null;
  readonly slot: number;
  readonly uid: number;
  readonly ref: LocalRef;
  readonly options: SpawnOptions;
  readonly capacity: number;
  readonly overflow: OverflowPolicy;
  readonly throughput: number;

  state: CellState = NEW;
  /** Takes messages: new, active or suspended. */
  isOpen = true;
  actor: Actor<unknown> | null = null;
  context: Context | null = null;
  /** Capacity less what is granted to remote senders. */
  limit: number;
  /** Messages queued in all lanes but the system's. */
  queued = 0;
  /** Bit per lane with messages. */
  readyLanes = 0;
  /** Bit per lane of the run queue this cell is in. */
  queuedLanes = 0;
  isRunning = false;
  /** It asked to stop while it ran; done when the message is handled. */
  stopRequested = false;
  readonly requests = new Ring();
  /** The other lanes, made when first used. */
  #lanes: (Ring | null)[] | null = null;
  /** What most actors never need. */
  rare: RareState | null = null;
  /** Actors of this thread that were refused for want of room, under the policy `credit`. */
  creditWaiters: WaitList | null = null;
  /** Places that asked for credit in vain so far, and for how much. */
  creditRequests: Map<Peer, number> | null = null;
  // Children, in the order they were started.
  firstChild: Cell | null = null;
  lastChild: Cell | null = null;
  nextSibling: Cell | null = null;
  previousSibling: Cell | null = null;
  handled = 0;
  depthMax = 0;
  restarts = 0;
  refusals = 0;
  deadLetters = 0;
  turns = 0;
  times: ActorTimes | null = null;
  readyAt = 0;

  constructor(
    runtime: ShardRuntime,
    definition: AnyDefinition,
    args: readonly unknown[],
    options: SpawnOptions,
    parent: Cell | null,
    slot: number,
    uid: number,
  ) {
    this.runtime = runtime;
    this.definition = definition;
    this.args = args;
    this.options = options;
    this.name = options.name ?? definition.name;
    this.parent = parent;
    this.overflow = options.mailbox?.overflow ?? 'reject';
    this.capacity = options.mailbox?.capacity ?? runtime.options.mailboxCapacity;
    this.limit = this.capacity;
    this.throughput = options.throughput ?? runtime.options.throughput;
    this.slot = this.overflow === 'credit' ? (slot | CREDIT_SLOT_BIT) >>> 0 : slot;
    this.uid = uid;
    this.ref = new LocalRef(this);
  }

  /** Requires: `isOpen` and `queued < limit`. */
  enqueuePlain(message: unknown): void {
    this.requests.push(message);
    this.#added(REQUEST);
  }

  /**
   * `deadline` 0: none. `link` -1 and `senderSlot`: who sent it, to be told when it comes to nothing. `size`: bytes it came in, 0 for few.
   * `paid`: it uses credit, so that there is room.
   */
  offer(
    message: unknown,
    lane: Lane,
    deadline: number,
    link: number,
    senderSlot: number,
    senderUid: number,
    size: number,
    paid: boolean,
  ): Verdict {
    const verdict = this.isOpen && this.queued < this.limit ? ACCEPTED : admit(this, lane, paid);
    if (verdict !== ACCEPTED) {
      if (verdict !== WAIT) this.runtime.deadLetters.add(this.isOpen ? 'overflow' : 'stopped', this.ref, message);
      return verdict;
    }
    const ring = this.ring(lane);
    // Plain tells keep no sender: a row is only paid for by asks, deadlines and what is large.
    if (deadline === 0 && size === 0) ring.push(message);
    else ring.pushRow(message, deadline, PLAIN, 0, size, link, senderSlot, senderUid, 0);
    this.runtime.backlogBytes += size;
    this.#added(lane);
    return ACCEPTED;
  }

  offerBytes(
    operation: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    lane: Lane,
    deadline: number,
    link: number,
    senderSlot: number,
    senderUid: number,
    requestId: number,
    paid: boolean,
  ): Verdict {
    const verdict = this.isOpen && this.queued < this.limit ? ACCEPTED : admit(this, lane, paid);
    if (verdict !== ACCEPTED) {
      if (verdict !== WAIT) this.runtime.deadLetters.addOperation(this.isOpen ? 'overflow' : 'stopped', this.ref, operation);
      return verdict;
    }
    this.ring(lane).pushRow(bytes, deadline, operation, offset, length, link, senderSlot, senderUid, requestId);
    if (link >= 0) this.runtime.backlogBytes += length;
    this.#added(lane);
    return ACCEPTED;
  }

  /** For the runtime's own news; outside the capacity, since every kind of it is bounded by something else. */
  pushSignal(signal: Signal): void {
    if (this.state === ENDED) return;
    const ring = this.ring(SYSTEM);
    if (ring.length >= this.capacity && signal.type === 'rejected') return;
    ring.push(signal);
    this.#ready(SYSTEM);
  }

  /** An outcome this actor itself asked for: taken also beyond the capacity, and bounded by what it asked. */
  pushEnvelope(envelope: Envelope, lane: Lane): void {
    if (this.state === ENDED) return;
    this.ring(lane).pushRow(envelope, 0, ENVELOPE, 0, 0, -1, 0, 0, 0);
    this.#added(lane);
  }

  ring(lane: Lane): Ring {
    if (lane === REQUEST) return this.requests;
    this.#lanes ??= new Array<Ring | null>(LANE_COUNT).fill(null);
    let ring = this.#lanes[lane] ?? null;
    if (ring === null) {
      ring = new Ring();
      this.#lanes[lane] = ring;
    }
    return ring;
  }

  /** The lane's queue, if it was ever used. */
  usedRing(lane: number): Ring | null {
    return lane === REQUEST ? this.requests : (this.#lanes?.[lane] ?? null);
  }

  /** Puts the cell into the run queue where it has something to do. */
  schedule(): void {
    if (this.state === NEW) this.#enter(SYSTEM);
    else if (this.readyLanes !== 0) this.#enter((31 - Math.clz32(this.readyLanes & -this.readyLanes)) as Lane);
  }

  /** One turn: at most `throughput` messages, and not past the shard's time slice. */
  turn(): void {
    const runtime = this.runtime;
    this.isRunning = true;
    runtime.current = this;
    if (this.queued > this.depthMax) this.depthMax = this.queued;
    if (this.queued > LONG_QUEUE) runtime.keeper.note(this);
    try {
      if (this.state === NEW) this.#start();
      if (this.state === ACTIVE || this.state === DRAINING) this.#work();
    } catch (error) {
      runtime.current = null;
      this.isRunning = false;
      fail(this, error);
    }
    runtime.current = null;
    runtime.row = -1;
    runtime.message = undefined;
    this.isRunning = false;
    if (this.queued === 0) rewindRings(this);
    if (this.stopRequested || (this.state === DRAINING && this.queued === 0)) stopCell(this, 'stopped', 'stopped');
    if (this.creditRequests !== null || this.creditWaiters !== null) grantCredit(this);
    if (this.readyLanes !== 0 && (this.state === ACTIVE || this.state === DRAINING)) {
      // A planted bug for the simulator to find: whoever used up its turn is forgotten until the next message comes.
      if (runtime.mutants.has('lostWakeUp') && this.readyLanes === REQUEST_BIT && this.requests.length === 1) return;
      this.schedule();
    }
  }

  /** What the factory throws is a failure like any other. */
  #start(): void {
    const { runtime } = this;
    runtime.operation = NO_MESSAGE;
    runtime.lane = REQUEST;
    this.context ??= new Context(this);
    const create = this.definition.create as unknown as (context: Context, ...args: readonly unknown[]) => Actor<unknown>;
    this.actor = create(this.context, ...this.args);
    this.state = this.isOpen ? ACTIVE : DRAINING;
  }

  #work(): void {
    let budget = this.throughput;
    const runtime = this.runtime;
    // Asked in this order: the factory, too, may have asked to stop.
    while (budget > 0 && this.readyLanes !== 0 && !this.stopRequested) {
      if (this.readyLanes === REQUEST_BIT && this.requests.rows === null) budget = this.#workPlain(budget);
      else {
        budget--;
        this.#workOne();
      }
      if (runtime.sliceMayBeOver()) return;
    }
  }

  /** Why: a loop of its own for plain requests, with nothing to decide per message (bench:actors, "tell, same thread"). */
  #workPlain(budget: number): number {
    const runtime = this.runtime;
    const ring = this.requests;
    const recorder = runtime.recorder;
    const actor = this.actor as Actor<unknown>;
    runtime.row = -1;
    runtime.lane = REQUEST;
    runtime.operation = PLAIN;
    let left = budget;
    let check = budget - CLOCK_FIRST;
    try {
      while (left > 0 && ring.length > 0) {
        const message = ring.shift();
        this.queued--;
        this.handled++;
        left--;
        runtime.message = message;
        recorder.message(this.slot, REQUEST, message);
        actor.receive(message);
        if (this.readyLanes !== REQUEST_BIT || ring.rows !== null || this.state !== ACTIVE || this.stopRequested) break;
        if (left === check) {
          if (runtime.sliceIsOver()) break;
          check -= CLOCK_EVERY;
        }
      }
    } finally {
      runtime.backlog -= budget - left;
      if (ring.length === 0) this.readyLanes &= ~REQUEST_BIT;
    }
    return left;
  }

  #workOne(): void {
    const runtime = this.runtime;
    const lane = (31 - Math.clz32(this.readyLanes & -this.readyLanes)) as Lane;
    const ring = this.usedRing(lane);
    if (ring === null || ring.length === 0) throw new BugError(`lane ${lane} of ${this.name} is marked ready and empty`);
    const rows = ring.rows;
    const row = ring.rowOfHead;
    const item = ring.shift();
    if (ring.length === 0) this.readyLanes &= ~(1 << lane);
    const actor = this.actor as Actor<unknown>;
    runtime.lane = lane;
    runtime.message = item;
    runtime.row = -1;
    this.handled++;
    if (lane === SYSTEM) {
      runtime.operation = NO_MESSAGE;
      runtime.recorder.message(this.slot, lane, item);
      if (takeIfWanted(this, item as Signal)) actor.signal?.(item as Signal);
      return;
    }
    this.queued--;
    runtime.backlog--;
    runtime.operation = PLAIN;
    if (rows === null) {
      runtime.recorder.message(this.slot, lane, item);
      actor.receive(item);
      return;
    }
    // The row is read before the actor runs: what it sends to itself may use that place of the queue again.
    const deadline = rows[row + ROW_DEADLINE] as number;
    const operation = rows[row + ROW_OPERATION] as number;
    const offset = rows[row + ROW_OFFSET] as number;
    const length = rows[row + ROW_LENGTH] as number;
    const link = rows[row + ROW_LINK] as number;
    runtime.row = row;
    runtime.deadline = deadline;
    runtime.senderLink = link;
    runtime.senderSlot = rows[row + ROW_SENDER_SLOT] as number;
    runtime.senderUid = rows[row + ROW_SENDER_UID] as number;
    runtime.requestId = rows[row + ROW_REQUEST_ID] as number;
    if (link >= 0) runtime.backlogBytes -= length;
    if (deadline !== 0 && deadline <= runtime.now) {
      if (operation >= 0) runtime.deadLetters.addOperation('expired', this.ref, operation);
      else runtime.deadLetters.add('expired', this.ref, item);
      return;
    }
    if (operation === PLAIN) {
      runtime.recorder.message(this.slot, lane, item);
      actor.receive(item);
    } else if (operation === ENVELOPE) {
      const message = (item as Envelope).open();
      if (message === SKIP) return;
      runtime.message = message;
      runtime.recorder.message(this.slot, lane, message);
      actor.receive(message);
    } else {
      runtime.operation = operation;
      runtime.recorder.operation(this.slot, lane, operation);
      if (actor.receiveBytes === undefined) throw new BugError(`${this.name} was sent operation ${operation} and has no receiveBytes`);
      actor.receiveBytes(operation, item as Uint8Array, offset, length, runtime.requestId);
    }
  }

  /** `count` stashed messages are back at the front of the request lane. */
  unstashed(count: number): void {
    this.queued += count;
    this.runtime.backlog += count;
    this.#ready(REQUEST);
  }

  #added(lane: Lane): void {
    this.queued++;
    this.runtime.backlog++;
    if ((this.readyLanes & (1 << lane)) === 0) this.#ready(lane);
  }

  #ready(lane: Lane): void {
    this.readyLanes |= 1 << lane;
    if (!this.isRunning && (this.state === ACTIVE || this.state === DRAINING)) this.#enter(lane);
  }

  #enter(lane: Lane): void {
    if ((this.queuedLanes & (1 << lane)) !== 0) return;
    const { runtime } = this;
    runtime.enqueue(this, lane);
    // Read after that, which may have looked at the clock.
    if (this.queuedLanes === 0) this.readyAt = runtime.now;
    this.queuedLanes |= 1 << lane;
  }
}
