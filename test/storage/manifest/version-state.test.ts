import test from 'ava';
import { decodeEdit, encodeEdit, type VersionEdit } from '../../../storage/manifest/version-edit.ts';
import { VersionState } from '../../../storage/manifest/version-state.ts';
import { changeOf, tableOf } from './manifest-world.ts';

function edit(change: Partial<VersionEdit>): VersionEdit {
  return { ...changeOf({}), nextFileNumber: 100, ...change };
}

const state = VersionState.empty.apply(
  edit({ added: [tableOf(1, 0, 'a', 'z'), tableOf(3, 0, 'a', 'z'), tableOf(4, 1, 'm', 'p'), tableOf(5, 1, 'a', 'c')] }),
);

test('version state: level 0 is newest first, others by key', (t) => {
  t.deepEqual(
    state.levels.slice(0, 2).map((level) => level.map(({ number }) => number)),
    [
      [3, 1],
      [5, 4],
    ],
  );
});

test('version state: an edit leaves the old state as it was, and shares what it does not change', (t) => {
  const next = state.apply(edit({ removed: [{ level: 1, number: 4 }], added: [tableOf(6, 1, 'd', 'e')] }));
  t.deepEqual(
    next.levels[1]!.map(({ number }) => number),
    [5, 6],
  );
  t.deepEqual(
    state.levels[1]!.map(({ number }) => number),
    [5, 4],
  );
  t.is(next.levels[0], state.levels[0]);
});

test('version state: a snapshot gives the same state', (t) => {
  t.deepEqual(VersionState.empty.apply(state.snapshot()), state);
});

test('version state: the end of a range delete may be the beginning of the next table', (t) => {
  const next = state.apply(edit({ added: [tableOf(7, 2, 'a', 'c', { rangeDeletes: 1 }), tableOf(8, 2, 'c', 'd')] }));
  t.is(next.levels[2]!.length, 2);
});

const refused = test.macro((t, change: Partial<VersionEdit>, message: RegExp) => {
  t.throws(() => state.apply(edit(change)), { code: 'CORRUPTION', message });
});
test(
  'version state: refuses overlap below level 0',
  refused,
  { added: [tableOf(7, 1, 'b', 'd')] },
  /level 1 without overlap, got tables 5 and 7/,
);
test('version state: refuses a shared key', refused, { added: [tableOf(7, 1, 'c', 'd')] }, /without overlap/);
test('version state: refuses the removal of what is not there', refused, { removed: [{ level: 0, number: 4 }] }, /level 0, which has no 4/);
test('version state: refuses a table twice', refused, { added: [tableOf(3, 2, 'a', 'b')] }, /got 3 twice/);
test(
  'version state: refuses a table number that was not given out',
  refused,
  { added: [tableOf(100, 2, 'a', 'b')] },
  /table numbers below 100/,
);
test('version state: refuses a file number that goes back', refused, { nextFileNumber: 9 }, /nextFileNumber of at least 100, got 9/);

test('version edit: what is encoded is decoded', (t) => {
  const full = edit({
    kind: 'snapshot',
    logNumber: 7,
    lastSequence: 2 ** 53 - 1,
    removed: [{ level: 3, number: 9 }],
    added: [tableOf(1, 0, '', 'zz', { bytes: 2 ** 40, rangeDeletes: 3 }), tableOf(2, 15, 'a', 'a')],
    options: '{"a":"\u00e9"}',
  });
  const bytes = encodeEdit(full);
  t.deepEqual(decodeEdit(bytes, 0, bytes.length, 'f'), full);
});

test('version edit: no bytes make the decoder fail but with corruption, or take memory of their choosing', (t) => {
  const bytes = encodeEdit(edit({ removed: [{ level: 3, number: 9 }], added: [tableOf(1, 0, 'a', 'b')], options: 'x' }));
  for (let at = 0; at < bytes.length; at++) {
    for (const value of [0, 1, 0x7f, 0xff]) {
      const changed = Buffer.from(bytes);
      changed[at] = value;
      try {
        decodeEdit(changed, 0, changed.length, 'f');
      } catch (error) {
        t.like(error, { code: 'CORRUPTION' });
      }
    }
  }
  for (let length = 0; length < bytes.length; length++) t.throws(() => decodeEdit(bytes, 0, length, 'f'), { code: 'CORRUPTION' });
});

test('version edit: numbers out of range are refused', (t) => {
  for (const change of [{ lastSequence: 2 ** 53 }, { logNumber: -1 }, { nextFileNumber: 2 ** 32 }, { added: [tableOf(1, 16, 'a', 'b')] }]) {
    t.throws(() => encodeEdit(edit(change)), { code: 'INVALID_ARGUMENT' });
  }
});
