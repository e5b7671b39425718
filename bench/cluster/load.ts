/**
 * The load: operations over a channel in a closed loop (each lane begins its next ones when its last ones are answered) or an open one (each begins at a time
 * fixed beforehand, and is timed from then). Every answer is judged.
 */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { NAPPING, openLoop } from '../lib/open-loop.ts';
import type { Channel, ChannelSink } from './channel.ts';
import { newOperation, type Operation } from './operation.ts';
import type { Records, Verdict } from './records.ts';

export interface Troubles {
  /** Answers that can't be: another value, nothing where a record is, or a value that was replaced before the read began. */
  wrong: number;
  missing: number;
  stale: number;
  /** Operations that the server refused or failed. */
  failed: number;
  /** What the first of them was. */
  first: string;
}

export interface ClosedLoop {
  /** Operations that a lane begins at once, when all of its last ones are answered. */
  readonly depth: number;
  readonly settleMs: number;
  /** Infinity: until `next` says no. */
  readonly ms: number;
}

export interface OpenLoop {
  readonly perSecond: number;
  readonly settleMs: number;
  readonly ms: number;
}

export interface Loaded {
  readonly operations: number;
  readonly ms: number;
  /** Nanoseconds, by HdrHistogram to three digits. */
  readonly latencies: RecordableHistogram;
  /** Of an open loop: by how much operations began late, the worst 1 %, in milliseconds. */
  readonly lateP99Ms: number;
}

/** Sets `operation` up, or says that there are no more. */
export type Next = (operation: Operation) => boolean;

/** When counting begins and ends. */
export interface Marks {
  begin(): void;
  end(): void;
}

const LATENCY_MAX_NS = 60_000_000_000;
/** Nothing answered for so long: the server is dead. */
const SILENCE_MS = 15_000;

export class Load implements ChannelSink {
  readonly troubles: Troubles = { wrong: 0, missing: 0, stale: 0, failed: 0, first: '' };
  readonly #records: Records;
  readonly #now: () => number;
  #channel: Channel | null = null;
  #onEnd: (operation: Operation) => void = () => undefined;
  #onBroken: (error: Error) => void = () => undefined;
  #error: Error | null = null;

  constructor(records: Records, now: () => number = () => performance.now()) {
    this.#records = records;
    this.#now = now;
  }

  attach(channel: Channel): void {
    this.#channel = channel;
  }

  closed({ depth, settleMs, ms }: ClosedLoop, next: Next, marks: Marks): Promise<Loaded> {
    const channel = this.#attached();
    const latencies = newHistogram();
    const lanes = Array.from({ length: channel.lanes }, (_, lane) => Array.from({ length: depth }, () => ({ ...newOperation(), lane })));
    const left = new Uint32Array(lanes.length);
    const start = this.#now();
    const from = start + settleMs;
    const until = from + ms;
    let phase: 'settling' | 'counting' | 'over' = 'settling';
    let begunMs = start;
    let endedMs = start;
    let busy = 0;
    return this.#running((resolve) => {
      const refill = (lane: number): void => {
        const now = this.#now();
        if (now >= until) return;
        const mine = lanes[lane]!;
        let begun = 0;
        while (begun < depth && next(mine[begun]!)) {
          mine[begun]!.beganMs = now;
          channel.begin(mine[begun++]!);
        }
        if (begun === 0) return;
        left[lane] = begun;
        busy++;
        channel.flush(lane);
      };
      const beginCounting = (now: number): void => {
        phase = 'counting';
        begunMs = now;
        marks.begin();
      };
      const endCounting = (now: number): void => {
        phase = 'over';
        endedMs = now;
        marks.end();
      };
      this.#onEnd = (operation) => {
        const now = this.#now();
        if (phase === 'settling' && now >= from) beginCounting(now);
        else if (phase === 'counting' && now < until) count(latencies, now - operation.beganMs);
        else if (phase === 'counting') endCounting(now);
        if (--left[operation.lane]! > 0) return;
        busy--;
        refill(operation.lane);
        if (busy > 0) return;
        if (phase === 'counting') endCounting(now);
        resolve({ operations: latencies.count, ms: endedMs - begunMs, latencies, lateP99Ms: 0 });
      };
      if (settleMs === 0) beginCounting(start);
      for (let lane = 0; lane < lanes.length; lane++) refill(lane);
      if (busy === 0) resolve({ operations: 0, ms: 0, latencies, lateP99Ms: 0 });
    });
  }

  open({ perSecond, settleMs, ms }: OpenLoop, next: Next, marks: Marks): Promise<Loaded> {
    const channel = this.#attached();
    const latencies = newHistogram();
    const free: Operation[] = [];
    const settled = Math.round((perSecond * settleMs) / 1000);
    return this.#running((resolve, reject) => {
      this.#onEnd = (operation) => {
        const { onAnswer } = operation;
        free.push(operation);
        onAnswer();
      };
      const request = (n: number, onAnswer: () => void): void => {
        if (n === settled) marks.begin();
        const operation = free.pop() ?? newOperation();
        if (!next(operation)) return;
        operation.lane = n % channel.lanes;
        operation.onAnswer = onAnswer;
        channel.begin(operation);
        channel.flush(operation.lane);
      };
      const onLatency = (latency: number): void => count(latencies, latency);
      openLoop({ perSecond, ms, settleMs, request, onLatency }, NAPPING).then(({ lateP99 }) => {
        marks.end();
        resolve({ operations: latencies.count, ms, latencies, lateP99Ms: lateP99 });
      }, reject);
    });
  }

  found(operation: Operation, key: number, bytes: Buffer | undefined, from: number, to: number): void {
    if (operation.step === 'scan') return this.#foundRow(operation, key, bytes, from, to);
    const verdict = this.#records.judge(operation, bytes, from, to);
    if (verdict !== 'right') this.#blame(verdict, `key ${key}: ${verdict}, ${to - from} bytes`);
  }

  ended(operation: Operation, failure: string | undefined): void {
    const { step, kind } = operation;
    if (step === 'put') this.#records.endWrite(operation, failure === undefined);
    if (failure !== undefined) this.#blame('failed', `${step} of key ${operation.key}: ${failure}`);
    else if (step === 'scan' && operation.rows === 0) this.#blame('missing', `scan from key ${operation.key}: no rows`);
    else if (kind === 'modify' && step === 'get') {
      operation.step = 'put';
      this.#records.beginWrite(operation);
      this.#attached().begin(operation);
      this.#attached().flush(operation.lane);
      return;
    }
    this.#onEnd(operation);
  }

  broken(error: Error): void {
    this.#error = error;
    this.#onBroken(error);
  }

  #foundRow(operation: Operation, key: number, bytes: Buffer | undefined, from: number, to: number): void {
    const isFirst = operation.rows === 0;
    const isInOrder = isFirst ? key === operation.key : key > operation.lastKey;
    operation.rows++;
    operation.lastKey = key;
    if (bytes === undefined || !isInOrder || operation.rows > operation.rowsMax || !this.#records.isValueOf(key, bytes, from, to)) {
      this.#blame('wrong', `scan from key ${operation.key} for ${operation.rowsMax}: row ${operation.rows} is key ${key}`);
    }
  }

  #blame(kind: Exclude<Verdict, 'right'> | 'failed', text: string): void {
    this.troubles[kind]++;
    if (this.troubles.first === '') this.troubles.first = text;
  }

  #attached(): Channel {
    if (this.#channel === null) throw new Error('load: no channel is attached');
    return this.#channel;
  }

  /** Rejects when the channel breaks, or nothing has ended for too long. */
  #running(run: (resolve: (loaded: Loaded) => void, reject: (error: unknown) => void) => void): Promise<Loaded> {
    return new Promise((resolve, reject) => {
      if (this.#error !== null) throw this.#error;
      const fail = (error: unknown): void => {
        clearInterval(watch);
        reject(error);
      };
      let ended = 0;
      let endedBefore = -1;
      const watch = setInterval(() => {
        if (ended === endedBefore) this.broken(new Error(`load: nothing was answered for ${SILENCE_MS / 1000} s`));
        endedBefore = ended;
      }, SILENCE_MS);
      this.#onBroken = fail;
      run((loaded) => {
        clearInterval(watch);
        resolve(loaded);
      }, fail);
      const onEnd = this.#onEnd;
      this.#onEnd = (operation) => {
        ended++;
        onEnd(operation);
      };
    });
  }
}

function newHistogram(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: LATENCY_MAX_NS, figures: 3 });
}

function count(latencies: RecordableHistogram, ms: number): void {
  latencies.record(Math.min(LATENCY_MAX_NS, Math.max(1, Math.round(ms * 1e6))));
}
