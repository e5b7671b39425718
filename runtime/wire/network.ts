/** The network door: byte streams as TCP gives them, real or simulated. Callbacks always come later, never within the call. */

export interface StreamHandler {
  /** The stream is connected (dialled streams only; accepted ones are connected from the start). */
  onConnect(): void;
  /** `bytes[start, end)` came in. They belong to the handler from now on: the stream never writes there again. */
  onData(bytes: Buffer, start: number, end: number): void;
  /** Everything written so far has left; buffers given to `write` are free again. Called only after a `write` that returned false. */
  onDrain(): void;
  /** The end, once: by the peer, by an error (its text), or by `destroy`. Nothing comes after it. */
  onClose(reason: string): void;
}

export interface ByteStream {
  /** Set by the owner before the next turn of the loop. */
  handler: StreamHandler;
  /**
   * Sends `bytes[start, end)`. True: the bytes are gone and the buffer may be used again at once. False: the stream keeps the buffer until
   * `onDrain`, so the caller must not write into it; further writes are queued behind (the caller should wait instead).
   */
  write(bytes: Buffer, start: number, end: number): boolean;
  /** Stops reading, so that the peer feels it. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes at once; `onClose` still comes. */
  destroy(reason: string): void;
}

export interface Listener {
  /** The port really bound (the one asked for may have been 0). */
  readonly port: number;
  close(): void;
}

export interface Network {
  /**
   * `ready` gets the listener, or an error whose message names host and port. `isShared`: others of this process, that say the same, may listen there too, and each
   * stream comes to one of them; an error where the platform can't (SO_REUSEPORT; Node from 22.12 on).
   */
  listen(
    host: string,
    port: number,
    accept: (stream: ByteStream) => void,
    ready: (result: Listener | Error) => void,
    isShared?: boolean,
  ): void;
  connect(host: string, port: number): ByteStream;
}
