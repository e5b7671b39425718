/**
 * ShardRuntime: runs the actors of one thread. It owns the table of actors, the run queue, timers and pending asks, and is driven
 * by its loop: `run` fires what is due, gives turns, and flushes every link once. It never touches the world but through its doors, so
 * that the simulator runs it unchanged.
 */
import type { ActorDefinition, SpawnOptions } from './actor.ts';
import { ActorTable } from './actor-table.ts';
import { type Address, ASK_SLOT_BIT, MAIN_SHARD, NOBODY_SLOT, type Place, placeName, WELL_KNOWN_SLOTS } from './address.ts';
import type { AskSink } from './ask-ref.ts';
import { AskTable, askPromise, sendAsk } from './asks.ts';
import type { BoundRef } from './bound-ref.ts';
import type { Cell } from './cell.ts';
import { ENDED } from './cell-state.ts';
import { DeadLetters } from './dead-letters.ts';
import type { Doors, Log, Random } from './doors.ts';
import { BugError, invalidArgument, RuntimeError } from './errors.ts';
import { FlightRecorder } from './flight-recorder.ts';
import { FrameReceiver } from './frame-receiver.ts';
import { Holds } from './holds.ts';
import { IdleCredit } from './idle-credit.ts';
import { BACKGROUND, CONTROL_CLASS, type Lane, REQUEST } from './lanes.ts';
import { drainCell, stopCell } from './lifecycle.ts';
import type { Link, Tasks, Transport } from './link.ts';
import { LocalBytes } from './local-bytes.ts';
import { GoneRef, LocalRef } from './local-ref.ts';
import { ActorTimes, ShardMetrics, type ShardStats } from './metrics.ts';
import { Peers } from './peers.ts';
import type { AnyRef, AskOptions, Ref } from './ref.ts';
import { RemoteRef } from './remote-ref.ts';
import { NO_MESSAGE } from './ring.ts';
import { RingKeeper } from './ring-keeper.ts';
import { RunQueue } from './run-queue.ts';
import { completeRuntimeOptions, type RuntimeOptions, type ShardRuntimeOptions } from './runtime-options.ts';
import { shardStats } from './shard-stats.ts';
import { ShardTimers } from './shard-timers.ts';
import { type Timer, TimerQueue, TimerTasks } from './timers.ts';
import { tellRefused } from './undelivered.ts';
import type { Verdict } from './verdict.ts';
import { PayloadCodec } from './wire/codec.ts';
import { SIGNAL_STOP } from './wire/frame.ts';

/** Every so many turns the clock is read, and the turn in between measured. Power of two. */
const CLOCK_TURNS = 16;
/** Power of two. */
const SLICE_TICKS = 8;

export class ShardRuntime {
  readonly node: string;
  readonly shard: number;
  readonly boot: number;
  readonly place: Place;
  readonly doors: Doors;
  readonly random: Random;
  readonly log: Log;
  readonly options: RuntimeOptions;
  readonly mutants: ReadonlySet<string>;
  readonly tasks: Tasks;
  readonly timers: ShardTimers;
  readonly holds = new Holds();
  readonly codec: PayloadCodec;
  readonly actors: ActorTable;
  readonly keeper: RingKeeper;
  readonly asks: AskTable;
  readonly peers: Peers;
  readonly idleCredit: IdleCredit;
  readonly deadLetters: DeadLetters;
  readonly metrics = new ShardMetrics();
  readonly recorder: FlightRecorder;
  /** What transports report to. */
  readonly receiver: FrameReceiver;
  /** Chooses which of `count` ready actors of a lane runs next; null: the first. For seeded schedules. */
  pick: ((count: number) => number) | null = null;
  /** Called when an actor threw; the simulator records it as a finding. */
  onFailure: ((cell: Cell, error: unknown) => void) | null = null;
  /** What actors charge for their turns; null in production. */
  onCharge: ((us: number) => void) | null = null;

  /** Time of this run, in ms of the clock: read once per run and every CLOCK_TURNS turns. */
  now = 0;
  /** The actor whose turn it is. */
  current: Cell | null = null;
  /** Messages queued for all actors. */
  backlog = 0;
  /** Bytes in which those of them came that came from elsewhere and are not short. */
  backlogBytes = 0;
  readonly localBytes = new LocalBytes();
  // The message being handled; the numbers where it has a row (`row` >= 0).
  message: unknown = undefined;
  /** Of the binary path; PLAIN: an object message; NO_MESSAGE: none is being handled, but a signal, or the factory runs. */
  operation = NO_MESSAGE;
  row = -1;
  lane: Lane = REQUEST;
  deadline = 0;
  senderLink = -1;
  senderSlot = 0;
  senderUid = 0;
  requestId = 0;

  readonly #timers = new TimerQueue();
  readonly #queue = new RunQueue();
  #dirty: Link[] = [];
  #isAwake = false;
  #isRunning = false;
  #isStopped = false;
  #sliceEnd = 0;
  #sliceTick = 0;

  constructor(options: ShardRuntimeOptions) {
    this.place = options.place;
    this.node = options.place.node;
    this.shard = options.place.shard;
    this.boot = options.boot;
    this.doors = options.doors;
    this.options = completeRuntimeOptions(options.tuning);
    this.mutants = options.mutants ?? new Set();
    this.now = options.doors.clock.now();
    this.random = options.doors.random.fork(`shard:${placeName(options.place)}@${options.boot}`);
    this.log = options.doors.log.child({ node: this.node, place: placeName(options.place) });
    this.recorder = new FlightRecorder(this.options.flightRecords);
    this.tasks = new TimerTasks(
      this.#timers,
      () => this.doors.clock.now(),
      () => this.timersChanged(),
    );
    this.timers = new ShardTimers(this.tasks, () => this.#wake());
    this.keeper = new RingKeeper(this.tasks);
    this.asks = new AskTable(this.options.pendingAsksMax, this.random.u32());
    this.actors = new ActorTable(this, this.random.u32());
    this.peers = new Peers(this);
    this.idleCredit = new IdleCredit(this.tasks, this.peers);
    this.deadLetters = new DeadLetters((ref, letter) => this.#tellFromNobody(ref, letter));
    this.codec = new PayloadCodec({ place: this.place, boot: this.boot, bind: (address) => this.refTo(address) });
    this.receiver = new FrameReceiver(this);
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  useTransport(transport: Transport): void {
    this.peers.transport = transport;
  }

  // Actors.

  /** Starts an actor without a parent; the shard's own supervision judges its failures. */
  spawn<M, A extends readonly unknown[]>(definition: ActorDefinition<M, A>, args: A, options?: SpawnOptions): Ref<M> {
    return this.#start(definition, args, options, null, null);
  }

  spawnChild<M, A extends readonly unknown[]>(parent: Cell, definition: ActorDefinition<M, A>, args: A, options?: SpawnOptions): Ref<M> {
    return this.#start(definition, args, options, parent, null);
  }

  /** Starts an actor at an address that everybody knows. Requires: 1 <= slot < WELL_KNOWN_SLOTS, and free. */
  spawnWellKnown<M>(slot: number, definition: ActorDefinition<M>): Ref<M>;
  spawnWellKnown<M, A extends readonly unknown[]>(slot: number, definition: ActorDefinition<M, A>, args: A): Ref<M>;
  spawnWellKnown<M, A extends readonly unknown[]>(slot: number, definition: ActorDefinition<M, A>, args?: A): Ref<M> {
    return this.#start(definition, args ?? ([] as unknown as A), undefined, null, slot);
  }

  /**
   * Stops an actor of this node from outside any actor. Called within one, it stops it when that turn and those already due are over, so
   * that no actor ends within its own code or its child's.
   * Errors: OVERLOADED when the way to another thread is full; INVALID_ARGUMENT.
   */
  stop(ref: AnyRef, options?: { readonly drain?: boolean }): void {
    if (ref instanceof GoneRef) return;
    if (ref instanceof RemoteRef && ref.peer.place.node === this.node) {
      if (ref.isStale || ref.peer.signal(SIGNAL_STOP, ref.slot, ref.uid, 0, 0, options?.drain === true ? 1 : 0, CONTROL_CLASS)) return;
      throw new RuntimeError('OVERLOADED', `stop ${ref.toString()}: the link to its thread is full`);
    }
    if (!(ref instanceof LocalRef) || ref.runtime !== this)
      throw invalidArgument(`stop: expected an actor of node ${this.node}, got ${ref.toString()}`);
    if (this.current !== null) this.tasks.after(0, () => this.stop(ref, options));
    else if (options?.drain === true) drainCell(ref.cell);
    else stopCell(ref.cell, 'stopped', 'stopped');
  }

  /** Stops all actors, last started first, and fails all pending asks. Requires: called from outside any actor. */
  stopAll(): void {
    if (this.current !== null) throw new BugError(`stopAll was called by ${this.current.name}`);
    this.#isStopped = true;
    for (const cell of this.actors.roots()) stopCell(cell, 'stopped', 'stopped');
    this.asks.failAll(() => new RuntimeError('STOPPED', `${placeName(this.place)} is stopping`));
    this.#flush();
  }

  #start<M, A extends readonly unknown[]>(
    definition: ActorDefinition<M, A>,
    args: A,
    options: SpawnOptions | undefined,
    parent: Cell | null,
    wellKnown: number | null,
  ): Ref<M> {
    if (this.#isStopped) throw new RuntimeError('STOPPED', `${placeName(this.place)} is stopping and starts no actors`);
    const cell = this.actors.start(definition, args, options, parent, wellKnown);
    this.metrics.spawned++;
    return cell.ref as unknown as Ref<M>;
  }

  /** The cell has ended: its slot may be used again. */
  release(cell: Cell): void {
    this.metrics.handledByEnded += cell.handled;
    this.actors.release(cell);
    this.deadLetters.forget(cell.ref);
    // What it leaves behind may be what held up carriers, and no run may be due that would tell them.
    if (this.receiver.isHoldingBack) this.#wake();
  }

  /** The living actor at this slot, or undefined. */
  find(slot: number, uid: number): Cell | undefined {
    return this.actors.find(slot, uid);
  }

  // Refs.

  refTo(address: Address): AnyRef {
    if (address.node === this.node && address.shard === this.shard) {
      const { slot, uid, boot } = address;
      if ((slot & ASK_SLOT_BIT) !== 0)
        return boot === this.boot ? (this.asks.find(slot, uid) ?? new GoneRef(this, address)) : new GoneRef(this, address);
      const cell = boot === this.boot || (boot === 0 && slot < WELL_KNOWN_SLOTS) ? this.find(slot, uid) : undefined;
      return cell?.ref ?? new GoneRef(this, address);
    }
    const { peers } = this;
    // A peer that names ever new places must not make this one remember them all.
    const peer = peers.isFull ? peers.find(address.node, address.shard) : peers.get(address.node, address.shard);
    return peer === undefined ? new GoneRef(this, address) : new RemoteRef(peer, address.boot, address.slot, address.uid);
  }

  /** A well-known actor of this node's main thread, or of the place given. */
  wellKnown(slot: number, place: Place = { node: this.node, shard: MAIN_SHARD }): AnyRef {
    return this.refTo({ node: place.node, shard: place.shard, boot: 0, slot, uid: 0 });
  }

  // Links.

  markDirty(link: Link): void {
    link.dirty = true;
    this.#dirty.push(link);
    this.#wake();
  }

  resumeTransport(): void {
    this.peers.transport?.resume();
  }

  closeTransport(done: () => void): void {
    if (this.peers.transport === null) done();
    else this.peers.transport.close(done);
  }

  // Asks and answers.

  deadlineIn(ms: number): number {
    return (this.current === null ? this.doors.clock.now() : this.now) + ms;
  }

  /** Asks on behalf of the current actor, or from outside. Errors, thrown: INVALID_ARGUMENT, and what `make` throws; all others go to `sink`. */
  ask<R>(ref: AnyRef, make: (replyTo: Ref<R>) => unknown, options: AskOptions, sink: AskSink<R>): void {
    sendAsk(this, ref, make, options, sink);
  }

  askPromise<R>(ref: AnyRef, make: (replyTo: Ref<R>) => unknown, options: AskOptions): Promise<R> {
    return askPromise(this, ref, make, options);
  }

  /** A `tell` of the current actor came to nothing. */
  refused(ref: AnyRef, verdict: Verdict): void {
    tellRefused(this, ref, verdict);
  }

  #tellFromNobody(ref: AnyRef, message: unknown): void {
    const { current } = this;
    this.current = null;
    (ref as unknown as BoundRef).offer(message, BACKGROUND, 0, NOBODY_SLOT, 0);
    this.current = current;
  }

  // Timers.

  setTimer(timer: Timer, at: number): void {
    this.#timers.set(timer, at);
    this.timersChanged();
  }

  cancelTimer(timer: Timer): void {
    this.#timers.remove(timer);
  }

  charge(us: number): void {
    this.onCharge?.(us);
  }

  // The loop.

  enqueue(cell: Cell, lane: Lane): void {
    this.#queue.push(cell, lane);
    if (!this.#isAwake) this.#wake();
  }

  sliceIsOver(): boolean {
    this.#readClock();
    return this.now >= this.#sliceEnd;
  }

  /** Same, but looks at the clock only every few calls. */
  sliceMayBeOver(): boolean {
    return this.now >= this.#sliceEnd || ((++this.#sliceTick & (SLICE_TICKS - 1)) === 0 && this.sliceIsOver());
  }

  /** One go: what is due, turns until nothing is ready or the slice is over, what these left to do, then one flush per link. */
  run(): void {
    this.#isAwake = true;
    this.#isRunning = true;
    this.metrics.runs++;
    this.deadLetters.startRun();
    this.#readClock();
    this.asks.expire(this.now);
    for (let timer = this.#timers.takeDue(this.now); timer !== undefined; timer = this.#timers.takeDue(this.now)) timer.fire();
    this.#turns();
    this.timers.run();
    this.#flush();
    this.receiver.endRun();
    this.#isRunning = false;
    this.#isAwake = false;
    if (!this.#queue.isEmpty || this.#dirty.length > 0 || this.timers.hasWaiting) this.#wake();
    else this.timersChanged();
  }

  #turns(): void {
    this.#sliceEnd = this.now + this.options.sliceMs;
    const { turnsPerRun } = this.options;
    for (let turns = 1; ; turns++) {
      const cell = this.#queue.take(this.pick);
      if (cell === undefined) return;
      if (cell.state === ENDED) continue;
      const wait = this.now - cell.readyAt;
      this.metrics.queueWait.addMs(wait);
      // An actor that is only being started has kept no message waiting, and stays as small as it is idle.
      const isMeasured = cell.readyLanes !== 0;
      if (isMeasured) cell.turns++;
      // Most turns come within the run in which the actor became ready, and so under one reading of the clock.
      if (isMeasured && wait > 0) timesOf(cell).addWait(wait);
      if ((turns & (CLOCK_TURNS - 1)) !== 0) {
        cell.turn();
      } else {
        this.#readClock();
        const before = this.now;
        cell.turn();
        this.#readClock();
        this.metrics.turnTime.addMs(this.now - before);
        if (isMeasured) timesOf(cell).addTurn(this.now - before);
      }
      if (turns >= turnsPerRun || this.now >= this.#sliceEnd) return;
    }
  }

  #readClock(): void {
    this.now = this.doors.clock.now();
    this.recorder.nowMs = this.now;
  }

  #flush(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const link of dirty) {
      link.dirty = false;
      link.flush();
    }
  }

  #wake(): void {
    if (this.#isAwake || this.#isRunning) return;
    this.#isAwake = true;
    // Whoever becomes ready now has not been waiting since the run before.
    this.#readClock();
    this.doors.loop.wake();
  }

  /** The earliest timer or deadline may have moved. */
  timersChanged(): void {
    if (this.#isAwake || this.#isRunning) return;
    this.doors.loop.wakeAt(Math.min(this.#timers.nextAt(), this.asks.nextAt()));
  }

  stats(): ShardStats {
    return shardStats(this);
  }
}

function timesOf(cell: Cell): ActorTimes {
  cell.times ??= new ActorTimes();
  return cell.times;
}
