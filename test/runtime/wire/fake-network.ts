/**
 * FakeNetwork: byte streams in memory on a clock that the test moves. It delays, cuts into pieces, holds back, loses and breaks what
 * goes through it as TCP may, and nothing else: bytes of one direction never change order.
 */
import type { Random } from '../../../runtime/doors.ts';
import type { Tasks } from '../../../runtime/link.ts';
import { TimerQueue, TimerTasks } from '../../../runtime/timers.ts';
import type { ByteStream, Listener, Network, StreamHandler } from '../../../runtime/wire/network.ts';

export class ManualClock {
  readonly tasks: Tasks;
  readonly #timers = new TimerQueue();
  #now = 0;

  constructor() {
    this.tasks = new TimerTasks(
      this.#timers,
      () => this.#now,
      () => {},
    );
  }

  get now(): number {
    return this.#now;
  }

  /** Fires the earliest timer, at its time. Returns false when there is none until `untilMs`. */
  step(untilMs: number): boolean {
    const at = this.#timers.nextAt();
    if (at > untilMs) return false;
    this.#now = Math.max(this.#now, at);
    this.#timers.takeDue(this.#now)?.fire();
    return true;
  }

  runFor(ms: number): void {
    const until = this.#now + ms;
    while (this.step(until));
    this.#now = until;
  }

  /** Runs until `condition` holds, at most `withinMs` of its own time. Returns whether it holds. */
  runUntil(condition: () => boolean, withinMs = 60_000): boolean {
    const until = this.#now + withinMs;
    while (!condition()) if (!this.step(until)) return condition();
    return true;
  }

  /** Time passes without any timer's firing, as for a process that was stopped. */
  stall(ms: number): void {
    this.#now += ms;
  }
}

export class FakeNetwork {
  /** Largest piece handed to a receiver at a time. */
  pieceBytes = 65_536;
  /** Bytes under way in one direction before the sender is held up. */
  windowBytes = 65_536;
  /** Of each event, in each direction. */
  latencyMs: () => number = () => 1;
  /** Ports that neither accept nor refuse. */
  readonly silentPorts = new Set<number>();
  /** Both ends of every connection ever made, dialler first. */
  readonly pairs: (readonly [FakeStream, FakeStream])[] = [];
  readonly tasks: Tasks;
  readonly #listeners = new Map<number, (stream: ByteStream) => void>();
  #port = 1000;

  constructor(clock: ManualClock) {
    this.tasks = clock.tasks;
  }

  /** The door of one host. All hosts share the ports, so that each port is one place. */
  readonly door: Network = {
    listen: (host, asked, accept, ready) => {
      const port = asked === 0 ? ++this.#port : asked;
      const taken = this.#listeners.has(port);
      if (!taken) this.#listeners.set(port, accept);
      const listener: Listener = { port, close: () => this.#listeners.delete(port) };
      this.tasks.after(0, () => ready(taken ? new Error(`cannot listen on ${host}:${port}: address in use`) : listener));
    },
    connect: (host, port) => {
      const dialler = new FakeStream(this);
      const acceptor = new FakeStream(this);
      dialler.peer = acceptor;
      acceptor.peer = dialler;
      this.pairs.push([dialler, acceptor]);
      this.tasks.after(this.latencyMs(), () => {
        if (this.silentPorts.has(port) || dialler.closed) return;
        const accept = this.#listeners.get(port);
        if (accept === undefined) return dialler.finish(`${host}:${port}: connection refused`);
        dialler.isOpen = true;
        acceptor.isOpen = true;
        accept(acceptor);
        dialler.later(() => dialler.handler.onConnect());
      });
      return dialler;
    },
  };

  /** Pairs of which neither end is closed. */
  open(): (readonly [FakeStream, FakeStream])[] {
    return this.pairs.filter(([a, b]) => a.isOpen && !a.closed && !b.closed);
  }

  /** Both ends break, and what was under way is lost. */
  reset(pair: readonly [FakeStream, FakeStream]): void {
    for (const end of pair) end.break('reset by the peer');
  }

  /** Nothing gets through any more, in either direction, and nobody is told. */
  cut(pair: readonly [FakeStream, FakeStream]): void {
    for (const end of pair) end.isCut = true;
  }
}

interface Piece {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;
}

export class FakeStream implements ByteStream {
  handler: StreamHandler = { onConnect() {}, onData() {}, onDrain() {}, onClose() {} };
  peer!: FakeStream;
  isOpen = false;
  isCut = false;
  closed = false;
  /** The application behind this end doesn't read, whatever its owner wants. */
  isDeaf = false;
  readonly #network: FakeNetwork;
  /** Written here and not yet under way. */
  readonly #queued: Piece[] = [];
  /** Arrived here and not yet read. */
  readonly #arrived: Buffer[] = [];
  #underWay = 0;
  #blocked = false;
  #paused = false;
  #ended = false;
  #peerEnded: string | null = null;
  #lastArrival = 0;

  constructor(network: FakeNetwork) {
    this.#network = network;
  }

  /** Bytes that `write` has not got rid of. */
  get queuedBytes(): number {
    return this.#queued.reduce((sum, piece) => sum + piece.end - piece.at, 0);
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    if (this.closed || this.#ended) return true;
    this.#queued.push({ bytes, at: start, end });
    this.#pump();
    if (this.#queued.length === 0) return true;
    this.#blocked = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.later(() => this.#read());
  }

  end(): void {
    if (this.#ended || this.closed) return;
    this.#ended = true;
    this.#pump();
  }

  destroy(reason: string): void {
    if (this.closed) return;
    this.#queued.length = 0;
    this.#ended = true;
    this.#toPeer(() => this.peer.#onPeerEnd('closed by the peer'));
    this.finish(reason);
  }

  /** As `destroy`, without anybody's doing and at once. */
  break(reason: string): void {
    this.isCut = true;
    this.finish(reason);
  }

  /** This end is closed, and its owner is told later. */
  finish(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.#network.tasks.after(0, () => this.handler.onClose(reason));
  }

  later(task: () => void): void {
    this.#network.tasks.after(0, () => {
      if (!this.closed) task();
    });
  }

  /** Puts as much under way as the window allows. */
  #pump(): void {
    for (;;) {
      const piece = this.#queued[0];
      if (piece === undefined) break;
      const room = this.#network.windowBytes - this.#underWay;
      const count = Math.min(piece.end - piece.at, room, this.#network.pieceBytes);
      if (count <= 0) return;
      const copy = Buffer.from(piece.bytes.subarray(piece.at, piece.at + count));
      piece.at += count;
      if (piece.at === piece.end) this.#queued.shift();
      this.#underWay += count;
      this.#toPeer(() => this.peer.#onArrival(copy));
    }
    if (this.#blocked) {
      this.#blocked = false;
      this.later(() => this.handler.onDrain());
    }
    if (this.#ended && !this.closed) this.#toPeer(() => this.peer.#onPeerEnd('closed by the peer'));
  }

  /** In order, after the latency, if the way is open then. */
  #toPeer(task: () => void): void {
    const { tasks } = this.#network;
    this.#lastArrival = Math.max(this.#lastArrival, tasks.now() + this.#network.latencyMs());
    tasks.after(this.#lastArrival - tasks.now(), () => {
      if (!this.isCut && !this.peer.closed) task();
    });
  }

  #onArrival(bytes: Buffer): void {
    this.#arrived.push(bytes);
    this.#read();
  }

  #onPeerEnd(reason: string): void {
    this.#peerEnded = reason;
    this.#read();
  }

  #read(): void {
    while (!this.#paused && !this.isDeaf && !this.closed) {
      const bytes = this.#arrived.shift();
      if (bytes === undefined) break;
      this.peer.#underWay -= bytes.length;
      if (!this.peer.closed) this.peer.later(() => this.peer.#pump());
      this.handler.onData(bytes, 0, bytes.length);
    }
    if (this.#peerEnded === null || this.#arrived.length > 0 || this.closed) return;
    const reason = this.#peerEnded;
    this.finish(reason);
    if (!this.peer.closed) this.peer.later(() => this.peer.finish('closed'));
  }
}

/** Latencies from `minMs` to `maxMs`, so that what goes through different connections changes order. */
export function randomLatency(random: Random, minMs: number, maxMs: number): () => number {
  return () => minMs + random.float() * (maxMs - minMs);
}
