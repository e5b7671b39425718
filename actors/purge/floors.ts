/**
 * Floors: the purge floors of a shard: per partition of a keyspace a version vector. All dots that it covers were held by every replica of the partition, or superseded, when it was made
 * (purge-round.ts), so a dead record that it covers may go, and what comes with such a dot later, on whatever path, is refused (dead.ts).
 *
 * Kept in the shard's engine. Loaded before the replicas serve. Dropped with the data that it speaks of, before it in the same log: without its data a floor would have all refused that is
 * copied here again.
 *
 * No actor: `Replicas` owns it; PurgeActor persists and installs. No floors, no cost but a look at an empty map per merged record.
 */
import { OutBuffer } from '../../runtime/bytes.ts';
import type { Log } from '../../runtime/doors.ts';
import { type EngineIterator, type Entry, LATER, type WriteDone } from '../../storage/engine/api.ts';
import type { Engine } from '../../storage/engine/engine.ts';
import { StorageError } from '../../storage/errors.ts';
import { partitionOf } from '../ring/token.ts';
import { BARRIER_KEY, engineKeyOf } from '../store/engine-key.ts';
import type { EngineRange } from '../store/engine-range.ts';
import type { ReplicaCall } from '../store/replica-call.ts';
import { checkBareVector } from '../version/check-record.ts';
import { finishRecord, mergeEntries } from '../version/merge-entries.ts';
import { ENTRY_BYTES, RECORD_HEADER_BYTES, SIBLING_FLAGS } from '../version/record-format.ts';
import { RecordView } from '../version/record-view.ts';
import { hasForgotten, latestStamp } from '../version/seen.ts';
import { DEAD, floorCounter, isCovered, isDeadAt, MIXED, verdictOf, withoutDead } from './dead.ts';
import { DeadNotes } from './dead-notes.ts';
import { allFloors, type FloorPlace, floorKey, floorsWithin, isWithin, readFloorKey } from './floor-key.ts';

export interface FloorsOptions {
  readonly log: Log;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  /** Told of each record that is purged, before it is deleted: for checkers. */
  readonly recordPurged?: ((engineKey: Uint8Array, record: Uint8Array) => void) | undefined;
  /** Planted bugs: floorNotPersisted, floorNotChecked, floorKeptWithoutData, purgedWithoutFloor. */
  readonly mutants?: ReadonlySet<string> | undefined;
}

/** More actors than these have no place in a floor: what they wrote is not purged. 128 KiB. */
export const FLOOR_ENTRIES_MAX = 4_096;
const PAGE_ENTRIES = 64;
const PAGE_BYTES = 1_048_576;
const SCRATCH_BYTES = 4_096;
const SCRATCH_BYTES_MAX = 16 * 1_024 * 1_024;
const ALARM_MS = 10_000;

/** On its way to disk. */
export interface PendingFloor {
  readonly place: FloorPlace;
  readonly bytes: Uint8Array;
  isDropped: boolean;
}

interface Floor {
  readonly place: FloorPlace;
  readonly view: RecordView;
}

/** Of one keyspace, by partition. */
interface Layer {
  readonly partitions: number;
  readonly floors: (Floor | undefined)[];
}

export class Floors {
  readonly notes = new DeadNotes();
  readonly #options: FloorsOptions;
  readonly #layers = new Map<number, Layer[]>();
  readonly #kept = new RecordView();
  readonly #scratch = new OutBuffer(SCRATCH_BYTES, SCRATCH_BYTES_MAX);
  readonly #pending = new Set<PendingFloor>();
  #count = 0;
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
      purgeFloors: this.#count,
      purgedKeys: this.#purged,
      purgeRefusedValues: this.#refusedValues,
      purgeRefusedTombstones: this.#refusedTombstones,
      purgeStrippedRecords: this.#strippedRecords,
    };
  }

  /** Reads what the engine has. `done` is called once, outside of turns. What can't be read fails it: to serve without a floor is to forget what was deleted. */
  load(engine: Engine, done: (error: StorageError | undefined) => void): void {
    const { start, end } = allFloors();
    let iterator: EngineIterator;
    try {
      iterator = engine.iterator({ gte: start, lt: end });
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      return done(error);
    }
    const take = (entries: readonly Entry[]): void => {
      for (const entry of entries) {
        const fault = this.#load(entry);
        if (fault !== undefined) {
          iterator.close();
          return done(new StorageError('CORRUPTION', `purge floor: ${fault}`));
        }
      }
      if (entries.length > 0) return next();
      iterator.close();
      done(undefined);
    };
    const next = (): void => {
      const page = iterator.next(PAGE_ENTRIES, PAGE_BYTES, (result) => {
        if (result.ok) return take(result.value);
        iterator.close();
        done(result.error);
      });
      if (page !== LATER) take(page);
    };
    next();
  }

  /** Of what the floors have seen: clocks are to be later. */
  get latestStamp(): number {
    let latest = 0;
    for (const layers of this.#layers.values())
      for (const { floors } of layers)
        for (const floor of floors) if (floor !== undefined) latest = Math.max(latest, latestStamp(floor.view));
    return latest;
  }

  of(keyspace: number, tokenHigh: number): RecordView | undefined {
    const layers = this.#layers.get(keyspace);
    if (layers === undefined) return undefined;
    for (const { partitions, floors } of layers) {
      const floor = floors[partitionOf(tokenHigh, partitions)];
      if (floor !== undefined) return floor.view;
    }
    return undefined;
  }

  /** As `hasForgotten` of versions: what was purged by the rules is not forgotten. `actor`: 16 bytes. */
  hasForgotten({ keyspace, tokenHigh }: ReplicaCall, local: RecordView, incoming: RecordView, actor: Uint8Array): boolean {
    const floor = this.#layers.size === 0 ? undefined : this.of(keyspace, tokenHigh);
    const counter = floor === undefined ? 0 : floorCounter(floor, actor, 0);
    return hasForgotten(local, incoming, actor, counter, this.#options.mutants);
  }

  /** Within a write that is about to be made of that record. */
  note({ keyspace, tokenHigh }: ReplicaCall, { bytes, siblings, siblingsAt }: RecordView): void {
    if (siblings > 0 && bytes[siblingsAt + SIBLING_FLAGS] !== 0) this.notes.note(keyspace, tokenHigh);
  }

  /** What of `incoming` is to be merged: all of it, or a copy without what is dead; undefined: nothing, it is answered as stored. `local`: the record that is here. */
  admit({ keyspace, tokenHigh, key, keyStart, keyEnd }: ReplicaCall, local: RecordView, incoming: RecordView): RecordView | undefined {
    const floor = this.#layers.size === 0 ? undefined : this.of(keyspace, tokenHigh);
    if (floor === undefined || this.#options.mutants?.has('floorNotChecked')) return incoming;
    const verdict = verdictOf(local, incoming, floor);
    if (verdict === MIXED) {
      const out = this.#scratch;
      out.clear();
      if (!withoutDead(local, incoming, floor, out)) return incoming;
      this.#strippedRecords++;
      this.#kept.open(out.bytes, 0, out.length);
      return this.#kept;
    }
    if (verdict !== DEAD) return incoming;
    if (isDeadAt(incoming, this.#options.wallMs())) this.#refusedTombstones++;
    else this.#refused(keyspace, partOf(key, keyStart, keyEnd));
    return undefined;
  }

  /** Within a FORGET of a key of a keyspace: whether its record may go: one that was named, if it is still that; else one that is dead as of `expiryMs`, and covered. */
  mayForget(call: ReplicaCall, local: RecordView): boolean {
    if (local.entries === 0) return false;
    const floor = this.of(call.keyspace, call.tokenHigh);
    const named = partOf(call.bytes, call.start, call.end);
    const isGiven = named.length > 0 && named.equals(partOf(local.bytes, local.start, local.end));
    const isCoveredNow = named.length === 0 && floor !== undefined && isDeadAt(local, call.expiryMs) && isCovered(local, floor);
    if (!isGiven && !isCoveredNow) return false;
    this.#purged++;
    const { recordPurged } = this.#options;
    if (recordPurged !== undefined && isCoveredNow) {
      const { keyspace, tokenHigh, tokenLow, key, keyStart, keyEnd } = call;
      recordPurged(engineKeyOf(keyspace, tokenHigh, tokenLow, partOf(key, keyStart, keyEnd)), partOf(local.bytes, local.start, local.end));
    }
    return true;
  }

  /** Whether a record may be purged now. */
  mayPurge({ keyspace, partition, partitions }: FloorPlace, record: RecordView, asOfMs: number): boolean {
    const floor = this.#layerOf(keyspace, partitions)?.floors[partition]?.view;
    return floor !== undefined && isDeadAt(record, asOfMs) && isCovered(record, floor);
  }

  /** What there is of the place, on its way to disk too, and that vector: to be persisted. Undefined: it would have too many actors. */
  begin(place: FloorPlace, vector: RecordView): PendingFloor | undefined {
    let bytes = joinVectors(
      this.#layerOf(place.keyspace, place.partitions)?.floors[place.partition]?.view ?? NO_FLOOR,
      vector,
      this.#scratch,
    );
    const other = new RecordView();
    for (const pending of this.#pending) {
      if (bytes === undefined || !isSamePlace(pending.place, place)) continue;
      this.#kept.open(bytes, 0, bytes.length);
      other.open(pending.bytes, 0, pending.bytes.length);
      bytes = joinVectors(this.#kept, other, this.#scratch);
    }
    if (bytes === undefined) return undefined;
    const pending = { place, bytes, isDropped: false };
    this.#pending.add(pending);
    return pending;
  }

  /** Puts it on disk; `done` is called outside of turns, and `end` is to follow in one. */
  persist(engine: Engine, pending: PendingFloor, done: WriteDone): void {
    if (this.#options.mutants?.has('floorNotPersisted')) engine.delete(BARRIER_KEY, 'none', done);
    else engine.put(floorKey(pending.place), pending.bytes, 'sync', done);
  }

  /** Returns whether it is in force from now on: it is on disk (`isDone`), and its data was not dropped meanwhile. */
  end(pending: PendingFloor, isDone: boolean): boolean {
    this.#pending.delete(pending);
    const isInForce = isDone && !pending.isDropped;
    if (isInForce) this.#set(pending.place, pending.bytes);
    return isInForce;
  }

  /** The data of the range is about to be deleted. */
  drop(engine: Engine, range: EngineRange): void {
    if ((this.#count === 0 && this.#pending.size === 0) || this.#options.mutants?.has('floorKeptWithoutData')) return;
    const { start, end } = floorsWithin(range);
    engine.deleteRange(start, end, 'none', IGNORED);
    for (const pending of this.#pending) if (isWithin(pending.place, range)) pending.isDropped = true;
    for (const layers of this.#layers.values())
      for (const { floors } of layers)
        for (const [i, floor] of floors.entries()) {
          if (floor === undefined || !isWithin(floor.place, range)) continue;
          floors[i] = undefined;
          this.#count--;
          engine.delete(floorKey(floor.place), 'none', IGNORED);
        }
  }

  #load({ key, value }: Entry): string | undefined {
    const place = readFloorKey(key);
    if (place === undefined) return 'its key is none of a partition';
    const fault = checkBareVector(value, 0, value.length);
    if (fault === undefined) this.#set(place, Uint8Array.from(value));
    return fault;
  }

  #set(place: FloorPlace, bytes: Uint8Array): void {
    const { keyspace, partition, partitions } = place;
    const layers = this.#layers.get(keyspace) ?? [];
    this.#layers.set(keyspace, layers);
    let layer = this.#layerOf(keyspace, partitions);
    if (layer === undefined) {
      layer = { partitions, floors: [] };
      layers.unshift(layer);
    }
    if (layer.floors[partition] === undefined) this.#count++;
    const view = new RecordView();
    view.open(bytes, 0, bytes.length);
    layer.floors[partition] = { place, view };
  }

  #layerOf(keyspace: number, partitions: number): Layer | undefined {
    return this.#layers.get(keyspace)?.find((layer) => layer.partitions === partitions);
  }

  #refused(keyspace: number, key: Buffer): void {
    this.#refusedValues++;
    const now = this.#options.nowMs();
    if (now - this.#toldMs < ALARM_MS) return;
    this.#toldMs = now;
    this.#options.log.warn('a dead value came back and was refused', { keyspace, keyBytes: key.length, refused: this.#refusedValues });
  }
}

/** A copy of the pointwise maximum; undefined: it would have more than FLOOR_ENTRIES_MAX entries. */
export function joinVectors(a: RecordView, b: RecordView, out: OutBuffer): Uint8Array | undefined {
  out.clear();
  if (!out.ensure(RECORD_HEADER_BYTES + (a.entries + b.entries) * ENTRY_BYTES)) return undefined;
  mergeEntries(a, b, out);
  const entries = (out.length - RECORD_HEADER_BYTES) / ENTRY_BYTES;
  if (entries > FLOOR_ENTRIES_MAX) return undefined;
  finishRecord(out, 0, entries, 0);
  return Uint8Array.prototype.slice.call(out.bytes, 0, out.length);
}

function partOf(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
}

function isSamePlace(a: FloorPlace, b: FloorPlace): boolean {
  return a.keyspace === b.keyspace && a.partition === b.partition && a.partitions === b.partitions;
}

const NO_FLOOR: RecordView = new RecordView();
/** The deletion that follows in the same log tells of its trouble. */
const IGNORED: WriteDone = () => {};
