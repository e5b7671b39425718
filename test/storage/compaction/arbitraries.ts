/** Random histories of a small key space, and the naive answers to what is in them. */
import fc from 'fast-check';
import { compareWhole } from '../../../storage/key.ts';
import type { RangeDelete } from '../../../storage/range-deletes.ts';
import { DELETE, PUT } from '../../../storage/record.ts';
import { inOrder, type ListEntry } from './list-cursor.ts';

/** Short keys over a small alphabet, so that they clash, nest and are prefixes of each other. */
export const anyKey: fc.Arbitrary<Uint8Array> = fc
  .array(fc.constantFrom(0, 1, 97, 255), { maxLength: 3 })
  .map((bytes) => Uint8Array.from(bytes));

export type Change =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly key: Uint8Array }
  | { readonly type: 'deleteRange'; readonly start: Uint8Array; readonly end: Uint8Array };

export const anyChange: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('put' as const), key: anyKey, value: fc.uint8Array({ maxLength: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('delete' as const), key: anyKey }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('deleteRange' as const), start: anyKey, end: anyKey }) },
);

export interface Source {
  readonly entries: readonly ListEntry[];
  readonly rangeDeletes: readonly RangeDelete[];
}

/** A history cut into sources, the newest first. Sequences begin at 1. */
export const anySources: fc.Arbitrary<readonly Source[]> = fc
  .array(fc.array(anyChange, { maxLength: 20 }), { maxLength: 6 })
  .map((parts) => sourcesOf(parts));

export function sourcesOf(parts: readonly (readonly Change[])[]): Source[] {
  let sequence = 0;
  return parts
    .map((changes) => {
      const entries: ListEntry[] = [];
      const rangeDeletes: RangeDelete[] = [];
      for (const change of changes) {
        sequence++;
        if (change.type === 'deleteRange') rangeDeletes.push({ start: change.start, end: change.end, sequence });
        else if (change.type === 'put') entries.push({ key: change.key, sequence, kind: PUT, value: change.value });
        else entries.push({ key: change.key, sequence, kind: DELETE, value: new Uint8Array(0) });
      }
      return { entries: inOrder(entries), rangeDeletes };
    })
    .reverse();
}

/** What is seen at `snapshot`: by looking at everything for every key. */
export function visibleAt(sources: readonly Source[], snapshot: number): [string, string][] {
  const all = sources.flatMap(({ entries }) => entries).filter(({ sequence }) => sequence <= snapshot);
  const ranges = sources.flatMap(({ rangeDeletes }) => rangeDeletes).filter(({ sequence }) => sequence <= snapshot);
  const seen: [string, string][] = [];
  let last: Uint8Array | undefined;
  for (const entry of inOrder(all)) {
    if (last !== undefined && compareWhole(last, entry.key) === 0) continue;
    last = entry.key;
    if (entry.kind !== PUT || ranges.some((range) => covers(range, entry.key) && range.sequence > entry.sequence)) continue;
    seen.push([hex(entry.key), hex(entry.value)]);
  }
  return seen;
}

export function covers({ start, end }: RangeDelete, key: Uint8Array): boolean {
  return compareWhole(start, key) <= 0 && compareWhole(key, end) < 0;
}

export function hex(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return Buffer.from(bytes.subarray(start, end)).toString('hex');
}
