/**
 * RespSession: one connection's commands, without the connection. Bytes go in by `feed`, replies come out in `out`; `run` takes commands as long as it may.
 *
 * Commands are begun one after the other without waiting for each other's answers, and answered in their order. A command waits when an earlier one is at work on its key
 * (keys-in-flight.ts) or on its keyspace, when too many are in flight, or when the client doesn't take its replies; then nothing behind it is begun either, and `wantsInput` is false.
 */
import { OutBuffer } from '../../runtime/bytes.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import {
  CONTEXT_LOCAL,
  CONTEXT_READ,
  NOT_FOUND,
  OK,
  type RequestKind,
  type RequestSink,
  type StoreAnswer,
  type StoreRequest,
} from '../store/store-request.ts';
import type { Command } from './command.ts';
import { commandAt } from './commands.ts';
import { failureText } from './failure-text.ts';
import { hashKey, KeysInFlight } from './keys-in-flight.ts';
import type { Render } from './render.ts';
import { HAS_KEY, IS_SILENT, ReplyRing, WRITES } from './reply-ring.ts';
import { requestOn } from './request-on.ts';
import { COMMAND, FAULT, RespReader } from './resp-reader.ts';
import { UNKNOWN_ARGUMENTS_MAX, UNKNOWN_BULK_BYTES_MAX } from './resp-settings.ts';
import { RespWriter } from './resp-writer.ts';
import type { SessionHost } from './session-host.ts';
import { unknownCommand } from './unknown-command.ts';

const OUT_BYTES = 2_048;
const SIDE_BYTES = 512;
const NO_SLOT = -1;

export class RespSession implements RequestSink {
  readonly id: number;
  readonly host: SessionHost;
  readonly reader: RespReader;
  readonly out: OutBuffer;
  readonly startedAtMs: number;
  /** Of CLIENT SETNAME. */
  name = '';
  libraryName = '';
  libraryVersion = '';
  keyspaceName: string;
  /** It has given its password, or needs none. */
  isKnown: boolean;
  /** CLIENT REPLY OFF. */
  isMuted = false;
  /** CLIENT REPLY SKIP: of the command that comes next. */
  skipsNext = false;
  /** No more commands are taken; the connection is closed once the replies are out. */
  isEnding = false;
  /** Replies that the client did not take have passed their cap: the connection is to be broken. */
  isOverflown = false;
  /** The connection is gone. */
  isClosed = false;
  /** In the host's list of sessions to run. */
  isWoken = false;
  /** In the host's list of sessions that have something to send. */
  isTouched = false;
  lastCommand: Command | undefined;
  lastCommandAtMs: number;
  readonly #writer: RespWriter;
  readonly #ring: ReplyRing;
  readonly #keys = new KeysInFlight();
  #later: (() => void)[] = [];
  /** A command that was found and can't be begun yet. */
  #isHeld = false;
  /** No more commands were taken, though there may be some: too many in flight, too many bytes of replies, or a barrier. */
  #isFull = false;
  #command: Command | undefined;
  #keyHash = 0;
  #silence = 0;
  #replySlot = 0;
  #barrier = NO_SLOT;
  #keyspace: Keyspace | undefined;
  #ringChanges = -1;

  constructor(id: number, host: SessionHost, mutants?: ReadonlySet<string>) {
    const { settings } = host;
    this.id = id;
    this.host = host;
    this.startedAtMs = host.nowMs();
    this.lastCommandAtMs = this.startedAtMs;
    this.keyspaceName = settings.keyspace;
    this.isKnown = settings.password === '';
    const { argumentsMax, bulkBytesMax, commandBytesMax } = settings;
    this.reader = new RespReader({ argumentsMax, bulkBytesMax, commandBytesMax }, mutants);
    if (!this.isKnown) this.setKnown(false);
    this.out = new OutBuffer(OUT_BYTES, Math.max(OUT_BYTES, settings.replyBytesCap));
    this.#ring = new ReplyRing(
      this.out,
      new OutBuffer(SIDE_BYTES, Math.max(SIDE_BYTES, settings.replyBytesCap)),
      settings.inFlightMax,
      mutants,
    );
    this.#writer = new RespWriter(this.out);
  }

  get protocol(): 2 | 3 {
    return this.#writer.protocol;
  }

  set protocol(version: 2 | 3) {
    this.#writer.protocol = version;
  }

  get inFlight(): number {
    return this.#ring.size;
  }

  /** Whether more input would be worked on; else the connection is not to read. */
  get wantsInput(): boolean {
    return !this.isEnding && !this.#isHeld && this.#mayGoOn() && this.host.gate.hasRoom;
  }

  /** Whether `run` would find something to do. */
  get canGoOn(): boolean {
    return this.#later.length > 0 || (this.#isFull && !this.isEnding && this.#mayGoOn());
  }

  /** All that was asked is answered, and no more will be. */
  get isDone(): boolean {
    return this.isEnding && this.#ring.size === 0;
  }

  feed(bytes: Buffer, start: number, end: number): void {
    if (this.isEnding) return;
    this.lastCommandAtMs = this.host.nowMs();
    this.reader.feed(bytes, start, end);
  }

  /** Takes commands. Requires: a turn of the host. */
  run(): void {
    do {
      this.#runLater();
      this.#takeCommands();
    } while (this.#later.length > 0);
  }

  closed(): void {
    this.isClosed = true;
    this.host.gate.forget(this);
    this.isEnding = true;
    this.#later = [];
  }

  /** With the password given, the bounds of what it may send are those of the settings. */
  setKnown(isKnown: boolean): void {
    const { limits } = this.reader;
    const { argumentsMax, bulkBytesMax } = this.host.settings;
    this.isKnown = isKnown;
    limits.argumentsMax = isKnown ? argumentsMax : Math.min(argumentsMax, UNKNOWN_ARGUMENTS_MAX);
    limits.bulkBytesMax = isKnown ? bulkBytesMax : Math.min(bulkBytesMax, UNKNOWN_BULK_BYTES_MAX);
  }

  /** CLIENT REPLY ON, which is answered itself. */
  unmute(): void {
    this.isMuted = false;
    this.#silence = 0;
  }

  // For commands: replies.

  /** Begins the reply to the present command; `endReply` follows. */
  beginReply(): RespWriter {
    this.#replySlot = this.#ring.open(this.#silence, 0, undefined);
    this.#writer.out = this.#ring.outOf(this.#replySlot);
    return this.#writer;
  }

  endReply(): void {
    this.#close(this.#replySlot);
  }

  ok(): void {
    this.beginReply().ok();
    this.endReply();
  }

  /** `text` begins with its code. */
  error(text: string): void {
    this.host.stats.errors++;
    this.beginReply().error(text);
    this.endReply();
  }

  /** A place for a reply that comes later, by `finish`. */
  openSlot(): number {
    return this.#ring.open(this.#silence, 0, undefined);
  }

  /** Same; no command behind it is begun before: what it changes is what they work on. */
  openBarrier(): number {
    this.#barrier = this.openSlot();
    return this.#barrier;
  }

  /** The reply for `openSlot`. */
  finish(slot: number, failure: string, write: (writer: RespWriter) => void): void {
    if (this.isClosed) return;
    if (slot === this.#barrier) this.#barrier = NO_SLOT;
    this.#writer.out = this.#ring.outOf(slot);
    if (failure === '') write(this.#writer);
    else this.#fail(failure);
    this.#close(slot);
    this.#tellHost();
  }

  // For commands: requests.

  /** The keyspace in use. Requires: the command has the flag `keyspace`, or keys. */
  get keyspace(): Keyspace {
    return this.#keyspace!;
  }

  /** How a plain write takes its context. */
  get plainContext(): typeof CONTEXT_LOCAL | typeof CONTEXT_READ {
    return this.keyspace.mode === 'cp' ? CONTEXT_READ : CONTEXT_LOCAL;
  }

  /** The request of the present command, on the key at argument `i`: without a value, context or options. `send` or `begin` follows. */
  request(kind: RequestKind, i: number): StoreRequest {
    const { reader } = this;
    return requestOn(this.host, kind, this.keyspace, reader.bytes, reader.start(i), reader.end(i));
  }

  /** Begins the request for the present command, whose only key it is on; the answer is shown by `render`. */
  send(request: StoreRequest, render: Render): void {
    const isWrite = this.#isWrite();
    this.#keys.add(this.#keyHash, isWrite);
    request.sink = this;
    request.token = this.#ring.open(this.#silence | HAS_KEY | (isWrite ? WRITES : 0), this.#keyHash, render);
    this.host.gate.begin(request);
  }

  answered(token: number, answer: StoreAnswer): void {
    this.host.gate.answered();
    if (this.isClosed) return;
    const ring = this.#ring;
    const flags = ring.flagsOf(token);
    if ((flags & HAS_KEY) !== 0) this.#keys.remove(ring.hashOf(token), (flags & WRITES) !== 0);
    this.#writer.out = ring.outOf(token);
    if (answer.status === OK || answer.status === NOT_FOUND) ring.renderOf(token)?.(this.#writer, answer, this.host);
    else this.#fail(failureText(answer));
    this.#close(token);
    this.#tellHost();
  }

  /** For commands of several requests: keeps a key of theirs busy until `freeKey`. Returns its hash. */
  holdKey(start: number, end: number): number {
    const hash = hashKey(this.reader.bytes, start, end);
    this.#keys.add(hash, this.#isWrite());
    return hash;
  }

  freeKey(hash: number, isWrite: boolean): void {
    this.#keys.remove(hash, isWrite);
  }

  /** Runs `task` in the next turn of the gateway. */
  later(task: () => void): void {
    if (this.isClosed) return;
    this.#later.push(task);
    this.host.wake(this);
  }

  // Commands one by one.

  #takeCommands(): void {
    this.#isFull = false;
    while (!this.isEnding) {
      this.#isFull = !this.#mayGoOn();
      if (!this.host.gate.hasRoom) return this.host.gate.wait(this);
      if (this.#isFull || (!this.#isHeld && !this.#find())) return;
      this.#isHeld = !this.#tryBegin();
      if (this.#isHeld) return;
    }
  }

  /** Whether there is one; `#command` is the row of its name. */
  #find(): boolean {
    const { reader, host } = this;
    const found = reader.next();
    if (found === COMMAND) {
      host.stats.commands++;
      this.#command = commandAt(reader);
      this.lastCommand = this.#command;
      return true;
    }
    if (found === FAULT) {
      this.#silence = 0;
      this.error(`ERR ${reader.fault}`);
      this.isEnding = true;
    }
    return false;
  }

  /** False: it has to wait. */
  #tryBegin(): boolean {
    const command = this.#command;
    this.#silence = this.isMuted || this.skipsNext ? IS_SILENT : 0;
    const fault = command === undefined ? unknownCommand(this.reader) : this.#faultOf(command);
    if (fault !== '') {
      this.skipsNext = false;
      this.error(fault);
      return true;
    }
    if (this.#hasBusyKey(command!)) return false;
    this.skipsNext = false;
    command!.run(this);
    return true;
  }

  #faultOf(command: Command): string {
    const { arity, keys, flags } = command;
    const { count } = this.reader;
    if (!this.isKnown && !flags.includes('noAuth')) return 'NOAUTH Authentication required.';
    if (arity >= 0 ? count !== arity : count < -arity) return `ERR wrong number of arguments for '${command.name.toLowerCase()}' command`;
    if (keys[0] === 0 && !flags.includes('keyspace')) return '';
    if (this.#ringChanges !== this.host.ringChanges()) this.#findKeyspace();
    if (this.#keyspace !== undefined) return '';
    return this.host.keyspaces().length === 0
      ? 'LOADING this node has no ring yet'
      : `ERR no such keyspace: ${this.keyspaceName}; KEYSPACE LIST shows those there are`;
  }

  /** Looks the keyspace up anew, after its name or the ring has changed. */
  forgetKeyspace(): void {
    this.#ringChanges = -1;
  }

  #findKeyspace(): void {
    this.#ringChanges = this.host.ringChanges();
    this.#keyspace = this.host.keyspaces().find(({ name }) => name === this.keyspaceName);
  }

  #hasBusyKey(command: Command): boolean {
    const { keys } = command;
    if (keys[0] === 0) return this.#ring.size > 0 && command.flags.includes('settled');
    const { reader } = this;
    const isWrite = this.#isWrite();
    const last = keys[1] < 0 ? reader.count + keys[1] : keys[1];
    for (let i = keys[0]; i <= last; i += keys[2]) {
      this.#keyHash = hashKey(reader.bytes, reader.start(i), reader.end(i));
      if (this.#keys.isBusy(this.#keyHash, isWrite)) return true;
    }
    return false;
  }

  #isWrite(): boolean {
    return this.#command!.flags.includes('write');
  }

  #mayGoOn(): boolean {
    const { replyBytesMax } = this.host.settings;
    return this.#barrier === NO_SLOT && !this.#ring.isFull && this.out.length + this.#ring.sideBytes <= replyBytesMax;
  }

  #runLater(): void {
    while (this.#later.length > 0) {
      const tasks = this.#later;
      this.#later = [];
      for (const task of tasks) task();
    }
  }

  #fail(text: string): void {
    this.host.stats.errors++;
    this.#writer.error(text);
  }

  /** Something was answered: there may be a reply to send, and room or a free key for the next command. */
  #tellHost(): void {
    if (this.#isHeld || this.#isFull) this.host.wake(this);
    this.host.touch(this);
  }

  #close(slot: number): void {
    if (this.#ring.close(slot) && !this.#writer.isFull) return;
    this.isEnding = true;
    this.isOverflown = true;
  }
}
