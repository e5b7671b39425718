/**
 * FailureLoad: an open loop over some groups of clients that goes on whatever fails. Operations begin at times fixed beforehand, half of them reads and half writes of keys at random, and each is
 * timed from its intended start. A timer of one millisecond, and no spinning: the nodes share the machine with it, and what it begins late is in the samples.
 */
import { SeededRandom } from '../../runtime/random.ts';
import type { Channel, ChannelSink } from '../cluster/channel.ts';
import { newOperation, type Operation } from '../cluster/operation.ts';
import { ValueFormat } from '../cluster/pair-format.ts';
import { Records, type Verdict } from '../cluster/records.ts';
import { type ClientsSettings, openClients } from './clients.ts';
import { OK, type SampleSet, Samples } from './samples.ts';

export interface LoadSettings {
  readonly groups: readonly ClientsSettings[];
  /** Of each keyspace. */
  readonly records: number;
  readonly valueBytes: number;
  readonly seed: number;
  /** Operations per second of all groups together, the same for each. */
  readonly perSecond: number;
}

/** Of all keys of all keyspaces, when they are read at the end. */
export interface ReadBack {
  readonly read: number;
  /** Nothing is there, though a write was confirmed. */
  readonly missing: number;
  /** Bytes that nobody wrote. */
  readonly wrong: number;
  /** A confirmed write is gone: an older value is there. */
  readonly stale: number;
  /** Could not be read, however often it was tried. */
  readonly failed: number;
  /** What the first of them was. */
  readonly first: string;
}

interface Group {
  readonly keyspace: string;
  readonly channel: Channel;
  readonly records: Records;
  begun: number;
}

/** An operation that has not ended. */
interface Pending {
  readonly group: number;
  readonly lateMs: number;
  verdict: Verdict;
}

const TICK_MS = 1;
/** For what is under way when the load stops; above the time that nodes and clients give a request. */
const DRAIN_MS = 12_000;
export const UNANSWERED = 'UNANSWERED';
const AT_ONCE = 64;
const TRIES = 20;
const RETRY_MS = 500;

export class FailureLoad {
  readonly #settings: LoadSettings;
  readonly #samples = new Samples();
  readonly #random: SeededRandom;
  readonly #pending = new Map<Operation, Pending>();
  /** Whoever waits for the end of an operation of its own. */
  readonly #ends = new Map<Operation, (failure: string | undefined) => void>();
  readonly #verdicts = new Map<Operation, Verdict>();
  #groups: readonly Group[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Resolves when all are connected. */
  static async open(settings: LoadSettings): Promise<FailureLoad> {
    const load = new FailureLoad(settings);
    const format = new ValueFormat(settings.valueBytes);
    const byKeyspace = new Map<string, Records>();
    const groups: Group[] = [];
    for (const [index, clients] of settings.groups.entries()) {
      const records = byKeyspace.get(clients.keyspace) ?? new Records(format, true);
      byKeyspace.set(clients.keyspace, records);
      const channel = await openClients(clients, format, load.#sinkOf(index));
      groups.push({ keyspace: clients.keyspace, channel, records, begun: 0 });
    }
    load.#groups = groups;
    return load;
  }

  private constructor(settings: LoadSettings) {
    this.#settings = settings;
    this.#random = new SeededRandom(settings.seed);
  }

  /** Writes each record once, into each keyspace. Errors: one can't be written. */
  async fill(): Promise<void> {
    for (const group of this.#oneOfEachKeyspace()) {
      await this.#forAll(async () => {
        const operation = { ...newOperation(), step: 'put' as const };
        group.records.beginInsert(operation);
        const failure = await this.#ask(group, operation);
        group.records.endWrite(operation, failure === undefined);
        if (failure !== undefined) throw new Error(`filling ${group.keyspace}: ${failure}`);
      });
    }
  }

  start(): void {
    const intervalMs = 1_000 / this.#settings.perSecond;
    const startMs = nowMs();
    let begun = 0;
    this.#timer = setInterval(() => {
      const now = nowMs();
      for (let due = startMs + begun * intervalMs; due <= now; due = startMs + ++begun * intervalMs)
        this.#begin(begun % this.#groups.length, due, now);
      for (const { channel } of this.#groups) for (let lane = 0; lane < channel.lanes; lane++) channel.flush(lane);
    }, TICK_MS);
  }

  /** Resolves when at least so many operations have ended. */
  async ended(count: number): Promise<void> {
    while (this.#samples.count < count) await pause(TICK_MS);
  }

  /** Resolves when all that is under way has ended, or was given up. */
  async stop(): Promise<SampleSet> {
    clearInterval(this.#timer);
    for (const untilMs = nowMs() + DRAIN_MS; this.#pending.size > 0 && nowMs() < untilMs; ) await pause(20);
    for (const [operation, pending] of [...this.#pending]) this.#ended(operation, pending, UNANSWERED);
    return this.#samples.all;
  }

  /** Reads all keys. Requires: it has stopped. */
  async readBack(): Promise<ReadBack> {
    const counts = { read: 0, missing: 0, wrong: 0, stale: 0, failed: 0, first: '' };
    for (const group of this.#oneOfEachKeyspace()) {
      await this.#forAll(async (key) => {
        let failure: string | undefined;
        for (let i = 0; i < TRIES; i++) {
          if (i > 0) await pause(RETRY_MS);
          const operation: Operation = { ...newOperation(), key };
          group.records.beginRead(operation);
          failure = await this.#ask(group, operation);
          if (failure !== undefined) continue;
          const verdict = this.#verdicts.get(operation) ?? 'missing';
          this.#verdicts.delete(operation);
          counts.read++;
          if (verdict === 'right') return;
          counts[verdict]++;
          counts.first ||= `key ${key} of ${group.keyspace} is ${verdict}`;
          return;
        }
        counts.failed++;
        counts.first ||= `key ${key} of ${group.keyspace}: ${failure}`;
      });
    }
    return counts;
  }

  async close(): Promise<void> {
    for (const { channel } of this.#groups) await channel.close();
  }

  #begin(index: number, dueMs: number, now: number): void {
    const group = this.#groups[index]!;
    const operation: Operation = { ...newOperation(), beganMs: dueMs, key: this.#random.below(this.#settings.records) };
    operation.lane = group.begun++ % group.channel.lanes;
    this.#pending.set(operation, { group: index, lateMs: now - dueMs, verdict: 'right' });
    if (this.#random.chance(0.5)) {
      operation.step = 'put';
      group.records.beginWrite(operation);
    } else group.records.beginRead(operation);
    group.channel.begin(operation);
  }

  #sinkOf(index: number): ChannelSink {
    return {
      found: (operation, _key, bytes, from, to) => {
        const verdict = this.#groups[index]!.records.judge(operation, bytes, from, to);
        const pending = this.#pending.get(operation);
        if (pending === undefined) this.#verdicts.set(operation, verdict);
        else pending.verdict = verdict;
      },
      ended: (operation, failure) => {
        const pending = this.#pending.get(operation);
        if (pending !== undefined) return this.#ended(operation, pending, failure);
        this.#ends.get(operation)?.(failure);
        this.#ends.delete(operation);
      },
      broken: (error) => {
        throw error;
      },
    };
  }

  #ended(operation: Operation, { group, lateMs, verdict }: Pending, failure: string | undefined): void {
    this.#pending.delete(operation);
    const isDone = failure === undefined;
    if (operation.step === 'put') this.#groups[group]!.records.endWrite(operation, isDone);
    const outcome = !isDone ? (/^\w+/.exec(failure)?.[0] ?? failure) : verdict === 'missing' || verdict === 'wrong' ? verdict : OK;
    const { beganMs } = operation;
    this.#samples.add({ group, beganMs, tookMs: nowMs() - beganMs, lateMs, outcome, isStale: verdict === 'stale' });
  }

  /** Our own client, where there is one: it finds a way as long as there is any. */
  #oneOfEachKeyspace(): readonly Group[] {
    const chosen = new Map<string, Group>();
    for (const [index, group] of this.#groups.entries())
      if (this.#settings.groups[index]!.protocol === 'client' || !chosen.has(group.keyspace)) chosen.set(group.keyspace, group);
    return [...chosen.values()];
  }

  #ask({ channel }: Group, operation: Operation): Promise<string | undefined> {
    operation.lane = operation.key % channel.lanes;
    return new Promise((resolve) => {
      this.#ends.set(operation, resolve);
      channel.begin(operation);
      channel.flush(operation.lane);
    });
  }

  /** Some at a time. */
  async #forAll(run: (key: number) => Promise<void>): Promise<void> {
    let next = 0;
    const { records } = this.#settings;
    const lane = async (): Promise<void> => {
      while (next < records) await run(next++);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
  }
}

/** Since 1970, the same in all threads. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
