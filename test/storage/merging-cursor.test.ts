import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import type { Cursor, Move } from '../../storage/cursor.ts';
import { PENDING } from '../../storage/cursor.ts';
import { StorageError } from '../../storage/errors.ts';
import { MergingCursor } from '../../storage/merging-cursor.ts';
import { PUT } from '../../storage/record.ts';
import { anyKey, anySources, hex } from './compaction/arbitraries.ts';
import { inOrder, ListCursor, type ListEntry, Waiting } from './compaction/list-cursor.ts';

const anyMove = fc.oneof(
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('seek' as const, 'seekBefore' as const), key: anyKey }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('seekFirst' as const, 'seekLast' as const) }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constantFrom('next' as const, 'prev' as const), times: fc.integer({ min: 1, max: 9 }) }) },
);

function shown(cursor: Cursor): string | undefined {
  if (!cursor.valid) return undefined;
  const { keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd } = cursor;
  return `${hex(keyBytes, keyStart, keyEnd)}@${cursor.sequence} ${cursor.kind} ${hex(valueBytes, valueStart, valueEnd)}`;
}

testProp(
  'merging cursor: moves as one over the union of its children does, also while some of them wait',
  [anySources, fc.array(anyMove, { maxLength: 30 }), fc.infiniteStream(fc.boolean())],
  (t, sources, moves, pends) => {
    const waiting = new Waiting(() => pends.next().value);
    let readies = 0;
    const merged = new MergingCursor(
      (ready) => sources.map(({ entries }) => new ListCursor(entries, waiting, ready)),
      () => readies++,
    );
    const single = new ListCursor(inOrder(sources.flatMap(({ entries }) => entries)));
    const both = (move: (cursor: Cursor) => Move) => {
      readies = 0;
      move(single);
      const pending = move(merged) === PENDING;
      t.is(readies, 0);
      waiting.finish();
      t.is(readies, pending ? 1 : 0);
      t.is(shown(merged), shown(single));
    };
    for (const move of moves) {
      if (move.type === 'seek') both((cursor) => cursor.seek(move.key, 0, move.key.length));
      else if (move.type === 'seekBefore') both((cursor) => cursor.seekBefore(move.key, 0, move.key.length));
      else if (move.type === 'seekFirst') both((cursor) => cursor.seekFirst());
      else if (move.type === 'seekLast') both((cursor) => cursor.seekLast());
      else if ('times' in move)
        for (let i = 0; i < move.times && single.valid; i++) both((cursor) => (move.type === 'next' ? cursor.next() : cursor.prev()));
    }
    t.pass();
  },
);

const entry = (key: string): ListEntry => ({ key: Buffer.from(key), sequence: 1, kind: PUT, value: Buffer.from(key) });

test('merging cursor: ends with the error of a child, when one fails on a move of all', (t) => {
  const children = ['a', 'b', 'c'].map((key) => new ListCursor([entry(key)]));
  const merged = new MergingCursor(() => children);
  merged.seekFirst();
  t.true(merged.valid);
  const error = new StorageError('IO', 'planted');
  children[1]!.fail(error);
  merged.seekFirst();
  t.false(merged.valid);
  t.is(merged.error, error);
});

test('merging cursor: is empty, when it has no children', (t) => {
  const merged = new MergingCursor(() => []);
  merged.seekFirst();
  t.false(merged.valid);
  merged.seekLast();
  t.false(merged.valid);
});

test('merging cursor: says which child is current and closes all of them', (t) => {
  const children = ['b', 'a'].map((key) => new ListCursor([entry(key)]));
  const merged = new MergingCursor(() => children);
  merged.seekFirst();
  t.is(merged.child, 1);
  merged.next();
  t.is(merged.child, 0);
  merged.close();
  t.deepEqual(
    children.map(({ closed }) => closed),
    [true, true],
  );
});
