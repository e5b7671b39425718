import test from 'ava';
import { checkPlan, planEndMs } from '../../../runtime/simulation/plan.ts';
import { clusterRun, drawRun } from './cluster-run.ts';
import { ALL_CLASSES, drawFaults, FAULT_CLASSES, type FaultClass, parseClasses } from './fault-classes.ts';
import { promisesOf } from './run-promises.ts';

const SEEDS = Array.from({ length: 120 }, (_, seed) => seed);
const BOUNDS = { nodes: ['a', 'b', 'c'].map((name) => ({ name, shards: 2 })), fromMs: 100, untilMs: 3_000 };

test('fault classes: a list names some, all, none, or all but some; and what is none is said', (t) => {
  t.deepEqual(parseClasses('all'), ALL_CLASSES);
  t.false(parseClasses('all').includes('ring'));
  t.deepEqual(parseClasses('none'), []);
  t.deepEqual(parseClasses('crash,loss'), ['loss', 'crash']);
  t.deepEqual(
    parseClasses('all,ring,-clock'),
    FAULT_CLASSES.filter((name) => name !== 'clock'),
  );
  t.throws(() => parseClasses('crash,fire'), { message: /expected all, none or some of loss, .*, got "fire"/ });
  t.throws(() => parseClasses(''), { message: /got ""/ });
});

const alone = test.macro((t, name: FaultClass) => {
  let found = 0;
  for (const seed of SEEDS) {
    const { items, always } = drawFaults(seed, [name], BOUNDS);
    const plan = items.map(({ item }) => item);
    t.notThrows(() => checkPlan(JSON.parse(JSON.stringify(plan))));
    t.true(planEndMs(plan) <= BOUNDS.untilMs + 0.001);
    t.deepEqual(
      [...new Set([...items.map((drawn) => drawn.name), ...always])].filter((other) => other !== name),
      [],
    );
    if (plan.length + always.length > 0) found++;
  }
  t.true(found > SEEDS.length / 8, `${found}`);
});

for (const name of FAULT_CLASSES) test(`fault classes: ${name} alone is drawn in some seeds, and nothing else is`, alone, name);

test('fault classes: at most one machine of a run is damaged, and one in ten runs has no fault', (t) => {
  const runs = SEEDS.map((seed) => promisesOf(clusterRun(seed)));
  t.true(runs.every(({ victims }) => victims.size <= 1));
  t.true(runs.some(({ victims }) => victims.size === 1));
  const without = SEEDS.filter((seed) => drawRun(seed).faults.size === 0).length;
  t.true(without > 3 && without < 40, `${without}`);
});

test('run promises: are read off the plan, so that a plan without its faults is held to all of them', (t) => {
  const seed = SEEDS.find((it) => promisesOf(clusterRun(it)).victims.size > 0)!;
  const run = clusterRun(seed);
  t.true(promisesOf(run).forgets && !promisesOf(run).keepsSingle);
  t.false(promisesOf(run).isCalm);
  const calm = { ...run, plan: run.plan.filter(({ kind }) => kind === 'act'), settings: { nodes: run.settings.nodes } };
  t.deepEqual(promisesOf(calm), { isCalm: true, forgets: false, clocksJump: false, isLossy: false, victims: new Set(), keepsSingle: true });
  const lossy = SEEDS.map((it) => clusterRun(it)).find(({ settings }) => (settings.network?.quality?.lossRatio ?? 0) > 0)!;
  t.true(promisesOf(lossy).isLossy);
});

test('cluster run: has as many machines as asked for, and a spare only where the ring changes', (t) => {
  t.is(clusterRun(1, { nodes: 5 }).settings.nodes.length, 5);
  t.deepEqual(
    clusterRun(1, { nodes: 4, faults: ['ring'] }).settings.nodes.map(({ name }) => name),
    ['m0', 'm1', 'm2', 'm3', 'spare'],
  );
});
