/** Fabric: what the transports of a simulated world are plugged into. It knows which threads live, and what became of those that do not. */
import { type Place, placeName } from '../address.ts';
import type { LaneClass } from '../lanes.ts';
import { Conditions, type LinkQuality, type Path } from './conditions.ts';
import { type CarrierOwner, CLOSED, SimCarrier } from './sim-carrier.ts';
import type { SimThread } from './sim-thread.ts';
import type { SimTransport } from './sim-transport.ts';
import type { World } from './world.ts';

interface Plugged {
  readonly thread: SimThread;
  readonly transport: SimTransport;
}

/** How a machine goes: its kernel resets its connections (process gone), or nothing is heard of it again (power gone). */
export type DeathKind = 'reset' | 'silent';

/** A reset is noticed when the survivor next sends something: at its next ping at the latest. */
const NOTICE_US_MAX = 1_000_000;
/** How long a node takes to tell its threads that one of them died. */
const LOCAL_NOTICE_US = 1000;

export class Fabric {
  readonly conditions: Conditions;
  readonly #world: World;
  /** Ways between the threads of one node. */
  readonly #ports: Conditions;
  readonly #peerTimeoutMs: number;
  readonly #plugged = new Map<string, Plugged>();
  /** Places whose machine is off: packets to them vanish. */
  readonly #silent = new Set<string>();
  readonly #carriers = new Set<SimCarrier>();
  /** Boots of places that have lived. */
  readonly #boots = new Map<string, number>();

  constructor(world: World, quality: LinkQuality, portQuality: LinkQuality, peerTimeoutMs: number) {
    this.#world = world;
    this.#peerTimeoutMs = peerTimeoutMs;
    this.conditions = new Conditions(world.random.fork('network'), quality);
    this.#ports = new Conditions(world.random.fork('ports'), portQuality);
  }

  plug(thread: SimThread, transport: SimTransport): void {
    this.#plugged.set(thread.name, { thread, transport });
    this.#silent.delete(thread.name);
    this.#boots.set(thread.name, thread.boot);
    for (const other of this.#plugged.values()) {
      if (other.thread !== thread && other.thread.place.node === thread.place.node) other.transport.localStarted(thread.place);
    }
    // Whoever still believes in a connection to an earlier life learns better from the new one's kernel.
    for (const carrier of this.#carriers) {
      if (carrier.thread.isDead && carrier.thread.name === thread.name) this.#resetOther(carrier, NOTICE_US_MAX);
    }
  }

  isPlugged(place: Place): boolean {
    return this.#plugged.has(placeName(place));
  }

  /** Boot of the last life of a place; 0 when it never lived. */
  lastBoot(place: Place): number {
    return this.#boots.get(placeName(place)) ?? 0;
  }

  /**
   * Makes a connection. 'refused': nobody is there, and says so. 'lost': no answer comes. 'down': a thread of this node that is
   * not running; `localStarted` tells when it is.
   */
  connect(thread: SimThread, owner: CarrierOwner, place: Place, laneClass: LaneClass): SimCarrier | 'refused' | 'lost' | 'down' {
    this.#forgetClosed();
    const target = this.#plugged.get(placeName(place));
    const isLocal = place.node === thread.place.node;
    if (target === undefined && isLocal) return 'down';
    const there = this.#path(thread.place, place);
    const back = this.#path(place, thread.place);
    if (there.isBlocked || back.isBlocked || this.#silent.has(placeName(place))) return 'lost';
    if (target === undefined) return 'refused';
    const near = new SimCarrier(thread, owner, place, laneClass, there, this.#peerTimeoutMs, 'dialling');
    const far = new SimCarrier(target.thread, target.transport, thread.place, laneClass, back, this.#peerTimeoutMs, 'accepting');
    SimCarrier.join(near, far);
    this.#carriers.add(near);
    this.#carriers.add(far);
    return near;
  }

  /** The thread is dead: its connections end, each in the way that its other end will notice. */
  unplug(thread: SimThread, kind: DeathKind): void {
    this.#plugged.delete(thread.name);
    if (kind === 'silent') this.#silent.add(thread.name);
    for (const carrier of this.#carriers) {
      if (carrier.thread !== thread || carrier.state === 'closed') continue;
      if (carrier.isLocal) this.#resetOther(carrier, LOCAL_NOTICE_US);
      else if (kind === 'reset') carrier.say(CLOSED);
      carrier.close();
      carrier.other.out.clear();
    }
  }

  /** Breaks all connections between two nodes; what was under way is lost. Both ends learn of it. */
  reset(a: string, b: string): void {
    for (const carrier of this.#carriers) {
      const { thread, place, other } = carrier;
      if (carrier.state === 'closed' || thread.place.node !== a || place.node !== b) continue;
      carrier.out.clear();
      other.out.clear();
      carrier.say(CLOSED);
      other.say(CLOSED);
    }
  }

  /** A thread was stopped or goes on: its peers hear nothing of it, or do again. */
  threadFrozen(thread: SimThread): void {
    for (const carrier of this.#carriers) if (carrier.thread === thread && carrier.state !== 'closed') carrier.updateSilence();
  }

  #path(from: Place, to: Place): Path {
    return from.node === to.node ? this.#ports.path(from.node, to.node) : this.conditions.path(from.node, to.node);
  }

  #resetOther(carrier: SimCarrier, withinUs: number): void {
    const { other } = carrier;
    if (other.state === 'closed') return;
    const atUs = this.#world.nowUs + carrier.path.delayUs(0) + carrier.path.random.below(withinUs);
    carrier.out.send(atUs, CLOSED);
  }

  #forgetClosed(): void {
    for (const carrier of this.#carriers) {
      if (carrier.state !== 'closed' || carrier.other.state !== 'closed') continue;
      this.#carriers.delete(carrier);
      carrier.forget();
    }
  }
}
