/** Sends one operation as a FORWARD frame, by the ring in use. */
import { OutBuffer } from '../../runtime/bytes.ts';
import { REQUEST } from '../../runtime/lanes.ts';
import { replicasNeeded } from '../ring/replicas-needed.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import { FORWARD } from '../store/data-frames.ts';
import { writeForward } from '../store/forward-frames.ts';
import { KeyPlace } from '../store/key-place.ts';
import { AS_KEYSPACE, CONTEXT_GIVEN, CONTEXT_NONE, durabilityNumber, GET, PUT, StoreRequest } from '../store/store-request.ts';
import { asClientError, type ClientError, invalid } from './client-error.ts';
import type { Operation } from './operation.ts';
import type { Place } from './places.ts';
import type { MappedKeyspace, RingMap } from './ring-map.ts';

const PAYLOAD_BYTES_MAX = 64 * 1024 * 1024;

/** Frames are made of one request, one key place and one buffer, used for all. */
export class Sending {
  readonly #request = new StoreRequest();
  readonly #keyPlace = new KeyPlace();
  readonly #out = new OutBuffer(4_096, PAYLOAD_BYTES_MAX);

  /** Returns false when the connection has no room now; an error when it never will. */
  send(op: Operation, map: RingMap, mapped: MappedKeyspace, place: Place, partition: number, nowMs: number): boolean | ClientError {
    const out = this.#out;
    out.clear();
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

  #fillPlace(op: Operation, { ring }: RingMap, { id }: Keyspace, partition: number): void {
    const place = this.#keyPlace;
    place.keyspace = id;
    place.tokenHigh = op.tokenHigh;
    place.tokenLow = op.tokenLow;
    place.changedAt = ring.changedAt[partition]!;
    place.generation = ring.generation;
  }

  #fillRequest(op: Operation, { keyspace, table }: MappedKeyspace): void {
    const request = this.#request;
    const { key, value = NOTHING, context } = op;
    const count = op.replicas === undefined ? AS_KEYSPACE : replicasNeeded(op.replicas, table.read.primaries);
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
    request.durability = op.durability === undefined ? AS_KEYSPACE : durabilityNumber(op.durability);
  }
}

/** Why the operation can't be done in this keyspace at all; null: it can. */
export function faultOf(op: Operation, { name, n, keyBytesMax, valueBytesMax }: Keyspace): ClientError | null {
  if (op.key.length < 1 || op.key.length > keyBytesMax)
    return invalid(`key: expected 1 to ${keyBytesMax} bytes in keyspace ${name}, got ${op.key.length}`);
  const valueBytes = op.value?.length ?? 0;
  if (valueBytes > valueBytesMax) return invalid(`value: expected at most ${valueBytesMax} bytes in keyspace ${name}, got ${valueBytes}`);
  if (typeof op.replicas === 'number' && op.replicas > n)
    return invalid(`${op.kind === GET ? 'r' : 'w'}: expected at most ${n}, the replicas of keyspace ${name}, got ${op.replicas}`);
  return null;
}

/** The same however often it is sent. */
function expiryOf({ ttlMs, begunMs }: Operation, keyspace: Keyspace): number {
  const ms = ttlMs ?? keyspace.ttlMs;
  return ms === 0 ? 0 : begunMs + ms;
}

const NOTHING = new Uint8Array(0);
