/** SimLink: the link of the fidelity 'frames', and of the ports between threads in both. What happens to it is in `sim-transport.ts`. */
import type { Place } from '../address.ts';
import { OutBuffer } from '../bytes.ts';
import type { LaneClass } from '../lanes.ts';
import type { Link, TaskHandle } from '../link.ts';
import type { SimCarrier } from './sim-carrier.ts';

/** A new out-buffer's size: small, since a simulated cluster has very many. */
const OUT_INITIAL_BYTES = 1024;

/** What is known of a place that is, or was, connected. */
export interface PeerState {
  readonly place: Place;
  /** Highest boot met; 0 before. */
  boot: number;
  /** Links up. */
  up: number;
  /** Runs while no link is up and somebody wants one. */
  outage: TaskHandle | undefined;
  /** It was said to be unreachable, or down. */
  isDeclared: boolean;
}

export class SimLink implements Link {
  readonly peer: PeerState;
  readonly laneClass: LaneClass;
  readonly out: OutBuffer;
  outFrames = 0;
  dirty = false;
  hasWaiters = false;
  index = -1;
  /** What carries it, or is to; undefined while nothing is tried. */
  carrier: SimCarrier | undefined;
  /** There was a connection to the present boot. */
  wasUp = false;
  /** Failed tries to connect in a row. */
  failures = 0;
  retry: TaskHandle | undefined;
  /** Set while frames wait for a connection. */
  hold: TaskHandle | undefined;
  /** Frames that came while the runtime was congested. */
  readonly waiting: { readonly bytes: Buffer; readonly start: number; readonly end: number }[] = [];
  readonly #flush: (link: SimLink) => void;

  constructor(peer: PeerState, laneClass: LaneClass, outBytesMax: number, flush: (link: SimLink) => void) {
    this.peer = peer;
    this.laneClass = laneClass;
    this.out = new OutBuffer(OUT_INITIAL_BYTES, outBytesMax);
    this.#flush = flush;
  }

  get place(): Place {
    return this.peer.place;
  }

  get peerBoot(): number {
    return this.peer.boot;
  }

  get isUp(): boolean {
    return this.carrier !== undefined && this.carrier.state === 'up';
  }

  flush(): void {
    this.#flush(this);
  }
}
