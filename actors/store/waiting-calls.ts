/**
 * Calls that wait: behind the read of their key that is under way, or for all keys until the engine has room, or a dot or a stamp is there. Bounded together.
 * Cost: for a key that nobody waits for one load, however many others there are.
 *
 * | rule | why |
 * |---|---|
 * | a call that is sent again while it waits takes no second place | a coordinator sends what is late again and again, and copies of a few hundred writes filled all places |
 * | records that are merged in take at most half of the room | a coordinator that is refused sends its record again, while a write of this node's clients that is refused is an error of theirs |
 */
import type { StorageResult } from '../../storage/errors.ts';
import { compareBytes } from '../version/compare-bytes.ts';
import { fail, MERGE_IN, READ_LOCAL, type ReplicaCall } from './replica-call.ts';
import { OVERLOADED } from './store-request.ts';

const SLOTS = 4_096;
/** Of the room: for MERGE_IN. */
const MERGED_SHARE = 0.5;
const NO_CALLS: readonly ReplicaCall[] = [];

/** The read of a key from disk, and who waits for it, in order. The first one began it. */
export class Miss {
  readonly calls: ReplicaCall[] = [];
  name = '';
  slot = 0;
  /** A range delete has come since the read began. */
  isOutdated = false;
  result: StorageResult<Uint8Array | undefined> | undefined;
  readonly #ended: (miss: Miss) => void;

  constructor(ended: (miss: Miss) => void) {
    this.#ended = ended;
  }

  /** Handed to the engine with every read: only one that says LATER calls it. */
  readonly done = (result: StorageResult<Uint8Array | undefined>): void => {
    this.result = result;
    this.#ended(this);
  };
}

export class WaitingCalls {
  readonly #max: number;
  readonly #bytesMax: number;
  readonly #misses = new Map<string, Miss>();
  /** Misses per hash of their token. */
  readonly #perSlot = new Uint16Array(SLOTS);
  #stalled: ReplicaCall[] = [];
  readonly #refused: ReplicaCall[] = [];
  #count = 0;
  #bytes = 0;
  /** Of those, MERGE_IN. */
  #merges = 0;
  #mergedBytes = 0;

  /** Full at `max` calls, or at `bytesMax` bytes of keys, records, values and contexts. */
  constructor(max: number, bytesMax: number) {
    this.#max = max;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#count;
  }

  get hasStalled(): boolean {
    return this.#stalled.length > 0;
  }

  /** The read of this key that is under way. */
  missOf(tokenLow: number, engineKey: Uint8Array): Miss | undefined {
    return this.#perSlot[tokenLow & (SLOTS - 1)] === 0 ? undefined : this.#misses.get(nameOf(engineKey));
  }

  /** Requires: there is none for this key. Refuses the call when there is no room. */
  begin(miss: Miss, engineKey: Uint8Array, call: ReplicaCall): void {
    if (!this.#hasRoom(call)) return fail(call, OVERLOADED, 'too many calls of this shard wait for its disk');
    miss.name = nameOf(engineKey);
    this.#misses.set(miss.name, miss);
    miss.slot = call.tokenLow & (SLOTS - 1);
    this.#perSlot[miss.slot]!++;
    miss.calls.push(this.#added(call));
  }

  /** Refuses the call when there is no room. */
  join(miss: Miss, call: ReplicaCall): void {
    if (waitsAlready(miss.calls, call)) return;
    if (!this.#hasRoom(call)) fail(call, OVERLOADED, 'too many calls of this shard wait for its disk');
    else miss.calls.push(this.#added(call));
  }

  /** It has its result: its calls are the caller's now. */
  end(miss: Miss): void {
    this.#leave(miss.calls);
    this.#perSlot[miss.slot]!--;
    if (this.#misses.get(miss.name) === miss) this.#misses.delete(miss.name);
  }

  /** What reads under way will find may be deleted by now. */
  forgetValues(): void {
    for (const miss of this.#misses.values()) miss.isOutdated = true;
  }

  /** All writes that wait: they are only to be told that they are refused. Reads go on. Returns whether there are any. */
  refuseWrites(): boolean {
    const taken = [...this.takeStalled()];
    for (const miss of [...this.#misses.values()]) {
      const writes = miss.calls.filter(({ verb }) => verb !== READ_LOCAL);
      const reads = miss.calls.filter(({ verb }) => verb === READ_LOCAL);
      if (reads.length === 0) this.end(miss);
      else this.#leave(writes);
      miss.calls.length = 0;
      miss.calls.push(...reads);
      taken.push(...writes);
    }
    this.#refused.push(...taken);
    return this.#refused.length > 0;
  }

  /** The caller's now. */
  takeRefused(): readonly ReplicaCall[] {
    return this.#refused.length === 0 ? NO_CALLS : this.#refused.splice(0);
  }

  /** Refuses the write when there is no room. */
  stall(call: ReplicaCall): void {
    if (waitsAlready(this.#stalled, call)) return;
    if (!this.#hasRoom(call)) fail(call, OVERLOADED, 'too many writes of this shard wait for room');
    else this.#stalled.push(this.#added(call));
  }

  /** Of those that were taken, and are no copies of each other. */
  stallAgain(call: ReplicaCall): void {
    this.#stalled.push(this.#added(call));
  }

  takeStalled(): readonly ReplicaCall[] {
    const stalled = this.#stalled;
    this.#stalled = [];
    this.#leave(stalled);
    return stalled;
  }

  /** All that wait, at the end. */
  takeAll(): readonly ReplicaCall[] {
    const all = [...[...this.#misses.values()].flatMap(({ calls }) => calls), ...this.#stalled, ...this.takeRefused()];
    this.#misses.clear();
    this.#perSlot.fill(0);
    this.#stalled = [];
    this.#count = 0;
    this.#bytes = 0;
    this.#merges = 0;
    this.#mergedBytes = 0;
    return all;
  }

  #hasRoom({ verb }: ReplicaCall): boolean {
    if (this.#count >= this.#max || this.#bytes >= this.#bytesMax) return false;
    return verb !== MERGE_IN || (this.#merges < this.#max * MERGED_SHARE && this.#mergedBytes < this.#bytesMax * MERGED_SHARE);
  }

  #added(call: ReplicaCall): ReplicaCall {
    this.#note(call, 1);
    return call.copy();
  }

  #leave(calls: readonly ReplicaCall[]): void {
    for (const call of calls) this.#note(call, -1);
  }

  #note(call: ReplicaCall, sign: 1 | -1): void {
    const bytes = sign * bytesOf(call);
    this.#count += sign;
    this.#bytes += bytes;
    if (call.verb !== MERGE_IN) return;
    this.#merges += sign;
    this.#mergedBytes += bytes;
  }
}

function waitsAlready(calls: readonly ReplicaCall[], call: ReplicaCall): boolean {
  const { sink, token } = call;
  if (sink.isRepeat === undefined) return false;
  for (const other of calls) {
    if (other.tokenLow !== call.tokenLow || other.verb !== call.verb || other.sink !== sink) continue;
    if (!sink.isRepeat(token, other.token) || !isSame(other, call)) continue;
    sink.dropped?.(token);
    other.deadlineMs = Math.max(other.deadlineMs, call.deadlineMs);
    return true;
  }
  return false;
}

function isSame(one: ReplicaCall, other: ReplicaCall): boolean {
  return (
    compareBytes(one.key, one.keyStart, one.keyEnd, other.key, other.keyStart, other.keyEnd) === 0 &&
    compareBytes(one.bytes, one.start, one.end, other.bytes, other.start, other.end) === 0
  );
}

function bytesOf({ keyStart, keyEnd, start, end, contextStart, contextEnd }: ReplicaCall): number {
  return keyEnd - keyStart + (end - start) + (contextEnd - contextStart);
}

function nameOf(engineKey: Uint8Array): string {
  return Buffer.from(engineKey.buffer, engineKey.byteOffset, engineKey.length).toString('latin1');
}
