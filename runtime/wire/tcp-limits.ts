/** Every limit of the TCP transport, with its default. Times in milliseconds of the shard's clock. */
import type { BackoffOptions } from '../supervision.ts';

export interface TcpLimits {
  /** First size of a link's out-buffer. */
  readonly outInitialBytes: number;
  /** Most bytes of frames a link holds back; as much again may be with the stream. Also the longest frame this side sends. */
  readonly outMaxBytes: number;
  /** Longest frame this side takes, length word included. A peer that may send longer ones is refused. */
  readonly maxFrameBytes: number;
  /** From dialling, or accepting, to the end of the handshake. */
  readonly handshakeTimeoutMs: number;
  /** Frames wait at most this long for a connection, then they are dropped and counted. */
  readonly holdMs: number;
  /** Accepted connections whose handshake is not done; one more closes the oldest. */
  readonly pendingIncomingMax: number;
  /** Remote places remembered; beyond it idle ones that nobody introduced are forgotten, and strangers refused when there is none. */
  readonly placesMax: number;
  /** Each side sends something at least this often. The same in the whole cluster. */
  readonly pingIntervalMs: number;
  /** A connection that was silent this long is given up. At least twice `pingIntervalMs`. */
  readonly peerTimeoutMs: number;
  /** A place without any connection this long is declared unreachable. */
  readonly unreachableMs: number;
  /** Longest time `close` waits for what was sent to leave. */
  readonly drainMs: number;
  /** Between tries to connect. */
  readonly backoff: BackoffOptions;
  /** A connection that lasted this long clears the count of failures that `backoff` goes by. */
  readonly stableMs: number;
}

export const DEFAULT_TCP_LIMITS: TcpLimits = Object.freeze({
  outInitialBytes: 16 * 1024,
  outMaxBytes: 8 * 1024 * 1024,
  maxFrameBytes: 8 * 1024 * 1024,
  handshakeTimeoutMs: 5000,
  holdMs: 5000,
  pendingIncomingMax: 64,
  placesMax: 1024,
  pingIntervalMs: 2000,
  peerTimeoutMs: 6000,
  unreachableMs: 10_000,
  drainMs: 2000,
  backoff: Object.freeze({ minMs: 50, maxMs: 5000, factor: 2, jitterRatio: 0.5 }),
  stableMs: 5000,
});
