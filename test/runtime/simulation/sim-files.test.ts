import test from 'ava';
import { RuntimeError } from '../../../runtime/errors.ts';
import type { FileDone, FileResult, FileSystem, OpenFile, OpenMode } from '../../../runtime/files.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import { SimFiles } from '../../../runtime/simulation/sim-files.ts';
import { SimSyncFiles } from '../../../runtime/simulation/sim-sync-files.ts';
import { completed, failure, lock, testFilesContract } from '../files-contract.ts';
import { testSyncFilesContract } from '../sync-files-contract.ts';
import { pumpedSchedule, VirtualSchedule } from './virtual-schedule.ts';

testFilesContract('simulated files', () => {
  const disk = new SimDisk();
  disk.makeDirectory('/dir');
  return { files: new SimFiles({ disk, schedule: pumpedSchedule(), random: new SeededRandom(1) }), dir: '/dir' };
});

testSyncFilesContract('simulated sync files', () => {
  const disk = new SimDisk();
  disk.makeDirectory('/dir');
  return { files: new SimSyncFiles(disk), dir: '/dir' };
});

/** A machine whose calls are run to their end one by one. */
class Machine {
  readonly disk = new SimDisk();
  readonly clock = new VirtualSchedule();
  readonly files: FileSystem;

  constructor(seed = 1) {
    this.files = new SimFiles({ disk: this.disk, schedule: this.clock.schedule, random: new SeededRandom(seed) });
  }

  value<T>(call: (done: FileDone<T>) => void): T {
    const results: FileResult<T>[] = [];
    call((result) => results.push(result));
    this.clock.runAll();
    const [result] = results;
    if (result?.ok !== true) throw result?.error ?? new Error('no completion');
    return result.value;
  }

  run(call: (done: FileDone<void>) => void): void {
    this.value(call);
  }

  open(path: string, mode: OpenMode): OpenFile {
    return this.value<OpenFile>((done) => this.files.open(path, mode, done));
  }

  write(file: OpenFile, text: string, at = 0): void {
    this.run((done) => file.pwrite([Buffer.from(text)], at, done));
  }

  text(path: string): string {
    const into = Buffer.alloc(100);
    const file = this.open(path, 'read');
    return into.toString(
      'latin1',
      0,
      this.value<number>((done) => file.pread(into, 0, done)),
    );
  }

  names(path = '/'): readonly string[] {
    return this.value<readonly string[]>((done) => this.files.readdir(path, done));
  }

  /** A file whose name and content are durable. */
  durable(path: string, text: string): OpenFile {
    const file = this.open(path, 'createNew');
    this.write(file, text);
    this.run((done) => file.datasync(done));
    this.run((done) => this.files.syncDir('/', done));
    return file;
  }
}

test('simulated disk: synced content survives a crash, later writes do not', (t) => {
  const machine = new Machine();
  const file = machine.durable('/a', 'synced');
  machine.write(file, 'LOST', 2);
  machine.run((done) => file.truncate(3, done));
  t.is(machine.text('/a'), 'syL');
  machine.disk.crash();
  t.is(machine.text('/a'), 'synced');
});

test('simulated disk: a sync covers what was complete when it began, and no more', (t) => {
  const machine = new Machine();
  const file = machine.durable('/a', '');
  machine.write(file, 'before');
  let synced = false;
  file.datasync(() => {
    synced = true;
  });
  // A write that completes while the sync is under way.
  while (!synced) {
    file.pwrite([Buffer.from('during')], 6, (result) => t.true(result.ok));
    machine.clock.step();
  }
  machine.disk.crash();
  t.is(machine.text('/a'), 'before');
});

test('simulated disk: a new file without sync of its directory is gone after a crash', (t) => {
  const machine = new Machine();
  const file = machine.open('/a', 'createNew');
  machine.write(file, 'a');
  machine.run((done) => file.datasync(done));
  t.deepEqual(machine.names(), ['a']);
  machine.disk.crash();
  t.deepEqual(machine.names(), []);
});

test('simulated disk: a name without sync of the content is an empty file after a crash', (t) => {
  const machine = new Machine();
  machine.write(machine.open('/a', 'createNew'), 'a');
  machine.run((done) => machine.files.syncDir('/', done));
  machine.disk.crash();
  t.is(machine.text('/a'), '');
});

test('simulated disk: an unsynced rename and an unsynced unlink are undone by a crash', (t) => {
  const machine = new Machine();
  machine.durable('/old', 'old');
  machine.durable('/new', 'new');
  machine.durable('/extra', 'extra');
  machine.run((done) => machine.files.rename('/new', '/old', done));
  machine.run((done) => machine.files.unlink('/extra', done));
  t.deepEqual(machine.names(), ['old']);
  machine.disk.crash();
  t.deepEqual(machine.names(), ['extra', 'new', 'old']);
  t.deepEqual([machine.text('/old'), machine.text('/new'), machine.text('/extra')], ['old', 'new', 'extra']);
});

test('simulated disk: a synced rename and a synced unlink survive a crash', (t) => {
  const machine = new Machine();
  machine.durable('/old', 'old');
  machine.durable('/new', 'new');
  machine.durable('/extra', 'extra');
  machine.run((done) => machine.files.rename('/new', '/old', done));
  machine.run((done) => machine.files.unlink('/extra', done));
  machine.run((done) => machine.files.syncDir('/', done));
  machine.disk.crash();
  t.deepEqual(machine.names(), ['old']);
  t.is(machine.text('/old'), 'new');
});

test('simulated disk: a directory keeps what was synced in it only when its own name was synced', (t) => {
  const machine = new Machine();
  machine.run((done) => machine.files.mkdir('/kept', done));
  machine.run((done) => machine.files.syncDir('/', done));
  machine.run((done) => machine.files.mkdir('/lost', done));
  for (const dir of ['/kept', '/lost']) {
    machine.open(`${dir}/a`, 'createNew');
    machine.run((done) => machine.files.syncDir(dir, done));
    machine.open(`${dir}/b`, 'createNew');
  }
  machine.disk.crash();
  t.deepEqual(machine.names(), ['kept']);
  t.deepEqual(machine.names('/kept'), ['a']);
});

test('simulated disk: an older directory sync that ends last takes nothing back', (t) => {
  const machine = new Machine();
  for (let i = 0; i < 20; i++) {
    machine.files.open(`/${i}`, 'createNew', (result) => t.true(result.ok));
    machine.clock.runAll();
    // Two at a time: the second begins with one name more and may end first.
    machine.files.syncDir('/', (result) => t.true(result.ok));
    machine.files.open(`/${i}+`, 'createNew', (opened) => {
      t.true(opened.ok);
      machine.files.syncDir('/', (result) => t.true(result.ok));
    });
    machine.clock.runAll();
    machine.disk.crash();
    t.deepEqual(machine.names().length, 2 * (i + 1));
  }
});

test('simulated files: calls under way at a crash are never heard of again', (t) => {
  const machine = new Machine();
  const file = machine.durable('/a', 'a');
  const never = () => t.fail();
  file.pwrite([Buffer.from('b')], 0, never);
  file.datasync(never);
  machine.files.unlink('/a', never);
  machine.disk.crash();
  machine.clock.runAll();
  t.is(machine.text('/a'), 'a');
});

test('simulated files: calls on one file overtake each other, in the same order for the same seed', (t) => {
  const orderOf = (seed: number): readonly number[] => {
    const machine = new Machine(seed);
    const file = machine.open('/a', 'createNew');
    const order: number[] = [];
    for (let i = 0; i < 10; i++) file.pwrite([Buffer.from([i])], i, () => order.push(i));
    machine.clock.runAll();
    return order;
  };
  t.deepEqual(orderOf(7), orderOf(7));
  t.notDeepEqual(orderOf(7), orderOf(8));
  t.notDeepEqual(
    orderOf(7),
    Array.from({ length: 10 }, (_, i) => i),
  );
});

test('simulated disk: what a synced write wrote survives a crash', (t) => {
  const machine = new Machine();
  machine.durable('/a', 'synced');
  const file = machine.open('/a', 'readWriteSynced');
  machine.write(file, 'SY');
  machine.run((done) => file.truncate(3, done));
  machine.disk.crash();
  t.is(machine.text('/a'), 'SYnced');
});

test('simulated disk: a hard link is lost and kept as any name, and is one file after a crash', (t) => {
  const machine = new Machine();
  const file = machine.durable('/a', 'a');
  machine.run((done) => machine.files.link('/a', '/b', done));
  machine.run((done) => machine.files.syncDir('/', done));
  machine.run((done) => machine.files.link('/a', '/c', done));
  machine.write(file, 'B');
  machine.run((done) => file.datasync(done));
  machine.disk.crash();
  t.deepEqual(machine.names(), ['a', 'b']);
  machine.write(machine.open('/b', 'readWrite'), 'C');
  t.is(machine.text('/a'), 'C');
});

test('simulated files: a lock ends with the thread that took it, and with the power', async (t) => {
  const disk = new SimDisk();
  let alive = true;
  const door = (isAlive: () => boolean) => new SimFiles({ disk, schedule: pumpedSchedule(), random: new SeededRandom(1), isAlive });
  await lock(
    door(() => alive),
    '/LOCK',
  );
  const next = door(() => true);
  t.is((await failure(t, lock(next, '/LOCK'))).code, 'ELOCKED');
  alive = false;
  await lock(next, '/LOCK');
  t.is((await failure(t, lock(next, '/LOCK'))).code, 'ELOCKED');
  disk.crash();
  await lock(next, '/LOCK');
});

test('simulated files: the doors of two threads see one disk', async (t) => {
  const disk = new SimDisk();
  const [a, b] = [1, 2].map((seed) => new SimFiles({ disk, schedule: pumpedSchedule(), random: new SeededRandom(seed) }));
  await completed((done) => a?.mkdir('/shared', done));
  await t.throwsAsync(
    completed((done) => b?.mkdir('/shared', done)),
    { code: 'EEXIST' },
  );
});

for (const path of ['a', '', '/a/', '//a', '/a/../b', '/./a']) {
  test(`simulated files: a path that is not normalised is refused at once, as ${JSON.stringify(path)}`, (t) => {
    const { files } = new Machine();
    const error = t.throws(() => files.stat(path, () => t.fail()), { instanceOf: RuntimeError });
    t.is(error?.code, 'INVALID_ARGUMENT');
  });
}
