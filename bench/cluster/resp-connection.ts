/** A connection that speaks RESP: GET and SET written into one buffer, answers read where they lie and matched in order. */
import { connect, type Socket } from 'node:net';
import type { ChannelSink } from './channel.ts';
import type { Operation } from './operation.ts';
import { KEY_BYTES, putKey, type ValueFormat } from './pair-format.ts';
import { endOfReply, numberIn } from './resp-reply.ts';

const READ_BYTES = 65_536;
const GET_HEAD = Buffer.from(`*2\r\n$3\r\nGET\r\n$${KEY_BYTES}\r\n`);
const ERROR = 0x2d;
const BULK = 0x24;
const COLON = 0x3a;
const PLUS = 0x2b;

export interface RespParts {
  readonly format: ValueFormat;
  readonly sink: ChannelSink;
  /** WAIT for so many replicas after each write; 0: none. */
  readonly waitReplicas: number;
  /** Chosen before anything else; undefined: that of the server. */
  readonly keyspace?: string;
}

export class RespConnection {
  readonly #socket: Socket;
  readonly #parts: RespParts;
  readonly #setHead: Buffer;
  readonly #wait: Buffer;
  readonly #bytesMax: number;
  #out: Buffer;
  #outEnd = 0;
  #in = Buffer.allocUnsafe(READ_BYTES);
  #inEnd = 0;
  #pending: Operation[] = [];
  #first = 0;
  /** Of a SET that waits for its WAIT: what it failed with. */
  #setFailure: string | undefined;
  #isSetAnswered = false;
  #isReading = false;
  #isClosing = false;
  /** Told of the answer to the choice of a keyspace. */
  #onChosen: ((failure: string | undefined) => void) | undefined;

  /** Resolves when connected, and its keyspace is chosen. */
  static open(port: number, parts: RespParts): Promise<RespConnection> {
    return new Promise((resolve, reject) => {
      const connection = new RespConnection(port, parts);
      const closed = (): void => reject(new Error('the server closed a connection at once'));
      const open = (): void => {
        connection.#socket.off('error', reject);
        connection.#socket.off('close', closed);
        connection.#watch();
        resolve(connection);
      };
      connection.#socket.once('connect', () => {
        const { keyspace } = parts;
        if (keyspace === undefined) return open();
        connection.#onChosen = (failure) => {
          if (failure === undefined) return open();
          connection.close();
          reject(new Error(`keyspace ${keyspace}: ${failure}`));
        };
        connection.#socket.write(`*3\r\n$8\r\nKEYSPACE\r\n$3\r\nUSE\r\n$${Buffer.byteLength(keyspace)}\r\n${keyspace}\r\n`);
      });
      connection.#socket.once('error', reject);
      connection.#socket.once('close', closed);
    });
  }

  private constructor(port: number, parts: RespParts) {
    this.#parts = parts;
    const { format, waitReplicas } = parts;
    this.#setHead = Buffer.from(`*3\r\n$3\r\nSET\r\n$${KEY_BYTES}\r\n${'0'.repeat(KEY_BYTES)}\r\n$${format.bytes}\r\n`);
    this.#wait = Buffer.from(waitReplicas === 0 ? '' : `*3\r\n$4\r\nWAIT\r\n$1\r\n${waitReplicas}\r\n$4\r\n1000\r\n`);
    this.#bytesMax = this.#setHead.length + format.bytes + 2 + this.#wait.length;
    this.#out = Buffer.allocUnsafe(this.#bytesMax * 4);
    const onread = {
      buffer: Buffer.allocUnsafe(READ_BYTES),
      callback: (length: number, bytes: Uint8Array): boolean => {
        this.#read(length, bytes);
        return true;
      },
    };
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true, onread });
  }

  begin(operation: Operation): void {
    if (this.#out.length - this.#outEnd < this.#bytesMax) this.#growOut();
    if (operation.step === 'get') this.#putGet(operation);
    else this.#putSet(operation);
    this.#pending.push(operation);
  }

  /** While answers are being read it is put off until all have been. */
  flush(): void {
    if (this.#isReading || this.#outEnd === 0) return;
    this.#socket.write(this.#out.subarray(0, this.#outEnd));
    this.#outEnd = 0;
    // What the kernel did not take at once is still read from this buffer.
    if (this.#socket.writableLength > 0) this.#out = Buffer.allocUnsafe(this.#out.length);
  }

  close(): void {
    this.#isClosing = true;
    this.#socket.destroy();
  }

  #watch(): void {
    const broken = (error?: Error): void => {
      if (!this.#isClosing)
        this.#parts.sink.broken(error ?? new Error(`the server closed a connection with ${this.#pending.length - this.#first} unanswered`));
      this.#isClosing = true;
    };
    this.#socket.on('error', broken);
    this.#socket.on('close', () => broken());
  }

  #putGet({ key }: Operation): void {
    GET_HEAD.copy(this.#out, this.#outEnd);
    putKey(this.#out, this.#outEnd + GET_HEAD.length, key);
    this.#outEnd += GET_HEAD.length + KEY_BYTES;
    this.#putEnd();
  }

  #putSet({ key, stamp }: Operation): void {
    const { format } = this.#parts;
    const head = this.#setHead;
    head.copy(this.#out, this.#outEnd);
    putKey(this.#out, this.#outEnd + GET_HEAD.length, key);
    this.#outEnd += head.length;
    format.write(this.#out, this.#outEnd, key, stamp);
    this.#outEnd += format.bytes;
    this.#putEnd();
    this.#wait.copy(this.#out, this.#outEnd);
    this.#outEnd += this.#wait.length;
  }

  #putEnd(): void {
    this.#out[this.#outEnd++] = 0x0d;
    this.#out[this.#outEnd++] = 0x0a;
  }

  #growOut(): void {
    const grown = Buffer.allocUnsafe(this.#out.length * 2);
    this.#out.copy(grown, 0, 0, this.#outEnd);
    this.#out = grown;
  }

  #read(length: number, bytes: Uint8Array): void {
    if (this.#inEnd + length > this.#in.length) {
      const grown = Buffer.allocUnsafe((this.#inEnd + length) * 2);
      this.#in.copy(grown, 0, 0, this.#inEnd);
      this.#in = grown;
    }
    this.#in.set(bytes.subarray(0, length), this.#inEnd);
    this.#inEnd += length;
    this.#isReading = true;
    let at = 0;
    for (let end = endOfReply(this.#in, at, this.#inEnd); end > 0; end = endOfReply(this.#in, at, this.#inEnd)) {
      this.#take(at, end);
      at = end;
    }
    this.#in.copyWithin(0, at, this.#inEnd);
    this.#inEnd -= at;
    this.#isReading = false;
    this.flush();
  }

  #take(at: number, end: number): void {
    const onChosen = this.#onChosen;
    if (onChosen !== undefined) {
      this.#onChosen = undefined;
      return onChosen(this.#in[at] === PLUS ? undefined : this.#text(at, end));
    }
    const operation = this.#pending[this.#first];
    if (operation === undefined) return this.#parts.sink.broken(new Error(`an answer that nobody asked for: ${this.#text(at, end)}`));
    if (operation.step === 'get') this.#takeGet(operation, at, end);
    else this.#takeSet(operation, at, end);
  }

  #takeGet(operation: Operation, at: number, end: number): void {
    const { sink } = this.#parts;
    const type = this.#in[at];
    if (type !== BULK) return this.#end(operation, this.#text(at, end));
    const length = numberIn(this.#in, at + 1);
    if (length < 0) sink.found(operation, operation.key, undefined, 0, 0);
    else sink.found(operation, operation.key, this.#in, end - 2 - length, end - 2);
    this.#end(operation, undefined);
  }

  #takeSet(operation: Operation, at: number, end: number): void {
    const { waitReplicas } = this.#parts;
    const type = this.#in[at];
    if (!this.#isSetAnswered) {
      const failure = type === PLUS && end - at === 5 ? undefined : this.#text(at, end);
      if (waitReplicas === 0) return this.#end(operation, failure);
      this.#isSetAnswered = true;
      this.#setFailure = failure;
      return;
    }
    this.#isSetAnswered = false;
    const isMet = type === COLON && numberIn(this.#in, at + 1) >= waitReplicas;
    this.#end(operation, this.#setFailure ?? (isMet ? undefined : `WAIT ${waitReplicas}: ${this.#text(at, end)}`));
  }

  #end(operation: Operation, failure: string | undefined): void {
    this.#first++;
    if (this.#first === this.#pending.length) {
      this.#pending.length = 0;
      this.#first = 0;
    } else if (this.#first === 4_096) {
      this.#pending = this.#pending.slice(this.#first);
      this.#first = 0;
    }
    this.#parts.sink.ended(operation, failure);
  }

  #text(at: number, end: number): string {
    const line = this.#in.toString('latin1', at, Math.min(end, at + 200)).trim();
    return this.#in[at] === ERROR ? line.slice(1) : `unexpected answer ${JSON.stringify(line)}`;
  }
}
