/** SocketHub: the simulated network of byte streams, for actors and for the transport of the fidelity 'bytes': who listens where, and which connections there are. The host of a node is its name. */
import { type Place, placeName } from '../address.ts';
import type { ByteStream, Listener, Network } from '../wire/network.ts';
import type { Conditions } from './conditions.ts';
import type { DeathKind } from './fabric.ts';
import { SimStream } from './sim-stream.ts';
import type { SimThread } from './sim-thread.ts';

interface Listening {
  readonly thread: SimThread;
  readonly accept: (stream: ByteStream) => void;
}

const EPHEMERAL_PORT = 49_152;

export class SocketHub {
  readonly #conditions: Conditions;
  readonly #windowBytes: number;
  readonly #listening = new Map<string, Listening>();
  readonly #streams = new Set<SimStream>();
  /** Places whose machine is off. */
  readonly #silent = new Set<string>();
  #ports = EPHEMERAL_PORT;

  constructor(conditions: Conditions, windowBytes: number) {
    this.#conditions = conditions;
    this.#windowBytes = windowBytes;
  }

  /** The network door of one thread. */
  networkOf(thread: SimThread): Network {
    this.#silent.delete(thread.name);
    return {
      listen: (host, port, accept, ready) => {
        const bound = port === 0 ? ++this.#ports : port;
        const key = `${host}:${bound}`;
        const taken = this.#listening.get(key);
        const isTaken = taken !== undefined && !taken.thread.isDead;
        if (!isTaken) this.#listening.set(key, { thread, accept });
        const listener: Listener = { port: bound, close: () => this.#listening.delete(key) };
        thread.post({ take: () => ready(isTaken ? new Error(`cannot listen on ${key}: address in use`) : listener) }, 0);
      },
      connect: (host, port) => this.#connect(thread, host, port),
    };
  }

  isSilent(place: Place): boolean {
    return this.#silent.has(placeName(place));
  }

  unplug(thread: SimThread, kind: DeathKind): void {
    if (kind === 'silent') this.#silent.add(thread.name);
    for (const stream of this.#streams) if (stream.thread === thread) stream.died(kind === 'silent');
    for (const [key, listening] of this.#listening) if (listening.thread === thread) this.#listening.delete(key);
  }

  /** Breaks all connections between two nodes. */
  reset(a: string, b: string): void {
    for (const stream of this.#streams) {
      const { from, to } = stream.path;
      if ((from === a && to === b) || (from === b && to === a)) stream.reset();
    }
  }

  #connect(thread: SimThread, host: string, port: number): SimStream {
    this.#forgetOver();
    const there = this.#conditions.path(thread.place.node, host);
    const back = this.#conditions.path(host, thread.place.node);
    const near = new SimStream(this, thread, there, this.#windowBytes, undefined);
    const target = this.#listening.get(`${host}:${port}`);
    if (target === undefined) {
      // A machine that is off answers nothing, one that is on refuses; who waits for the former needs a timeout of its own.
      const isOff = [...this.#silent].some((name) => name.startsWith(`${host}/`));
      if (!isOff && !there.isBlocked && !back.isBlocked)
        near.refuse(`${host}:${port}: connection refused`, there.delayUs(0) + back.delayUs(0));
      return near;
    }
    const far = new SimStream(this, target.thread, back, this.#windowBytes, target.accept);
    this.#streams.add(near);
    this.#streams.add(far);
    SimStream.join(near, far);
    return near;
  }

  #forgetOver(): void {
    for (const stream of this.#streams) {
      if (!stream.isForgotten) continue;
      this.#streams.delete(stream);
      stream.forget();
    }
  }
}
