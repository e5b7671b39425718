/** RESP over some connections, spread over the servers in turn. */
import type { Channel } from './channel.ts';
import type { Operation } from './operation.ts';
import { RespConnection, type RespParts } from './resp-connection.ts';

export class RespChannel implements Channel {
  readonly lanes: number;
  readonly #connections: readonly RespConnection[];

  static async open(ports: readonly number[], connections: number, parts: RespParts): Promise<RespChannel> {
    const opening = Array.from({ length: connections }, (_, i) => RespConnection.open(ports[i % ports.length]!, parts));
    return new RespChannel(await Promise.all(opening));
  }

  private constructor(connections: readonly RespConnection[]) {
    this.#connections = connections;
    this.lanes = connections.length;
  }

  begin(operation: Operation): void {
    this.#connections[operation.lane]!.begin(operation);
  }

  flush(lane: number): void {
    this.#connections[lane]!.flush();
  }

  close(): Promise<void> {
    for (const connection of this.#connections) connection.close();
    return Promise.resolve();
  }
}
