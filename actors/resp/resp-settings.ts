/** What can be set of a RESP gateway, each with its default. */
import { DEFAULT_KEYSPACE } from '../ring/keyspace-defaults.ts';

export interface RespSettings {
  /** Password of the user `default`; empty: none is asked for. */
  readonly password: string;
  /** Keyspace that a connection begins with. */
  readonly keyspace: string;
  /** A request is answered by then, whatever happens. */
  readonly requestTimeoutMs: number;
  /** FLUSHDB and KEYSPACE DROP are done; else refused. */
  readonly allowsDrop: boolean;
  /** Connections of this shard at most; one more is told so and closed. */
  readonly connectionsMax: number;
  /** Commands in flight of one connection, a power of two from 16 on; above them its input is not read. */
  readonly inFlightMax: number;
  /** Requests under way of all connections of a shard; above them connections wait. Less than the coordinator takes, which is 4,096. */
  readonly requestsMax: number;
  /** A connection that says nothing for so long is closed; 0: never. */
  readonly idleMs: number;
  /** Arguments of one command, its name included. */
  readonly argumentsMax: number;
  /** Bytes of one argument. */
  readonly bulkBytesMax: number;
  /** Bytes of one command, and about what one connection's input can take of memory. */
  readonly commandBytesMax: number;
  /** Bytes of replies that a client has not taken, above which its input is not read. */
  readonly replyBytesMax: number;
  /** Bytes of replies at which the connection is closed. One more value than `replyBytesMax` must fit. */
  readonly replyBytesCap: number;
}

export const RESP_DEFAULTS: RespSettings = {
  password: '',
  keyspace: DEFAULT_KEYSPACE,
  requestTimeoutMs: 5_000,
  allowsDrop: false,
  connectionsMax: 10_000,
  inFlightMax: 1_024,
  requestsMax: 3_072,
  idleMs: 0,
  argumentsMax: 65_536,
  bulkBytesMax: 16 * 1_048_576,
  commandBytesMax: 64 * 1_048_576,
  replyBytesMax: 1_048_576,
  replyBytesCap: 256 * 1_048_576,
};

/** What a client that has not given its password yet may send, as in Redis. */
export const UNKNOWN_ARGUMENTS_MAX = 10;
export const UNKNOWN_BULK_BYTES_MAX = 16_384;
