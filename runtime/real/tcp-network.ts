/** TcpNetwork: the network door over `node:net`. */
import { connect, createServer, type Socket } from 'node:net';
import type { Clock, Log } from '../doors.ts';
import type { ByteStream, Listener, Network, StreamHandler } from '../wire/network.ts';
import { QuietLog } from '../wire/quiet-log.ts';
import { canSharePorts } from './host.ts';
import { ReadSlabs } from './read-slabs.ts';

export interface TcpNetworkOptions {
  readonly log: Log;
  readonly clock: Clock;
}

export class TcpNetwork implements Network {
  readonly #log: QuietLog;

  constructor(options: TcpNetworkOptions) {
    this.#log = new QuietLog(options.log, options.clock);
  }

  listen(
    host: string,
    port: number,
    accept: (stream: ByteStream) => void,
    ready: (result: Listener | Error) => void,
    isShared = false,
  ): void {
    // Older ones of Node leave the option aside without a word.
    if (isShared && !canSharePorts()) {
      setImmediate(() => ready(new Error(`cannot listen on ${host}:${port}: expected a system and a Node that can share ports`)));
      return;
    }
    const server = createServer({ noDelay: true, allowHalfOpen: false }, (socket) => accept(acceptedStream(socket)));
    let listening = false;
    server.on('error', (error: NodeJS.ErrnoException) => {
      // Afterwards it is `accept` that fails, for want of descriptors or memory: the listener lives on.
      if (listening) this.#log.warn('network.acceptFailed', { host, port, reason: reasonOf(error) });
      else ready(new Error(`cannot listen on ${host}:${port}: ${reasonOf(error)}`, { cause: error }));
    });
    server.listen({ host, port, reusePort: isShared }, () => {
      listening = true;
      const address = server.address();
      ready({ port: typeof address === 'object' && address !== null ? address.port : port, close: () => server.close() });
    });
  }

  connect(host: string, port: number): ByteStream {
    return dialledStream(host, port);
  }
}

/** Its input goes to slabs. */
function dialledStream(host: string, port: number): ByteStream {
  const slabs = new ReadSlabs();
  const onRead = (count: number): boolean => {
    const { slab } = slabs;
    const start = slabs.took(count);
    stream.receive(slab, start, start + count);
    return true;
  };
  const socket = connect({ host, port, noDelay: true, allowHalfOpen: false, onread: { buffer: () => slabs.next(), callback: onRead } });
  const stream = new SocketStream(socket, `${host}:${port}`);
  socket.on('connect', () => stream.connected());
  return stream;
}

/** Node takes no read buffers for accepted sockets: their input comes in chunks of Node's, which are never used twice either. */
function acceptedStream(socket: Socket): ByteStream {
  const stream = new SocketStream(socket, `${socket.remoteAddress}:${socket.remotePort}`);
  socket.on('data', (chunk: Buffer) => stream.receive(chunk, 0, chunk.length));
  return stream;
}

class SocketStream implements ByteStream {
  handler: StreamHandler = UNOWNED;
  readonly #socket: Socket;
  readonly #peer: string;
  #error: NodeJS.ErrnoException | null = null;
  #destroyReason: string | null = null;
  /** A `write` returned false and `onDrain` has not come. */
  #blocked = false;
  #closed = false;

  constructor(socket: Socket, peer: string) {
    this.#socket = socket;
    this.#peer = peer;
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => this.#onClose());
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    const socket = this.#socket;
    socket.write(bytes.subarray(start, end), this.#onWritten);
    if (socket.writableLength === 0) return true;
    this.#blocked = true;
    return false;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(reason: string): void {
    this.#destroyReason ??= reason;
    this.#socket.destroy();
  }

  connected(): void {
    if (!this.#closed) this.handler.onConnect();
  }

  receive(bytes: Buffer, start: number, end: number): void {
    if (!this.#closed) this.handler.onData(bytes, start, end);
  }

  /** Once per write, in order, never within it. */
  readonly #onWritten = (): void => {
    if (!this.#blocked || this.#closed || this.#socket.destroyed || this.#socket.writableLength > 0) return;
    this.#blocked = false;
    this.handler.onDrain();
  };

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    const reason = this.#destroyReason ?? (this.#error === null ? 'closed by the peer' : reasonOf(this.#error));
    this.handler.onClose(`${this.#peer}: ${reason}`);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'reset by the peer',
  EPIPE: 'reset by the peer',
  ETIMEDOUT: 'timed out',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'no route to network',
  ENOTFOUND: 'unknown host',
  EADDRINUSE: 'address in use',
  EADDRNOTAVAIL: 'address not available',
  EACCES: 'not permitted',
  EMFILE: 'too many open files in this process',
  ENFILE: 'too many open files in this system',
};

function reasonOf(error: NodeJS.ErrnoException): string {
  const { code } = error;
  if (code === undefined) return error.message;
  const text = REASONS[code];
  return text === undefined ? `${error.message}` : `${text} (${code})`;
}

/** Until the owner sets its own; nothing comes before the next turn of the loop. */
const UNOWNED: StreamHandler = {
  onConnect() {},
  onData() {},
  onDrain() {},
  onClose() {},
};
