import test from 'ava';
import { type AnyJob, collectJobs } from '../../runtime/job-table.ts';
import { defineJob } from '../../runtime/jobs.ts';

const a = defineJob('a', function* () {
  yield;
});
const otherA = defineJob('a', function* () {
  yield;
});

test('job table: takes jobs by their own name, whatever they are exported as, and nothing else', (t) => {
  const table = new Map<string, AnyJob>();
  collectJobs({ first: a, again: a, f: () => a, no: null, text: 'a', actor: { kind: 'dynactor:actor', name: 'b' } }, table);
  collectJobs({ reExported: a }, table);
  t.deepEqual([...table], [['a', a]]);
});

test('job table: two jobs of one name are refused', (t) => {
  const table = new Map<string, AnyJob>();
  collectJobs({ a }, table);
  t.throws(() => collectJobs({ otherA }, table), { code: 'INVALID_ARGUMENT', message: 'jobs: two definitions are named a' });
});
