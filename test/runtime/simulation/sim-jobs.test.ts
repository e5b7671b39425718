import { tmpdir } from 'node:os';
import test from 'ava';
import type { Clock } from '../../../runtime/doors.ts';
import type { AnyJob } from '../../../runtime/job-table.ts';
import { collectJobs } from '../../../runtime/job-table.ts';
import type { JobOutcome } from '../../../runtime/jobs.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { faultPlan } from '../../../runtime/simulation/disk-faults.ts';
import { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import { SimJobRunner, type SimJobsOptions } from '../../../runtime/simulation/sim-jobs.ts';
import { SimSyncFiles } from '../../../runtime/simulation/sim-sync-files.ts';
import { testJobRunnerContract } from '../job-runner-contract.ts';
import * as poolJobs from '../pool-jobs.ts';
import { CLEANED_UP, cells } from '../pool-jobs.ts';
import { pumpedSchedule, VirtualSchedule } from './virtual-schedule.ts';

function table(): ReadonlyMap<string, AnyJob> {
  const jobs = new Map<string, AnyJob>();
  collectJobs(poolJobs, jobs);
  return jobs;
}

/** A disk with the directory that the contract's jobs write to. */
function stage(): SimDisk {
  const disk = new SimDisk();
  disk.makeDirectory(tmpdir());
  return disk;
}

const still: Clock = { now: () => 0, wall: () => 0 };

testJobRunnerContract(
  'simulated jobs',
  (_, limits) =>
    new SimJobRunner({
      schedule: pumpedSchedule(),
      random: new SeededRandom(1),
      jobs: table(),
      files: new SimSyncFiles(stage()),
      clock: still,
      ...limits,
    }),
);

/** Notes when jobs end and how. */
class Bench {
  readonly clock = new VirtualSchedule();
  readonly runner: SimJobRunner;
  readonly ends: (readonly [string, number, string])[] = [];

  constructor(options: Partial<SimJobsOptions> = {}) {
    this.runner = new SimJobRunner({
      schedule: this.clock.schedule,
      random: new SeededRandom(1),
      jobs: table(),
      files: new SimSyncFiles(stage()),
      clock: { now: () => this.clock.nowMs, wall: () => Math.floor(this.clock.nowMs) },
      threads: 1,
      queueMax: 100,
      segmentCost: { minUs: 1_000, maxUs: 1_000 },
      ...options,
    });
  }

  start(label: string, name: string, input: unknown): void {
    this.runner.run(name, input, { timeoutMs: 60_000 }, (outcome: JobOutcome) => {
      this.ends.push([label, this.clock.nowMs, outcome.ok ? 'ok' : outcome.code]);
    });
  }

  run(): readonly (readonly [string, number, string])[] {
    this.clock.runAll();
    return this.ends;
  }
}

test('simulated jobs: each segment costs its time, and threads work side by side', (t) => {
  const bench = new Bench({ threads: 2 });
  for (const label of ['a', 'b', 'c']) bench.start(label, 'count', 9);
  t.deepEqual(bench.run(), [
    ['a', 10, 'ok'],
    ['b', 10, 'ok'],
    ['c', 20, 'ok'],
  ]);
});

test('simulated jobs: a pause holds the thread for its time', (t) => {
  const bench = new Bench();
  bench.start('paused', 'touch', `${tmpdir()}/a`);
  bench.start('next', 'count', 0);
  t.deepEqual(bench.run(), [
    ['paused', 22, 'ok'],
    ['next', 23, 'ok'],
  ]);
});

test('simulated jobs: nothing of a job runs within the call that starts it', (t) => {
  const bench = new Bench();
  const shared = cells();
  bench.start('a', 'gate', shared);
  t.is(Atomics.load(shared, poolJobs.STARTED), 0);
  bench.clock.step();
  t.is(Atomics.load(shared, poolJobs.STARTED), 1);
});

test('simulated jobs: interleavings follow the seed', (t) => {
  const endsOf = (seed: number) => {
    const bench = new Bench({ threads: 3, random: new SeededRandom(seed), segmentCost: { minUs: 100, maxUs: 10_000 } });
    for (let i = 0; i < 12; i++) bench.start(String(i), 'count', i % 4);
    return bench.run();
  };
  t.deepEqual(endsOf(1), endsOf(1));
  t.notDeepEqual(endsOf(1), endsOf(2));
});

for (const segment of [0, 1, 4, 5]) {
  test(`simulated jobs: a crash point ends the thread there and the job fails, at segment ${segment} of 5`, (t) => {
    const asked: number[] = [];
    const bench = new Bench({
      crashAt: (name, at) => {
        if (name === 'count') asked.push(at);
        return at === segment;
      },
    });
    bench.start('a', 'count', 4);
    bench.run();
    t.deepEqual(
      asked,
      Array.from({ length: Math.min(segment, 4) + 1 }, (_, i) => i),
    );
    t.deepEqual(bench.ends, [['a', Math.min(segment + 1, 5), segment < 5 ? 'JOB_FAILED' : 'ok']]);
  });
}

test('simulated jobs: a thread that crashes cleans nothing up, and takes the next job', (t) => {
  const bench = new Bench({ crashAt: (name, segment) => name === 'gate' && segment === 3 });
  const shared = cells();
  bench.start('crashed', 'gate', shared);
  bench.start('next', 'count', 0);
  t.deepEqual(bench.run(), [
    ['crashed', 4, 'JOB_FAILED'],
    ['next', 5, 'ok'],
  ]);
  t.is(Atomics.load(shared, CLEANED_UP), 0);
});

test('simulated jobs: a crash of the node drops everything silently, and the runner starts empty', (t) => {
  const bench = new Bench({ queueMax: 2 });
  bench.start('running', 'gate', cells());
  bench.start('waiting', 'echo', 1);
  bench.start('waiting too', 'echo', 1);
  bench.start('refused', 'echo', 1);
  for (let i = 0; i < 5; i++) bench.clock.step();
  bench.runner.crash();
  const before = [...bench.ends];
  bench.clock.runAll();
  t.deepEqual(bench.ends, before);
  for (const label of ['a', 'b', 'c']) bench.start(label, 'count', 0);
  bench.clock.runAll();
  t.deepEqual(
    bench.ends.slice(before.length).map(([label, , code]) => [label, code]),
    ['a', 'b', 'c'].map((label) => [label, 'ok']),
  );
});

test('simulated jobs: a crash point may crash the whole node', (t) => {
  const bench = new Bench({
    crashAt: (_, segment) => {
      if (segment === 2) bench.runner.crash();
      return false;
    },
  });
  bench.start('a', 'count', 9);
  t.deepEqual(bench.run(), []);
});

test('simulated jobs: a job whose machine loses power is never heard of, nor are those behind it', (t) => {
  const disk = stage();
  const bench = new Bench({ files: new SimSyncFiles(disk) });
  disk.onCall = faultPlan([{ operations: ['pwrite'], fault: { kind: 'powerLoss', when: 'after' } }]);
  bench.start('a', 'touch', `${tmpdir()}/a`);
  bench.start('b', 'count', 0);
  t.deepEqual(bench.run(), []);
  t.is(disk.pending().length, 2);
});
