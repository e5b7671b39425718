import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import type { Cursor, Move } from '../../storage/cursor.ts';
import { PENDING } from '../../storage/cursor.ts';
import { StorageError } from '../../storage/errors.ts';
import { RunCursor } from '../../storage/run-cursor.ts';
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

/** Cuts between keys; every part ends, for the run, where the next begins, as with a range delete in it. */
function partsOf(
  entries: readonly ListEntry[],
  size: number,
): { readonly spans: { smallest: Uint8Array; largest: Uint8Array }[]; readonly parts: ListEntry[][] } {
  const parts: ListEntry[][] = [];
  for (const entry of entries) {
    const last = parts.at(-1);
    if (last === undefined || (last.length >= size && hex(last.at(-1)!.key) !== hex(entry.key))) parts.push([entry]);
    else last.push(entry);
  }
  const spans = parts.map((part, i) => ({ smallest: part[0]!.key, largest: (parts[i + 1]?.[0] ?? part.at(-1)!).key }));
  return { spans, parts };
}

testProp(
  'run cursor: moves as one over all its tables does, also while they wait',
  [anySources, fc.integer({ min: 1, max: 5 }), fc.array(anyMove, { maxLength: 30 }), fc.infiniteStream(fc.boolean())],
  (t, sources, size, moves, pends) => {
    const entries = inOrder(sources.flatMap((source) => source.entries));
    const { spans, parts } = partsOf(entries, size);
    const waiting = new Waiting(() => pends.next().value);
    let readies = 0;
    const opened: ListCursor[] = [];
    const run = new RunCursor({
      spans,
      open: (index, ready) => {
        const child = new ListCursor(parts[index]!, waiting, ready);
        opened.push(child);
        return child;
      },
      onReady: () => readies++,
    });
    const single = new ListCursor(entries);
    const both = (move: (cursor: Cursor) => Move) => {
      readies = 0;
      move(single);
      const pending = move(run) === PENDING;
      t.is(readies, 0);
      waiting.finish();
      t.is(readies, pending ? 1 : 0);
      t.is(shown(run), shown(single));
    };
    for (const move of moves) {
      if (move.type === 'seek') both((cursor) => cursor.seek(move.key, 0, move.key.length));
      else if (move.type === 'seekBefore') both((cursor) => cursor.seekBefore(move.key, 0, move.key.length));
      else if (move.type === 'seekFirst') both((cursor) => cursor.seekFirst());
      else if (move.type === 'seekLast') both((cursor) => cursor.seekLast());
      else if ('times' in move)
        for (let i = 0; i < move.times && single.valid; i++) both((cursor) => (move.type === 'next' ? cursor.next() : cursor.prev()));
    }
    run.close();
    t.true(opened.every(({ closed }) => closed));
  },
);

test('run cursor: ends with the error of a table, and moves no more', (t) => {
  const entry = (key: string): ListEntry => ({ key: Buffer.from(key), sequence: 1, kind: 1, value: Buffer.from(key) });
  const { spans, parts } = partsOf([entry('a'), entry('b')], 1);
  const error = new StorageError('IO', 'planted');
  const run = new RunCursor({
    spans,
    open: (index) => {
      const child = new ListCursor(parts[index]!);
      if (index === 1) child.fail(error);
      return child;
    },
  });
  run.seekFirst();
  t.true(run.valid);
  run.next();
  t.false(run.valid);
  t.is(run.error, error);
  run.seekFirst();
  t.false(run.valid);
});
