/**
 * Where purge floors lie: in the shard's engine, under keyspace 0, apart from its other records by the high half of the token.
 *
 * ```
 *  0  u32 0     4  u32 3     8  u32 0    12  u32  keyspace    16  u32  high half of the partition's first token    20  u32  partitions     value: a bare version vector
 * ```
 * Big-endian. In the order of the data that they speak of: so the floors of a range of data are one range.
 */
import { firstHighOf, isPartitionCount, partitionOf } from '../ring/token.ts';
import { ENGINE_KEY_PREFIX_BYTES, engineKeyOf, prefixOf } from '../store/engine-key.ts';
import type { EngineRange } from '../store/engine-range.ts';

/** 1 and 2 are those of hints. */
const FLOOR_TAG = 3;
const PLACE_BYTES = 12;

/** A partition of a keyspace. */
export interface FloorPlace {
  readonly keyspace: number;
  readonly partition: number;
  readonly partitions: number;
}

export function floorKey({ keyspace, partition, partitions }: FloorPlace): Uint8Array {
  return keyFrom(keyspace, firstHighOf(partition, partitions), partitions);
}

/** Undefined: it is none of a floor. */
export function readFloorKey(engineKey: Uint8Array): FloorPlace | undefined {
  const bytes = Buffer.from(engineKey.buffer, engineKey.byteOffset, engineKey.length);
  if (bytes.length !== ENGINE_KEY_PREFIX_BYTES + PLACE_BYTES || bytes.readUInt32BE(4) !== FLOOR_TAG) return undefined;
  const partitions = bytes.readUInt32BE(ENGINE_KEY_PREFIX_BYTES + 8);
  if (!isPartitionCount(partitions)) return undefined;
  const partition = partitionOf(bytes.readUInt32BE(ENGINE_KEY_PREFIX_BYTES + 4), partitions);
  return { keyspace: bytes.readUInt32BE(ENGINE_KEY_PREFIX_BYTES), partition, partitions };
}

export function allFloors(): EngineRange {
  return { start: prefixOf(0, FLOOR_TAG), end: prefixOf(0, FLOOR_TAG + 1) };
}

/** Those of partitions that begin in a range of data. */
export function floorsWithin({ start, end }: EngineRange): EngineRange {
  return { start: placeOf(start), end: placeOf(end) };
}

/** Whether data of the place lies in the range. */
export function isWithin({ keyspace, partition, partitions }: FloorPlace, { start, end }: EngineRange): boolean {
  const first = prefixOf(keyspace, firstHighOf(partition, partitions));
  const behind = firstHighOf(partition + 1, partitions);
  const last = behind === 2 ** 32 ? prefixOf(keyspace + 1, 0) : prefixOf(keyspace, behind);
  return Buffer.compare(first, end) < 0 && Buffer.compare(start, last) < 0;
}

function placeOf(dataKey: Uint8Array): Uint8Array {
  const bytes = Buffer.from(dataKey.buffer, dataKey.byteOffset, dataKey.length);
  return keyFrom(bytes.readUInt32BE(0), bytes.readUInt32BE(4), 0);
}

function keyFrom(keyspace: number, high: number, partitions: number): Uint8Array {
  const place = Buffer.alloc(PLACE_BYTES);
  place.writeUInt32BE(keyspace, 0);
  place.writeUInt32BE(high, 4);
  place.writeUInt32BE(partitions, 8);
  return engineKeyOf(0, FLOOR_TAG, 0, place);
}
