import test, { type ExecutionContext } from 'ava';
import { KEEP_ALL, LOSE_ALL } from '../../../runtime/simulation/crash-models.ts';
import { logName } from '../../../storage/manifest/file-names.ts';
import { SCRIPTS } from './crash-scripts.ts';
import { CrashSearch } from './crash-search.ts';
import { script, stateOf, textOf } from './script.ts';
import { ScriptRun } from './script-run.ts';
import { DIR, emptyDisk, SimLife, SLOW } from './sim-engine.ts';

/** A sample; `npm run bench:storage-crash` goes through all. */
const SAMPLE = { tearBytes: 4_096, randomCount: 1, every: 29, everyAgain: 47 } as const;

const survives = test.macro((t: ExecutionContext, name: string) => {
  const found = SCRIPTS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no script ${name}`);
  for (const slow of [false, true]) {
    const search = new CrashSearch(found, { ...SAMPLE, engine: { inlineWrites: !slow }, ...(slow ? { cost: SLOW, seed: 2 } : {}) });
    search.run(emptyDisk());
    t.deepEqual(search.violations, []);
    t.true(search.counts.again > 0);
  }
});

test('crash: a prefix with all that was synced is there, of puts [L1 L2 L4 L13]', survives, 'puts');
test('crash: a prefix with all that was synced is there, of deletes and range deletes', survives, 'deletes');
test('crash: a prefix of whole batches is there [L3]', survives, 'batches');
test('crash: a prefix with all that was synced is there, of writes with marks between them', survives, 'marks');
test('crash: a prefix with all that was synced is there, over flushes', survives, 'flush');
test('crash: a prefix with all that was synced is there, over rotations of the log', survives, 'rotation');
test('crash: a prefix with all that was synced is there, when segments are used again', survives, 'recycled segments');
test('crash: a prefix with all that was synced is there, over compactions [L9]', survives, 'compaction');
test('crash: a prefix with all that was synced is there, when the manifest is rolled', survives, 'manifest roll');
test('crash: a prefix with all that was synced is there, of a database opened many times', survives, 'reopening');
test('crash: database and copy are there, around a checkpoint', survives, 'checkpoint');

/** Bugs that the search has found, each as the shortest script that showed it, and all crashes of that. */
const frozen = test.macro((t: ExecutionContext, text: string, again: boolean) => {
  const search = new CrashSearch(script('frozen', text), { tearBytes: 0, randomCount: 0, every: 3, everyAgain: again ? 11 : 0 });
  search.run(emptyDisk());
  t.deepEqual(search.violations, []);
});

test('frozen: a database is made, when a crash left the temporary file or the first segment of one that was being made', frozen, '', false);
test('frozen: an acknowledged write is there, when the power goes and the name of the directory was new', frozen, 'put a 10 sync', false);
test('frozen: a database opens, when it was opened and closed without a write before', frozen, 'reopen; reopen; put a 10 sync', false);
test('frozen: what a dead process had not synced is synced, before writes follow it', frozen, 'put a 10 none | put b 10 none; flush', true);

/** Calls overtake each other, by chance: some of the seeds show it. */
const overtaken = test.macro((t: ExecutionContext, text: string) => {
  const frozenScript = script('frozen', text);
  for (let seed = 1; seed <= 60; seed++) {
    const disk = emptyDisk();
    const run = new ScriptRun(frozenScript, disk, {}, seed, SLOW);
    run.runAll();
    t.is(run.openError, undefined);
    disk.crash(LOSE_ALL);
    const life = new SimLife(disk, 'recovery');
    t.is(textOf(stateOf(life.entries(life.open()), frozenScript.writes)), 'a=1 b=2');
  }
});

test('frozen: a mark waits for zeros that are being written where it goes', overtaken, 'put a 5000 sync | wait 300; put b 30 sync');
test(
  'frozen: the end of the log waits for zeros that are being written where it goes',
  overtaken,
  'put a 5000 sync; reopen; put b 5000 sync; reopen',
);

test('frozen: a flush says that it failed, when the manifest can not be written for long', (t) => {
  const life = new SimLife(emptyDisk(), 1);
  const engine = life.open();
  life.call('put', (done) => engine.put(Buffer.from('a'), Buffer.from('1'), 'sync', done));
  life.disk.onCall = ({ path, operation }) =>
    operation === 'pwrite' && path.includes('MANIFEST') ? { kind: 'error', code: 'EIO' } : undefined;
  t.is(life.call('flush', (done) => engine.flush(done))?.code, 'IO');
  life.disk.onCall = undefined;
  life.run(1_000);
  t.is(
    life.call('flush', (done) => engine.flush(done)),
    undefined,
  );
  t.is(engine.stats().level0Tables, 1);
});

test('frozen: a write that fits no memtable is refused, when memtables are small', (t) => {
  const life = new SimLife(emptyDisk(), 1);
  const engine = life.open();
  const key = Buffer.alloc(20_000, 'k');
  const refused = [
    life.call('put', (done) => engine.put(key, Buffer.from('1'), 'none', done)),
    life.call('range', (done) => engine.deleteRange(Buffer.from('a'), key, 'none', done)),
    life.call('put', (done) => engine.put(Buffer.from('a'), Buffer.alloc(100), 'none', done)),
  ];
  t.deepEqual(
    refused.map((error) => error?.code),
    ['INVALID_ARGUMENT', 'INVALID_ARGUMENT', undefined],
  );
});

test('crash: damage before the synced end is reported, and a torn tail is cut, byte by byte [L5]', (t) => {
  // A mark says that all of a and b is on disk; c is not synced.
  const torn = script('torn', 'put a 60 sync | put b 40 sync | wait 100; put c 50 none');
  const disk = emptyDisk();
  const run = new ScriptRun(torn, disk, {}, 'damage');
  run.runAll();
  const file = `${DIR}/${logName(1)}`;
  const end = run.engine?.stats().memtableBytes ?? 0;
  const before = emptyDisk();
  const upTo = new ScriptRun(script('upTo', 'put a 60 sync | put b 40 sync'), before, {}, 'damage');
  upTo.runAll();
  const synced = upTo.engine?.stats().memtableBytes ?? 0;
  t.true(synced > 64 && synced < end);
  const outcomes = new Map<string, number>();
  for (let at = 0; at < end; at++) {
    const copy = disk.clone();
    copy.crash(KEEP_ALL);
    copy.flipBit(file, at, at & 7);
    const life = new SimLife(copy, 'damaged');
    const opened = life.tryOpen();
    const outcome = opened.ok ? textOf(stateOf(life.entries(opened.value), torn.writes)) : opened.error.code;
    if (at < synced - 36) t.is(outcome, 'CORRUPTION', `byte ${at} of ${synced}`);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  t.deepEqual([...outcomes.keys()].sort(), ['CORRUPTION', 'a=1 b=2', 'a=1 b=2 c=3']);
  const copy = disk.clone();
  copy.crash(LOSE_ALL);
  const life = new SimLife(copy, 'cut');
  t.is(textOf(stateOf(life.entries(life.open()), torn.writes)), 'a=1 b=2');
});
