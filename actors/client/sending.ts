/** What one operation is as a FORWARD frame, by the ring in use. */
import type { OutBuffer } from '../../runtime/bytes.ts';
import { REQUEST } from '../../runtime/lanes.ts';
import { replicasNeeded } from '../ring/replicas-needed.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import { FORWARD } from '../store/data-frames.ts';
import { AS_KEYSPACE, DURABILITY_NONE, DURABILITY_PERIODIC, DURABILITY_SYNC, GET } from '../store/store-request.ts';
import { asClientError, type ClientError, invalid } from './client-error.ts';
import { writeForward } from './forward.ts';
import type { Operation } from './operation.ts';
import type { Durability } from './options.ts';
import type { Place } from './places.ts';
import type { MappedKeyspace, RingMap } from './ring-map.ts';

export interface SendingOptions {
  readonly map: RingMap;
  readonly mapped: MappedKeyspace;
  readonly place: Place;
  readonly partition: number;
  /** Scratch. */
  readonly out: OutBuffer;
}

/** Returns false when the connection has no room now; an error when it never will. */
export function sendForward(op: Operation, { map, mapped, place, partition, out }: SendingOptions): boolean | ClientError {
  const { ring } = map;
  const { keyspace, table } = mapped;
  const isRead = op.kind === GET;
  const count = op.replicas === undefined ? AS_KEYSPACE : replicasNeeded(op.replicas, table.read.primaries);
  const fits = writeForward(out, op, {
    keyspaceId: keyspace.id,
    changedAt: ring.changedAt[partition]!,
    generation: ring.generation,
    r: isRead ? count : AS_KEYSPACE,
    w: isRead ? AS_KEYSPACE : count,
    durability: op.durability === undefined ? AS_KEYSPACE : durabilityNumber(op.durability),
  });
  if (!fits) return invalid(`key, context and value are longer than a frame may be (${out.maxBytes} bytes)`);
  try {
    return place.coordinator.tellBytes(FORWARD, out.bytes, 0, out.length, op.requestId, REQUEST);
  } catch (error) {
    return asClientError(error);
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

function durabilityNumber(durability: Durability): number {
  switch (durability) {
    case 'none':
      return DURABILITY_NONE;
    case 'periodic':
      return DURABILITY_PERIODIC;
    case 'sync':
      return DURABILITY_SYNC;
  }
}
