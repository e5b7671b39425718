/** Replicas on a simulated disk, for tests of a few lines. The rig is the owner: it drains when the doorbell has rung, and remembers what sinks are told. */
import { ReplicaCall, type ReplicaSink, type ReplicaVerb } from '../../../actors/store/replica-call.ts';
import { Replicas } from '../../../actors/store/replicas.ts';
import type { ReplicasOptions } from '../../../actors/store/replicas-options.ts';
import type { RecordView } from '../../../actors/version/record-view.ts';
import type { CrashModel } from '../../../runtime/simulation/crash-models.ts';
import type { DiskOperation } from '../../../runtime/simulation/disk-faults.ts';
import type { Distribution } from '../../../runtime/simulation/distribution.ts';
import type { EngineOptions } from '../../../storage/engine/options.ts';
import { SimWorld } from '../../storage/engine/worlds.ts';
import { decodeNaive, type NaiveRecord, NO_RECORD } from '../version/naive-record.ts';

/** Everything is read from the simulated disk, later. */
export const COLD: EngineOptions = {
  cacheBytes: 0,
  inlineReads: false,
  keepFlushed: false,
  memtableBytes: 16 * 1_024,
  tableBytes: 16 * 1_024,
  levelBytes: 64 * 1_024,
};

export interface Told {
  found?: NaiveRecord;
  made?: NaiveRecord;
  isStored: boolean;
  failed?: { readonly status: number; readonly message: string };
}

export type CallFields = Partial<Omit<ReplicaCall, 'copy' | 'verb' | 'key' | 'bytes'>> & {
  readonly key?: string;
  readonly bytes?: Uint8Array | string;
};

export class ReplicaRig implements ReplicaSink {
  world: SimWorld;
  replicas: Replicas;
  readonly told: Told[] = [];
  onMade: (token: number, record: NaiveRecord) => void = () => {};
  #hasRung = false;
  #lives = 0;
  /** Milliseconds that the next syncs take, the first of them first; those behind as long as on any simulated disk. */
  readonly slowSyncsMs: number[] = [];
  readonly #options: Partial<ReplicasOptions>;
  readonly #seed: string;

  constructor(seed: string, options: Partial<ReplicasOptions> = {}) {
    this.#seed = seed;
    this.#options = options;
    this.world = new SimWorld(seed, { latency: (operation) => this.#latencyOf(operation) });
    this.replicas = this.#make();
  }

  /** Returns what went wrong. */
  open(): string | undefined {
    let outcome: { readonly error: string | undefined } | undefined;
    this.replicas.open((error) => {
      outcome = { error: error?.message };
    });
    this.world.run(() => outcome !== undefined);
    return outcome!.error;
  }

  close(): void {
    let isClosed = false;
    this.replicas.close(() => {
      isClosed = true;
    });
    this.run(() => isClosed);
  }

  /** The process ends, and its disk keeps what the model says. */
  restart(model?: CrashModel): void {
    if (model !== undefined) this.world.disk.crash(model);
    this.#lives++;
    this.#hasRung = false;
    this.world = new SimWorld(`${this.#seed}.${this.#lives}`, { disk: this.world.disk });
    this.replicas = this.#make();
  }

  /** Returns its token. */
  call(verb: ReplicaVerb, { key = 'k', bytes = '', ...fields }: CallFields = {}): number {
    const call = new ReplicaCall();
    Object.assign(call, fields);
    call.verb = verb;
    call.keyspace = 1;
    call.key = Buffer.from(key);
    call.keyEnd = call.key.length;
    call.bytes = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    call.end = call.bytes.length;
    call.contextEnd = call.context.length;
    call.sink = this;
    call.token = this.told.push({ isStored: false }) - 1;
    this.replicas.run(call);
    return call.token;
  }

  run(isSo: () => boolean): void {
    this.world.run(() => {
      if (this.#hasRung) this.drain();
      return isSo();
    });
  }

  /** Until that call has its answer. */
  answer(token: number): Told {
    const told = this.told[token]!;
    this.run(() => isAnswered(told));
    return told;
  }

  settle(): void {
    let first = 0;
    this.run(() => {
      while (first < this.told.length && isAnswered(this.told[first]!)) first++;
      return first === this.told.length;
    });
  }

  /** Lets so much virtual time pass. */
  advance(ms: number): void {
    const until = this.world.virtual.nowMs + ms;
    this.world.virtual.schedule(ms, () => {});
    this.run(() => this.world.virtual.nowMs >= until);
  }

  drain(): void {
    this.#hasRung = false;
    this.replicas.drain();
  }

  found(token: number, record: RecordView): void {
    this.told[token]!.found = naiveOf(record);
  }

  made(token: number, record: RecordView): void {
    const naive = naiveOf(record);
    this.told[token]!.made = naive;
    this.onMade(token, naive);
  }

  stored(token: number): void {
    this.told[token]!.isStored = true;
  }

  failed(token: number, status: number, message: string): void {
    this.told[token]!.failed = { status, message };
  }

  #latencyOf(operation: DiskOperation): Distribution | undefined {
    const ms = operation === 'datasync' ? this.slowSyncsMs.shift() : undefined;
    return ms === undefined ? undefined : { kind: 'constant', ms };
  }

  #make(): Replicas {
    return new Replicas({
      dir: '/data/shard-0',
      engine: COLD,
      doors: this.world.doors,
      ring: () => {
        this.#hasRung = true;
      },
      ...this.#options,
    });
  }
}

function isAnswered({ found, isStored, failed }: Told): boolean {
  return found !== undefined || isStored || failed !== undefined;
}

function naiveOf(record: RecordView): NaiveRecord {
  return record.entries === 0 ? NO_RECORD : decodeNaive(record.bytes.subarray(record.start, record.end));
}
