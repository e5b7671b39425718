/** An upper bound of all keys that the engine has, from memory alone. */
import { compareWhole } from '../key.ts';
import type { Memtable } from '../memtable/memtable.ts';
import { RECORD_HEADER_BYTES, recordBytes } from '../record.ts';
import type { WriteBatch } from '../write-batch.ts';
import { copyOf } from './engine-iterator.ts';
import type { EngineParts } from './engine-parts.ts';

/** No key is above it, deleted ones neither; undefined: there are none. Cost: a seek per memtable, a comparison per table and per write that waits. */
export function lastKey({ memory, versions, writes }: EngineParts): Uint8Array | undefined {
  const keys = [memory.active, ...memory.immutables].flatMap(({ table }) => lastOfMemtable(table));
  for (const level of versions.current.levels) for (const { meta } of level) keys.push(meta.largest);
  for (const batch of writes.waiting()) keys.push(...keysOf(batch));
  let last: Uint8Array | undefined;
  for (const key of keys) if (last === undefined || compareWhole(key, last) > 0) last = key;
  return last;
}

function lastOfMemtable(table: Memtable): Uint8Array[] {
  if (table.keyCount === 0) return [];
  const cursor = table.cursor();
  cursor.seekLast();
  const key = copyOf(cursor.keyBytes, cursor.keyStart, cursor.keyEnd);
  cursor.close();
  return [key];
}

function keysOf({ bytes, words, length }: WriteBatch): Uint8Array[] {
  const keys: Uint8Array[] = [];
  for (let at = 0; at < length; ) {
    const word = at >>> 2;
    const keyBytes = words[word + 2]! >>> 4;
    const start = at + RECORD_HEADER_BYTES;
    keys.push(bytes.subarray(start, start + keyBytes));
    at += recordBytes(keyBytes, words[word + 3]!);
  }
  return keys;
}
