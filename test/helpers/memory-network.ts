/**
 * MemoryNetwork: joins shard runtimes by a transport in memory. What is flushed is on its way until `deliver`; the test connects, cuts and
 * stalls connections. The bulk class waits while the receiver is congested.
 */
import { type Place, placeName } from '../../runtime/address.ts';
import { OutBuffer } from '../../runtime/bytes.ts';
import { BULK_CLASS, CONTROL_CLASS, type LaneClass } from '../../runtime/lanes.ts';
import type { Link, Transport } from '../../runtime/link.ts';
import type { ShardRuntime } from '../../runtime/shard-runtime.ts';

const CLASSES: readonly LaneClass[] = [CONTROL_CLASS, BULK_CLASS];

export class MemoryLink implements Link {
  readonly place: Place;
  readonly laneClass: LaneClass;
  readonly out: OutBuffer;
  readonly owner: MemoryTransport;
  peerBoot = 0;
  outFrames = 0;
  dirty = false;
  hasWaiters = false;
  index = -1;
  isUp = false;
  /** `flush` takes nothing: the carrier is full. */
  isStalled = false;
  /** Handed over and not yet delivered. */
  readonly flying: { readonly bytes: Buffer; readonly frames: number }[] = [];

  constructor(owner: MemoryTransport, place: Place, laneClass: LaneClass, outMaxBytes: number) {
    this.owner = owner;
    this.place = place;
    this.laneClass = laneClass;
    this.out = new OutBuffer(Math.min(1024, outMaxBytes), outMaxBytes);
  }

  flush(): void {
    if (!this.isUp || this.isStalled || this.out.length === 0) return;
    this.flying.push({ bytes: Buffer.from(this.out.bytes.subarray(0, this.out.length)), frames: this.outFrames });
    this.out.clear();
    this.outFrames = 0;
    if (this.hasWaiters) this.owner.runtime.receiver.onLinkDrained(this);
  }

  /** Drops what is on its way, and with `andOut` what is not yet; returns how many frames that were. */
  lose(andOut: boolean): number {
    const lost = this.flying.reduce((sum, { frames }) => sum + frames, 0) + (andOut ? this.outFrames : 0);
    this.flying.length = 0;
    if (!andOut) return lost;
    this.out.clear();
    this.outFrames = 0;
    return lost;
  }
}

export class MemoryTransport implements Transport {
  readonly runtime: ShardRuntime;
  readonly links = new Map<string, MemoryLink>();
  readonly #network: MemoryNetwork;
  resumes = 0;

  constructor(network: MemoryNetwork, runtime: ShardRuntime) {
    this.#network = network;
    this.runtime = runtime;
  }

  link(place: Place, laneClass: LaneClass): MemoryLink {
    const key = `${placeName(place)}/${laneClass}`;
    let link = this.links.get(key);
    if (link === undefined) {
      link = new MemoryLink(this, place, laneClass, this.#network.outMaxBytes);
      this.links.set(key, link);
    }
    return link;
  }

  resume(): void {
    this.resumes++;
  }

  close(done: () => void): void {
    done();
  }
}

export class MemoryNetwork {
  /** Of links made from now on. */
  outMaxBytes = 1 << 20;
  readonly #transports: MemoryTransport[] = [];

  transport(runtime: ShardRuntime): MemoryTransport {
    const transport = new MemoryTransport(this, runtime);
    this.#transports.push(transport);
    return transport;
  }

  remove(runtime: ShardRuntime): void {
    this.#transports.splice(
      this.#transports.findIndex((transport) => transport.runtime === runtime),
      1,
    );
  }

  /** The link of `from` to `to`. */
  link(from: ShardRuntime, to: ShardRuntime, laneClass: LaneClass): MemoryLink {
    return this.#of(from).link(to.place, laneClass);
  }

  connect(a: ShardRuntime, b: ShardRuntime, classes: readonly LaneClass[] = CLASSES): void {
    for (const laneClass of classes) {
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        const link = this.link(from, to, laneClass);
        link.isUp = true;
        link.peerBoot = to.boot;
        from.receiver.onLinkUp(link);
        link.flush();
      }
    }
  }

  /** Breaks the connections. `andOut`: what waits in the out-buffers is dropped as well. */
  cut(a: ShardRuntime, b: ShardRuntime, options: { readonly classes?: readonly LaneClass[]; readonly andOut?: boolean } = {}): void {
    for (const laneClass of options.classes ?? CLASSES) {
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        const link = this.link(from, to, laneClass);
        link.isUp = false;
        from.receiver.onLinkDown(link, 'cut', link.lose(options.andOut ?? false));
      }
    }
  }

  /** Hands over what is on its way. Returns whether there was anything that could be. */
  deliver(): boolean {
    let delivered = false;
    for (const transport of this.#transports) {
      for (const link of transport.links.values()) delivered = this.#deliver(transport, link) || delivered;
    }
    return delivered;
  }

  #deliver(sender: MemoryTransport, link: MemoryLink): boolean {
    const receiver = this.#transports.find(({ runtime }) => placeName(runtime.place) === placeName(link.place));
    if (receiver === undefined) return false;
    const { receiver: events } = receiver.runtime;
    const back = receiver.link(sender.runtime.place, link.laneClass);
    let delivered = false;
    while (link.flying.length > 0 && !(link.laneClass === BULK_CLASS && events.congested)) {
      const { bytes } = link.flying.shift()!;
      events.onFrames(back, bytes, 0, bytes.length);
      delivered = true;
    }
    return delivered;
  }

  #of(runtime: ShardRuntime): MemoryTransport {
    const transport = this.#transports.find((other) => other.runtime === runtime);
    if (transport === undefined) throw new Error(`no transport of ${placeName(runtime.place)}`);
    return transport;
  }
}
