import { fc, testProp } from '@fast-check/ava';
import { hashKey, KeysInFlight } from '../../../actors/resp/keys-in-flight.ts';

testProp(
  'keys in flight: a key is busy as a table of counts says, when keys come and go',
  [
    fc.array(fc.record({ key: fc.integer({ min: 0, max: 60 }), isWrite: fc.boolean(), comes: fc.boolean() }), {
      minLength: 1,
      maxLength: 300,
    }),
  ],
  (t, steps) => {
    const keys = new KeysInFlight();
    const counts = new Map<string, number>();
    const count = (key: number, isWrite: boolean): number => counts.get(`${key}/${isWrite}`) ?? 0;
    // Spread so that many hashes share their first slot.
    const hash = (key: number): number => (key % 5) * 3 + 64 * key;
    for (const { key, isWrite, comes } of steps) {
      t.is(keys.isBusy(hash(key), true), count(key, true) + count(key, false) > 0);
      t.is(keys.isBusy(hash(key), false), count(key, true) > 0);
      if (comes) keys.add(hash(key), isWrite);
      else if (count(key, isWrite) > 0) keys.remove(hash(key), isWrite);
      else continue;
      counts.set(`${key}/${isWrite}`, count(key, isWrite) + (comes ? 1 : -1));
    }
  },
);

testProp(
  'key hash: the same at whatever place the key lies, and another for another key of the same length',
  [fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 7 })],
  (t, key, shift) => {
    const moved = Buffer.concat([Buffer.alloc(shift, 1), key]);
    const hash = hashKey(key, 0, key.length);
    t.is(hashKey(moved, shift, moved.length), hash);
    if (key.length === 0) return;
    const other = Uint8Array.from(key, (byte, i) => (i === key.length - 1 ? byte ^ 1 : byte));
    t.not(hashKey(other, 0, other.length), hash);
  },
);
