import test from 'ava';
import { HINT_TAG, ownerBytes, putHintKey } from '../../../actors/hints/hint-key.ts';
import { engineKeyOf } from '../../../actors/store/engine-key.ts';
import type { Replicas } from '../../../actors/store/replicas.ts';
import { type Entry, LATER } from '../../../storage/engine/api.ts';
import { encodeNaive, NO_RECORD } from '../version/naive-record.ts';
import { HintChecker } from './hint-checker.ts';

function hintFor(key: string): Entry {
  const rest = Buffer.alloc(100);
  const bytes = Buffer.from(key);
  const end = putHintKey(rest, ownerBytes('ab'.repeat(16)), { keyspace: 1, tokenHigh: 2, tokenLow: 3 }, bytes, 0, bytes.length);
  return { key: engineKeyOf(0, HINT_TAG, 0, rest.subarray(0, end)), value: encodeNaive(NO_RECORD) };
}

test('hint checker: all hints are seen, when pages are short, and some come later', (t) => {
  const pages: (readonly Entry[] | 'later')[] = ['later', [hintFor('a')], [hintFor('b'), hintFor('c')], 'later', []];
  const later: (() => void)[] = [];
  let closed = 0;
  const next = (_count: number, _bytes: number, done: (result: unknown) => void): unknown => {
    const page = pages.shift()!;
    if (page !== 'later') return page;
    const value = pages.shift()!;
    later.push(() => done({ ok: true, value }));
    return LATER;
  };
  const checker = new HintChecker();
  checker.look('n1/0', { iterator: () => ({ next, close: () => closed++ }) } as unknown as Replicas);
  while (later.length > 0) later.shift()!();
  t.deepEqual(
    checker.held.get('n1/0')?.map(({ hint }) => Buffer.from(hint.key).toString()),
    ['a', 'b', 'c'],
  );
  t.is(closed, 1);
});
