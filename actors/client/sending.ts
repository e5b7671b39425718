/** Sends one operation as a FORWARD or LIST frame, by the ring in use. */
import { OutBuffer } from '../../runtime/bytes.ts';
import { REQUEST } from '../../runtime/lanes.ts';
import { replicasNeeded } from '../ring/replicas-needed.ts';
import type { Keyspace, ReplicaCount } from '../ring/ring-state.ts';
import { writeList } from '../scan/list-frames.ts';
import { WANT_RECORDS } from '../scan/scan-frames.ts';
import { ScanRequest } from '../scan/scan-request.ts';
import { FORWARD, LIST } from '../store/data-frames.ts';
import { writeForward } from '../store/forward-frames.ts';
import { KeyPlace } from '../store/key-place.ts';
import { AS_KEYSPACE, CONTEXT_GIVEN, CONTEXT_NONE, durabilityNumber, GET, PUT, StoreRequest } from '../store/store-request.ts';
import { asClientError, type ClientError, invalid } from './client-error.ts';
import type { ListRange, Operation } from './operation.ts';
import type { Place } from './places.ts';
import type { MappedKeyspace, RingMap } from './ring-map.ts';

const PAYLOAD_BYTES_MAX = 64 * 1024 * 1024;

/** Frames are made of one request, one key place and one buffer, used for all. */
export class Sending {
  readonly #request = new StoreRequest();
  readonly #list = new ScanRequest();
  readonly #keyPlace = new KeyPlace();
  readonly #out = new OutBuffer(4_096, PAYLOAD_BYTES_MAX);

  /** Returns false when the connection has no room now; an error when it never will. */
  send(op: Operation, map: RingMap, mapped: MappedKeyspace, place: Place, partition: number, nowMs: number): boolean | ClientError {
    const out = this.#out;
    out.clear();
    if (op.list !== null) return this.#sendList(op, op.list, mapped, place, nowMs);
    this.#fillPlace(op, map, mapped.keyspace, partition);
    this.#fillRequest(op, mapped);
    if (!writeForward(out, this.#keyPlace, this.#request, op.deadlineMs - nowMs))
      return invalid(`key, context and value are longer than a frame may be (${out.maxBytes} bytes)`);
    try {
      return place.coordinator.tellBytes(FORWARD, out.bytes, 0, out.length, op.requestId, REQUEST);
    } catch (error) {
      return asClientError(error);
    }
  }

  #sendList(
    op: Operation,
    { start, prefix, keysMax }: ListRange,
    mapped: MappedKeyspace,
    place: Place,
    nowMs: number,
  ): boolean | ClientError {
    const out = this.#out;
    const list = this.#list.of(mapped.keyspace, start);
    list.prefix = prefix;
    list.keysMax = keysMax;
    list.wish = WANT_RECORDS;
    list.r = countOf(op.replicas, mapped);
    writeList(out, list, op.deadlineMs - nowMs);
    try {
      return place.scans.tellBytes(LIST, out.bytes, 0, out.length, op.requestId, REQUEST);
    } catch (error) {
      return asClientError(error);
    }
  }

  #fillPlace(op: Operation, { ring }: RingMap, { id }: Keyspace, partition: number): void {
    const place = this.#keyPlace;
    place.keyspace = id;
    place.tokenHigh = op.tokenHigh;
    place.tokenLow = op.tokenLow;
    place.changedAt = ring.changedAt[partition]!;
    place.generation = ring.generation;
  }

  #fillRequest(op: Operation, mapped: MappedKeyspace): void {
    const request = this.#request;
    const { keyspace } = mapped;
    const { key, value = NOTHING, context } = op;
    const count = countOf(op.replicas, mapped);
    request.kind = op.kind;
    request.key = key;
    request.keyEnd = key.length;
    request.value = value;
    request.valueEnd = value.length;
    request.contextKind = context === undefined ? CONTEXT_NONE : CONTEXT_GIVEN;
    request.context = context ?? NOTHING;
    request.contextEnd = context === undefined ? 0 : context.length;
    request.expiryMs = op.kind === PUT ? expiryOf(op, keyspace) : 0;
    request.r = op.kind === GET ? count : AS_KEYSPACE;
    request.w = op.kind === GET ? AS_KEYSPACE : count;
    request.primaries = countOf(op.primaries, mapped);
    request.isMonotonic = op.isMonotonic;
    request.durability = op.durability === undefined ? AS_KEYSPACE : durabilityNumber(op.durability);
  }
}

/** Why the operation can't be done in this keyspace at all; null: it can. */
export function faultOf(op: Operation, { name, n, keyBytesMax, valueBytesMax }: Keyspace): ClientError | null {
  const keyBytesMin = op.list === null ? 1 : 0;
  if (op.key.length < keyBytesMin || op.key.length > keyBytesMax)
    return invalid(
      `${op.list === null ? 'key' : 'prefix'}: expected ${keyBytesMin} to ${keyBytesMax} bytes in keyspace ${name}, got ${op.key.length}`,
    );
  const valueBytes = op.value?.length ?? 0;
  if (valueBytes > valueBytesMax) return invalid(`value: expected at most ${valueBytesMax} bytes in keyspace ${name}, got ${valueBytes}`);
  return tooMany(op, op.replicas, '', n) ?? tooMany(op, op.primaries, 'p', n);
}

function tooMany({ kind, keyspace }: Operation, count: ReplicaCount | undefined, prefix: string, n: number): ClientError | null {
  if (typeof count !== 'number' || count <= n) return null;
  return invalid(`${prefix}${kind === GET ? 'r' : 'w'}: expected at most ${n}, the replicas of keyspace ${keyspace}, got ${count}`);
}

/** As its frame says it; 0: not said. */
function countOf(count: ReplicaCount | undefined, { table }: MappedKeyspace): number {
  return count === undefined ? AS_KEYSPACE : replicasNeeded(count, table.read.primaries);
}

/** The same however often it is sent. */
function expiryOf({ ttlMs, begunMs }: Operation, keyspace: Keyspace): number {
  const ms = ttlMs ?? keyspace.ttlMs;
  return ms === 0 ? 0 : begunMs + ms;
}

const NOTHING = new Uint8Array(0);
