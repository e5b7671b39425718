import test from 'ava';
import type { PlanItem } from '../../../runtime/simulation/plan.ts';
import type { RunPlan } from '../../../runtime/simulation/plan-file.ts';
import { shrink } from '../../../runtime/simulation/shrink.ts';
import type { Failure } from '../../../runtime/simulation/world.ts';

function pause(atMs: number, forMs = 100): PlanItem {
  return { kind: 'pause', atMs, node: 'a', forMs };
}

const START: RunPlan = {
  seed: 1,
  stopMs: 10_000,
  settings: { nodes: [{ name: 'a', shards: 1 }], scheduling: { policy: 'random' }, network: { quality: { splitRatio: 1 } } },
  plan: Array.from({ length: 40 }, (_, i) => pause(i * 10)),
};

/** Fails when both needles are in the plan, at the time of the later. */
function attempt(needles: readonly number[], minForMs = 0): (run: RunPlan) => Failure | null {
  return (run) => {
    const found = needles.map((atMs) => run.plan.find((item) => item.atMs === atMs && 'forMs' in item && item.forMs >= minForMs));
    const atMs = Math.max(...needles);
    return found.every((item) => item !== undefined) && run.stopMs >= atMs ? { what: 'bug', detail: '', atMs } : null;
  };
}

function shrunk(run: (run: RunPlan) => Failure | null, runsMax?: number): ReturnType<typeof shrink> {
  const failure = run(START);
  if (failure === null) throw new Error('the start must fail');
  return shrink(START, failure, run, runsMax === undefined ? {} : { runsMax });
}

test('shrink: leaves the faults that are needed and no other', (t) => {
  const { run, failure, runs } = shrunk(attempt([20, 310]));
  t.deepEqual(
    run.plan.map((item) => item.atMs),
    [20, 310],
  );
  t.is(failure.what, 'bug');
  t.true(runs <= 300);
});

test('shrink: ends the run at the failure', (t) => {
  t.is(shrunk(attempt([20, 310])).run.stopMs, 311);
});

test('shrink: makes the faults that are left as mild as they may be', (t) => {
  const mild = shrunk(attempt([50])).run.plan;
  t.deepEqual(mild, [pause(50, 1)]);
  const half = shrunk(attempt([50], 30)).run.plan;
  t.deepEqual(half, [pause(50, 50)]);
});

test('shrink: calms network and scheduler, when they are not needed', (t) => {
  const { settings } = shrunk(attempt([50])).run;
  t.is(settings.scheduling?.policy, 'fifo');
  t.is(settings.network?.quality?.splitRatio, 0);
  const needsRandom = shrunk((run) => (run.settings.scheduling?.policy === 'random' ? { what: 'bug', detail: '', atMs: 5 } : null));
  t.is(needsRandom.run.settings.scheduling?.policy, 'random');
});

test('shrink: takes the plan away altogether, when the bug needs no fault', (t) => {
  const { run, runs } = shrunk(() => ({ what: 'bug', detail: '', atMs: 5 }));
  t.deepEqual(run.plan, []);
  t.true(runs < 20);
});

test('shrink: does not follow another failure', (t) => {
  const { run } = shrunk((candidate) => ({ what: candidate.plan.length > 20 ? 'bug' : 'other', detail: '', atMs: 10_000 }));
  t.is(run.plan.length, 21);
});

test('shrink: stops after the runs it was given', (t) => {
  let runs = 0;
  const failing = attempt([0, 130, 390]);
  const result = shrunk((run) => {
    runs++;
    return failing(run);
  }, 15);
  t.is(result.runs, 15);
  t.is(runs, 16);
  t.is(failing(result.run)?.what, 'bug');
});
