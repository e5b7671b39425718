/** What the system may do and hardly ever does: reads and writes of a part. In a file of its own, since it replaces `node:fs` calls. */
import fs, { mkdtempSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { OpenFile } from '../../../runtime/files.ts';
import { RealFiles } from '../../../runtime/real/files.ts';
import { completed, failure, open, value } from '../files-contract.ts';

type IoDone = (error: NodeJS.ErrnoException | null, count: number) => void;

/** Lets each call do `count` bytes at most; `count` 0 does nothing and gives no error. */
async function shortFile(t: ExecutionContext, count: number): Promise<{ readonly file: OpenFile; readonly path: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-files-'));
  const { read, writev } = fs;
  t.teardown(() => {
    Object.assign(fs, { read, writev });
    syncBuiltinESMExports();
    rmSync(dir, { recursive: true, force: true });
  });
  Object.assign(fs, {
    read: (fd: number, into: Uint8Array, at: number, length: number, position: number, done: IoDone) =>
      read(fd, into, at, Math.min(length, count), position, done),
    writev: (fd: number, buffers: readonly Uint8Array[], position: number, done: IoDone) => {
      const part = Buffer.concat(buffers).subarray(0, count);
      if (count === 0) setImmediate(done, null, 0);
      else writev(fd, [part], position, done);
    },
  });
  syncBuiltinESMExports();
  return { file: await open(new RealFiles(), `${dir}/a`, 'createNew'), path: `${dir}/a` };
}

for (const count of [1, 2, 3, 5, 100]) {
  test.serial(`real files: a transfer in parts is completed, of ${count} bytes at a time`, async (t) => {
    const { file, path } = await shortFile(t, count);
    const buffers = ['abc', '', 'd', 'efghij', ''].map((text) => Buffer.from(text));
    await completed((done) => file.pwrite(buffers, 2, done));
    t.is(fs.readFileSync(path, 'latin1'), '\0\0abcdefghij');
    const into = Buffer.alloc(20, '.');
    t.is(await value<number>((done) => file.pread(into, 3, done)), 9);
    t.is(into.toString(), 'bcdefghij...........');
    await completed((done) => file.close(done));
  });
}

test.serial('real files: a write that gets nowhere fails', async (t) => {
  const { file } = await shortFile(t, 0);
  t.is(
    (
      await failure(
        t,
        completed((done) => file.pwrite([Buffer.from('a')], 0, done)),
      )
    ).code,
    'EIO',
  );
  await completed((done) => file.close(done));
});
