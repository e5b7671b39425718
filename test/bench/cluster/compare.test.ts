import test from 'ava';
import { compareFiles } from '../../../bench/cluster/compare.ts';
import { figuresBetween } from '../../../bench/cluster/node-figures.ts';
import { planOf } from '../../../bench/cluster/plan.ts';
import { ResultBook, type ResultFile } from '../../../bench/cluster/result.ts';
import { tablesOf, troublesOf } from '../../../bench/cluster/tables.ts';
import type { TargetName } from '../../../bench/cluster/target.ts';
import type { Figures, Outcome } from '../../../bench/cluster/task.ts';

const [SET, , GET] = planOf({ workloads: ['set', 'get'], distributions: [] });

function outcomeOf(perSecond: number, p99Ms = 1): Outcome {
  const figures: Figures = {
    ...{ operations: 100, perSecond, p50Ms: 0.5, p95Ms: 0.9, p99Ms, p999Ms: 2, maxMs: 3, lateP99Ms: 0 },
    ...{ serverUs: 10, generatorUs: 5, bytesWritten: null, restMiB: null, peakMiB: null },
    ...figuresBetween(null, null, 1),
  };
  return { figures, curve: [[0, 0.1]], troubles: { wrong: 0, missing: 0, stale: 0, failed: 0, first: '' } };
}

function bookOf(rates: Readonly<Partial<Record<TargetName, readonly number[]>>>): ResultBook {
  const book = new ResultBook();
  for (const [name, samples] of Object.entries(rates)) {
    const target = name as TargetName;
    for (const rate of samples)
      book.add({ durability: 'none', valueBytes: 100, target, described: `${target} as it is` }, SET!, 'closed', outcomeOf(rate));
  }
  return book;
}

function fileOf(book: ResultBook): ResultFile {
  return { setup: { cpu: 'x', commit: 'c', openLoop: '100/s' }, results: book.all };
}

test('bench tables: rates are medians of the runs, and stand beside those of each peer', (t) => {
  const book = bookOf({ 'dynactor-resp': [100, 300, 200], redis: [400], etcd: [50] });
  const text = tablesOf(book.all, [SET!.label], ['dynactor-resp', 'redis', 'etcd']);
  const ours = text.find((line) => line.startsWith('set uniform  dynactor-resp'))!;
  t.regex(ours, / 200 .* 0\.50 +4\.00$/);
  t.true(text.includes('  redis: redis as it is'));
  t.true(text.some((line) => line.startsWith('durability none, values of 100 B')));
});

test('bench tables: results with bad operations are named, with what the first was told', (t) => {
  const book = bookOf({ redis: [400], etcd: [50] });
  const troubles = { wrong: 0, missing: 2, stale: 0, failed: 71, first: 'SET of key 7: -CLUSTERDOWN' };
  for (const more of [troubles, { ...troubles, first: 'another' }])
    book.add({ durability: 'none', valueBytes: 100, target: 'etcd', described: '' }, SET!, 'open', { ...outcomeOf(10), troubles: more });
  t.deepEqual(troublesOf(book.all), [
    'etcd, set uniform, open loop, durability none, 100 B: 4 missing, 142 failed; the first: SET of key 7: -CLUSTERDOWN',
  ]);
});

test('bench tables: a row that a target has not is named so, when others have it', (t) => {
  const book = bookOf({ redis: [400], etcd: [50] });
  book.add({ durability: 'none', valueBytes: 100, target: 'etcd', described: '' }, GET!, 'closed', outcomeOf(10));
  const text = tablesOf(book.all, [SET!.label, GET!.label], ['redis', 'etcd']).join('\n');
  t.regex(text, /get uniform {2}redis +not offered/);
});

test('bench compare: changes beyond noise are called better or worse, and what the machine did is said', (t) => {
  const before = fileOf(bookOf({ 'dynactor-resp': [100], 'dynactor-client': [100], redis: [400] }));
  const after = fileOf(bookOf({ 'dynactor-resp': [150], 'dynactor-client': [50], redis: [420], etcd: [1] }));
  const text = compareFiles(before, { ...after, setup: { cpu: 'x', commit: 'd', openLoop: '200/s' } });
  t.is(text[0], 'differing: commit: c -> d, openLoop: 100/s -> 200/s');
  t.regex(text.find((line) => line.includes('dynactor-resp'))!, / 100 +150 +1\.50 +better/);
  t.regex(text.find((line) => line.includes('dynactor-client'))!, / 100 +50\.0 +0\.50 +worse/);
  t.notRegex(text.find((line) => line.includes('redis'))!, /better|worse/);
  t.true(text.includes('3 rows in both, 0 only in the first, 1 only in the second'));
  t.regex(text.at(-1)!, /^peers do 1\.05 times/);
});
