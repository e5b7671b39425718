/**
 * SimThread: one life of one thread of a simulated node. It has an inbox (what the poll phase would find), a virtual CPU that is busy for as
 * long as its work costs, and the runtime it drives. When the thread dies the object is dropped, with everything that was in it.
 */
import { type Place, placeName } from '../address.ts';
import type { Loop } from '../doors.ts';
import { BugError } from '../errors.ts';
import type { SeededRandom } from '../random.ts';
import type { EventTarget } from './event-heap.ts';
import { type NodeTime, SimClock } from './node-time.ts';
import { PowerLossError } from './sim-disk.ts';
import type { World } from './world.ts';

/** Takes what came in, on its own thread. */
export interface Receiver {
  take(code: number, bytes: Buffer, start: number, end: number): void;
}

/** What a thread's work costs, in virtual microseconds. */
export interface CpuOptions {
  /** Each go of the loop. Default 2. */
  readonly runUs?: number;
  /** Each message handled. Default 1. */
  readonly messageUs?: number;
}

/** The part of the runtime that the thread drives. */
export interface Driven {
  run(): void;
  /** Messages handled so far. */
  handled(): number;
  /** Frames that came in so far. */
  received(): number;
}

const IDLE: Driven = { run: () => {}, handled: () => 0, received: () => 0 };

interface Entry {
  receiver: Receiver;
  code: number;
  bytes: Buffer;
  start: number;
  end: number;
}

const NO_BYTES = Buffer.alloc(0);
const NOBODY: Receiver = { take: () => {} };
const CLOCK_BASE_MS_MAX = 10_000_000;

export class SimThread implements EventTarget, Loop {
  readonly id: number;
  readonly place: Place;
  readonly name: string;
  readonly boot: number;
  readonly world: World;
  readonly random: SeededRandom;
  readonly clock: SimClock;
  isDead = false;
  /** Factor on every cost: a slow machine. */
  slowness = 1;
  readonly #runUs: number;
  readonly #messageUs: number;
  #driven: Driven = IDLE;
  #inbox: Entry[] = Array.from({ length: 8 }, newEntry);
  #head = 0;
  #length = 0;
  #busyUntilUs = 0;
  /** Time of the one event that counts; others in the heap are stale. */
  #runAtUs = Number.POSITIVE_INFINITY;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #awake = false;
  #running = false;
  /** What the present run has cost so far. */
  #elapsedUs = 0;
  /** Faults that hold it. */
  #freezes = 0;

  constructor(world: World, place: Place, boot: number, time: NodeTime, cpu: CpuOptions) {
    this.id = world.newId();
    this.world = world;
    this.place = place;
    this.name = placeName(place);
    this.boot = boot;
    this.random = world.random.fork(`thread:${this.name}@${boot}`);
    const baseMs = this.random.fork('clock').below(CLOCK_BASE_MS_MAX);
    this.clock = new SimClock(time, baseMs, () => this.nowUs);
    this.#runUs = cpu.runUs ?? 2;
    this.#messageUs = cpu.messageUs ?? 1;
  }

  /** World time as this thread sees it: within a run its own work has taken time. */
  get nowUs(): number {
    return this.world.nowUs + this.#elapsedUs;
  }

  get isFrozen(): boolean {
    return this.#freezes > 0;
  }

  drive(driven: Driven): void {
    this.#driven = driven;
  }

  wake(): void {
    this.#awake = true;
    const { running } = this.world;
    if (running !== undefined && running !== this) {
      throw new BugError(`${this.name} was reached directly by an actor of another thread: a ref must come by a message or as an argument`);
    }
    if (!this.#running) this.#runAt(this.world.nowUs);
  }

  wakeAt(atMs: number): void {
    this.#wakeAtMs = atMs;
    if (!this.#running) this.#runAtTimer();
  }

  /** Puts something into the inbox; the thread takes it when it gets to it. */
  post(receiver: Receiver, code: number, bytes: Buffer = NO_BYTES, start = 0, end = 0): void {
    if (this.isDead) return;
    if (this.#length === this.#inbox.length) this.#grow();
    const entry = this.#inbox[(this.#head + this.#length) & (this.#inbox.length - 1)] as Entry;
    this.#length++;
    entry.receiver = receiver;
    entry.code = code;
    entry.bytes = bytes;
    entry.start = start;
    entry.end = end;
    if (!this.#running) this.#runAt(this.world.nowUs);
  }

  /** Runs `task` on this thread, `afterMs` from now or later; never when the thread dies before. For simulated doors. */
  readonly schedule = (afterMs: number, task: () => void): void => {
    const receiver: Receiver = { take: task };
    const later: EventTarget = { id: this.id, fire: () => this.post(receiver, 0) };
    this.world.schedule(this.nowUs + afterMs * 1000, later, 0);
  };

  /** The work at hand costs `us` more. */
  charge(us: number): void {
    if (this.#running) this.#elapsedUs += Math.round(us * this.slowness);
  }

  /** Stops the thread where it is; what comes in waits. Holds until `thaw` was called as often. */
  freeze(): void {
    this.#freezes++;
  }

  /** Goes on: everything that has come in, and every timer that has come due, at once. */
  thaw(): void {
    if (--this.#freezes > 0) return;
    this.#runAtUs = Number.POSITIVE_INFINITY;
    this.#runAt(this.world.nowUs);
  }

  /** The rate of the node's clock has changed: timers come due at other times. */
  clockChanged(): void {
    if (this.#running) return;
    this.#runAtUs = Number.POSITIVE_INFINITY;
    if (this.#awake || this.#length > 0) this.#runAt(this.world.nowUs);
    else this.#runAtTimer();
  }

  die(): void {
    this.isDead = true;
    this.#inbox = [];
    this.#length = 0;
    this.#driven = IDLE;
  }

  fire(atUs: number): void {
    if (this.isDead || atUs !== this.#runAtUs) return;
    this.#runAtUs = Number.POSITIVE_INFINITY;
    if (this.isFrozen) return;
    if (this.world.nowUs < this.#busyUntilUs) return this.#runAt(this.#busyUntilUs);
    // The timer that this event was for may have been moved.
    if (this.#length === 0 && !this.#awake && this.clock.now() < this.#wakeAtMs) return this.#runAtTimer();
    this.#run();
    if (this.isDead) return;
    if (this.#awake || this.#length > 0) this.#runAt(this.#busyUntilUs);
    else this.#runAtTimer();
  }

  #run(): void {
    this.#running = true;
    this.world.running = this;
    this.#elapsedUs = 0;
    if (this.clock.now() >= this.#wakeAtMs) this.#wakeAtMs = Number.POSITIVE_INFINITY;
    const driven = this.#driven;
    const handledBefore = driven.handled();
    const receivedBefore = driven.received();
    try {
      let left = this.#length === 0 ? 0 : this.world.scheduler.take(this.#length);
      while (left-- > 0 && !this.isDead) this.#takeOne();
      // What came in has asked for this run; only what is asked for from now on needs another.
      this.#awake = false;
      if (!this.isDead) driven.run();
    } catch (error) {
      // Whatever an actor throws its supervisor takes; what gets here would have ended the real thread. Where a machine loses its power within a call of this thread to the disk, that has.
      if (!(error instanceof PowerLossError))
        this.world.fail('thread crashed', `${this.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    const handled = driven.handled() - handledBefore;
    this.world.messages += driven.received() - receivedBefore;
    const costUs = this.#elapsedUs + (this.#runUs + handled * this.#messageUs) * this.slowness;
    this.#busyUntilUs = this.world.nowUs + Math.ceil(costUs);
    this.#elapsedUs = 0;
    this.#running = false;
    this.world.running = undefined;
    this.world.hash.add(handled);
  }

  #takeOne(): void {
    const entry = this.#inbox[this.#head] as Entry;
    this.#head = (this.#head + 1) & (this.#inbox.length - 1);
    this.#length--;
    const { receiver, code, bytes, start, end } = entry;
    entry.receiver = NOBODY;
    entry.bytes = NO_BYTES;
    receiver.take(code, bytes, start, end);
  }

  #runAtTimer(): void {
    if (this.#wakeAtMs !== Number.POSITIVE_INFINITY) this.#runAt(this.clock.worldUs(this.#wakeAtMs));
  }

  #runAt(atUs: number): void {
    const at = Math.max(atUs, this.#busyUntilUs, this.world.nowUs);
    if (at >= this.#runAtUs) return;
    this.#runAtUs = at;
    this.world.schedule(at, this, at);
  }

  #grow(): void {
    const old = this.#inbox;
    const mask = old.length - 1;
    const grown: Entry[] = [];
    for (let i = 0; i < old.length; i++) grown.push(old[(this.#head + i) & mask] as Entry);
    for (let i = 0; i < old.length; i++) grown.push(newEntry());
    this.#inbox = grown;
    this.#head = 0;
  }
}

function newEntry(): Entry {
  return { receiver: NOBODY, code: 0, bytes: NO_BYTES, start: 0, end: 0 };
}
