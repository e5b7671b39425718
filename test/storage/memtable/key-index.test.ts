import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { hashKey } from '../../../storage/hash.ts';
import { Arena } from '../../../storage/memtable/arena.ts';
import { KeyIndex } from '../../../storage/memtable/key-index.ts';
import { KeyOrder } from '../../../storage/memtable/key-order.ts';
import { Memtable } from '../../../storage/memtable/memtable.ts';
import { PUT, RECORD_HEADER_BYTES, recordBytes } from '../../../storage/record.ts';

const NOTHING = new Uint8Array(0);

/** Keys in an arena, their order, and an index of them, that gets hashes of the caller's choice. */
class Indexed {
  readonly order: KeyOrder;
  readonly index: KeyIndex;
  #length = 4;

  constructor(arenaBytes: number) {
    this.order = new KeyOrder(new Arena(arenaBytes));
    this.index = new KeyIndex(this.order);
  }

  /** A record of the key, in no index yet. */
  record(key: Uint8Array): number {
    const { bytes, words } = this.order.arena;
    const offset = this.#length;
    words[(offset >>> 2) + 2] = PUT | (key.length << 4);
    bytes.set(key, offset + RECORD_HEADER_BYTES);
    this.#length += recordBytes(key.length, 0);
    return offset;
  }

  /** What is found of the key of a new record. */
  inArena(key: Uint8Array, hash: number): number {
    const start = this.record(key) + RECORD_HEADER_BYTES;
    return this.index.find(hash, this.order.arena.bytes, start, start + key.length);
  }

  add(key: Uint8Array, hash: number): number {
    this.order.exchange(this.record(key));
    this.index.add(hash, this.order.keyCount);
    return this.order.keyCount;
  }
}

testProp(
  'key index: finds the number of each key that was added, and of no other, when any of them have the same hash',
  [fc.uniqueArray(fc.uint8Array({ maxLength: 9 }), { selector: String, minLength: 1, maxLength: 40 }), fc.constantFrom(1, 2, 1_000)],
  (t, keys, hashes) => {
    const it = new Indexed(1 << 16);
    const hashOf = (key: Uint8Array): number => hashKey(key, 0, key.length) % hashes;
    const absent = keys.splice(keys.length >> 1);
    const numbers = keys.map((key) => it.add(key, hashOf(key)));
    for (const [i, key] of keys.entries()) {
      const padded = Uint8Array.from([9, ...key, 9]);
      t.is(it.index.find(hashOf(key), padded, 1, 1 + key.length), numbers[i]!);
      t.is(it.inArena(key, hashOf(key)), numbers[i]!);
    }
    for (const key of absent) {
      t.is(it.index.find(hashOf(key), key, 0, key.length), 0);
      t.is(it.inArena(key, hashOf(key)), 0);
    }
  },
);

test('key index: takes keys up to three quarters of its slots, and no more', (t) => {
  const it = new Indexed(4_096);
  for (let i = 0; i < 48; i++) {
    t.false(it.index.isFull);
    it.add(Uint8Array.of(i), -1);
  }
  t.true(it.index.isFull);
  t.is(it.add(Uint8Array.of(48), -1), 49);
  t.is(it.index.find(-1, Uint8Array.of(47), 0, 1), 48);
  t.is(it.index.find(-1, Uint8Array.of(48), 0, 1), 0);
});

test('memtable: keys that its index has no room for are found, overwritten and in order all the same', (t) => {
  // 64 slots, 48 keys; 200 records of 24 bytes.
  const table = new Memtable(new Arena(8_192), 100);
  table.reserve(64);
  const keyOf = (i: number): Uint8Array => Uint8Array.of(i, 1);
  const find = (i: number): number => table.find(keyOf(i), hashKey(keyOf(i), 0, 2), Number.MAX_SAFE_INTEGER);
  const first = Array.from({ length: 120 }, (_, i) => table.add(PUT, 100 + i, keyOf(i), NOTHING));
  t.deepEqual(Array.from(first.keys(), find), first);
  const second = Array.from({ length: 120 }, (_, i) => table.add(PUT, 300 + i, keyOf(i), NOTHING));
  t.deepEqual(Array.from(second.keys(), find), second);
  t.is(find(120), 0);
  t.is(table.keyCount, 120);
  t.deepEqual([...table.snapshot().offsets], second);
});
