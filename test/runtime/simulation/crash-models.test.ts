import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import {
  allCrashModels,
  CONTENT_ONLY,
  type CrashModel,
  fillFrom,
  KEEP_ALL,
  keepPrefix,
  keepPrefixAndNames,
  keepRandom,
  LOSE_ALL,
  NAMES_ONLY,
  omitOne,
  SECTOR_BYTES,
  tear,
} from '../../../runtime/simulation/crash-models.ts';
import { PowerLossError } from '../../../runtime/simulation/sim-disk.ts';
import { DiskRig } from './disk-rig.ts';

type State = Readonly<Record<string, string>>;

/** What a crash of a copy leaves. */
function after(rig: DiskRig, model: CrashModel): State {
  const disk = rig.disk.clone();
  disk.crash(model);
  return new DiskRig(disk).state();
}

/** `log` is durable as 'base'; three edits of it, the creation of `new` and a write to that are not. */
function stage(): DiskRig {
  const rig = new DiskRig();
  const log = rig.durable('/log', 'base');
  rig.write(log, 'AB', 4);
  rig.write(rig.files.open('/new', 'createNew'), 'n');
  rig.write(log, 'CD', 6);
  log.truncate(7);
  return rig;
}

test('crash models: what is pending is told, in the order in which it took effect', (t) => {
  t.deepEqual(stage().disk.pending(), [
    { index: 0, kind: 'write', path: '/log', offset: 4, length: 2 },
    { index: 1, kind: 'names', path: '/', offset: 0, length: 0 },
    { index: 2, kind: 'write', path: '/new', offset: 0, length: 1 },
    { index: 3, kind: 'write', path: '/log', offset: 6, length: 2 },
    { index: 4, kind: 'truncate', path: '/log', offset: 7, length: 0 },
  ]);
});

const leaves = test.macro({
  exec: (t: ExecutionContext, model: CrashModel, state: State) => t.deepEqual(after(stage(), model), state),
  title: (_, model: CrashModel) => `crash models: the state after a crash is as said, when ${model.name}`,
});
test(leaves, LOSE_ALL, { log: 'base' });
test(leaves, KEEP_ALL, { log: 'baseABC', new: 'n' });
test(leaves, NAMES_ONLY, { log: 'base', new: '' });
test(leaves, CONTENT_ONLY, { log: 'baseABC' });
test(leaves, keepPrefix(1), { log: 'baseAB' });
test(leaves, keepPrefix(2), { log: 'baseAB', new: '' });
test(leaves, keepPrefix(4), { log: 'baseABCD', new: 'n' });
test(leaves, keepPrefixAndNames(0), { log: 'base', new: '' });
test(leaves, omitOne(0), { log: 'base\0\0C', new: 'n' });
test(leaves, omitOne(1), { log: 'baseABC' });
test(leaves, omitOne(4), { log: 'baseABCD', new: 'n' });
test(leaves, tear(0, 1), { log: 'baseA' });
test(leaves, tear(0, 1, 'whole'), { log: 'baseA\0C', new: 'n' });
test(leaves, fillFrom(0, 'zeros'), { log: 'base\0\0\0', new: '\0' });
test(leaves, fillFrom(2, 'zeros'), { log: 'baseAB\0', new: '\0' });

test('crash models: garbage fills what is new, the same in each run, and leaves what was there', (t) => {
  const rig = new DiskRig();
  rig.write(rig.durable('/log', 'base'), 'x'.repeat(100), 2);
  const { log } = after(rig, fillFrom(0, 'garbage'));
  t.is(log?.length, 102);
  t.is(log?.slice(0, 4), 'base');
  t.notRegex(log ?? '', /x{8}|\0{8}/);
  t.deepEqual(after(rig, fillFrom(0, 'garbage')), { log });
});

test('crash models: a write is torn at each sector, counted from the beginning of the file', (t) => {
  const rig = new DiskRig();
  rig.write(rig.durable('/log', 'x'.repeat(100)), 'y'.repeat(2 * SECTOR_BYTES), 100);
  const tears = allCrashModels(rig.disk.pending()).filter(({ name }) => name.includes('torn'));
  t.deepEqual(
    tears.map((model) => after(rig, model).log?.length),
    [SECTOR_BYTES, 2 * SECTOR_BYTES],
  );
  t.is(allCrashModels(rig.disk.pending(), { tearBytes: 1 }).filter(({ name }) => name.includes('torn')).length, 2 * SECTOR_BYTES - 1);
  t.is(allCrashModels(rig.disk.pending(), { tearBytes: 0 }).filter(({ name }) => name.includes('torn')).length, 0);
});

test('crash models: random subsets reorder, and follow their seed', (t) => {
  const rig = new DiskRig();
  const log = rig.durable('/log', '........');
  for (let i = 0; i < 8; i++) rig.write(log, String(i), i);
  const states = Array.from({ length: 50 }, (_, seed) => after(rig, keepRandom(seed)).log ?? '');
  t.true(new Set(states).size > 30);
  t.true(states.some((state) => /\.\d/.test(state)));
  t.deepEqual(
    states,
    Array.from({ length: 50 }, (_, seed) => after(rig, keepRandom(seed)).log ?? ''),
  );
});

test('crash models: one name, or both, or none may be left, when a rename goes to another directory', (t) => {
  const rig = new DiskRig();
  for (const dir of ['/a', '/b']) rig.files.mkdir(dir);
  rig.files.syncDir('/');
  rig.durable('/a/f', 'f');
  rig.files.rename('/a/f', '/b/f');
  const left = allCrashModels(rig.disk.pending()).map((model) => {
    const disk = rig.disk.clone();
    disk.crash(model);
    const { files } = new DiskRig(disk);
    return [...files.readdir('/a'), '|', ...files.readdir('/b')].join('');
  });
  t.deepEqual([...new Set(left)].sort(), ['f|', 'f|f', '|', '|f']);
});

test('crash models: a rename within a directory is undone whole or not at all', (t) => {
  const rig = new DiskRig();
  rig.durable('/old', 'old');
  rig.durable('/new', 'new');
  rig.files.rename('/new', '/old');
  const states = allCrashModels(rig.disk.pending(), { randomCount: 20 }).map((model) => JSON.stringify(after(rig, model)));
  t.deepEqual([...new Set(states)].sort(), ['{"new":"new","old":"old"}', '{"old":"new"}']);
});

test('crash models: what was synced survives every model', (t) => {
  const rig = stage();
  rig.files.syncDir('/');
  for (const name of ['/log', '/new']) rig.files.open(name, 'readWrite').datasync();
  t.deepEqual(rig.disk.pending(), []);
  t.is(allCrashModels([]).length, 1);
  for (const model of allCrashModels(stage().disk.pending(), { tearBytes: 1, randomCount: 10 }))
    t.deepEqual(after(rig, model), { log: 'baseABC', new: 'n' });
});

test('crash models: a clone is a disk of its own, with what is pending, and hard links', (t) => {
  const rig = stage();
  rig.files.link('/log', '/log2');
  const copy = new DiskRig(rig.disk.clone());
  t.deepEqual(copy.disk.pending(), rig.disk.pending());
  copy.write(copy.files.open('/log', 'readWrite'), 'COPY');
  t.is(copy.text('/log2'), 'COPYABC');
  t.is(rig.text('/log'), 'baseABC');
  rig.write(rig.files.open('/log', 'readWrite'), 'RIG');
  t.is(copy.text('/log'), 'COPYABC');
  copy.files.syncDir('/');
  copy.files.open('/log', 'read').datasync();
  copy.disk.crash();
  rig.disk.crash();
  t.deepEqual([copy.text('/log'), rig.text('/log')], ['COPYABC', 'base']);
});

test('crash models: without power nothing can be done, and what was open stays dead after it', (t) => {
  const rig = stage();
  const file = rig.files.open('/log', 'readWrite');
  rig.disk.powerOff();
  t.true(rig.disk.isOff);
  t.true(rig.disk.clone().isOff);
  t.throws(() => rig.files.readdir('/'), { instanceOf: PowerLossError });
  rig.disk.crash();
  t.deepEqual(rig.state(), { log: 'base' });
  t.throws(() => file.datasync(), { instanceOf: PowerLossError });
});

const step = fc.record({ at: fc.nat(6), text: fc.stringMatching(/^[a-z]{1,4}$/), next: fc.constantFrom('', 'sync', 'cut') });
testProp(
  'crash models: each prefix is the state that was there at that moment, for any edits',
  [fc.array(step, { maxLength: 8 })],
  (t, steps) => {
    const rig = new DiskRig();
    const file = rig.durable('/log', '');
    const states = [rig.text('/log')];
    for (const { at, text, next } of steps) {
      rig.write(file, text, at);
      states.push(rig.text('/log'));
      if (next === 'cut') {
        file.truncate(at);
        states.push(rig.text('/log'));
      } else if (next === 'sync') {
        file.datasync();
        states.splice(0, states.length - 1);
      }
    }
    t.deepEqual(
      states.map((_, count) => after(rig, keepPrefix(count)).log),
      states,
    );
  },
);
