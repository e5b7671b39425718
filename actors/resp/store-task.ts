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
  type ContextKind,
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

/** Requests of one command under way at most: a command of many keys is not to take all that the coordinator has. */
const UNDER_WAY_MAX = 64;

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
  /** Of a put; none: the keys are read. */
  readonly #values: Buffer[] = [];
  #expiryMs = 0;
  #plainContext: ContextKind = CONTEXT_NONE;
  /** Keys that are not done yet, begun or not. */
  #pending = 0;
  /** The key that is begun next. */
  #next = 0;
  #underWay = 0;
  /** `#goOn` runs, or is about to. */
  #isGoingOn = false;
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
    this.#goOn();
  }

  /** Writes the values at the arguments behind these keys, as plain SET does. */
  put(indices: readonly number[], expiryMs: number): void {
    this.#take(indices);
    for (const index of indices) this.#values.push(copyOf(this.#session, index + 1));
    this.#expiryMs = expiryMs;
    this.#plainContext = this.#session.plainContext;
    this.#goOn();
  }

  answered(token: number, answer: StoreAnswer): void {
    const session = this.#session;
    session.host.gate.answered();
    if (session.isClosed) return;
    const { status } = answer;
    if (status !== OK && status !== NOT_FOUND) this.#fail(failureText(answer));
    else if (this.#isReading[token] === true) {
      this.#isReading[token] = false;
      const change = this.#plan.read(token, answer);
      if (change !== null) {
        const context = contextOf(answer.record);
        return session.later(() => this.#write(token, change, context));
      }
    }
    this.#underWay--;
    if (--this.#pending === 0) return this.#finish();
    if (this.#next < this.#keys.length && !this.#isGoingOn) {
      this.#isGoingOn = true;
      session.later(() => this.#goOn());
    }
  }

  /** Before the first request: its answer may come at once. */
  #take(indices: readonly number[]): void {
    assert(indices.length > 0, 'store task: expected keys');
    const { reader } = this.#session;
    for (const index of indices) {
      this.#keys.push(copyOf(this.#session, index));
      this.#hashes.push(this.#session.holdKey(reader.start(index), reader.end(index)));
    }
    this.#pending = indices.length;
  }

  #goOn(): void {
    // Also as long as it runs: answers may come within it.
    this.#isGoingOn = true;
    while (this.#next < this.#keys.length && this.#underWay < UNDER_WAY_MAX) {
      this.#underWay++;
      this.#start(this.#next++);
    }
    this.#isGoingOn = false;
  }

  #start(i: number): void {
    const { host } = this.#session;
    const key = this.#keys[i]!;
    const value = this.#values[i];
    this.#isReading[i] = value === undefined;
    const request = requestOn(host, value === undefined ? GET : PUT, this.#keyspace, key, 0, key.length);
    if (value !== undefined) {
      request.value = value;
      request.valueEnd = value.length;
      request.expiryMs = this.#expiryMs;
      request.contextKind = this.#plainContext;
    }
    request.sink = this;
    request.token = i;
    host.gate.begin(request);
  }

  #write(i: number, { kind, value, expiryMs }: Change, context: Buffer): void {
    const { host } = this.#session;
    const key = this.#keys[i]!;
    const request = requestOn(host, kind, this.#keyspace, key, 0, key.length);
    request.value = value;
    request.valueEnd = value.length;
    request.expiryMs = expiryMs;
    request.contextKind = context.length === 0 ? CONTEXT_NONE : CONTEXT_GIVEN;
    request.context = context;
    request.contextEnd = context.length;
    request.sink = this;
    request.token = i;
    host.gate.begin(request);
  }

  /** The first failure is the answer; what was not begun is left out. */
  #fail(text: string): void {
    if (this.#failure !== '') return;
    this.#failure = text;
    this.#pending -= this.#keys.length - this.#next;
    this.#next = this.#keys.length;
  }

  #finish(): void {
    for (const hash of this.#hashes) this.#session.freeKey(hash, this.#isWrite);
    this.#session.finish(this.#slot, this.#failure, (writer) => this.#plan.render(writer));
  }
}

/** Argument `i`, for a request that comes when the arguments are gone. */
export function copyOf({ reader }: RespSession, i: number): Buffer {
  return Buffer.from(reader.bytes.subarray(reader.start(i), reader.end(i)));
}

/** The bare version vector of a record; empty for one of a key that was never there. A copy. */
export function contextOf({ bytes, start, siblingsAt, entries }: RecordView): Buffer {
  if (entries === 0) return Buffer.alloc(0);
  const vector = Buffer.from(bytes.subarray(start, siblingsAt));
  putU16(vector, RECORD_SIBLINGS, 0);
  return vector;
}
