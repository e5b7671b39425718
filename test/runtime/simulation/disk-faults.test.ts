import test, { type ExecutionContext } from 'ava';
import { FileError, type OpenFile } from '../../../runtime/files.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { type DiskCall, type DiskFault, type DiskOperation, type FaultRule, faultPlan } from '../../../runtime/simulation/disk-faults.ts';
import { PowerLossError, SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import { SimFiles } from '../../../runtime/simulation/sim-files.ts';
import { completed, failure, open, value } from '../files-contract.ts';
import { DiskRig } from './disk-rig.ts';
import { pumpedSchedule, VirtualSchedule } from './virtual-schedule.ts';

function codeOf(t: ExecutionContext, call: () => unknown): string | undefined {
  return t.throws(call, { instanceOf: FileError })?.code;
}

function rigWith(...rules: readonly FaultRule[]): DiskRig {
  const rig = new DiskRig();
  rig.durable('/a', '0123456789');
  rig.disk.onCall = faultPlan(rules);
  return rig;
}

/** A bit of everything: each operation of the synchronous door once, in this order. */
function script({ files }: DiskRig): void {
  files.mkdir('/d');
  const file = files.open('/d/a', 'createNew');
  file.pwrite([Buffer.from('abc')], 1);
  file.datasync();
  file.truncate(3);
  file.pread(Buffer.alloc(8), 0);
  file.close();
  files.link('/d/a', '/d/b');
  files.rename('/d/a', '/d/c');
  files.unlink('/d/b');
  files.syncDir('/d');
  files.readdir('/d');
  files.stat('/d/c');
  files.open('/d/c', 'readWriteSynced').pwrite([Buffer.from('xy')], 0);
}
const SCRIPT: readonly DiskOperation[] = [
  ...(['mkdir', 'open', 'pwrite', 'datasync', 'truncate', 'pread', 'link', 'rename', 'unlink', 'syncDir', 'readdir', 'stat'] as const),
  ...(['open', 'pwrite', 'datasync'] as const),
];

test('disk faults: every call is told once, with its number; a synced write is two', (t) => {
  const rig = new DiskRig();
  const calls: DiskCall[] = [];
  rig.disk.onCall = (call) => {
    calls.push(call);
    return undefined;
  };
  script(rig);
  t.deepEqual(
    calls.map(({ operation }) => operation),
    SCRIPT,
  );
  t.deepEqual(
    calls.map(({ number }) => number),
    SCRIPT.map((_, i) => i + 1),
  );
  t.is(rig.disk.calls, SCRIPT.length);
  t.deepEqual(calls[2], { number: 3, operation: 'pwrite', path: '/d/a', offset: 1, length: 3 });
});

test('disk faults: the N-th call fails, for every N, and has done nothing', (t) => {
  for (let n = 1; n <= SCRIPT.length; n++) {
    const rig = new DiskRig();
    const fault: DiskFault = { kind: 'error', code: 'EIO' };
    rig.disk.onCall = faultPlan([{ fromCall: n, fault }]);
    t.is(
      codeOf(t, () => script(rig)),
      'EIO',
      `call ${n}`,
    );
    t.is(rig.disk.calls, n);
    // The same up to the call before, and then no more.
    const cut = new DiskRig();
    cut.disk.onCall = ({ number }) => (number === n ? { kind: 'powerLoss', when: 'before' } : undefined);
    t.throws(() => script(cut), { instanceOf: PowerLossError });
    t.deepEqual(rig.disk.pending(), cut.disk.pending());
  }
});

test('disk faults: power is lost before or after the N-th call, for every N', (t) => {
  for (let n = 1; n < SCRIPT.length; n++) {
    const [after, before] = (['after', 'before'] as const).map((when) => {
      const rig = new DiskRig();
      rig.disk.onCall = ({ number }) => (number === (when === 'after' ? n : n + 1) ? { kind: 'powerLoss', when } : undefined);
      t.throws(() => script(rig), { instanceOf: PowerLossError });
      t.true(rig.disk.isOff);
      return rig.disk.pending();
    });
    t.deepEqual(after, before);
  }
});

test('disk faults: a rule meets the calls that fit, once or from then on', (t) => {
  const error = (code: string): DiskFault => ({ kind: 'error', code });
  const rig = rigWith(
    { operations: ['open'], path: 'a', nth: 2, fault: error('EMFILE') },
    { operations: ['stat'], nth: 2, lasting: true, fault: error('EACCES') },
    { operations: ['pread'], byte: 5, lasting: true, fault: error('EIO') },
  );
  const { files } = rig;
  files.stat('/');
  for (let i = 0; i < 3; i++)
    t.is(
      codeOf(t, () => files.stat('/')),
      'EACCES',
    );
  const file = files.open('/a', 'read');
  t.is(
    codeOf(t, () => files.open('/a', 'read')),
    'EMFILE',
  );
  files.open('/a', 'read');
  t.is(file.pread(Buffer.alloc(5), 0), 5);
  t.is(file.pread(Buffer.alloc(5), 6), 4);
  for (let i = 0; i < 3; i++)
    t.is(
      codeOf(t, () => file.pread(Buffer.alloc(2), 4)),
      'EIO',
    );
});

test('disk faults: a short write has written its part and fails', (t) => {
  const rig = rigWith({ operations: ['pwrite'], fault: { kind: 'error', code: 'EIO', written: 3 } });
  const file = rig.files.open('/a', 'readWrite');
  t.is(
    codeOf(t, () => file.pwrite([Buffer.from('ab'), Buffer.from('cd')], 8)),
    'EIO',
  );
  t.is(rig.text('/a'), '01234567abc');
});

test('disk faults: after a sync that marks clean the next one succeeds, and a crash loses all the same', (t) => {
  const rig = rigWith({ operations: ['datasync', 'syncDir'], lasting: false, fault: { kind: 'error', code: 'EIO', marksClean: true } });
  const file = rig.files.open('/a', 'readWrite');
  rig.write(file, 'LOST');
  t.is(
    codeOf(t, () => file.datasync()),
    'EIO',
  );
  t.is(rig.text('/a'), 'LOST456789');
  rig.write(file, 'KEPT', 6);
  file.datasync();
  t.deepEqual(rig.disk.pending(), []);
  rig.disk.crash();
  t.is(rig.text('/a'), '012345KEPT');
});

test('disk faults: a synced write that fails in its sync fails as a write', (t) => {
  const rig = rigWith({ operations: ['datasync'], fault: { kind: 'error', code: 'EIO', marksClean: true } });
  const file = rig.files.open('/a', 'readWriteSynced');
  const error = t.throws(() => rig.write(file, 'LOST'), { instanceOf: FileError });
  t.deepEqual([error?.code, error?.operation], ['EIO', 'pwrite']);
  rig.disk.crash();
  t.is(rig.text('/a'), '0123456789');
});

test('disk faults: a plain failed sync leaves what it was to sync to the next one', (t) => {
  const rig = rigWith({ operations: ['datasync', 'syncDir'], lasting: true, fault: { kind: 'error', code: 'EIO' } });
  const file = rig.files.open('/a', 'readWrite');
  rig.write(file, 'KEPT');
  t.is(
    codeOf(t, () => file.datasync()),
    'EIO',
  );
  rig.disk.onCall = undefined;
  file.datasync();
  rig.disk.crash();
  t.is(rig.text('/a'), 'KEPT456789');
});

test('disk faults: names that a failed directory sync marked clean are lost', (t) => {
  const rig = rigWith({ operations: ['syncDir'], fault: { kind: 'error', code: 'EIO', marksClean: true } });
  rig.files.rename('/a', '/b');
  t.is(
    codeOf(t, () => rig.files.syncDir('/')),
    'EIO',
  );
  rig.files.syncDir('/');
  rig.disk.crash();
  t.deepEqual(rig.files.readdir('/'), ['a']);
});

for (const operation of ['pwrite', 'truncate', 'datasync', 'syncDir'] as const) {
  test(`disk faults: a lost call says it succeeded and did nothing, of ${operation}`, (t) => {
    const rig = rigWith({ operations: [operation], lasting: true, fault: { kind: 'lost' } });
    const file = rig.files.open('/a', 'readWrite');
    rig.write(file, 'A');
    file.truncate(2);
    file.datasync();
    rig.files.link('/a', '/b');
    rig.files.syncDir('/');
    const now = { pwrite: '01', truncate: 'A123456789', datasync: 'A1', syncDir: 'A1' }[operation];
    t.is(rig.text('/a'), now);
    rig.disk.crash();
    t.is(rig.text('/a'), operation === 'datasync' ? '0123456789' : now);
    t.deepEqual(rig.files.readdir('/'), operation === 'syncDir' ? ['a'] : ['a', 'b']);
  });
}

test('disk faults: a misdirected write lands elsewhere, and a misdirected read comes from there', (t) => {
  const rig = rigWith(
    { operations: ['pwrite'], path: '/a', nth: 1, fault: { kind: 'misdirected', offset: 5 } },
    { operations: ['pwrite'], path: '/a', nth: 2, fault: { kind: 'misdirected', offset: 1, path: '/b' } },
    { operations: ['pwrite'], path: '/a', nth: 3, fault: { kind: 'misdirected', offset: 1, path: '/none' } },
    { operations: ['pread'], path: '/a', nth: 2, fault: { kind: 'misdirected', offset: 0, path: '/b' } },
  );
  rig.durable('/b', 'bbb');
  const file = rig.files.open('/a', 'readWrite');
  for (const text of ['X', 'Y', 'Z']) rig.write(file, text);
  t.deepEqual(rig.text('/a'), '01234X6789');
  t.deepEqual(rig.text('/a'), 'bYb');
});

test('disk faults: a bit is wrong in one read, in all later ones, or from the write on', (t) => {
  const rig = rigWith(
    { operations: ['pread'], nth: 1, fault: { kind: 'flip', bit: 8 } },
    { operations: ['pread'], nth: 3, fault: { kind: 'flip', bit: 16, stored: true } },
    { operations: ['pwrite'], fault: { kind: 'flip', bit: 1 } },
  );
  t.deepEqual([rig.text('/a'), rig.text('/a')], ['0023456789', '0123456789']);
  t.deepEqual([rig.text('/a'), rig.text('/a')], ['0133456789', '0133456789']);
  rig.write(rig.files.open('/a', 'readWrite'), 'aa', 8);
  t.is(rig.text('/a'), '01334567ca');
  rig.disk.crash();
  t.is(rig.text('/a'), '0133456789');
});

test('disk faults: bits of what is stored rot, and a crash does not heal them', (t) => {
  const rig = rigWith();
  rig.disk.flipBit('/a', 9, 0);
  t.is(rig.text('/a'), '0123456788');
  rig.disk.crash();
  t.is(rig.text('/a'), '0123456788');
  t.is(
    codeOf(t, () => rig.disk.flipBit('/a', 10, 0)),
    'EINVAL',
  );
});

test('disk faults: a full disk takes what fits and then nothing, until there is space again', (t) => {
  const rig = rigWith();
  const { files, disk } = rig;
  disk.budgetBytes = 14;
  const file = files.open('/b', 'createNew');
  t.is(
    codeOf(t, () => rig.write(file, 'bbbbbb')),
    'ENOSPC',
  );
  t.is(rig.text('/b'), 'bbbb');
  rig.write(file, 'BB');
  t.is(
    codeOf(t, () => file.truncate(5)),
    'ENOSPC',
  );
  for (const call of [() => files.mkdir('/d'), () => files.open('/c', 'create'), () => files.link('/a', '/c')])
    t.is(codeOf(t, call), 'ENOSPC');
  files.rename('/b', '/c');
  files.unlink('/a');
  rig.write(file, 'bb', 4);
  t.is(rig.text('/c'), 'BBbbbb');
  disk.budgetBytes = 0;
  t.is(
    codeOf(t, () => rig.write(file, 'b', 6)),
    'ENOSPC',
  );
  disk.budgetBytes = Infinity;
  rig.write(file, 'b', 6);
  t.is(rig.text('/c'), 'BBbbbbb');
});

test('disk faults: the asynchronous door meets the same faults', async (t) => {
  const disk = new SimDisk();
  const files = new SimFiles({ disk, schedule: pumpedSchedule(), random: new SeededRandom(1) });
  const file = await open(files, '/a', 'createNew');
  disk.onCall = faultPlan([
    { operations: ['pwrite'], fault: { kind: 'error', code: 'ENOSPC', written: 1 } },
    { operations: ['open'], fault: { kind: 'error', code: 'EMFILE' } },
    { operations: ['pread'], fault: { kind: 'error', code: 'EIO' } },
  ]);
  t.is(
    (
      await failure(
        t,
        completed((done) => file.pwrite([Buffer.from('ab')], 0, done)),
      )
    ).code,
    'ENOSPC',
  );
  t.is((await failure(t, open(files, '/a', 'read'))).code, 'EMFILE');
  t.is(
    codeOf(t, () => file.preadNow(Buffer.alloc(1), 0)),
    'EIO',
  );
  t.is(await value<number>((done) => file.pread(Buffer.alloc(9), 0, done)), 1);
  disk.onCall = faultPlan([{ operations: ['pwrite'], fault: { kind: 'error', code: 'EIO' } }]);
  t.is(
    codeOf(t, () => file.pwriteNow(Buffer.alloc(1), 0)),
    'EIO',
  );
});

test('disk faults: no call ends after the power went, when they are asynchronous', (t) => {
  const clock = new VirtualSchedule();
  const disk = new SimDisk();
  const files = new SimFiles({ disk, schedule: clock.schedule, random: new SeededRandom(1) });
  const opened: OpenFile[] = [];
  files.open('/a', 'createNew', (result) => result.ok && opened.push(result.value));
  clock.runAll();
  const [file] = opened as [OpenFile];
  disk.onCall = faultPlan([{ operations: ['datasync'], fault: { kind: 'powerLoss', when: 'after' } }]);
  const never = () => t.fail();
  file.datasync(never);
  clock.runAll();
  t.true(disk.isOff);
  file.datasync(never);
  files.stat('/a', never);
  clock.runAll();
  t.throws(() => file.preadNow(Buffer.alloc(1), 0), { instanceOf: PowerLossError });
  t.throws(() => file.pwriteNow(Buffer.alloc(1), 0), { instanceOf: PowerLossError });
  disk.crash();
  file.close(never);
  clock.runAll();
  t.deepEqual(disk.root.now.size, 0);
});

test('disk faults: a call takes the time that its latency says', (t) => {
  const clock = new VirtualSchedule();
  const files = new SimFiles({
    disk: new SimDisk(),
    schedule: clock.schedule,
    random: new SeededRandom(1),
    cost: { minUs: 1_000, maxUs: 1_000 },
    latency: (operation) => (operation === 'syncDir' ? { kind: 'constant', ms: 30_000 } : undefined),
  });
  const ends: number[] = [];
  files.syncDir('/', () => ends.push(clock.nowMs));
  files.stat('/', () => ends.push(clock.nowMs));
  clock.runAll();
  t.deepEqual(ends, [1, 30_000]);
});
