/**
 * FaultProxy: stands in front of the ports of nodes, in user space, and does to each link what Links says.
 *
 * ```
 *   n1 --dials--> 127.x.y.102:7000 [proxy] --> 127.x.y.2:7000  n2 listens
 *   bytes of n1: link n1>n2        bytes of n2: link n2>n1
 * ```
 * A node listens at one address and advertises another host with the same ports (`--advertise`), so one proxy per node is enough: whose connection it is says the first
 * frame, in which the dialler names itself. One that does not (WHO, or no frame of ours) is from STRANGER.
 */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import type { Random } from '../../runtime/doors.ts';
import { FirstFrame } from '../../runtime/wire/first-frame.ts';
import { KIND_HELLO } from '../../runtime/wire/frame.ts';
import { decodeHello, isRefusal } from '../../runtime/wire/handshake.ts';
import type { Links } from './link.ts';
import { Pipe } from './pipe.ts';
import { Shaper } from './shaper.ts';

export const STRANGER = 'stranger';

export interface Route {
  /** Name of the node that listens at `target`. */
  readonly node: string;
  readonly listen: Endpoint;
  readonly target: Endpoint;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export class FaultProxy {
  readonly #links: Links;
  readonly #random: Random;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #pipes = new Set<Pipe>();
  readonly #unwatch: () => void;
  /** Connections whose dialler was known. */
  connections = 0;

  /** Errors: an address that is in use, or that this machine does not have. */
  static async start(routes: readonly Route[], links: Links, random: Random): Promise<FaultProxy> {
    const proxy = new FaultProxy(links, random);
    try {
      for (const route of routes) await proxy.#listen(route);
    } catch (error) {
      await proxy.stop();
      throw error;
    }
    return proxy;
  }

  private constructor(links: Links, random: Random) {
    this.#links = links;
    this.#random = random;
    this.#unwatch = links.watch(() => {
      for (const pipe of [...this.#pipes]) pipe.pump();
    });
  }

  /** Where it listens, in the order of the routes. */
  get ports(): readonly number[] {
    return this.#servers.map((server) => (server.address() as { readonly port: number }).port);
  }

  /** Resets all connections. */
  async stop(): Promise<void> {
    this.#unwatch();
    const closed = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    for (const pipe of this.#pipes) pipe.stop();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #listen(route: Route): Promise<void> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket, route));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(route.listen.port, route.listen.host, () => {
        this.#servers.push(server);
        resolve();
      });
    });
  }

  #accept(socket: Socket, route: Route): void {
    this.#keep(socket);
    const first = new FirstFrame();
    const read: Buffer[] = [];
    const onData = (chunk: Buffer): void => {
      read.push(chunk);
      const from = senderOf(first, chunk);
      if (from === null) return;
      socket.off('data', onData);
      this.#join(socket, from, route, Buffer.concat(read));
    };
    socket.on('data', onData);
    socket.on('end', () => socket.end());
  }

  #join(dialler: Socket, from: string, { node, target }: Route, read: Buffer): void {
    this.connections++;
    const listener = dial({ ...target, noDelay: true, allowHalfOpen: true });
    this.#keep(listener);
    const pipes: Pipe[] = [];
    const reset = (): void => {
      for (const pipe of pipes) {
        pipe.stop();
        this.#pipes.delete(pipe);
      }
      for (const socket of [dialler, listener]) if (!socket.destroyed) socket.resetAndDestroy();
    };
    dialler.removeAllListeners('end');
    const there = new Pipe(dialler, listener, new Shaper(this.#links.of(from, node), this.#random), reset);
    const back = new Pipe(listener, dialler, new Shaper(this.#links.of(node, from), this.#random), reset);
    pipes.push(there, back);
    for (const pipe of pipes) this.#pipes.add(pipe);
    let open = 2;
    const gone = (): void => {
      if (--open > 0) return;
      for (const pipe of pipes) {
        pipe.stop();
        this.#pipes.delete(pipe);
      }
    };
    dialler.on('close', gone);
    listener.on('close', gone);
    there.push(read);
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}

/** The node (not its transport's name, which has a part of its id behind a dot); null: not known yet. */
function senderOf(first: FirstFrame, chunk: Buffer): string | null {
  try {
    if (first.push(chunk, 0, chunk.length) < 0) return null;
    if (first.frame[7] !== KIND_HELLO) return STRANGER;
    const hello = decodeHello(first.frame);
    return isRefusal(hello) ? STRANGER : hello.node.replace(/\..*$/, '');
  } catch {
    return STRANGER;
  }
}
