/** What the load goes over: one protocol, some lanes of it, and no promise per operation unless the protocol's own client has one. */
import type { Operation } from './operation.ts';

export interface Channel {
  /** Connections, or calls in flight at a client that has connections of its own. */
  readonly lanes: number;
  /** Sends the operation's step by its lane, at the latest with the next `flush` of the lane. Requires: `operation` is not used otherwise until it has ended. */
  begin(operation: Operation): void;
  flush(lane: number): void;
  close(): Promise<void>;
}

/** Who is told; never within `begin`. */
export interface ChannelSink {
  /** `bytes`: only during the call; undefined: nothing is there. Of a scan: once per row, in order. */
  found(operation: Operation, key: number, bytes: Buffer | undefined, from: number, to: number): void;
  /** `failure`: what the server, or its client, said. */
  ended(operation: Operation, failure: string | undefined): void;
  /** Nothing more will come. */
  broken(error: Error): void;
}
