/**
 * StoreTask: a command that takes more than one request: of several keys, or one that reads a key and writes it with the context of what it read. Such a write
 * replaces exactly what was read: what another client wrote meanwhile stays beside it.
 *
 * ```
 *   per key:   read ---> plan.read(...) ---> null: done
 *                                       ---> a change: put or delete with the context ---> done
 *   all keys done ---> plan.render, or the first failure
 * ```
 */
import { assert } from '../../runtime/errors.ts';
import { putU16 } from '../../storage/byte-writer.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import {
  CONTEXT_GIVEN,
  CONTEXT_NONE,
  type DELETE,
  GET,
  NOT_FOUND,
  OK,
  PUT,
  type RequestSink,
  type StoreAnswer,
} from '../store/store-request.ts';
import { RECORD_SIBLINGS } from '../version/record-format.ts';
import type { RecordView } from '../version/record-view.ts';
import { failureText } from './failure-text.ts';
import { requestOn } from './request-on.ts';
import type { RespSession } from './resp-session.ts';
import type { RespWriter } from './resp-writer.ts';

export interface Change {
  readonly kind: typeof PUT | typeof DELETE;
  readonly value: Buffer;
  /** Milliseconds since 1970; 0: never. */
  readonly expiryMs: number;
}

export interface TaskPlan {
  /** What was read of key `i`. The record is valid until this returns. Returns what to write, or null. */
  read(i: number, answer: StoreAnswer): Change | null;
  /** All went well. */
  render(writer: RespWriter): void;
}

export class StoreTask implements RequestSink {
  readonly #session: RespSession;
  readonly #plan: TaskPlan;
  readonly #isWrite: boolean;
  readonly #slot: number;
  /** As it was when the command came. */
  readonly #keyspace: Keyspace;
  /** Copies: the second request comes when the arguments are gone. */
  readonly #keys: Buffer[] = [];
  readonly #hashes: number[] = [];
  readonly #isReading: boolean[] = [];
  #pending = 0;
  #failure = '';

  /** Opens the command's place among the replies. `start` follows. */
  constructor(session: RespSession, isWrite: boolean, plan: TaskPlan) {
    this.#session = session;
    this.#plan = plan;
    this.#isWrite = isWrite;
    this.#keyspace = session.keyspace;
    this.#slot = session.openSlot();
  }

  /** Reads the keys at these arguments. */
  read(indices: readonly number[]): void {
    this.#take(indices);
    indices.forEach((_, i) => {
      this.#read(i);
    });
  }

  /** Writes the values at the arguments behind these keys, as plain SET does. */
  put(indices: readonly number[], expiryMs: number): void {
    this.#take(indices);
    const session = this.#session;
    const { reader, host } = session;
    indices.forEach((index, i) => {
      this.#isReading[i] = false;
      const request = session.request(PUT, index);
      request.value = reader.bytes;
      request.valueStart = reader.start(index + 1);
      request.valueEnd = reader.end(index + 1);
      request.expiryMs = expiryMs;
      request.contextKind = session.plainContext;
      request.sink = this;
      request.token = i;
      host.store.begin(request);
    });
  }

  answered(token: number, answer: StoreAnswer): void {
    if (this.#session.isClosed) return;
    const { status } = answer;
    if (status !== OK && status !== NOT_FOUND) {
      if (this.#failure === '') this.#failure = failureText(answer);
    } else if (this.#isReading[token]!) {
      const change = this.#plan.read(token, answer);
      if (change !== null) {
        const context = contextOf(answer.record);
        return this.#session.later(() => this.#write(token, change, context));
      }
    }
    if (--this.#pending === 0) this.#finish();
  }

  /** Before the first request: its answer may come at once. */
  #take(indices: readonly number[]): void {
    assert(indices.length > 0, 'store task: expected keys');
    const { reader } = this.#session;
    for (const index of indices) {
      const start = reader.start(index);
      const end = reader.end(index);
      this.#keys.push(Buffer.from(reader.bytes.subarray(start, end)));
      this.#hashes.push(this.#session.holdKey(start, end));
    }
    this.#pending = indices.length;
  }

  #read(i: number): void {
    const session = this.#session;
    const key = this.#keys[i]!;
    this.#isReading[i] = true;
    const request = requestOn(session.host, GET, this.#keyspace, key, 0, key.length);
    request.sink = this;
    request.token = i;
    session.host.store.begin(request);
  }

  #write(i: number, { kind, value, expiryMs }: Change, context: Buffer): void {
    const session = this.#session;
    const key = this.#keys[i]!;
    this.#isReading[i] = false;
    const request = requestOn(session.host, kind, this.#keyspace, key, 0, key.length);
    request.value = value;
    request.valueEnd = value.length;
    request.expiryMs = expiryMs;
    request.contextKind = context.length === 0 ? CONTEXT_NONE : CONTEXT_GIVEN;
    request.context = context;
    request.contextEnd = context.length;
    request.sink = this;
    request.token = i;
    session.host.store.begin(request);
  }

  #finish(): void {
    for (const hash of this.#hashes) this.#session.freeKey(hash, this.#isWrite);
    this.#session.finish(this.#slot, this.#failure, (writer) => this.#plan.render(writer));
  }
}

/** The bare version vector of a record; empty for one of a key that was never there. A copy. */
export function contextOf({ bytes, start, siblingsAt, entries }: RecordView): Buffer {
  if (entries === 0) return Buffer.alloc(0);
  const vector = Buffer.from(bytes.subarray(start, siblingsAt));
  putU16(vector, RECORD_SIBLINGS, 0);
  return vector;
}
