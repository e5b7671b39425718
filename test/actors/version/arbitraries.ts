/** Records of every shape that the format allows, also ones that no history leads to. Few actors, counters and values, so that they meet. */
import { fc } from '@fast-check/ava';
import { encodeNaive, type NaiveRecord, type NaiveSibling } from './naive-record.ts';
import { actorOf } from './records.ts';

const ACTORS = ['a', 'b', 'c', 'd'].map((name) => actorOf(name).toString('hex'));
const anyActor = fc.constantFrom(...ACTORS);
/** Small ones, and those at which 32 bits and 53 end. */
export const anyCounter = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER - 1) },
);
const anySibling = fc.record({
  actor: anyActor,
  counter: anyCounter,
  stamp: fc.constantFrom(0, 1, 2, 1_764_000_000_000 * 1_024, Number.MAX_SAFE_INTEGER),
  expiry: fc.constantFrom(0, 0, 1, 2 ** 40),
  isTombstone: fc.boolean(),
  value: fc.oneof(fc.constantFrom('', 'x', 'y'), fc.string({ maxLength: 200 })),
});

export const anyNaive: fc.Arbitrary<NaiveRecord> = fc
  .tuple(
    fc.uniqueArray(fc.tuple(anyActor, anyCounter, fc.integer({ min: 0, max: 2 })), { selector: ([actor]) => actor, maxLength: 4 }),
    fc.array(anySibling, { maxLength: 5 }),
  )
  .map(([entries, drawn]) => {
    const vector = new Map(entries.map(([actor, counter, stamp]) => [actor, { counter, stamp }]));
    const siblings: NaiveSibling[] = [];
    for (const each of drawn) {
      const sibling = each.isTombstone ? { ...each, value: '', expiry: 0 } : { ...each, value: Buffer.from(each.value).toString('latin1') };
      const seen = vector.get(sibling.actor);
      if (seen === undefined || seen.counter < sibling.counter) vector.set(sibling.actor, { counter: sibling.counter, stamp: 1 });
      if (!siblings.some((other) => JSON.stringify(other) === JSON.stringify(sibling))) siblings.push(sibling);
    }
    return { vector, siblings };
  })
  .filter(({ vector }) => vector.size > 0);

export const anyRecord: fc.Arbitrary<Buffer> = anyNaive.map(encodeNaive);
