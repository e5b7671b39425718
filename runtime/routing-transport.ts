/** The transport of one thread of a node: other threads by shared memory or ports, other nodes by TCP. */
import type { Place } from './address.ts';
import type { LaneClass } from './lanes.ts';
import type { Link, Transport } from './link.ts';

export class RoutingTransport implements Transport {
  readonly #node: string;
  readonly #threads: Transport;
  readonly #tcp: Transport;

  constructor(node: string, threads: Transport, tcp: Transport) {
    this.#node = node;
    this.#threads = threads;
    this.#tcp = tcp;
  }

  link(place: Place, laneClass: LaneClass): Link {
    return place.node === this.#node ? this.#threads.link(place, laneClass) : this.#tcp.link(place, laneClass);
  }

  resume(): void {
    this.#threads.resume();
    this.#tcp.resume();
  }

  /** Machines first: what they still send may be meant for another thread. */
  close(done: () => void): void {
    this.#tcp.close(() => this.#threads.close(done));
  }
}
