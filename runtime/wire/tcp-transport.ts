/**
 * TcpTransport: the connections of one shard to the shards of other nodes, one per lane class, used both ways by whoever opened
 * them. It holds no timer but the sweep while nothing is connected, being dialled or waited for, and it knows sockets and time
 * only through its doors, so that a simulation runs it as it is.
 */
import { checkNodeName, isShardNumber, MAIN_SHARD, type Place, SHARDS_MAX } from '../address.ts';
import { OutBuffer } from '../bytes.ts';
import type { Log, Random } from '../doors.ts';
import { BugError, invalidArgument } from '../errors.ts';
import { BULK_CLASS, CONTROL_CLASS, type LaneClass, SYSTEM } from '../lanes.ts';
import type { Link, LinkEvents, TaskHandle, Tasks, Transport } from '../link.ts';
import type { NodeAddress } from '../node-address.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import { beginFrame, endFrame, FRAME_HEADER_BYTES, KIND_GOODBYE, KIND_PING, NO_DEADLINE } from './frame.ts';
import { type Hello, type Identity, type Refusal, refusal } from './handshake.ts';
import type { ByteStream, Listener, Network } from './network.ts';
import { PlaceDirectory } from './place-directory.ts';
import { QuietLog } from './quiet-log.ts';
import { Reception } from './reception.ts';
import { RemotePlace, type TcpAddress } from './remote-place.ts';
import { DEFAULT_TCP_LIMITS, type TcpLimits } from './tcp-limits.ts';
import { type LinkContext, TcpLink } from './tcp-link.ts';
import { HOST_CHARS_MAX } from './who.ts';

/** CBOR null, the payload of PING and GOODBYE. */
const NULL_ITEM = 0xf6;

export interface TcpTransportOptions {
  /** Peers of any other cluster are refused. */
  readonly cluster: string;
  readonly node: string;
  readonly shard: number;
  /** Rising with each start of this shard: peers refuse one lower than they have seen. */
  readonly boot: number;
  readonly network: Network;
  readonly events: LinkEvents;
  readonly tasks: Tasks;
  readonly random: Random;
  readonly log: Log;
  /** Called when a place that was dialled has refused this one in the handshake. */
  readonly onRefused?: ((place: Place, refusal: Refusal) => void) | undefined;
  /** Default: DEFAULT_TCP_LIMITS, field by field. */
  readonly limits?: Partial<TcpLimits>;
}

export class TcpTransport implements Transport, LinkContext {
  readonly me: Identity;
  readonly events: LinkEvents;
  readonly tasks: Tasks;
  readonly random: Random;
  readonly limits: TcpLimits;
  readonly onRefused: (place: Place, refusal: Refusal) => void;
  readonly goodbye = controlFrame(KIND_GOODBYE);
  readonly #ping = controlFrame(KIND_PING);
  readonly #network: Network;
  readonly #log: Log;
  readonly #directory: PlaceDirectory;
  readonly #reception: Reception;
  readonly #listeners: Listener[] = [];
  /** All whose stream is not gone, whatever their state. */
  readonly #connections = new Set<Connection>();
  #pausedOnes: Connection[] = [];
  #sweep: TaskHandle | null = null;
  #onClosed: (() => void) | null = null;
  #finished = false;

  constructor(options: TcpTransportOptions) {
    const { cluster, node, shard, boot, tasks, log } = options;
    checkNodeName(node);
    if (!isShardNumber(shard)) throw invalidArgument(`shard: expected 0 to 255 or ${MAIN_SHARD}, got ${String(shard)}`);
    if (!(Number.isSafeInteger(boot) && boot > 0)) throw invalidArgument(`boot: expected 1 to 2^53-1, got ${boot}`);
    this.me = { cluster, node, shard, boot };
    this.events = options.events;
    this.tasks = tasks;
    this.random = options.random;
    this.onRefused = options.onRefused ?? (() => undefined);
    this.limits = { ...DEFAULT_TCP_LIMITS, ...options.limits };
    this.#network = options.network;
    this.#log = log;
    this.#directory = new PlaceDirectory(this.limits.placesMax, (place) => this.#makePlace(place));
    this.#reception = new Reception({
      me: this.me,
      log: new QuietLog(log, tasks),
      limits: this.limits,
      admit: (connection, hello) => this.#admit(connection, hello),
    });
  }

  get closing(): boolean {
    return this.#onClosed !== null;
  }

  /** Accepts peers. `ready` gets the listener, with the port really bound, or an error that names host and port. */
  listen(host: string, port: number, ready: (result: Listener | Error) => void): void {
    const accept = (stream: ByteStream): void => this.#accept(stream);
    this.#network.listen(host, port, accept, (result) => {
      if (!(result instanceof Error)) {
        if (this.closing) result.close();
        else this.#listeners.push(result);
      }
      ready(result);
    });
  }

  /** Says where a node's shards listen; replaces what was said before. This node's own entry is what WHO is answered with. */
  introduce(address: NodeAddress): void {
    checkNodeName(address.node);
    for (const port of address.ports) {
      if (!(Number.isInteger(port) && port >= 0 && port <= 0xffff)) throw invalidArgument(`port: expected 0 to 65535, got ${port}`);
    }
    if (address.node === this.me.node) {
      this.#reception.address = checkHost(address);
      return;
    }
    for (const home of this.#directory.introduce(address)) {
      for (const link of home.links) link?.redirect();
    }
  }

  link(place: Place, laneClass: LaneClass): Link {
    return this.#linkOf(this.#directory.obtain(place), laneClass);
  }

  resume(): void {
    const paused = this.#pausedOnes;
    this.#pausedOnes = [];
    for (const connection of paused) connection.resume();
  }

  close(done: () => void): void {
    if (this.#onClosed !== null) throw new BugError('transport closed twice');
    this.#onClosed = done;
    for (const listener of this.#listeners) listener.close();
    this.#reception.shut();
    for (const home of this.#directory.all()) home.shut();
    this.#cancelSweep();
    // Later, as with every callback: also when there is nothing to wait for.
    this.#sweep = this.tasks.after(this.#connections.size === 0 ? 0 : this.limits.drainMs, () => this.#finish());
  }

  dial(address: TcpAddress, owner: ConnectionOwner): Connection {
    return this.#open(this.#network.connect(address.host, address.port), owner);
  }

  companion(link: TcpLink): TcpLink {
    return this.#linkOf(this.#directory.obtain(link.place), link.laneClass === CONTROL_CLASS ? BULK_CLASS : CONTROL_CLASS);
  }

  readmit(home: RemotePlace): boolean {
    return this.#directory.readmit(home);
  }

  paused(connection: Connection): void {
    this.#pausedOnes.push(connection);
  }

  #accept(stream: ByteStream): void {
    const connection = this.#open(stream, this.#reception);
    if (this.closing) connection.close('transport closed');
    else this.#reception.take(connection);
  }

  #open(stream: ByteStream, owner: ConnectionOwner): Connection {
    const { handshakeTimeoutMs } = this.limits;
    const connection = new Connection(stream, owner, { tasks: this.tasks, handshakeTimeoutMs, released: this.#onReleased });
    this.#connections.add(connection);
    this.#scheduleSweep();
    return connection;
  }

  #admit(connection: Connection, hello: Hello): Refusal | null {
    if (this.closing) return refusal('CLOSING', 'this side is stopping');
    const home = this.#directory.admit(hello);
    if (home === null) return refusal('FULL', `${this.limits.placesMax} places are known and none of them is idle`);
    if (!home.admitBoot(hello.boot)) return refusal('ZOMBIE', `boot ${hello.boot} of ${home.name}, seen before: ${home.boot}`);
    return this.#linkOf(home, hello.laneClass).onHello(connection, hello);
  }

  #makePlace(place: Place): RemotePlace {
    const { events, tasks, limits } = this;
    return new RemotePlace({ place, events, tasks, log: new QuietLog(this.#log, tasks), unreachableMs: limits.unreachableMs });
  }

  #linkOf(home: RemotePlace, laneClass: LaneClass): TcpLink {
    const known = home.links[laneClass];
    if (known instanceof TcpLink) return known;
    const made = new TcpLink(this, home, laneClass);
    home.links[laneClass] = made;
    return made;
  }

  readonly #onReleased = (connection: Connection): void => {
    this.#connections.delete(connection);
    if (this.closing && this.#connections.size === 0) this.#finish();
  };

  #scheduleSweep(): void {
    this.#sweep ??= this.tasks.after(this.limits.pingIntervalMs / 2, this.#onSweep);
  }

  readonly #onSweep = (): void => {
    this.#sweep = null;
    const { pingIntervalMs, peerTimeoutMs } = this.limits;
    const silentSweepsMax = Math.ceil(peerTimeoutMs / (pingIntervalMs / 2));
    for (const connection of [...this.#connections]) connection.sweep(this.#ping, silentSweepsMax);
    if (this.#connections.size > 0 && !this.closing) this.#scheduleSweep();
  };

  #cancelSweep(): void {
    if (this.#sweep !== null) this.tasks.cancel(this.#sweep);
    this.#sweep = null;
  }

  #finish(): void {
    const done = this.#onClosed;
    if (done === null || this.#finished) return;
    this.#finished = true;
    this.#cancelSweep();
    for (const connection of [...this.#connections]) connection.close('transport closed');
    done();
  }
}

/** It has to fit the frame that answers WHO. */
function checkHost(address: NodeAddress): NodeAddress {
  if (address.host.length <= HOST_CHARS_MAX && address.ports.length <= SHARDS_MAX + 1) return address;
  const { host, ports } = address;
  throw invalidArgument(
    `own address: expected a host of at most ${HOST_CHARS_MAX} characters and ${SHARDS_MAX + 1} ports, got ${host.length} and ${ports.length}`,
  );
}

function controlFrame(kind: number): Buffer {
  const out = new OutBuffer(FRAME_HEADER_BYTES + 1, FRAME_HEADER_BYTES + 1);
  const at = beginFrame(out, kind, SYSTEM, 0, 0, 0, 0, 0, NO_DEADLINE, 0);
  out.view.setUint8(out.length++, NULL_ITEM);
  endFrame(out, at);
  return out.bytes;
}
