/** What becomes of values and cursors, when the block cache uses the memory of their blocks again. */
import test from 'ava';
import type { Entry } from '../../../storage/engine/api.ts';
import { Rig } from './rig.ts';

/** Values that were got, singly and many at once, and what an iterator gives that stood in their blocks, after a cache that is full has taken in all of them twice. */
function readOverCache(mutants: ReadonlySet<string>): { readonly got: readonly boolean[]; readonly walked: readonly boolean[] } {
  const rig = new Rig().open({ mutants, cacheBytes: 64 << 10 });
  const keys = Array.from({ length: 1_000 }, (_, i) => Buffer.from(`key${i + 1_000}`));
  const values = keys.map((_, i) => Buffer.alloc(150, i));
  for (const [i, key] of keys.entries()) rig.put(key.toString(), values[i]);
  rig.flush();
  const get = (key: Buffer): Uint8Array | undefined => rig.engine.getNow(key, undefined);
  const iterator = rig.engine.iterator({});
  const walked: boolean[] = [];
  const held: (Uint8Array | undefined)[] = [];
  for (let round = 0; round < 2; round++) {
    for (const [i, key] of keys.entries()) {
      held.push(get(key), get(key));
      if (i % 10 !== 0) continue;
      held.push(...(rig.engine.getMany([key, key], undefined, () => undefined) as readonly (Uint8Array | undefined)[]));
      for (const { value } of rig.value<readonly Entry[]>((done) => iterator.next(3, 1 << 20, done)))
        walked.push(values[walked.length]!.equals(value));
    }
  }
  iterator.close();
  const perRound = held.length / 2;
  const expected = keys.flatMap((_, i) => Array<Buffer>(i % 10 === 0 ? 4 : 2).fill(values[i]!));
  return { got: held.map((value, i) => value !== undefined && expected[i % perRound]!.equals(value)), walked };
}

test('engine: values that were got and entries of an iterator are what was written, when the cache has used the memory of their blocks again', (t) => {
  const { got, walked } = readOverCache(new Set());
  t.deepEqual([got.length, walked.length], [4_400, 600]);
  t.deepEqual([new Set(got), new Set(walked)], [new Set([true]), new Set([true])]);
});

test('engine: values that are views of the memory of the cache are found out (mutant lentValueKept)', (t) => {
  t.true(readOverCache(new Set(['lentValueKept'])).got.includes(false));
});

test('engine: a cursor that stands in the memory of the cache is found out (mutant lentBlockKept)', (t) => {
  t.true(readOverCache(new Set(['lentBlockKept'])).walked.includes(false));
});

test('engine: a value that is a Buffer is the own memory of who got it, wherever it was found', (t) => {
  for (const { place, inlineReads, bytes, isOwn } of [
    { place: 'memtable', inlineReads: true, bytes: 100, isOwn: true },
    { place: 'a small block', inlineReads: true, bytes: 100, isOwn: true },
    { place: 'a large block', inlineReads: true, bytes: 20_000, isOwn: false },
    { place: 'a block that is waited for', inlineReads: false, bytes: 100, isOwn: false },
  ]) {
    const rig = new Rig().open({ inlineReads, cacheBytes: 64 << 10 });
    const value = Buffer.alloc(bytes, 7);
    rig.put('key', value);
    if (place !== 'memtable') rig.flush();
    const got = Array.from({ length: 3 }, () =>
      rig.value<Uint8Array | undefined>((done) => rig.engine.get(Buffer.from('key'), undefined, done)),
    );
    t.is(Buffer.isBuffer(got[0]), isOwn, place);
    if (Buffer.isBuffer(got[0])) got[0].fill(0);
    t.true(
      [got[1], got[2], rig.get('key')].every((each) => each !== undefined && value.equals(each)),
      place,
    );
    rig.close();
  }
});
