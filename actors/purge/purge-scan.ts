/** PurgeScans: look through a partition of this shard, in slices of RangeReads: for what floors are made of, and for what may be deleted. */
import { OutBuffer } from '../../runtime/bytes.ts';
import type { Fault, RangeReads } from '../repair/range-reads.ts';
import { firstHighOf, lastHighOf } from '../ring/token.ts';
import { ENGINE_KEY_PREFIX_BYTES, tokenHighOf, tokenLowOf } from '../store/engine-key.ts';
import { rangeOfTokens } from '../store/engine-range.ts';
import { FORGET, ReplicaCall, type ReplicaSink } from '../store/replica-call.ts';
import type { Replicas } from '../store/replicas.ts';
import { DURABILITY_NONE, INVALID } from '../store/store-request.ts';
import { RecordView } from '../version/record-view.ts';
import { isDeadAt, isOlderThan, mayDie } from './dead.ts';
import { joinVectors } from './floor.ts';
import type { FloorPlace } from './floor-key.ts';

export interface Collected {
  /** Bare version vector; undefined: nothing is dead, and old enough. */
  readonly floor: Uint8Array | undefined;
  /** Dead records that it covers. */
  readonly dead: number;
  /** That may be dead some day, or whose actors have no room in the floor. */
  readonly others: number;
}

const NO_KEY = new Uint8Array(0);
const LAST_LOW = 0xffff_ffff;
const SCRATCH_BYTES = 4_096;
const SCRATCH_BYTES_MAX = 1_048_576;

export class PurgeScans {
  readonly #reads: RangeReads;
  readonly #record = new RecordView();
  readonly #base = new RecordView();
  readonly #scratch = new OutBuffer(SCRATCH_BYTES, SCRATCH_BYTES_MAX);

  constructor(reads: RangeReads) {
    this.#reads = reads;
  }

  /** Of what was dead and is as old as that, by the wall clock `beforeMs`. */
  collect(place: FloorPlace, beforeMs: number, done: (fault: Fault | undefined, collected: Collected) => void): void {
    let floor: Uint8Array | undefined;
    let [dead, others] = [0, 0];
    const record = this.#record;
    const entry = (_key: Uint8Array, value: Uint8Array): boolean => {
      record.open(value, 0, value.length);
      if (!mayDie(record)) return true;
      const joined = isDeadAt(record, beforeMs) && isOlderThan(record, beforeMs) ? this.#join(floor) : undefined;
      if (joined === undefined) others++;
      else {
        floor = joined;
        dead++;
      }
      return true;
    };
    this.#reads.read(rangeOf(place), { entry, ended: (fault) => done(fault, { floor, dead, others }) }, true);
  }

  /** Has the replicas delete what is released, each in its turn among the writes of its key. `isDone`: nothing of it is left. */
  sweep(place: FloorPlace, replicas: () => Replicas | null, done: (isDone: boolean) => void): void {
    const record = this.#record;
    const call = new Sweep(done);
    const entry = (key: Uint8Array, value: Uint8Array): boolean => {
      record.open(value, 0, value.length);
      const open = replicas();
      if (open === null) return false;
      if (mayDie(record) && open.floors.mayPurge(place, record)) open.run(purgeCall(place.keyspace, key, call.begin()));
      return true;
    };
    this.#reads.read(rangeOf(place), { entry, ended: (fault) => call.read(fault === undefined && replicas() !== null) }, true);
  }

  #join(floor: Uint8Array | undefined): Uint8Array | undefined {
    const base = this.#base;
    if (floor === undefined) base.clear();
    else base.open(floor, 0, floor.length);
    return joinVectors(base, this.#record, this.#scratch);
  }
}

function rangeOf({ keyspace, partition, partitions }: FloorPlace): ReturnType<typeof rangeOfTokens> {
  return rangeOfTokens(keyspace, firstHighOf(partition, partitions), 0, NO_KEY, lastHighOf(partition, partitions), LAST_LOW);
}

function purgeCall(keyspace: number, key: Uint8Array, sink: ReplicaSink): ReplicaCall {
  const call = new ReplicaCall();
  call.verb = FORGET;
  call.keyspace = keyspace;
  call.tokenHigh = tokenHighOf(key);
  call.tokenLow = tokenLowOf(key);
  call.key = key;
  call.keyStart = ENGINE_KEY_PREFIX_BYTES;
  call.keyEnd = key.length;
  call.durability = DURABILITY_NONE;
  call.sink = sink;
  return call;
}

/** What is being deleted, and whether more may come. */
class Sweep implements ReplicaSink {
  #open = 1;
  #isDone = true;
  readonly #done: (isDone: boolean) => void;

  constructor(done: (isDone: boolean) => void) {
    this.#done = done;
  }

  begin(): this {
    this.#open++;
    return this;
  }

  /** To the end, or not (`isWhole`). */
  read(isWhole: boolean): void {
    this.#isDone &&= isWhole;
    this.stored();
  }

  found(): void {}
  made(): void {}

  stored(): void {
    if (--this.#open === 0) this.#done(this.#isDone);
  }

  failed(_token: number, status: number): void {
    // It was written since, and is something else now.
    this.#isDone &&= status === INVALID;
    this.stored();
  }
}
