/** What every `FileSystem` must do: run on the real one and on its simulated twin, so that the twin can't lie. */
import test, { type ExecutionContext, type MacroDeclarationOptions } from 'ava';
import {
  type FileDone,
  FileError,
  type FileLock,
  type FileStat,
  type FileSystem,
  type OpenFile,
  type OpenMode,
} from '../../runtime/files.ts';

export interface FilesFixture {
  readonly files: FileSystem;
  /** An empty directory. */
  readonly dir: string;
}
export type MakeFiles = (t: ExecutionContext) => FilesFixture;

export function value<T>(call: (done: FileDone<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((result) => {
      if (result.ok) resolve(result.value);
      else reject(result.error);
    });
  });
}

export function completed(call: (done: FileDone<void>) => void): Promise<void> {
  return value(call);
}

export async function failure(t: ExecutionContext, promise: Promise<unknown>): Promise<FileError> {
  return t.throwsAsync(promise, { instanceOf: FileError });
}

export function open(files: FileSystem, path: string, mode: OpenMode): Promise<OpenFile> {
  return value<OpenFile>((done) => files.open(path, mode, done));
}

export function lock(files: FileSystem, path: string): Promise<FileLock> {
  return value<FileLock>((done) => files.lock(path, done));
}

export async function contentOf(files: FileSystem, path: string): Promise<string> {
  const file = await open(files, path, 'read');
  const into = Buffer.alloc(4_096);
  const count = await value<number>((done) => file.pread(into, 0, done));
  await completed((done) => file.close(done));
  return into.toString('latin1', 0, count);
}

export async function writeFile(files: FileSystem, path: string, text: string): Promise<void> {
  const file = await open(files, path, 'createNew');
  await completed((done) => file.pwrite([Buffer.from(text, 'latin1')], 0, done));
  await completed((done) => file.close(done));
}

const contract: Readonly<Record<string, (t: ExecutionContext, fixture: FilesFixture) => Promise<void>>> = {
  'buffers are written one after the other and read back, with zeros in a gap': async (t, { files, dir }) => {
    const file = await open(files, `${dir}/a`, 'createNew');
    t.is(file.path, `${dir}/a`);
    await completed((done) => file.pwrite([Buffer.from('one'), Buffer.alloc(0), Buffer.from('two')], 3, done));
    t.is(await contentOf(files, `${dir}/a`), '\0\0\0onetwo');
    await completed((done) => file.pwrite([Buffer.from('NE')], 4, done));
    t.is(await contentOf(files, `${dir}/a`), '\0\0\0oNEtwo');
    await completed((done) => file.close(done));
  },

  'a link of a missing file says that first, also when its new name can not be': async (t, { files, dir }) => {
    await writeFile(files, `${dir}/a`, 'one');
    const error = await failure(
      t,
      completed((done) => files.link(`${dir}/none`, `${dir}/a/b`, done)),
    );
    t.is(error.code, 'ENOENT');
  },

  'a read past the end gives what there is': async (t, { files, dir }) => {
    await writeFile(files, `${dir}/a`, '0123456789');
    const file = await open(files, `${dir}/a`, 'read');
    const into = Buffer.alloc(8, '.');
    t.is(await value<number>((done) => file.pread(into, 6, done)), 4);
    t.is(into.toString(), '6789....');
    t.is(await value<number>((done) => file.pread(into, 10, done)), 0);
    t.is(await value<number>((done) => file.pread(into, 99, done)), 0);
    t.is(await value<number>((done) => file.pread(into.subarray(0, 0), 0, done)), 0);
    await completed((done) => file.close(done));
  },

  'a list of more buffers than the system takes at once is written whole': async (t, { files, dir }) => {
    const file = await open(files, `${dir}/a`, 'createNew');
    const buffers = Array.from({ length: 3_000 }, (_, i) => Buffer.from([i & 0xff, i >> 8]));
    await completed((done) => file.pwrite(buffers, 0, done));
    const into = Buffer.alloc(6_001);
    t.is(await value<number>((done) => file.pread(into, 0, done)), 6_000);
    t.deepEqual(into.subarray(0, 6_000), Buffer.concat(buffers));
    await completed((done) => file.close(done));
  },

  'open modes differ in what must exist and what is kept': async (t, { files, dir }) => {
    for (const mode of ['read', 'readWrite', 'readWriteSynced'] as const) {
      const error = await failure(t, open(files, `${dir}/none`, mode));
      t.deepEqual([error.code, error.operation, error.path], ['ENOENT', 'open', `${dir}/none`]);
    }
    await writeFile(files, `${dir}/a`, 'kept');
    t.is((await failure(t, open(files, `${dir}/a`, 'createNew'))).code, 'EEXIST');
    for (const mode of ['read', 'readWrite', 'readWriteSynced', 'create'] as const) {
      const file = await open(files, `${dir}/a`, mode);
      await completed((done) => file.close(done));
      t.is(await contentOf(files, `${dir}/a`), 'kept');
    }
    const fresh = await open(files, `${dir}/b`, 'create');
    await completed((done) => fresh.close(done));
    t.is(await contentOf(files, `${dir}/b`), '');
    t.is((await failure(t, open(files, `${dir}/none/a`, 'create'))).code, 'ENOENT');
    t.is((await failure(t, open(files, `${dir}/a/b`, 'create'))).code, 'ENOTDIR');
  },

  'a file opened for reading takes no writes': async (t, { files, dir }) => {
    await writeFile(files, `${dir}/a`, 'kept');
    const file = await open(files, `${dir}/a`, 'read');
    t.is(
      (
        await failure(
          t,
          completed((done) => file.pwrite([Buffer.from('x')], 0, done)),
        )
      ).code,
      'EBADF',
    );
    t.is(
      (
        await failure(
          t,
          completed((done) => file.truncate(0, done)),
        )
      ).code,
      'EINVAL',
    );
    await completed((done) => file.datasync(done));
    await completed((done) => file.close(done));
    t.is(await contentOf(files, `${dir}/a`), 'kept');
  },

  'truncate cuts and extends with zeros, also where bytes had been': async (t, { files, dir }) => {
    await writeFile(files, `${dir}/a`, '0123456789');
    const file = await open(files, `${dir}/a`, 'readWrite');
    await completed((done) => file.truncate(4, done));
    t.is(await contentOf(files, `${dir}/a`), '0123');
    await completed((done) => file.truncate(6, done));
    t.is(await contentOf(files, `${dir}/a`), '0123\0\0');
    await completed((done) => file.truncate(0, done));
    await completed((done) => file.pwrite([Buffer.from('x')], 2, done));
    t.is(await contentOf(files, `${dir}/a`), '\0\0x');
    await completed((done) => file.close(done));
  },

  'rename replaces, and an open file stays what it was': async (t, { files, dir }) => {
    await writeFile(files, `${dir}/new`, 'new');
    await writeFile(files, `${dir}/old`, 'old');
    const old = await open(files, `${dir}/old`, 'readWrite');
    await completed((done) => files.rename(`${dir}/new`, `${dir}/old`, done));
    t.deepEqual(await value((done) => files.readdir(dir, done)), ['old']);
    t.is(await contentOf(files, `${dir}/old`), 'new');
    const into = Buffer.alloc(3);
    await value<number>((done) => old.pread(into, 0, done));
    t.is(into.toString(), 'old');
    await completed((done) => old.close(done));
    await completed((done) => files.rename(`${dir}/old`, `${dir}/old`, done));
    t.is(await contentOf(files, `${dir}/old`), 'new');
  },

  'rename of or onto the wrong thing fails and changes nothing': async (t, { files, dir }) => {
    await writeFile(files, `${dir}/file`, 'f');
    await completed((done) => files.mkdir(`${dir}/empty`, done));
    await completed((done) => files.mkdir(`${dir}/full`, done));
    await writeFile(files, `${dir}/full/a`, 'a');
    const codeOf = async (from: string, to: string) =>
      (
        await failure(
          t,
          completed((done) => files.rename(`${dir}/${from}`, `${dir}/${to}`, done)),
        )
      ).code;
    t.is(await codeOf('none', 'other'), 'ENOENT');
    t.is(await codeOf('file', 'none/other'), 'ENOENT');
    t.is(await codeOf('file', 'empty'), 'EISDIR');
    t.is(await codeOf('empty', 'file'), 'ENOTDIR');
    t.is(await codeOf('empty', 'full'), 'ENOTEMPTY');
    t.is(await codeOf('full', 'full/inner'), 'EINVAL');
    t.deepEqual(await value((done) => files.readdir(dir, done)), ['empty', 'file', 'full']);
    await completed((done) => files.rename(`${dir}/full`, `${dir}/empty`, done));
    t.is(await contentOf(files, `${dir}/empty/a`), 'a');
  },

  'bug: a rename of a file onto the directory in which it lies failed in another way on a simulated disk': async (t, { files, dir }) => {
    await completed((done) => files.mkdir(`${dir}/d`, done));
    await writeFile(files, `${dir}/d/a`, 'a');
    const { code } = await failure(
      t,
      completed((done) => files.rename(`${dir}/d/a`, `${dir}/d`, done)),
    );
    t.is(code, 'ENOTEMPTY');
    t.is(await contentOf(files, `${dir}/d/a`), 'a');
  },

  'unlink removes the name, and an open file stays usable': async (t, { files, dir }) => {
    await writeFile(files, `${dir}/a`, 'a');
    const file = await open(files, `${dir}/a`, 'readWrite');
    await completed((done) => files.unlink(`${dir}/a`, done));
    t.deepEqual(await value((done) => files.readdir(dir, done)), []);
    await completed((done) => file.pwrite([Buffer.from('b')], 1, done));
    const into = Buffer.alloc(2);
    await value<number>((done) => file.pread(into, 0, done));
    t.is(into.toString(), 'ab');
    await completed((done) => file.close(done));
    t.is(
      (
        await failure(
          t,
          completed((done) => files.unlink(`${dir}/a`, done)),
        )
      ).code,
      'ENOENT',
    );
    await completed((done) => files.mkdir(`${dir}/d`, done));
    await failure(
      t,
      completed((done) => files.unlink(`${dir}/d`, done)),
    );
    t.deepEqual(await value((done) => files.readdir(dir, done)), ['d']);
  },

  'directories are made one by one and listed in order': async (t, { files, dir }) => {
    for (const name of ['b', 'a', 'B', '10', '9', 'a-b']) await completed((done) => files.mkdir(`${dir}/${name}`, done));
    t.deepEqual(await value((done) => files.readdir(dir, done)), ['10', '9', 'B', 'a', 'a-b', 'b']);
    t.is(
      (
        await failure(
          t,
          completed((done) => files.mkdir(`${dir}/a`, done)),
        )
      ).code,
      'EEXIST',
    );
    t.is(
      (
        await failure(
          t,
          completed((done) => files.mkdir(`${dir}/none/a`, done)),
        )
      ).code,
      'ENOENT',
    );
    await writeFile(files, `${dir}/file`, '');
    t.is(
      (
        await failure(
          t,
          completed((done) => files.mkdir(`${dir}/file`, done)),
        )
      ).code,
      'EEXIST',
    );
    t.is(
      (
        await failure(
          t,
          value((done) => files.readdir(`${dir}/file`, done)),
        )
      ).code,
      'ENOTDIR',
    );
    t.is(
      (
        await failure(
          t,
          value((done) => files.readdir(`${dir}/none`, done)),
        )
      ).code,
      'ENOENT',
    );
  },

  'stat tells the kind and the size': async (t, { files, dir }) => {
    await writeFile(files, `${dir}/a`, '12345');
    t.deepEqual(await value((done) => files.stat(`${dir}/a`, done)), { kind: 'file', size: 5 });
    t.is((await value<FileStat>((done) => files.stat(dir, done))).kind, 'directory');
    t.is(
      (
        await failure(
          t,
          value((done) => files.stat(`${dir}/none`, done)),
        )
      ).code,
      'ENOENT',
    );
  },

  'syncs complete, and fail on what is missing': async (t, { files, dir }) => {
    const file = await open(files, `${dir}/a`, 'createNew');
    await completed((done) => file.pwrite([Buffer.from('a')], 0, done));
    await completed((done) => file.datasync(done));
    await completed((done) => files.syncDir(dir, done));
    t.is(
      (
        await failure(
          t,
          completed((done) => files.syncDir(`${dir}/none`, done)),
        )
      ).code,
      'ENOENT',
    );
    await completed((done) => file.close(done));
  },

  'a synced write is written and read as any other': async (t, { files, dir }) => {
    await writeFile(files, `${dir}/a`, '0123456789');
    const file = await open(files, `${dir}/a`, 'readWriteSynced');
    await completed((done) => file.pwrite([Buffer.from('AB'), Buffer.from('C')], 8, done));
    await completed((done) => file.truncate(10, done));
    await completed((done) => file.datasync(done));
    const into = Buffer.alloc(20);
    t.is(await value<number>((done) => file.pread(into, 0, done)), 10);
    t.is(into.toString('latin1', 0, 10), '01234567AB');
    await completed((done) => file.close(done));
  },

  'a read at once gives the same as a later one': async (t, { files, dir }) => {
    await writeFile(files, `${dir}/a`, '0123456789');
    const file = await open(files, `${dir}/a`, 'read');
    const into = Buffer.alloc(8, '.');
    t.is(file.preadNow(into, 6), 4);
    t.is(into.toString(), '6789....');
    t.is(file.preadNow(into, 10), 0);
    t.is(file.preadNow(into.subarray(0, 0), 0), 0);
    t.is(file.preadNow(into, 0), 8);
    t.is(into.toString(), '01234567');
    await completed((done) => file.close(done));
    const error = t.throws(() => file.preadNow(into, 0), { instanceOf: FileError });
    t.deepEqual([error?.code, error?.operation, error?.path], ['EBADF', 'pread', `${dir}/a`]);
  },

  'a write at once is there for reads of any kind': async (t, { files, dir }) => {
    await writeFile(files, `${dir}/a`, '0123456789');
    const file = await open(files, `${dir}/a`, 'readWrite');
    file.pwriteNow(Buffer.from('AB'), 3);
    file.pwriteNow(Buffer.alloc(0), 0);
    file.pwriteNow(Buffer.from('Z'), 11);
    const into = Buffer.alloc(20);
    t.is(await value<number>((done) => file.pread(into, 0, done)), 12);
    t.is(into.toString('latin1', 0, 12), '012AB56789\0Z');
    await completed((done) => file.close(done));
    const error = t.throws(() => file.pwriteNow(into, 0), { instanceOf: FileError });
    t.deepEqual([error?.code, error?.operation, error?.path], ['EBADF', 'pwrite', `${dir}/a`]);
  },

  'a link is a second name of the same file': async (t, { files, dir }) => {
    await writeFile(files, `${dir}/a`, 'one');
    await completed((done) => files.link(`${dir}/a`, `${dir}/b`, done));
    const file = await open(files, `${dir}/b`, 'readWrite');
    await completed((done) => file.pwrite([Buffer.from('O')], 0, done));
    await completed((done) => file.close(done));
    t.is(await contentOf(files, `${dir}/a`), 'One');
    await completed((done) => files.rename(`${dir}/a`, `${dir}/b`, done));
    t.deepEqual(await value((done) => files.readdir(dir, done)), ['a', 'b']);
    await completed((done) => files.unlink(`${dir}/a`, done));
    t.is(await contentOf(files, `${dir}/b`), 'One');
  },

  'a link from or onto the wrong thing fails': async (t, { files, dir }) => {
    await writeFile(files, `${dir}/a`, 'a');
    await writeFile(files, `${dir}/b`, 'b');
    await completed((done) => files.mkdir(`${dir}/d`, done));
    const codeOf = (from: string, to: string) =>
      failure(
        t,
        completed((done) => files.link(`${dir}/${from}`, `${dir}/${to}`, done)),
      ).then(({ code }) => code);
    t.is(await codeOf('none', 'c'), 'ENOENT');
    t.is(await codeOf('a', 'none/c'), 'ENOENT');
    t.is(await codeOf('a', 'b'), 'EEXIST');
    t.is(await codeOf('a', 'a'), 'EEXIST');
    t.is(await codeOf('a', 'd'), 'EEXIST');
    t.is(await codeOf('d', 'e'), 'EPERM');
    t.is(await contentOf(files, `${dir}/b`), 'b');
  },

  'a lock is held by one at a time, until it is released': async (t, { files, dir }) => {
    const held = await lock(files, `${dir}/LOCK`);
    t.deepEqual(await value((done) => files.readdir(dir, done)), ['LOCK']);
    const error = await failure(t, lock(files, `${dir}/LOCK`));
    t.deepEqual([error.code, error.operation, error.path], ['ELOCKED', 'lock', `${dir}/LOCK`]);
    const other = await lock(files, `${dir}/OTHER`);
    await completed((done) => held.release(done));
    const again = await lock(files, `${dir}/LOCK`);
    t.is(
      (
        await failure(
          t,
          completed((done) => held.release(done)),
        )
      ).code,
      'EBADF',
    );
    t.is((await failure(t, lock(files, `${dir}/LOCK`))).code, 'ELOCKED');
    await completed((done) => again.release(done));
    await completed((done) => other.release(done));
    t.deepEqual(await value((done) => files.readdir(dir, done)), []);
  },

  'of many that lock at once one holds it': async (t, { files, dir }) => {
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lock(files, `${dir}/LOCK`)));
    t.is(tries.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const result of tries) {
      if (result.status === 'rejected') t.is((result.reason as FileError).code, 'ELOCKED');
      else await completed((done) => result.value.release(done));
    }
    t.deepEqual(await value((done) => files.readdir(dir, done)), []);
  },

  'a file that nobody holds is no lock': async (t, { files, dir }) => {
    await writeFile(files, `${dir}/LOCK`, '');
    const held = await lock(files, `${dir}/LOCK`);
    t.is((await failure(t, lock(files, `${dir}/LOCK`))).code, 'ELOCKED');
    await completed((done) => held.release(done));
    await completed((done) => files.mkdir(`${dir}/d`, done));
    t.is((await failure(t, lock(files, `${dir}/d`))).code, 'EISDIR');
    t.is((await failure(t, lock(files, `${dir}/none/LOCK`))).code, 'ENOENT');
  },

  'close lets calls in flight end, and later ones fail': async (t, { files, dir }) => {
    const file = await open(files, `${dir}/a`, 'createNew');
    const order: string[] = [];
    const writes = Array.from({ length: 8 }, (_, i) =>
      completed((done) => file.pwrite([Buffer.from(String(i))], i, done)).then(() => order.push('write')),
    );
    // Past the end: the real one needs a second try to know that there is no more.
    const read = value<number>((done) => file.pread(Buffer.alloc(100), 0, done)).then(() => order.push('read'));
    const closed = completed((done) => file.close(done)).then(() => order.push('close'));
    const late = [
      completed((done) => file.pwrite([Buffer.from('x')], 0, done)),
      completed((done) => file.datasync(done)),
      completed((done) => file.truncate(0, done)),
      completed((done) => file.close(done)),
      value<number>((done) => file.pread(Buffer.alloc(1), 0, done)),
    ];
    for (const call of late) t.is((await failure(t, call)).code, 'EBADF');
    await Promise.all([...writes, read, closed]);
    t.is(order.at(-1), 'close');
    t.is(await contentOf(files, `${dir}/a`), '01234567');
  },

  'a completion comes later and once': async (t, { files, dir }) => {
    const file = await open(files, `${dir}/a`, 'createNew');
    const calls: readonly ((done: () => void) => void)[] = [
      (done) => file.pwrite([], 0, done),
      (done) => file.pwrite([Buffer.alloc(0)], 0, done),
      (done) => file.pread(Buffer.alloc(0), 0, done),
      (done) => file.datasync(done),
      (done) => file.truncate(0, done),
      (done) => files.stat(`${dir}/none`, done),
      (done) => files.readdir(dir, done),
      (done) => files.mkdir(`${dir}/d`, done),
      (done) => files.rename(`${dir}/d`, `${dir}/e`, done),
      (done) => files.syncDir(dir, done),
      (done) => files.link(`${dir}/a`, `${dir}/b`, done),
      (done) => files.lock(`${dir}/LOCK`, done),
      (done) => files.lock(`${dir}/LOCK`, done),
      (done) => files.unlink(`${dir}/a`, done),
      (done) => file.close(done),
      (done) => file.close(done),
    ];
    let completions = 0;
    for (const call of calls) {
      await new Promise<void>((resolve) => {
        let within = true;
        call(() => {
          t.false(within);
          completions++;
          resolve();
        });
        within = false;
      });
    }
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    t.is(completions, calls.length);
  },
};

/** Registers the suite under `subject`. */
export function testFilesContract(subject: string, make: MakeFiles): void {
  const macro = test.macro({
    exec: (t: ExecutionContext, behaviour: string) => contract[behaviour]?.(t, make(t)) ?? t.fail(behaviour),
    title: (_, behaviour: string) => `${subject}: ${behaviour}`,
  } satisfies MacroDeclarationOptions<[string]>);
  for (const behaviour of Object.keys(contract)) test(macro, behaviour);
}
