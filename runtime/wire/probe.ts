/** Asks whoever listens at an address who it is: dials, says WHO, hears IAM, closes. */
import { errorMessage } from '../errors.ts';
import type { Tasks } from '../link.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import { isRefusal } from './handshake.ts';
import type { Network } from './network.ts';
import { decodeIam, encodeWho, type Iam } from './who.ts';

export interface ProbeOptions {
  readonly network: Network;
  readonly tasks: Tasks;
  readonly host: string;
  readonly port: number;
  /** From dialling to the answer. */
  readonly timeoutMs: number;
}

/** `done` is called once, later: with the answer, or with an error that says why there is none. */
export function probe(options: ProbeOptions, done: (result: Iam | Error) => void): void {
  const { network, tasks, host, port, timeoutMs } = options;
  const peer = `${host}:${port}: `;
  // Streams say whose they are, connections don't.
  const failed = (reason: string): void => done(new Error(reason.startsWith(peer) ? reason : `${peer}${reason}`));
  const owner: ConnectionOwner = {
    onConnected: (connection) => connection.send(encodeWho()),
    onGreeting(connection, frame) {
      // Thrown PROTOCOL errors come back by `onClosed`.
      const answer = decodeIam(frame);
      connection.close('answered');
      if (isRefusal(answer)) failed(`refused: ${answer.code}, ${answer.reason}`);
      else done(answer);
    },
    onFrames: () => undefined,
    onGoodbye: () => undefined,
    onDrained: () => undefined,
    onClosed: (_connection, reason) => failed(reason),
  };
  try {
    const stream = network.connect(host, port);
    new Connection(stream, owner, { tasks, handshakeTimeoutMs: timeoutMs, released: () => undefined });
  } catch (error) {
    tasks.after(0, () => failed(errorMessage(error)));
  }
}
