import { fc, testProp } from '@fast-check/ava';
import type { Cursor, Move } from '../../storage/cursor.ts';
import { PENDING } from '../../storage/cursor.ts';
import { MergingCursor } from '../../storage/merging-cursor.ts';
import { RangeDeletes } from '../../storage/range-deletes.ts';
import { VisibleCursor } from '../../storage/visible-cursor.ts';
import { anyKey, anySources, hex, visibleAt } from './compaction/arbitraries.ts';
import { ListCursor, Waiting } from './compaction/list-cursor.ts';

const anyMove = fc.oneof(
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('seek' as const, 'seekBefore' as const), key: anyKey }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('seekFirst' as const, 'seekLast' as const) }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constantFrom('next' as const, 'prev' as const) }) },
);
const anyBound = fc.option(anyKey, { nil: undefined });

testProp(
  'visible cursor: shows in both directions what a naive reader sees at the snapshot, also while children wait',
  [anySources, fc.nat({ max: 130 }), anyBound, anyBound, fc.array(anyMove, { maxLength: 40 }), fc.infiniteStream(fc.boolean())],
  (t, sources, snapshot, lower, upper, moves, pends) => {
    const waiting = new Waiting(() => pends.next().value);
    let readies = 0;
    const cursor = new VisibleCursor({
      open: (ready) => new MergingCursor((childReady) => sources.map(({ entries }) => new ListCursor(entries, waiting, childReady)), ready),
      rangeDeletes: RangeDeletes.merge(sources.map(({ rangeDeletes }) => RangeDeletes.of(rangeDeletes))),
      sequence: snapshot,
      lower,
      upper,
      onReady: () => readies++,
    });
    const rows = visibleAt(sources, snapshot);
    const low = lower === undefined ? '' : hex(lower);
    const high = upper === undefined ? 'g' : hex(upper);
    let at = -1;
    const expected = () => {
      const row = rows[at];
      return row !== undefined && row[0] >= low && row[0] < high ? row : undefined;
    };
    const check = (move: (moved: Cursor) => Move) => {
      readies = 0;
      const pending = move(cursor) === PENDING;
      waiting.finish();
      t.is(readies, pending ? 1 : 0);
      t.deepEqual(shown(cursor), expected());
    };
    for (const move of moves) {
      if (move.type === 'seek') {
        // Only within the bounds, as the contract says.
        if (hex(move.key) < low) continue;
        const found = rows.findIndex(([key]) => key >= hex(move.key));
        at = found < 0 ? rows.length : found;
        check((moved) => moved.seek(move.key, 0, move.key.length));
      } else if (move.type === 'seekBefore') {
        if (hex(move.key) > high) continue;
        at = rows.findLastIndex(([key]) => key < hex(move.key));
        check((moved) => moved.seekBefore(move.key, 0, move.key.length));
      } else if (move.type === 'seekFirst' && lower === undefined) {
        at = 0;
        check((moved) => moved.seekFirst());
      } else if (move.type === 'seekLast' && upper === undefined) {
        at = rows.length - 1;
        check((moved) => moved.seekLast());
      } else if (expected() !== undefined) {
        at += move.type === 'next' ? 1 : -1;
        check((moved) => (move.type === 'next' ? moved.next() : moved.prev()));
      }
    }
    t.pass();
  },
);

function shown(cursor: Cursor): [string, string] | undefined {
  if (!cursor.valid) return undefined;
  const { keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd } = cursor;
  return [hex(keyBytes, keyStart, keyEnd), hex(valueBytes, valueStart, valueEnd)];
}
