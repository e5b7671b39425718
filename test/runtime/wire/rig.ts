/** Rig: transports with their events and logs recorded, over the fake network or over real loopback sockets. */
import type { ExecutionContext } from 'ava';
import { MAIN_SHARD, type Place, placeName } from '../../../runtime/address.ts';
import { viewOf } from '../../../runtime/bytes.ts';
import { BULK_CLASS, type LaneClass, REQUEST } from '../../../runtime/lanes.ts';
import type { Link, LinkEvents, Tasks } from '../../../runtime/link.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { realClock } from '../../../runtime/real/clock.ts';
import { TcpNetwork } from '../../../runtime/real/tcp-network.ts';
import {
  beginFrame,
  checkFrame,
  endFrame,
  FRAME_HEADER_BYTES,
  KIND_TELL,
  NO_DEADLINE,
  protocolError,
} from '../../../runtime/wire/frame.ts';
import type { Listener, Network } from '../../../runtime/wire/network.ts';
import type { TcpLimits } from '../../../runtime/wire/tcp-limits.ts';
import { TcpTransport } from '../../../runtime/wire/tcp-transport.ts';
import { RecordingLog } from '../recording-log.ts';
import { FakeNetwork, ManualClock } from './fake-network.ts';

export interface World {
  readonly tasks: Tasks;
  network(): Network;
  /** Runs until `condition` holds; the test fails when it does not. */
  until(condition: () => boolean, what: string): Promise<void>;
}

export class RecordingEvents implements LinkEvents {
  congested = false;
  /** Request ids per link, in the order they came. */
  readonly received = new Map<string, number[]>();
  readonly ups: string[] = [];
  readonly downs: { link: string; reason: string; lostFrames: number }[] = [];
  readonly placesDown: { place: string; boot: number; reason: string }[] = [];
  readonly drained: string[] = [];
  bytesReceived = 0;
  /** Called with each frame's request id. */
  onId: (id: number, link: Link) => void = () => {};

  onFrames(link: Link, buffer: Buffer, start: number, end: number): void {
    const view = viewOf(buffer);
    const ids = this.ids(link.place, link.laneClass);
    let at = start;
    while (at < end) {
      const next = checkFrame(view, at, end);
      const id = view.getUint32(at + 31);
      if (id === POISON_ID) throw protocolError('poison');
      ids.push(id);
      this.onId(id, link);
      at = next;
    }
    this.bytesReceived += end - start;
  }

  onLinkUp(link: Link): void {
    this.ups.push(linkName(link));
  }

  onLinkDown(link: Link, reason: string, lostFrames: number): void {
    this.downs.push({ link: linkName(link), reason, lostFrames });
  }

  onLinkDrained(link: Link): void {
    link.hasWaiters = false;
    this.drained.push(linkName(link));
  }

  onPlaceDown(place: Place, boot: number, reason: string): void {
    this.placesDown.push({ place: placeName(place), boot, reason });
  }

  ids(place: Place, laneClass: LaneClass): number[] {
    const key = `${placeName(place)}:${laneClass}`;
    const known = this.received.get(key);
    if (known !== undefined) return known;
    const made: number[] = [];
    this.received.set(key, made);
    return made;
  }
}

/** A frame with this request id is refused by the events as broken. */
export const POISON_ID = 0xdead_beef;

export interface NodeOptions {
  readonly node: string;
  readonly shard?: number;
  readonly boot?: number;
  readonly cluster?: string;
  readonly limits?: Partial<TcpLimits>;
  /** Default true. */
  readonly listens?: boolean;
  readonly port?: number;
}

export class TestNode {
  readonly place: Place;
  readonly events = new RecordingEvents();
  readonly log = new RecordingLog();
  readonly transport: TcpTransport;
  port = 0;
  #closed = false;

  constructor(world: World, options: NodeOptions) {
    this.place = { node: options.node, shard: options.shard ?? 0 };
    this.transport = new TcpTransport({
      cluster: options.cluster ?? 'test',
      ...this.place,
      boot: options.boot ?? 1,
      network: world.network(),
      events: this.events,
      tasks: world.tasks,
      random: new SeededRandom(`${options.node}/${options.boot ?? 1}`),
      log: this.log,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    });
  }

  static async start(world: World, options: NodeOptions): Promise<TestNode> {
    const node = new TestNode(world, options);
    if (options.listens === false) return node;
    let result: Listener | Error | null = null;
    node.transport.listen('127.0.0.1', options.port ?? 0, (r) => {
      result = r;
    });
    await world.until(() => result !== null, 'listening');
    if ((result as unknown) instanceof Error) throw result as unknown as Error;
    node.port = (result as unknown as Listener).port;
    return node;
  }

  knows(other: TestNode): void {
    const ports: number[] = [];
    const { node, shard } = other.place;
    ports[shard === MAIN_SHARD ? 0 : shard + 1] = other.port;
    this.transport.introduce({ node, host: '127.0.0.1', ports: Array.from(ports, (port) => port ?? 0) });
  }

  link(to: TestNode | Place, laneClass: LaneClass = BULK_CLASS): Link {
    return this.transport.link('place' in to ? to.place : to, laneClass);
  }

  /** Sends one frame per id. Returns how many the link took. */
  send(to: TestNode | Place, ids: readonly number[], laneClass: LaneClass = BULK_CLASS, payloadBytes = 1): number {
    const link = this.link(to, laneClass);
    let taken = 0;
    for (const id of ids) if (putFrame(link, id, payloadBytes)) taken++;
    link.flush();
    return taken;
  }

  received(from: TestNode | Place, laneClass: LaneClass = BULK_CLASS): number[] {
    return this.events.ids('place' in from ? from.place : from, laneClass);
  }

  reasons(event: string): string[] {
    const lines = this.log.lines.filter((line) => line.event === event);
    return lines.map(({ fields }) => `${String(fields.code ?? '')} ${String(fields.reason)}`.trim());
  }

  async close(world: World): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    let done = false;
    this.transport.close(() => {
      done = true;
    });
    await world.until(() => done, `close of ${placeName(this.place)}`);
  }
}

/** Writes a frame of KIND_TELL whose payload is a byte string. Returns false, and marks the link, when there is no room. */
export function putFrame(link: Link, id: number, payloadBytes: number, targetSlot = 100): boolean {
  const { out } = link;
  if (!out.ensure(FRAME_HEADER_BYTES + 4 + payloadBytes)) {
    link.hasWaiters = true;
    return false;
  }
  const at = beginFrame(out, KIND_TELL, REQUEST, 0, targetSlot, 1, 0, 0, NO_DEADLINE, id);
  out.view.setUint8(out.length, 0x5a);
  out.view.setUint32(out.length + 1, payloadBytes - 1);
  out.length += 4 + payloadBytes;
  endFrame(out, at);
  link.outFrames++;
  return true;
}

export function linkName(link: Link): string {
  return `${placeName(link.place)}:${link.laneClass}`;
}

export class FakeWorld implements World {
  readonly clock = new ManualClock();
  readonly net = new FakeNetwork(this.clock);
  readonly tasks = this.clock.tasks;
  readonly #t: ExecutionContext;

  constructor(t: ExecutionContext) {
    this.#t = t;
  }

  network(): Network {
    return this.net.door;
  }

  until(condition: () => boolean, what: string): Promise<void> {
    if (!this.clock.runUntil(condition)) this.#t.fail(`did not happen: ${what}`);
    return Promise.resolve();
  }
}

/** How long a real step may take before the test is given up: no assertion about speed. */
const PATIENCE_MS = 20_000;

export class RealWorld implements World {
  readonly tasks: Tasks = {
    now: () => performance.now(),
    after: (ms, task) => Object.assign(setTimeout(task, ms), { at: performance.now() + ms }),
    cancel: (handle) => clearTimeout(handle as unknown as NodeJS.Timeout),
  };
  readonly #t: ExecutionContext;

  constructor(t: ExecutionContext) {
    this.#t = t;
  }

  network(): Network {
    return new TcpNetwork({ log: new RecordingLog(), clock: realClock() });
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (!condition()) {
      if (performance.now() > giveUpAt) return this.#t.fail(`did not happen: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}
