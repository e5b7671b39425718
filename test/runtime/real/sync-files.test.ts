import fs, { mkdtempSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FileError } from '../../../runtime/files.ts';
import { RealSyncFiles } from '../../../runtime/real/sync-files.ts';
import { type SyncFilesFixture, testSyncFilesContract } from '../sync-files-contract.ts';

function fixture(t: ExecutionContext): SyncFilesFixture {
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-files-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return { files: new RealSyncFiles(), dir };
}

testSyncFilesContract('real sync files', fixture);

/** Lets each call do `count` bytes at most. The tests here are synchronous, so nothing else sees it. */
function shorten(t: ExecutionContext, count: number): void {
  const { readSync, writevSync } = fs;
  t.teardown(() => {
    Object.assign(fs, { readSync, writevSync });
    syncBuiltinESMExports();
  });
  Object.assign(fs, {
    readSync: (fd: number, into: Uint8Array, at: number, length: number, position: number) =>
      readSync(fd, into, at, Math.min(length, count), position),
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
