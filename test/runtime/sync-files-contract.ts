/** What every `SyncFileSystem` must do: run on the real one and on its simulated twin. */
import test, { type ExecutionContext, type MacroDeclarationOptions } from 'ava';
import { FileError, type SyncFileSystem } from '../../runtime/files.ts';

export interface SyncFilesFixture {
  readonly files: SyncFileSystem;
  /** An empty directory. */
  readonly dir: string;
}

function textOf(files: SyncFileSystem, path: string): string {
  const file = files.open(path, 'read');
  const into = Buffer.alloc(10_000);
  const count = file.pread(into, 0);
  file.close();
  return into.toString('latin1', 0, count);
}

function write(files: SyncFileSystem, path: string, text: string): void {
  const file = files.open(path, 'createNew');
  file.pwrite([Buffer.from(text, 'latin1')], 0);
  file.close();
}

/** Code, operation and path of the FileError that `call` throws. */
function failureOf(t: ExecutionContext, call: () => unknown): readonly unknown[] {
  const error = t.throws(call, { instanceOf: FileError });
  return [error?.code, error?.operation, error?.path];
}

const contract: Readonly<Record<string, (t: ExecutionContext, fixture: SyncFilesFixture) => void>> = {
  'buffers are written one after the other and read back, with zeros in a gap': (t, { files, dir }) => {
    const file = files.open(`${dir}/a`, 'createNew');
    t.is(file.path, `${dir}/a`);
    file.pwrite([Buffer.from('one'), Buffer.alloc(0), Buffer.from('two')], 3);
    file.pwrite([], 99);
    file.datasync();
    t.is(textOf(files, `${dir}/a`), '\0\0\0onetwo');
    const into = Buffer.alloc(8, '.');
    t.is(file.pread(into, 6), 3);
    t.is(into.toString(), 'two.....');
    t.is(file.pread(into, 9), 0);
    t.is(file.pread(into, 99), 0);
    file.truncate(4);
    file.truncate(6);
    t.is(textOf(files, `${dir}/a`), '\0\0\0o\0\0');
    file.close();
  },

  'a list of more buffers than the system takes at once is written whole': (t, { files, dir }) => {
    const file = files.open(`${dir}/a`, 'create');
    const buffers = Array.from({ length: 3_000 }, (_, i) => Buffer.from([i & 0xff, i >> 8]));
    file.pwrite(buffers, 0);
    const into = Buffer.alloc(6_001);
    t.is(file.pread(into, 0), 6_000);
    t.deepEqual(into.subarray(0, 6_000), Buffer.concat(buffers));
    file.close();
  },

  'open modes differ in what must exist and what may be done': (t, { files, dir }) => {
    for (const mode of ['read', 'readWrite', 'readWriteSynced'] as const)
      t.deepEqual(
        failureOf(t, () => files.open(`${dir}/none`, mode)),
        ['ENOENT', 'open', `${dir}/none`],
      );
    write(files, `${dir}/a`, 'kept');
    t.deepEqual(
      failureOf(t, () => files.open(`${dir}/a`, 'createNew')),
      ['EEXIST', 'open', `${dir}/a`],
    );
    for (const mode of ['readWrite', 'readWriteSynced', 'create'] as const) {
      const file = files.open(`${dir}/a`, mode);
      file.pwrite([Buffer.from(mode)], 4);
      file.truncate(4);
      file.close();
    }
    const file = files.open(`${dir}/a`, 'read');
    t.is(failureOf(t, () => file.pwrite([Buffer.from('x')], 0))[0], 'EBADF');
    t.is(failureOf(t, () => file.truncate(0))[0], 'EINVAL');
    file.datasync();
    file.close();
    t.is(textOf(files, `${dir}/a`), 'kept');
  },

  'names are made, changed and removed': (t, { files, dir }) => {
    files.mkdir(`${dir}/d`);
    write(files, `${dir}/d/b`, 'b');
    files.link(`${dir}/d/b`, `${dir}/d/a`);
    files.rename(`${dir}/d/b`, `${dir}/c`);
    files.syncDir(`${dir}/d`);
    t.deepEqual(files.readdir(`${dir}/d`), ['a']);
    t.deepEqual(files.stat(`${dir}/c`), { kind: 'file', size: 1 });
    t.is(files.stat(`${dir}/d`).kind, 'directory');
    files.unlink(`${dir}/c`);
    t.is(textOf(files, `${dir}/d/a`), 'b');
    t.deepEqual(files.readdir(dir), ['d']);
  },

  'names that are missing or taken are errors': (t, { files, dir }) => {
    write(files, `${dir}/a`, '');
    files.mkdir(`${dir}/d`);
    const none = `${dir}/none`;
    t.deepEqual(
      failureOf(t, () => files.syncDir(none)),
      ['ENOENT', 'syncDir', none],
    );
    t.deepEqual(
      failureOf(t, () => files.rename(none, `${dir}/b`)),
      ['ENOENT', 'rename', none],
    );
    t.deepEqual(
      failureOf(t, () => files.unlink(none)),
      ['ENOENT', 'unlink', none],
    );
    t.deepEqual(
      failureOf(t, () => files.mkdir(`${dir}/d`)),
      ['EEXIST', 'mkdir', `${dir}/d`],
    );
    t.deepEqual(
      failureOf(t, () => files.readdir(`${dir}/a`)),
      ['ENOTDIR', 'readdir', `${dir}/a`],
    );
    t.deepEqual(
      failureOf(t, () => files.syncDir(`${dir}/a`)),
      ['ENOTDIR', 'syncDir', `${dir}/a`],
    );
    t.deepEqual(
      failureOf(t, () => files.stat(none)),
      ['ENOENT', 'stat', none],
    );
    t.deepEqual(
      failureOf(t, () => files.link(`${dir}/a`, `${dir}/d`)),
      ['EEXIST', 'link', `${dir}/a`],
    );
  },

  'a closed file takes no calls': (t, { files, dir }) => {
    const file = files.open(`${dir}/a`, 'createNew');
    file.close();
    const calls = {
      pread: () => file.pread(Buffer.alloc(1), 0),
      pwrite: () => file.pwrite([Buffer.alloc(1)], 0),
      datasync: () => file.datasync(),
      truncate: () => file.truncate(1),
      close: () => file.close(),
    };
    for (const [operation, call] of Object.entries(calls)) t.deepEqual(failureOf(t, call), ['EBADF', operation, `${dir}/a`]);
    t.is(files.stat(`${dir}/a`).size, 0);
  },
};

/** Registers the suite under `subject`. */
export function testSyncFilesContract(subject: string, make: (t: ExecutionContext) => SyncFilesFixture): void {
  const macro = test.macro({
    exec: (t: ExecutionContext, behaviour: string) => {
      const check = contract[behaviour];
      if (check === undefined) t.fail(behaviour);
      else check(t, make(t));
    },
    title: (_, behaviour: string) => `${subject}: ${behaviour}`,
  } satisfies MacroDeclarationOptions<[string]>);
  for (const behaviour of Object.keys(contract)) test(macro, behaviour);
}
