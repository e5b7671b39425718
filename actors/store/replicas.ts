/**
 * Replicas: the store of one shard: what its thread holds of all partitions that it owns. One engine, one source of dots, one clock.
 *
 * ```
 *  call --> engine.get: in memory --> put / merge --> engine.put ........ done --> doorbell --> drain: stored
 *             |  LATER                  ^                  (outside of turns)
 *             v                         |
 *           Miss: later calls of the key queue behind it; its end is drained, and all run in their order
 * ```
 * Read, merge and write of a key are one step to all others (T2): within the turn where the old version is in memory, else by the queue of its miss. Writes that the engine
 * can't take yet are not seen by its reads: as long as some wait no other write begins (they stall).
 *
 * One incarnation for the whole store is enough as the actor of dots: a dot is never given twice whatever its partition, and fewer actors make shorter vectors.
 * It is taken to have lost something (T3) when there is no clean mark at the start, when a block is damaged, or when others know more of it than it does.
 *
 * No actor: its owner calls everything within its turns, and `drain` when the doorbell has rung.
 */
import { OutBuffer } from '../../runtime/bytes.ts';
import type { Log } from '../../runtime/doors.ts';
import { BugError } from '../../runtime/errors.ts';
import type { EngineIterator, Found, KeyRange, LATER } from '../../storage/engine/api.ts';
import type { Engine } from '../../storage/engine/engine.ts';
import { StorageError } from '../../storage/errors.ts';
import { Hints } from '../hints/hints.ts';
import type { Floors } from '../purge/floors.ts';
import { ANCESTOR, CONCURRENT, compare, merge, NO_ROOM } from '../version/merge.ts';
import { reduced } from '../version/newest.ts';
import { put } from '../version/put.ts';
import { RecordView } from '../version/record-view.ts';
import { latestStamp, latestStampIn } from '../version/seen.ts';
import { truncateEntries } from '../version/truncate.ts';
import { Write } from '../version/write.ts';
import { BARRIER_KEY, EngineKeys, STORE_KEY_BYTES_MAX } from './engine-key.ts';
import { clearRanges, type EngineRange } from './engine-range.ts';
import type { Minting } from './minting.ts';
import { floorsOf, openStore } from './open-store.ts';
import {
  COORDINATE,
  contextOf,
  durabilityOf,
  FORGET,
  fail,
  failBy,
  READ_LOCAL,
  type ReplicaCall,
  type ReplicaSink,
} from './replica-call.ts';
import { ReplicaCounts } from './replica-counts.ts';
import { ENTRIES_MAX, RECORD_BYTES_MAX, type ReplicasOptions, SIBLINGS_MAX, WAITING_BYTES_MAX, WAITING_MAX } from './replicas-options.ts';
import { INVALID, LOADING, STALE_RING, TIMED_OUT } from './store-request.ts';
import { Stores } from './stores.ts';
import { ViewCache } from './view-cache.ts';
import { Miss, WaitingCalls } from './waiting-calls.ts';

const NO_KEY = new Uint8Array(0);
const SCRATCH_BYTES = 4_096;
const CLOSED = 'the replicas of this shard are not open';

export class Replicas {
  readonly #options: ReplicasOptions;
  readonly #log: Log;
  readonly #mutants: ReadonlySet<string> | undefined;
  readonly #keys = new EngineKeys();
  readonly #waiting: WaitingCalls;
  readonly #stores: Stores;
  readonly #write = new Write();
  readonly #local = new RecordView();
  readonly #found: Found = { bytes: NO_KEY, start: 0, end: 0 };
  readonly #other = new RecordView();
  readonly #made = new RecordView();
  readonly #out: OutBuffer;
  readonly #values = new ViewCache();
  /** Of the call that is performed. */
  #key: Uint8Array = NO_KEY;
  #engine: Engine | null = null;
  #minting: Minting | null = null;
  #isOpen = false;
  #isClosed = false;
  /** A write of a dot has failed: the store can't say that it is all there. */
  #hasFailed = false;
  readonly #counts = new ReplicaCounts();
  /** What is held for others; and what was purged and must not come back. */
  readonly hints: Hints;
  readonly floors: Floors;
  #nextMiss: Miss;
  #misses: Miss[] = [];

  constructor(options: ReplicasOptions) {
    this.#options = options;
    this.#log = options.doors.log;
    this.#mutants = options.mutants;
    this.#waiting = new WaitingCalls(options.waitingMax ?? WAITING_MAX, options.waitingBytesMax ?? WAITING_BYTES_MAX);
    this.#stores = new Stores(options.ring);
    const most = options.recordBytesMax ?? RECORD_BYTES_MAX;
    this.#out = new OutBuffer(Math.min(SCRATCH_BYTES, most * 3), most * 3);
    this.#nextMiss = new Miss(this.#onMiss);
    const { doors, partitions = () => 0 } = options;
    this.floors = floorsOf(options);
    this.hints = new Hints({ ...options, random: doors.random, partitions, run: (call) => this.#runOn(call) });
  }

  /** `done` comes once, outside of turns. Calls before that are LOADING. */
  open(done: (error: StorageError | undefined) => void): void {
    openStore(this.#options, this.floors, (result) => {
      if (!result.ok) return done(result.error);
      const { engine, minting } = result.value;
      if (this.#isClosed) return engine.close(() => done(new StorageError('CLOSED', 'the replicas were closed while they were opened')));
      this.#engine = engine;
      this.#minting = minting;
      this.#isOpen = true;
      this.hints.open(engine);
      done(undefined);
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** 16 bytes: the actor of the dots it gives now. Requires: it is open. */
  get incarnation(): Uint8Array {
    return this.#minting!.incarnation;
  }

  /** Calls and writes that have yet to be answered. */
  get pending(): number {
    return this.#waiting.count + this.#stores.pending;
  }

  /** Of the engine, and of replica-counts.ts. */
  stats(): Readonly<Record<string, number>> {
    const waiting = { waitingCalls: this.#waiting.count, pendingWrites: this.#stores.pending };
    return { ...this.#engine?.stats(), ...waiting, ...this.#counts.stats(), ...this.hints.stats(), ...this.floors.stats() };
  }

  /** `call` is copied where it has to wait. Its sink is told, within this or later. */
  run(call: ReplicaCall): void {
    if (!this.#isOpen) return fail(call, LOADING, CLOSED);
    const keyBytes = call.keyEnd - call.keyStart;
    if (keyBytes > STORE_KEY_BYTES_MAX) return fail(call, INVALID, `key: expected at most ${STORE_KEY_BYTES_MAX} bytes, found ${keyBytes}`);
    this.#counts.call(call.verb);
    if (call.isStandIn) this.hints.run(call);
    else this.#runOn(call);
  }

  #runOn(call: ReplicaCall): void {
    if (!this.#isOpen) return fail(call, LOADING, CLOSED);
    if (call.verb !== READ_LOCAL && this.isStalled) this.#stall(call);
    else this.#start(call);
  }

  /** What has ended since the last time. */
  drain(): void {
    const misses = this.#misses;
    this.#misses = [];
    for (const call of this.#waiting.takeRefused()) fail(call, STALE_RING, 'the ring has changed while the write was waiting');
    for (const miss of misses) this.#finish(miss);
    this.#stores.drain(this.#onFailed);
    this.hints.drain();
    if (!this.#isOpen || !this.#waiting.hasStalled || this.#engine!.hasWaitingWrites) return;
    const now = this.#options.doors.clock.now();
    for (const call of this.#waiting.takeStalled()) {
      if (call.deadlineMs <= now) fail(call, TIMED_OUT, 'the time was up before there was room for the write');
      else if (this.#engine!.hasWaitingWrites) this.#waiting.stallAgain(call);
      else this.#start(call);
    }
  }

  /**
   * No more calls: those that wait fail; writes under way end, and what their sinks are told of them comes by `drain`. Then the clean mark, if the owner ends in order
   * (`isClean`), and the engine closes.
   */
  close(done: (error: StorageError | undefined) => void, isClean = true): void {
    const engine = this.#engine;
    this.#isClosed = true;
    if (engine === null || !this.#isOpen) return done(undefined);
    this.#isOpen = false;
    this.hints.close();
    for (const call of this.#waiting.takeAll()) fail(call, LOADING, CLOSED);
    if (this.#hasFailed || !isClean) return engine.close(done);
    this.#minting!.close((error) => {
      if (error !== undefined) this.#log.error('clean mark of the store could not be written', { why: error.message });
      engine.close(done);
    });
  }

  /**
   * The ring has changed. Writes that came under the old one and wait are refused as STALE_RING, of which `drain` tells, to be made again by the new one; `done` is called when those that the engine has
   * taken on can be read, at once or later: whoever copies the data from then on misses none.
   */
  switchRing(done: () => void): void {
    if (!this.#mutants?.has('oldRingWritesLater') && this.#waiting.refuseWrites()) this.#options.ring();
    if (!this.#isOpen || !this.#engine!.hasWaitingWrites) return done();
    // Behind all that wait for room: it is done when they are.
    this.#engine!.delete(BARRIER_KEY, 'none', () => done());
  }

  /** Deletes what there is in the ranges, and what waits for room, before all writes that come later. `done`, of each: nothing is, on disk. Returns in how many there may be something. Requires: it is open. */
  dropAll(ranges: readonly EngineRange[], done: (range: EngineRange, error: StorageError | undefined) => void): number {
    const begin = (count: number): void => {
      for (const range of ranges) this.floors.drop(this.#engine!, range);
      if (count > 0 && !this.#mutants?.has('droppedComesBack')) this.#waiting.forgetValues();
      if (count > 0) this.#options.marks?.markAll();
    };
    return clearRanges(this.#engine!, ranges, begin, done);
  }

  /** For what is no key of a keyspace. Requires: it is open. */
  get engine(): Engine {
    return this.#engine!;
  }

  /** Over the engine's keys, as they are now; to be closed soon. Requires: it is open. Throws StorageError. */
  iterator(range: KeyRange): EngineIterator {
    return this.#engine!.iterator(range);
  }

  /** Writes wait for room: those that the engine has can't be read yet. Requires: it is open. */
  get isStalled(): boolean {
    if (this.#mutants?.has('stallIgnored')) return false;
    return this.#engine!.hasWaitingWrites || this.#waiting.hasStalled;
  }

  #stall(call: ReplicaCall): void {
    this.#counts.stalls++;
    this.#waiting.stall(call);
  }

  #start(call: ReplicaCall): void {
    const key = this.#keyOf(call);
    this.#key = key;
    const before = this.#mutants?.has('missRunsMergeUnordered') ? undefined : this.#waiting.missOf(call.tokenLow, key);
    if (before !== undefined) return this.#waiting.join(before, call);
    const miss = this.#nextMiss;
    const found = this.#found;
    let isThere: boolean | typeof LATER;
    try {
      isThere = this.#engine!.look(key, found, miss.done);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      return this.#readFailed(call, error);
    }
    if (isThere === true) return this.#perform(call, found.bytes, found.start, found.end);
    if (isThere === false) return this.#perform(call, NO_KEY, 0, 0);
    this.#counts.misses++;
    this.#nextMiss = new Miss(this.#onMiss);
    this.#waiting.begin(miss, key, call);
  }

  /** Its calls, in their order. Reads, and the call that began it, take what it read; a write behind others reads what they left. */
  #finish(miss: Miss): void {
    const { result, calls } = miss;
    if (calls.length === 0 || !this.#isOpen || result === undefined) return;
    this.#waiting.end(miss);
    const now = this.#options.doors.clock.now();
    let isAsRead = !miss.isOutdated;
    for (const [i, call] of calls.entries()) {
      if (call.deadlineMs <= now) fail(call, TIMED_OUT, 'the time was up before the disk was read');
      else if (!result.ok) this.#readFailed(call, result.error);
      else if (isAsRead && (i === 0 || call.verb === READ_LOCAL)) {
        this.#key = this.#keyOf(call);
        const value = result.value ?? NO_KEY;
        this.#perform(call, value, 0, value.length);
      } else if (call.verb !== READ_LOCAL && this.isStalled) this.#stall(call);
      else this.#start(call);
      if (call.verb !== READ_LOCAL) isAsRead = false;
    }
  }

  /** `bytes[start, end)`: the record that is there; empty: none is. */
  #perform(call: ReplicaCall, bytes: Uint8Array, start: number, end: number): void {
    const local = this.#local;
    if (start !== end) local.open(bytes, start, end);
    if (start === end || (call.verb !== FORGET && this.floors.isGone(call, local))) local.clear();
    if (call.verb === READ_LOCAL) call.sink.found(call.token, local);
    else if (call.verb === COORDINATE) this.#coordinate(call, local);
    else if (call.verb === FORGET) this.#forget(call, local);
    else this.#mergeIn(call, local);
  }

  #coordinate(call: ReplicaCall, local: RecordView): void {
    const minting = this.#minting!;
    const dots = call.keyspace === 0 ? this.hints.dotsOf(call) : minting;
    const context = contextOf(call, local, this.#other);
    if (context !== local) {
      if (context.entries > 0 && !minting.observe(latestStamp(context)))
        return fail(call, INVALID, 'context: stamped further ahead of the wall clock than is borne with');
      if (this.floors.hasForgotten(call, local, context, dots.incarnation))
        dots.reincarnate('a context knows dots of this store that it does not hold');
    }
    minting.follow(latestStamp(local));
    const stamp = minting.stamp();
    const counter = stamp === 0 ? 0 : dots.counter();
    if (counter === 0) {
      const fault = minting.takeFault();
      return fault === undefined ? this.#stall(call) : this.#onFailed(call.sink, call.token, fault);
    }
    const out = this.#out;
    const write = this.#write;
    write.actor = dots.incarnation;
    write.counter = counter;
    write.stamp = stamp;
    write.isTombstone = call.isTombstone;
    write.expiry = call.expiryMs;
    write.value = call.bytes;
    write.valueStart = call.start;
    write.valueEnd = call.end;
    out.clear();
    const result = put(local, context, write, out, this.#mutants);
    if (result === 'noRoom') return this.#tooLarge(call);
    if (result !== 'done') throw new BugError(`replicas: a dot of this store was refused: ${result}`);
    truncateEntries(out, 0, this.#options.entriesMax ?? ENTRIES_MAX, dots.incarnation, this.#mutants);
    const made = reduced(call.isLww, out, this.#made);
    if (made === undefined) return this.#tooLarge(call);
    const { siblingsMax = SIBLINGS_MAX } = this.#options;
    if (made.siblings > siblingsMax)
      return fail(call, INVALID, `siblings: expected at most ${siblingsMax}, found ${made.siblings}; write with the key's context`);
    this.#store(call, made);
  }

  #mergeIn(call: ReplicaCall, local: RecordView): void {
    const minting = this.#minting!;
    this.#other.open(call.bytes, call.start, call.end);
    const incoming = this.floors.admit(call, local, this.#other);
    if (incoming === undefined) return;
    if (!minting.observe(latestStampIn(incoming)))
      return fail(call, INVALID, 'record: stamped further ahead of the wall clock than is borne with');
    // A hint need not hold what this store minted, or lost: its own record is elsewhere.
    if (call.keyspace !== 0 && this.floors.hasForgotten(call, local, incoming, minting.incarnation))
      minting.reincarnate('a record knows dots of this store that it does not hold');
    const order = compare(local, incoming);
    const isLww = call.isLww && incoming.siblings > 1;
    if (order === ANCESTOR && !isLww) return this.#store(call, incoming);
    // What is held already is written again: only so is it as durable as this call asks.
    if (order !== ANCESTOR && order !== CONCURRENT) return this.#store(call, local);
    const out = this.#out;
    out.clear();
    if (merge(local, incoming, out, this.#mutants) === NO_ROOM) return this.#tooLarge(call);
    const made = reduced(call.isLww, out, this.#made);
    if (made === undefined) return this.#tooLarge(call);
    this.#store(call, made);
  }

  #store(call: ReplicaCall, record: RecordView): void {
    if (record.end - record.start > (this.#options.recordBytesMax ?? RECORD_BYTES_MAX)) return this.#tooLarge(call);
    if (call.keyspace === 0) this.hints.changed(call, this.#local.end - this.#local.start, record.end - record.start);
    else this.#options.marks?.mark(call.keyspace, call.tokenHigh);
    this.floors.note(call, record);
    const value = this.#values.view(record.bytes, record.start, record.end);
    const { verb, sink, token } = call;
    if (this.#mutants?.has('ackBeforeDurable')) {
      this.#engine!.put(this.#key, value, durabilityOf(call), this.#options.ring);
      if (verb === COORDINATE) sink.made(token, record);
      return sink.stored(token);
    }
    const store = this.#stores.begin(call);
    const isHeld = this.#engine!.put(this.#key, value, durabilityOf(call), store.done);
    if (verb !== COORDINATE) return;
    // What others know of must be here for the next dot of the key to supersede or hold it (T3); a write that waits for room may yet fail.
    if (isHeld || this.#mutants?.has('shownBeforeHeld')) sink.made(token, record);
    else store.record = Uint8Array.prototype.slice.call(value);
  }

  #forget(call: ReplicaCall, local: RecordView): void {
    const keeper = call.keyspace === 0 ? this.hints : this.floors;
    if (!keeper.mayForget(call, local)) return fail(call, INVALID, 'the record has changed');
    this.#options.marks?.mark(call.keyspace, call.tokenHigh);
    this.#engine!.delete(this.#key, durabilityOf(call), this.#stores.begin(call).done);
  }

  #keyOf({ keyspace, tokenHigh, tokenLow, key, keyStart, keyEnd }: ReplicaCall): Uint8Array {
    return this.#keys.of(keyspace, tokenHigh, tokenLow, key, keyStart, keyEnd);
  }

  #tooLarge(call: ReplicaCall): void {
    fail(call, INVALID, `record: expected at most ${this.#options.recordBytesMax ?? RECORD_BYTES_MAX} bytes with all siblings`);
  }

  #readFailed(call: ReplicaCall, error: StorageError): void {
    if (error.code === 'CORRUPTION') this.#minting?.reincarnateOnce(error.message);
    this.#onFailed(call.sink, call.token, error);
  }

  readonly #onFailed = (sink: ReplicaSink, token: number, error: StorageError): void => {
    this.#hasFailed = true;
    this.hints.mayBeWrong();
    failBy(sink, token, error);
  };

  readonly #onMiss = (miss: Miss): void => {
    this.#misses.push(miss);
    this.#options.ring();
  };
}
