/**
 * Dispatch: sends operations to coordinators and sees each to its end; all of ClientActor but what it knows of nodes and of the ring. Its functions are called within
 * turns of the actor.
 *
 * Invariants: every operation begun ends once, by its deadline or a little later. A write is never with two coordinators, nor sent again while the first may have
 * done it.
 */
import type { StopReason } from '../../runtime/actor.ts';
import type { Clock, Log, Random } from '../../runtime/doors.ts';
import { Hasher } from '../ring/token.ts';
import { readListed } from '../scan/list-frames.ts';
import { ScanAnswer } from '../scan/scan-request.ts';
import { readForwarded } from '../store/forward-frames.ts';
import { GET, PUT, StoreAnswer } from '../store/store-request.ts';
import { RecordView } from '../version/record-view.ts';
import type { ClientDesk } from './client-desk.ts';
import { ClientError } from './client-error.ts';
import { abandoned, lost, pastDeadline } from './endings.ts';
import { errorOf, judge } from './judgement.ts';
import type { Operation } from './operation.ts';
import { OperationTable } from './operation-table.ts';
import type { ClientTuning } from './options.ts';
import type { NodePlaces, Place } from './places.ts';
import { fullJitter, RetryBudget } from './retry.ts';
import type { MappedKeyspace, RingMap } from './ring-map.ts';
import { faultOf, Sending } from './sending.ts';

export interface DispatchOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly desk: ClientDesk;
  readonly tuning: ClientTuning;
  readonly mutants: ReadonlySet<string> | undefined;
  /** `tick` is to be called at `atMs`; a later time given before is void. */
  readonly arm: (atMs: number, nowMs: number) => void;
  /** A ring is wanted: the newest that `preferred`, or anybody, has. `ringSeen` is called then. Returns how many fetches have to be over before one counts that began now. */
  readonly wantRing: (preferred: NodePlaces | null) => number;
  /** Whether somebody answers there is wanted: `placeUp` or `placeGone` is called then. */
  readonly greet: (place: Place) => void;
  /** Nobody can be reached: those that are down are to be asked whether they are back. */
  readonly probe: () => void;
}

/** Operations that nobody could take are tried again after so long. */
const NOBODY_MS = 50;
/** One that waits for a place to answer a greeting goes elsewhere after so long. */
const GREETING_MS = 100;

export class Dispatch {
  readonly #options: DispatchOptions;
  readonly #tuning: ClientTuning;
  readonly #table: OperationTable;
  readonly #budget: RetryBudget;
  readonly #hasher = new Hasher();
  readonly #sending = new Sending();
  readonly #answer = new StoreAnswer(new RecordView());
  readonly #listed = new ScanAnswer();
  #map: RingMap | null = null;
  /** Of phase `awaitingRing`, among some that are not any more. */
  #awaiting: Operation[] = [];

  constructor(options: DispatchOptions) {
    const { clock, random, tuning, arm } = options;
    const { operationsMax, inFlightMax } = tuning;
    this.#options = options;
    this.#tuning = tuning;
    this.#table = new OperationTable({ operationsMax, inFlightMax, firstId: random.u32(), arm });
    this.#budget = new RetryBudget(tuning.retryBudget, clock.now());
  }

  get awaitsRing(): boolean {
    return this.#awaiting.length > 0;
  }

  /** What was submitted or cancelled. */
  take(ops: readonly Operation[]): void {
    for (const op of ops) {
      if (op.phase === 'over') continue;
      if (op.cancelled !== null) this.#fail(op, op.cancelled);
      else if (op.phase === 'new') this.#begin(op);
    }
    this.#sendQueued();
  }

  /** A FORWARDED frame. */
  forwarded(bytes: Uint8Array, offset: number, length: number, requestId: number): void {
    const op = this.#table.find(requestId);
    // Of an operation that is over.
    if (op === undefined) return;
    const answer = this.#answer;
    const fault = op.list === null ? readForwarded(bytes, offset, length, answer) : 'expected a page, found a record';
    if (fault !== undefined) this.#onMalformed(op, fault);
    else this.#onAnswer(op, answer);
    if (this.#table.hasQueued) this.#sendQueued();
  }

  /** A LISTED frame. */
  listed(bytes: Uint8Array, offset: number, length: number, requestId: number): void {
    const op = this.#table.find(requestId);
    if (op === undefined) return;
    const fault = op.list === null ? 'expected a record, found a page' : readListed(bytes, offset, offset + length, this.#listed);
    if (fault !== undefined) this.#onMalformed(op, fault);
    else this.#onAnswer(op, this.#listed);
    if (this.#table.hasQueued) this.#sendQueued();
  }

  tick(): void {
    const now = this.#options.clock.now();
    this.#table.tick(now, (op) => this.#onDue(op, now));
    this.#sendQueued();
  }

  /** By this ring from now on. */
  useRing(map: RingMap): void {
    this.#map = map;
    // Bits of `tried` meant the preference lists of before.
    this.#table.each((op) => {
      op.tried = 0;
    });
  }

  /** The ring was fetched. `isNewer`: it is another one than before. `fetches`: how many are over by now. Requires: `useRing` was called. */
  ringSeen(isNewer: boolean, fetches: number): void {
    const awaiting = this.#awaiting;
    this.#awaiting = [];
    const now = this.#options.clock.now();
    for (const op of awaiting) {
      if (op.phase !== 'awaitingRing') continue;
      if (this.#map?.keyspace(op.keyspace) === undefined) {
        if (fetches > op.fetches) this.#fail(op, new ClientError('NO_KEYSPACE', `there is no keyspace ${JSON.stringify(op.keyspace)}`));
        else this.#awaitRing(op, null, now);
      } else if (isNewer || op.trouble === null) this.#route(op, now);
      // Whoever refused it knows of a ring that is on its way, or is behind itself.
      else this.#backOff(op, 2, now);
    }
  }

  /** Somebody answers there: who has waited for that is sent. */
  placeUp(place: Place): void {
    this.#release(place);
  }

  /** Whoever was there does not answer what was sent there. `reason`: the runtime's word for how. */
  placeGone(place: Place, reason: string): void {
    const now = this.#options.clock.now();
    this.#table.each((op) => {
      if (op.phase === 'sent' && op.place === place) this.#onLost(op, reason, now);
    });
    this.#release(place);
    this.#sendQueued();
  }

  /** Fails all. */
  end(reason: StopReason): void {
    for (const op of this.#options.desk.take()) if (op.phase === 'new') this.#fail(op, abandoned(op, reason));
    this.#table.each((op) => this.#fail(op, abandoned(op, reason)));
  }

  #begin(op: Operation): void {
    const { clock } = this.#options;
    const now = clock.now();
    op.deadlineMs = now + op.timeoutMs;
    if (op.kind === PUT) op.begunMs = clock.wall();
    if (op.list === null) {
      this.#hasher.hash(op.key);
      op.tokenHigh = this.#hasher.high;
      op.tokenLow = this.#hasher.low;
    } else {
      op.tokenHigh = op.list.start.high;
    }
    this.#table.add(op);
    this.#budget.deposit();
    this.#route(op, now);
  }

  /** Sends it on its way: to a coordinator, or to where it waits for one. */
  #route(op: Operation, now: number): void {
    const map = this.#map;
    const mapped = map?.keyspace(op.keyspace);
    if (map === null || mapped === undefined) return this.#awaitRing(op, null, now);
    const fault = faultOf(op, mapped.keyspace);
    if (fault !== null) return this.#fail(op, fault);
    if (op.phase !== 'sent' && !this.#table.hasRoom) return this.#table.enter(op, 'queued', op.deadlineMs, now);
    const { read: table } = mapped.table;
    // Only a primary that reads go to coordinates writes: it has seen what is there. Anybody coordinates a read.
    const count = op.kind === GET ? table.stride : table.primaries;
    const partition = map.partitionOf(op.tokenHigh);
    let at = map.choose(table, partition, count, op.tried, now);
    // All were tried: from the beginning, unless one of them may still answer.
    if (at < 0 && op.tried !== 0 && op.outstanding === 0) {
      op.tried = 0;
      at = map.choose(table, partition, count, 0, now);
    }
    if (at < 0) return this.#onNobody(op, now);
    const place = map.placeAt(table, partition, at);
    op.tried |= 1 << at;
    if (place.state === 'up') this.#send(op, map, mapped, place, partition, now);
    else this.#awaitPlace(op, place, 1 << at, now);
  }

  #send(op: Operation, map: RingMap, mapped: MappedKeyspace, place: Place, partition: number, now: number): void {
    const sent = this.#sending.send(op, map, mapped, place, partition, now);
    if (sent instanceof ClientError) return this.#fail(op, sent);
    if (!sent) {
      // The way there is full for the moment.
      op.trouble = new ClientError('OVERLOADED', `the connection to node ${place.node.name} is full`);
      op.tried = 0;
      return this.#backOff(op, 1, now);
    }
    op.place = place;
    op.sentMs = now;
    if (op.list === null) place.node.times.asked(now);
    op.attempts++;
    op.outstanding++;
    op.mayBeDone = op.kind !== GET;
    this.#table.enter(op, 'sent', op.kind === GET ? now + this.#tuning.attemptMs : op.deadlineMs, now);
  }

  #onNobody(op: Operation, now: number): void {
    // A read that is still with somebody.
    if (op.outstanding > 0) return this.#table.enter(op, 'sent', op.deadlineMs, now);
    op.trouble = new ClientError('UNREACHABLE', 'no node that serves the key can be reached', { cause: op.trouble ?? undefined });
    this.#options.probe();
    this.#table.enter(op, 'backingOff', now + NOBODY_MS, now);
  }

  #awaitRing(op: Operation, preferred: NodePlaces | null, now: number): void {
    this.#awaiting.push(op);
    this.#table.enter(op, 'awaitingRing', op.deadlineMs, now);
    op.fetches = this.#options.wantRing(preferred);
  }

  /** It is not known yet whether anybody is there, and so whether what is sent there could be lost. */
  #awaitPlace(op: Operation, place: Place, bit: number, now: number): void {
    this.#options.greet(place);
    if (op.outstanding > 0) {
      op.tried &= ~bit;
      return this.#table.enter(op, 'sent', now + NOBODY_MS, now);
    }
    op.awaited = bit;
    place.waiting.push(op);
    this.#table.enter(op, 'awaitingPlace', now + GREETING_MS, now);
  }

  #release(place: Place): void {
    const { waiting } = place;
    if (waiting.length === 0) return;
    place.waiting = [];
    const now = this.#options.clock.now();
    for (const op of waiting) {
      if (op.phase !== 'awaitingPlace') continue;
      op.tried &= ~op.awaited;
      this.#route(op, now);
    }
  }

  #backOff(op: Operation, attempt: number, now: number): void {
    this.#table.enter(op, 'backingOff', now + fullJitter(attempt, this.#tuning.backoff, this.#options.random), now);
  }

  /** `answer`: a page if it has asked for one, else a record. */
  #onAnswer(op: Operation, answer: StoreAnswer | ScanAnswer): void {
    const isWrite = op.kind !== GET;
    const verdict = judge(answer.status, isWrite);
    // Of several it is not known who has answered.
    if (op.outstanding === 1 && op.list === null) {
      const now = this.#options.clock.now();
      op.place?.node.times.answered(now - op.sentMs, now);
    }
    if (verdict === 'succeeded') {
      this.#over(op);
      return op.succeeded(answer);
    }
    // Of a try that was given up.
    if (op.phase !== 'sent') return;
    const error = errorOf(answer, isWrite);
    op.trouble = error;
    op.outstanding--;
    if (verdict === 'failed') return this.#fail(op, error);
    // Another try of a read may do better.
    if (op.outstanding > 0) return;
    op.mayBeDone = false;
    const now = this.#options.clock.now();
    if (verdict === 'newRing') {
      op.tried = 0;
      op.attempts--;
      this.#awaitRing(op, op.place?.node ?? null, now);
    } else if (!this.#mayTryAgain(op, now)) {
      this.#fail(op, error);
    } else if (verdict === 'elsewhere') {
      this.#route(op, now);
    } else {
      this.#backOff(op, op.attempts, now);
    }
  }

  #onMalformed(op: Operation, fault: string): void {
    this.#options.log.warn('client.malformedAnswer', { node: op.place?.node.name, fault });
    this.#fail(op, new ClientError('PROTOCOL', fault, { mayBeDone: op.mayBeDone }));
  }

  #onDue(op: Operation, now: number): void {
    if (op.deadlineMs <= now) return this.#fail(op, pastDeadline(op, this.#map !== null));
    if (op.phase === 'backingOff' || op.phase === 'awaitingPlace') return this.#route(op, now);
    if (op.phase !== 'sent') return;
    // A read without an answer.
    op.place?.node.times.late(now - op.sentMs, now);
    if (this.#mayTryAgain(op, now)) this.#route(op, now);
    else this.#table.enter(op, 'sent', op.deadlineMs, now);
  }

  /** The answer to what was sent last will not come. */
  #onLost(op: Operation, reason: string, now: number): void {
    op.place?.node.times.lost(now);
    op.outstanding--;
    if (op.outstanding > 0) return;
    const error = lost(op, reason);
    if (op.mayBeDone && this.#options.mutants?.has('clientRepeatsLostWrites') !== true) return this.#fail(op, error);
    op.trouble = error;
    op.attempts--;
    this.#route(op, now);
  }

  #mayTryAgain(op: Operation, now: number): boolean {
    return op.attempts < this.#tuning.attempts && this.#budget.take(now);
  }

  #sendQueued(): void {
    if (!this.#table.hasQueued) return;
    const now = this.#options.clock.now();
    for (let op = this.#table.takeQueued(); op !== undefined; op = this.#table.takeQueued()) this.#route(op, now);
  }

  #fail(op: Operation, error: ClientError): void {
    if (op.phase === 'over') return;
    this.#over(op);
    op.failed(error);
  }

  #over(op: Operation): void {
    this.#table.over(op);
    this.#options.desk.size--;
  }
}
