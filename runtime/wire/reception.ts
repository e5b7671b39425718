/**
 * Reception: the connections that others opened and that have not said yet who they are. They get a small frame, a short
 * time and a bounded number of places; whoever is refused is told why.
 */
import { RuntimeError } from '../errors.ts';
import type { NodeAddress } from '../node-address.ts';
import type { Connection, ConnectionOwner } from './connection.ts';
import { KIND_WHO } from './frame.ts';
import { decodeHello, encodeRefusal, type Hello, type Identity, isRefusal, judgeHello, type Refusal, refusal } from './handshake.ts';
import type { QuietLog } from './quiet-log.ts';
import type { TcpLimits } from './tcp-limits.ts';
import { checkWho, encodeIam } from './who.ts';

/** Length word to kind. */
const KIND_OFFSET = 7;

export interface ReceptionOptions {
  readonly me: Identity;
  readonly log: QuietLog;
  readonly limits: TcpLimits;
  /** Finds the link that `connection` is for and gives it over; null, or why not. */
  readonly admit: (connection: Connection, hello: Hello) => Refusal | null;
}

export class Reception implements ConnectionOwner {
  /** What WHO is answered with; null: not known yet. */
  address: NodeAddress | null = null;
  readonly #options: ReceptionOptions;
  /** In the order they came. */
  readonly #waiting = new Set<Connection>();

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  /** Takes an accepted connection, whose owner this is. */
  take(connection: Connection): void {
    const { limits, log } = this.#options;
    this.#waiting.add(connection);
    if (this.#waiting.size <= limits.pendingIncomingMax) return;
    // The oldest: honest peers are done in a few milliseconds, so it is the least likely to be one.
    for (const oldest of this.#waiting) {
      this.#waiting.delete(oldest);
      oldest.close('too many connections without a handshake');
      log.warn('wire.receptionFull', { max: limits.pendingIncomingMax });
      return;
    }
  }

  shut(): void {
    for (const connection of this.#waiting) connection.close('transport closed');
    this.#waiting.clear();
  }

  onConnected(): void {
    // Accepted connections are connected from the start.
  }

  onGreeting(connection: Connection, frame: Buffer, more: boolean): void {
    this.#waiting.delete(connection);
    const { admit, limits, me } = this.#options;
    if (frame[KIND_OFFSET] === KIND_WHO) return this.#answerWho(connection, frame, more);
    const hello = decodeHello(frame);
    if (isRefusal(hello)) return this.#refuse(connection, hello, null);
    const early = more ? refusal('SHAPE', 'bytes behind HELLO, expected none before WELCOME') : null;
    const refused = early ?? judgeHello(hello, me, limits.outMaxBytes) ?? admit(connection, hello);
    if (refused !== null) this.#refuse(connection, refused, hello);
  }

  onFrames(): void {
    throw new RuntimeError('PROTOCOL', 'frames before the handshake');
  }

  onGoodbye(connection: Connection): void {
    connection.close('goodbye before the handshake');
  }

  onDrained(): void {
    // Nothing waits to be sent from here.
  }

  onClosed(connection: Connection, reason: string): void {
    this.#waiting.delete(connection);
    this.#options.log.warn('wire.incomingClosed', { reason });
  }

  #answerWho(connection: Connection, frame: Buffer, more: boolean): void {
    const { limits, me } = this.#options;
    checkWho(frame);
    if (more) return this.#refuse(connection, refusal('SHAPE', 'bytes behind WHO, expected none'), null);
    if (this.address === null) return this.#refuse(connection, refusal('NOT_READY', 'this thread does not know its address yet'), null);
    connection.end(encodeIam({ ...me, address: this.address }), limits.drainMs);
  }

  #refuse(connection: Connection, refused: Refusal, hello: Hello | null): void {
    const { limits, log } = this.#options;
    const code = refused.code === 'UNKNOWN' ? 'SHAPE' : refused.code;
    const peer = hello === null ? 'unknown' : `${hello.node}/${hello.shard}`;
    const fields = { peer, code, reason: refused.reason };
    // Those that honest peers can meet with.
    if (code === 'SIMULTANEOUS' || code === 'STALE' || code === 'NOT_READY') log.info('wire.refused', fields);
    else log.warn('wire.refused', fields);
    connection.end(encodeRefusal(code, refused.reason), limits.drainMs);
  }
}
