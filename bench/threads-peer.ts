/** A worker of `bench/threads.ts`: sends, receives and answers frames over the carrier it is told to use. */
import { parentPort } from 'node:worker_threads';
import { type OutBuffer, viewOf } from '../runtime/bytes.ts';
import { REQUEST } from '../runtime/lanes.ts';
import type { ThreadChannelEnd } from '../runtime/threads/thread-channel.ts';
import {
  BYTES_PREFIX_BYTES,
  beginFrame,
  checkFrame,
  endFrame,
  FRAME_HEADER_BYTES,
  KIND_BYTES,
  NO_DEADLINE,
  writeBytesPayload,
} from '../runtime/wire/frame.ts';
import { type Carrier, type CarrierKind, openCarrier } from './threads-carriers.ts';

export interface PeerRun {
  readonly carrier: CarrierKind | 'bare';
  readonly end: ThreadChannelEnd;
  readonly payloadBytes: number;
  /** Frames per flush; 0: this side sends nothing of its own. */
  readonly batch: number;
  /** The other side streams too. */
  readonly expectsStream: boolean;
  readonly durationMs: number;
  /** `stream`: send for the duration. `asks`: this side asks, one at a time. `answers`: this side answers. */
  readonly role: 'stream' | 'asks' | 'answers';
  /** When answers and questions are flushed: at the end of the turn (setImmediate), or within the event. */
  readonly flushAt: 'turn' | 'event';
}

export interface PeerResult {
  /** Messages this side has received, and when the last of them had been read. */
  readonly received: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly roundTripsUs: readonly number[];
}

const OPERATION_DATA = 7;
const OPERATION_LAST = 8;
const ROUND_TRIPS_MAX = 200_000;

const parent = parentPort;
if (parent === null) throw new Error('threads-peer.ts is started by threads.ts');
let close = () => {};
parent.on('message', (run: PeerRun | 'close') => {
  if (run === 'close') return close();
  const done = (result: PeerResult) => parent.postMessage(result);
  if (run.carrier === 'bare') {
    close = () => run.end.port.close();
    return bareAsks(run, done);
  }
  const carrier = openCarrier(run.carrier, run.end);
  close = () => carrier.close();
  if (run.role === 'stream') stream(run, carrier, done);
  else ask(run, carrier, done);
});

function encode(out: OutBuffer, payload: Uint8Array, operation: number, requestId: number): boolean {
  if (!out.ensure(FRAME_HEADER_BYTES + BYTES_PREFIX_BYTES + payload.length)) return false;
  const at = beginFrame(out, KIND_BYTES, REQUEST, operation, 17, 1, 18, 1, NO_DEADLINE, requestId);
  writeBytesPayload(out, payload, 0, payload.length);
  endFrame(out, at);
  return true;
}

/** Reads what a dispatcher would read of every frame; checks that request ids follow each other. */
class Reader {
  received = 0;
  hasLast = false;
  checksum = 0;

  read(bytes: Buffer, start: number, end: number): void {
    const view = viewOf(bytes);
    for (let at = start; at < end; ) {
      const next = checkFrame(view, at, end);
      if (view.getUint8(at + 7) !== KIND_BYTES) throw new Error('kind');
      this.checksum += view.getUint8(at + 8) + view.getUint32(at + 11) + view.getUint32(at + 15) + view.getUint32(at + 19);
      this.checksum += view.getUint32(at + 23) + view.getUint32(at + 27);
      if (view.getUint32(at + 31) !== this.received) throw new Error(`frame ${view.getUint32(at + 31)}, expected ${this.received}`);
      this.received += 1;
      for (let i = at + FRAME_HEADER_BYTES + BYTES_PREFIX_BYTES; i < next; i += 32) this.checksum += bytes[i] as number;
      this.checksum = this.checksum % 1_000_003;
      if (view.getUint16(at + 9) === OPERATION_LAST) this.hasLast = true;
      at = next;
    }
  }
}

function stream(run: PeerRun, carrier: Carrier, done: (result: PeerResult) => void): void {
  const reader = new Reader();
  const payload = new Uint8Array(run.payloadBytes).fill(3);
  const startNs = process.hrtime.bigint();
  const until = performance.now() + run.durationMs;
  let endNs = startNs;
  let sent = 0;
  let hasSentLast = run.batch === 0;
  const maybeFinish = () => {
    if (!hasSentLast || carrier.out.length > 0 || (run.expectsStream && !reader.hasLast)) return;
    done({ received: reader.received, startNs, endNs, roundTripsUs: [] });
  };
  carrier.onBatch = (bytes, start, end) => {
    reader.read(bytes, start, end);
    if (!reader.hasLast) return;
    endNs = process.hrtime.bigint();
    maybeFinish();
  };
  const next = () => {
    if (hasSentLast) maybeFinish();
    else setImmediate(turn);
  };
  const turn = () => {
    hasSentLast = performance.now() >= until;
    for (let i = 1; i <= run.batch; i++) {
      encode(carrier.out, payload, hasSentLast && i === run.batch ? OPERATION_LAST : OPERATION_DATA, sent++);
    }
    if (carrier.flush(run.batch)) next();
  };
  carrier.onEmpty = next;
  if (run.batch > 0) turn();
}

function ask(run: PeerRun, carrier: Carrier, done: (result: PeerResult) => void): void {
  const reader = new Reader();
  const payload = new Uint8Array(run.payloadBytes).fill(3);
  const trips = new RoundTrips(run.durationMs);
  const flush = () => {
    carrier.flush(1);
  };
  const say = () => {
    encode(carrier.out, payload, OPERATION_DATA, trips.count);
    trips.count += 1;
    if (run.flushAt === 'event') flush();
    else setImmediate(flush);
  };
  carrier.onBatch = (bytes, start, end) => {
    reader.read(bytes, start, end);
    if (run.role === 'answers' || trips.answered()) say();
    else done(trips.result());
  };
  if (run.role === 'asks') say();
}

/** The baseline: a number goes over the port and comes back, each within the event of the other. */
function bareAsks(run: PeerRun, done: (result: PeerResult) => void): void {
  const { port } = run.end;
  if (run.role === 'answers') {
    port.on('message', (n: number) => port.postMessage(n));
    return;
  }
  const trips = new RoundTrips(run.durationMs);
  port.on('message', (n: number) => {
    trips.count = n + 1;
    if (trips.answered()) port.postMessage(trips.count);
    else done(trips.result());
  });
  port.postMessage(0);
}

class RoundTrips {
  count = 0;
  readonly #startNs = process.hrtime.bigint();
  readonly #until: number;
  readonly #us = new Float64Array(ROUND_TRIPS_MAX);
  #used = 0;
  #since = performance.now();

  constructor(durationMs: number) {
    this.#until = this.#since + durationMs;
  }

  /** False: time is up. */
  answered(): boolean {
    const now = performance.now();
    this.#us[this.#used++] = (now - this.#since) * 1000;
    this.#since = now;
    return now < this.#until && this.#used < ROUND_TRIPS_MAX;
  }

  result(): PeerResult {
    const endNs = process.hrtime.bigint();
    return { received: this.#used, startNs: this.#startNs, endNs, roundTripsUs: [...this.#us.subarray(0, this.#used)] };
  }
}
