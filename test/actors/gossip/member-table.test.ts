import { isDeepStrictEqual } from 'node:util';
import { testProp } from '@fast-check/ava';
import test from 'ava';
import { compareBeats, MemberTable } from '../../../actors/gossip/member-table.ts';
import type { Heartbeat } from '../../../actors/gossip-protocol.ts';
import { beat, beatOf, beats } from './arbitraries.ts';
import { idOf } from './world.ts';

const NONE: ReadonlySet<string> = new Set();
const IDS = [0, 1, 2].map(idOf);

function tableOf(list: readonly Heartbeat[]): MemberTable {
  const table = new MemberTable(NONE);
  table.setMembers(IDS, 0);
  for (const beat of list) table.merge(beat, 1);
  return table;
}

function contents(table: MemberTable): unknown[] {
  return table.ids.map((id) => table.beatOf(id));
}

testProp('member table: the order of heartbeats does not matter', [beats(3)], (t, list) => {
  t.deepEqual(contents(tableOf(list)), contents(tableOf([...list].reverse())));
});

testProp('member table: hearing twice is hearing once', [beats(3)], (t, list) => {
  t.deepEqual(contents(tableOf([...list, ...list])), contents(tableOf(list)));
  const table = tableOf(list);
  for (const beat of list) t.is(table.merge(beat, 2), 'older');
});

testProp('member table: what two know together is what one knows that heard both', [beats(3), beats(3)], (t, one, other) => {
  const both = tableOf(one);
  for (const beat of tableOf(other).newerThan(new Map(one.map((beat) => [beat.id, beat])))) both.merge(beat, 1);
  t.deepEqual(contents(both), contents(tableOf([...one, ...other])));
});

testProp('member table: the order of heartbeats is total', [beat(1), beat(1), beat(1)], (t, a, b, c) => {
  t.is(Math.sign(compareBeats(a, b)), -Math.sign(compareBeats(b, a)) + 0);
  t.is(compareBeats(a, b) === 0, isDeepStrictEqual(a, b));
  const [least, middle, most] = [a, b, c].sort(compareBeats);
  t.true(compareBeats(least!, middle!) <= 0 && compareBeats(middle!, most!) <= 0 && compareBeats(least!, most!) <= 0);
});

test('member table: says whether a heartbeat is of another life', (t) => {
  const table = tableOf([]);
  t.is(table.merge(beatOf(0, 1, 0, 5), 10), 'life');
  t.is(table.merge(beatOf(0, 1, 0, 6), 20), 'heartbeat');
  t.is(table.merge(beatOf(0, 1, 0, 6), 30), 'older');
  t.is(table.get(idOf(0))?.heardAtMs, 20);
  t.is(table.merge(beatOf(0, 1, 1, 0), 40), 'life');
  t.is(table.merge(beatOf(0, 1, 0, 99), 50), 'older');
  t.is(table.merge(beatOf(0, 2, 0, 0), 60), 'life');
  t.is(table.merge(beatOf(7, 1, 0, 0), 70), 'older');
});

test('member table: forgets who left, and keeps what it knows of the others', (t) => {
  const table = tableOf([beatOf(0, 1, 0, 5), beatOf(1, 1, 0, 5)]);
  table.setMembers([idOf(1), idOf(3)], 100);
  t.is(table.get(idOf(0)), undefined);
  t.is(table.beatOf(idOf(1))?.heartbeat, 5);
  t.is(table.beatOf(idOf(3))?.boot, 0);
  t.is(table.get(idOf(3))?.heardAtMs, 100);
});
