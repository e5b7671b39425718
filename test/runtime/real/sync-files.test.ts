import fs, { mkdtempSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import * as fc from 'fast-check';
import { FileError, type OpenMode, type SyncFile, type SyncFileSystem } from '../../../runtime/files.ts';
import { RealSyncFiles } from '../../../runtime/real/sync-files.ts';
import { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import { SimSyncFiles } from '../../../runtime/simulation/sim-sync-files.ts';
import { type SyncFilesFixture, testSyncFilesContract } from '../sync-files-contract.ts';

function fixture(t: ExecutionContext): SyncFilesFixture {
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-files-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return { files: new RealSyncFiles(), dir };
}

testSyncFilesContract('real sync files', fixture);

const name = fc.constantFrom('a', 'b', 'd', 'd/a', 'd/b', 'a/b');
const step = fc.record({
  kind: fc.constantFrom(
    'open',
    'write',
    'read',
    'truncate',
    'sync',
    'close',
    'mkdir',
    'unlink',
    'rename',
    'link',
    'readdir',
    'stat',
    'syncDir',
  ),
  name,
  to: name,
  mode: fc.constantFrom<OpenMode>('read', 'readWrite', 'create', 'createNew', 'readWriteSynced'),
  at: fc.nat(20),
  text: fc.string({ maxLength: 10 }),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What each step gave, as text. */
function outcomes(files: SyncFileSystem, dir: string, steps: readonly Step[]): string[] {
  let file: SyncFile | undefined;
  const isDirectory = (path: string): boolean => {
    try {
      return files.stat(path).kind === 'directory';
    } catch {
      return false;
    }
  };
  const read = ({ at, text }: Step): unknown => {
    const into = Buffer.alloc(text.length + 5);
    return [file?.pread(into, at), into.toString('hex')];
  };
  const actions: Readonly<Record<Step['kind'], (s: Step) => unknown>> = {
    open: (s) => {
      // A directory is no file: that is a requirement of `open`.
      if (isDirectory(`${dir}/${s.name}`)) return 'skipped';
      const opened = files.open(`${dir}/${s.name}`, s.mode);
      file = opened;
      return 'opened';
    },
    write: (s) => file?.pwrite([Buffer.from(s.text)], s.at),
    read,
    truncate: (s) => file?.truncate(s.at),
    sync: () => file?.datasync(),
    close: () => file?.close(),
    mkdir: (s) => files.mkdir(`${dir}/${s.name}`),
    unlink: (s) => files.unlink(`${dir}/${s.name}`),
    rename: (s) => files.rename(`${dir}/${s.name}`, `${dir}/${s.to}`),
    link: (s) => files.link(`${dir}/${s.name}`, `${dir}/${s.to}`),
    readdir: (s) => files.readdir(`${dir}/${s.name}`),
    stat: (s) => {
      const { kind, size } = files.stat(`${dir}/${s.name}`);
      return kind === 'file' ? size : kind;
    },
    syncDir: (s) => files.syncDir(`${dir}/${s.name}`),
  };
  return steps.map((s) => {
    try {
      return `${s.kind} ${JSON.stringify(actions[s.kind](s))}`;
    } catch (error) {
      return `${s.kind} ${error instanceof FileError ? `${error.code} ${error.operation}` : String(error)}`;
    }
  });
}

test('real sync files: the simulated twin gives the same results, for any sequence of calls', (t) => {
  const { files, dir } = fixture(t);
  let run = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const mine = `${dir}/${run++}`;
      files.mkdir(mine);
      const disk = new SimDisk();
      disk.makeDirectory('/x');
      t.deepEqual(outcomes(new SimSyncFiles(disk), '/x', steps), outcomes(files, mine, steps));
    }),
    { numRuns: 300 },
  );
});

/** Lets each call do `count` bytes at most. The tests here are synchronous, so nothing else sees it. */
function shorten(t: ExecutionContext, count: number): void {
  const { readSync, writeSync, writevSync } = fs;
  t.teardown(() => {
    Object.assign(fs, { readSync, writeSync, writevSync });
    syncBuiltinESMExports();
  });
  Object.assign(fs, {
    readSync: (fd: number, into: Uint8Array, at: number, length: number, position: number) =>
      readSync(fd, into, at, Math.min(length, count), position),
    writeSync: (fd: number, bytes: Uint8Array, at: number, length: number, position: number) =>
      count === 0 ? 0 : writeSync(fd, bytes, at, Math.min(length, count), position),
    writevSync: (fd: number, buffers: readonly Uint8Array[], position: number) =>
      count === 0 ? 0 : writevSync(fd, [Buffer.concat(buffers).subarray(0, count)], position),
  });
  syncBuiltinESMExports();
}

for (const count of [1, 2, 3, 5, 100]) {
  test.serial(`real sync files: a transfer in parts is completed, of ${count} bytes at a time`, (t) => {
    const { files, dir } = fixture(t);
    shorten(t, count);
    const file = files.open(`${dir}/a`, 'createNew');
    file.pwrite(
      ['abc', '', 'd', 'efghij', ''].map((text) => Buffer.from(text)),
      2,
    );
    const into = Buffer.alloc(20, '.');
    t.is(file.pread(into, 3), 9);
    t.is(into.toString(), 'bcdefghij...........');
    file.close();
  });
}

test.serial('real sync files: a write that gets nowhere fails', (t) => {
  const { files, dir } = fixture(t);
  shorten(t, 0);
  const file = files.open(`${dir}/a`, 'createNew');
  t.is(t.throws(() => file.pwrite([Buffer.from('a')], 0), { instanceOf: FileError })?.code, 'EIO');
  file.close();
});
