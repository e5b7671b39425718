/**
 * Floors: the purge floors of a shard, one per partition of a keyspace (floor.ts). All dots that a floor covers were held by every replica of the partition, or superseded, when it was made
 * (purge-round.ts), so a dead record that it covers may go, and what comes with such a dot later, on whatever path, is refused (dead.ts).
 *
 * Kept in the shard's engine. Loaded before the replicas serve. Dropped with the data that it speaks of, before it in the same log: without its data a floor would have all refused that is
 * copied here again.
 *
 * No actor: `Replicas` owns it; PurgeActor has it changed. Where there are none they cost a look at a count.
 */
import { OutBuffer } from '../../runtime/bytes.ts';
import type { Log } from '../../runtime/doors.ts';
import type { WriteDone } from '../../storage/engine/api.ts';
import type { Engine } from '../../storage/engine/engine.ts';
import type { StorageError } from '../../storage/errors.ts';
import { BARRIER_KEY, engineKeyOf } from '../store/engine-key.ts';
import type { EngineRange } from '../store/engine-range.ts';
import { type ReplicaCall, refuse } from '../store/replica-call.ts';
import { SIBLING_FLAGS } from '../version/record-format.ts';
import { RecordView } from '../version/record-view.ts';
import { hasForgotten, latestStamp } from '../version/seen.ts';
import { DEAD, floorCounter, isCovered, isDeadAt, MIXED, mayDie, verdictOf, withoutDead } from './dead.ts';
import { DeadNotes } from './dead-notes.ts';
import { changedFloor, encodeFloor, type Floor, type FloorChange } from './floor.ts';
import { type FloorPlace, floorKey, floorsWithin, isWithin } from './floor-key.ts';
import { FloorTable } from './floor-table.ts';
import { loadFloors } from './load-floors.ts';

export interface FloorsOptions {
  readonly log: Log;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  /** Told of each record that is purged, or found to be as good as that, maybe more than once: for checkers. */
  readonly recordPurged?: ((engineKey: Uint8Array, record: Uint8Array) => void) | undefined;
  /** Planted bugs: floorNotPersisted, floorNotChecked, floorKeptWithoutData, purgedStillShown. */
  readonly mutants?: ReadonlySet<string> | undefined;
}

/** On its way to disk. */
export interface PendingFloor {
  readonly place: FloorPlace;
  readonly floor: Floor;
  isDropped: boolean;
}

const SCRATCH_BYTES = 4_096;
const SCRATCH_BYTES_MAX = 16 * 1_024 * 1_024;
const ALARM_MS = 10_000;

export class Floors {
  readonly notes = new DeadNotes();
  readonly #options: FloorsOptions;
  readonly #table = new FloorTable();
  readonly #pending = new Set<PendingFloor>();
  readonly #kept = new RecordView();
  readonly #scratch = new OutBuffer(SCRATCH_BYTES, SCRATCH_BYTES_MAX);
  #refusedValues = 0;
  #refusedTombstones = 0;
  #strippedRecords = 0;
  #purged = 0;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(options: FloorsOptions) {
    this.#options = options;
  }

  stats(): Readonly<Record<string, number>> {
    return {
      purgeFloors: this.#table.count,
      purgedKeys: this.#purged,
      purgeRefusedValues: this.#refusedValues,
      purgeRefusedTombstones: this.#refusedTombstones,
      purgeStrippedRecords: this.#strippedRecords,
    };
  }

  /** Reads what the engine has. `done` is called once. What can't be read fails it: to serve without a floor is to forget what was deleted. */
  load(engine: Engine, done: (error: StorageError | undefined) => void): void {
    loadFloors(engine, this.#table, done);
  }

  /** Of what the floors have seen: clocks are to be later. */
  get latestStamp(): number {
    return Math.max(0, ...this.#table.all().map(([, { inForce }]) => latestStamp(inForce)));
  }

  all(): readonly (readonly [FloorPlace, Floor])[] {
    return this.#table.all();
  }

  /** As `hasForgotten` of versions: what was purged by the rules is not forgotten. `actor`: 16 bytes. */
  hasForgotten({ keyspace, tokenHigh }: ReplicaCall, local: RecordView, incoming: RecordView, actor: Uint8Array): boolean {
    const floor = this.#table.of(keyspace, tokenHigh);
    const counter = floor === undefined ? 0 : floorCounter(floor.inForce, actor, 0);
    return hasForgotten(local, incoming, actor, counter, this.#options.mutants);
  }

  /** Within a write that is about to be made of that record. */
  note({ keyspace, tokenHigh }: ReplicaCall, { bytes, siblings, siblingsAt }: RecordView): void {
    if (siblings > 0 && bytes[siblingsAt + SIBLING_FLAGS] !== 0) this.notes.note(keyspace, tokenHigh);
  }

  /** Whether the record that is here is as good as gone: dead and released, and not deleted yet. Other replicas may have it no more, and what was written since. */
  isGone(call: ReplicaCall, local: RecordView): boolean {
    if (this.#table.count === 0 || !mayDie(local)) return false;
    const floor = this.#table.of(call.keyspace, call.tokenHigh);
    if (floor === undefined || !isReleased(floor, local) || this.#options.mutants?.has('purgedStillShown')) return false;
    this.#tell(call, local);
    return true;
  }

  /** What of `incoming` is to be merged: all of it, or a copy without what is dead; undefined: nothing, and its sink is told. `local`: the record that is here. */
  admit(call: ReplicaCall, local: RecordView, incoming: RecordView): RecordView | undefined {
    const floor = this.#table.of(call.keyspace, call.tokenHigh);
    if (floor === undefined || this.#options.mutants?.has('floorNotChecked')) return incoming;
    const verdict = verdictOf(local, incoming, floor.inForce);
    if (verdict === MIXED) {
      const out = this.#scratch;
      out.clear();
      if (!withoutDead(local, incoming, floor.inForce, out)) return incoming;
      this.#strippedRecords++;
      this.#kept.open(out.bytes, 0, out.length);
      return this.#kept;
    }
    if (verdict !== DEAD) return incoming;
    if (isDeadAt(incoming, this.#options.wallMs())) this.#refusedTombstones++;
    else this.#refused(call);
    refuse(call);
    return undefined;
  }

  /** Within a FORGET of a key of a keyspace: whether its record may go: one that was named, if it is still that; else one that is released. */
  mayForget(call: ReplicaCall, local: RecordView): boolean {
    if (local.entries === 0) return false;
    if (call.end > call.start) return partOf(local.bytes, local.start, local.end).equals(partOf(call.bytes, call.start, call.end));
    const floor = this.#table.of(call.keyspace, call.tokenHigh);
    if (floor === undefined || !isReleased(floor, local)) return false;
    this.#purged++;
    this.#tell(call, local);
    return true;
  }

  /** Whether a record may be purged now. */
  mayPurge(place: FloorPlace, record: RecordView): boolean {
    return isReleased(this.#table.at(place), record);
  }

  /** What there is of the place, on its way to disk too, changed: to be persisted. Undefined: it would have too many actors. */
  begin(place: FloorPlace, change: FloorChange): PendingFloor | undefined {
    let last = this.#table.at(place);
    for (const pending of this.#pending) if (isSamePlace(pending.place, place)) last = pending.floor;
    const floor = changedFloor(last, change, this.#scratch);
    if (floor === undefined) return undefined;
    const pending = { place, floor, isDropped: false };
    this.#pending.add(pending);
    return pending;
  }

  /** Puts it on disk; `done` is called outside of turns, and `end` is to follow in one. */
  persist(engine: Engine, { place, floor }: PendingFloor, done: WriteDone): void {
    if (this.#options.mutants?.has('floorNotPersisted')) engine.delete(BARRIER_KEY, 'none', done);
    else engine.put(floorKey(place), encodeFloor(floor), 'sync', done);
  }

  /** Returns whether it holds from now on: it is on disk (`isDone`), and its data was not dropped meanwhile. */
  end(pending: PendingFloor, isDone: boolean): boolean {
    this.#pending.delete(pending);
    const holds = isDone && !pending.isDropped;
    if (holds) this.#table.set(pending.place, pending.floor);
    return holds;
  }

  /** The data of the range is about to be deleted. */
  drop(engine: Engine, range: EngineRange): void {
    if ((this.#table.count === 0 && this.#pending.size === 0) || this.#options.mutants?.has('floorKeptWithoutData')) return;
    const { start, end } = floorsWithin(range);
    engine.deleteRange(start, end, 'none', IGNORED);
    for (const pending of this.#pending) if (isWithin(pending.place, range)) pending.isDropped = true;
    for (const [place] of this.#table.all()) {
      if (!isWithin(place, range)) continue;
      this.#table.set(place, undefined);
      engine.delete(floorKey(place), 'none', IGNORED);
    }
  }

  #tell({ keyspace, tokenHigh, tokenLow, key, keyStart, keyEnd }: ReplicaCall, { bytes, start, end }: RecordView): void {
    const { recordPurged } = this.#options;
    if (recordPurged === undefined) return;
    recordPurged(engineKeyOf(keyspace, tokenHigh, tokenLow, partOf(key, keyStart, keyEnd)), partOf(bytes, start, end));
  }

  #refused({ keyspace, tokenHigh }: ReplicaCall): void {
    this.#refusedValues++;
    const now = this.#options.nowMs();
    if (now - this.#toldMs < ALARM_MS) return;
    this.#toldMs = now;
    this.#options.log.warn('a dead value came back and was refused', { keyspace, tokenHigh, refused: this.#refusedValues });
  }
}

function isReleased({ released, asOfMs }: Floor, record: RecordView): boolean {
  return released.entries > 0 && isDeadAt(record, asOfMs) && isCovered(record, released);
}

function partOf(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
}

function isSamePlace(a: FloorPlace, b: FloorPlace): boolean {
  return a.keyspace === b.keyspace && a.partition === b.partition && a.partitions === b.partitions;
}

/** The deletion that follows in the same log tells of its trouble. */
const IGNORED: WriteDone = () => {};
