import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import * as fc from 'fast-check';
import { FileError, type FileStat, type FileSystem, type OpenFile, type OpenMode } from '../../../runtime/files.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { RealFiles } from '../../../runtime/real/files.ts';
import { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import { SimFiles } from '../../../runtime/simulation/sim-files.ts';
import { completed, type FilesFixture, open, testFilesContract, value } from '../files-contract.ts';
import { pumpedSchedule } from '../simulation/virtual-schedule.ts';

function realFixture(t: ExecutionContext): FilesFixture {
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-files-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return { files: new RealFiles(), dir };
}

testFilesContract('real files', realFixture);

test('real files: an error keeps what the system said as its cause', async (t) => {
  const { files, dir } = realFixture(t);
  const error = await t.throwsAsync(open(files, `${dir}/none`, 'read'), { instanceOf: FileError });
  t.is(error?.message, `open ${dir}/none: ENOENT`);
  t.like(error?.cause, { syscall: 'open' });
});

const name = fc.constantFrom('a', 'b', 'd', 'd/a', 'd/b', 'd/d', 'a/b');
const step = fc.oneof(
  fc.record({
    kind: fc.constant('open' as const),
    name,
    mode: fc.constantFrom<OpenMode>('read', 'readWrite', 'create', 'createNew', 'readWriteSynced'),
  }),
  fc.record({ kind: fc.constant('write' as const), at: fc.nat(20), text: fc.string({ maxLength: 10 }) }),
  fc.record({ kind: fc.constant('read' as const), at: fc.nat(30), length: fc.nat(20) }),
  fc.record({ kind: fc.constant('truncate' as const), length: fc.nat(20) }),
  fc.record({ kind: fc.constant('close' as const) }),
  fc.record({ kind: fc.constant('mkdir' as const), name }),
  fc.record({ kind: fc.constant('unlink' as const), name }),
  fc.record({ kind: fc.constant('rename' as const), name, to: name }),
  fc.record({ kind: fc.constant('link' as const), name, to: name }),
  fc.record({ kind: fc.constant('readNow' as const), at: fc.nat(30), length: fc.nat(20) }),
  fc.record({ kind: fc.constant('writeNow' as const), at: fc.nat(20), text: fc.string({ maxLength: 10 }) }),
  fc.record({ kind: fc.constant('sync' as const), name }),
  fc.record({ kind: fc.constant('readdir' as const), name }),
  fc.record({ kind: fc.constant('stat' as const), name }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Runs one step at a time; what each gave, as text. */
async function outcomes(files: FileSystem, dir: string, steps: readonly Step[]): Promise<string[]> {
  let file: OpenFile | undefined;
  const run = async (s: Step): Promise<unknown> => {
    switch (s.kind) {
      case 'open': {
        // One file at a time. A directory is none: that is a requirement of `open`.
        const known = await value<FileStat>((done) => files.stat(`${dir}/${s.name}`, done)).catch(
          (): FileStat => ({ kind: 'file', size: 0 }),
        );
        if (known.kind === 'directory') return 'skipped';
        const opened = await open(files, `${dir}/${s.name}`, s.mode);
        if (file !== undefined) await completed((done) => file?.close(done));
        file = opened;
        return 'opened';
      }
      case 'write':
        return file && completed((done) => file?.pwrite([Buffer.from(s.text)], s.at, done));
      case 'read': {
        const into = Buffer.alloc(s.length);
        return file && [await value<number>((done) => file?.pread(into, s.at, done)), into.toString('hex')];
      }
      case 'readNow': {
        const into = Buffer.alloc(s.length);
        return file && [file.preadNow(into, s.at), into.toString('hex')];
      }
      case 'writeNow':
        return file?.pwriteNow(Buffer.from(s.text), s.at);
      case 'sync':
        return (file && (await completed((done) => file?.datasync(done)))) ?? completed((done) => files.syncDir(`${dir}/${s.name}`, done));
      case 'link':
        return completed((done) => files.link(`${dir}/${s.name}`, `${dir}/${s.to}`, done));
      case 'truncate':
        return file && completed((done) => file?.truncate(s.length, done));
      case 'close':
        return file && completed((done) => file?.close(done));
      case 'mkdir':
        return completed((done) => files.mkdir(`${dir}/${s.name}`, done));
      case 'unlink':
        return completed((done) => files.unlink(`${dir}/${s.name}`, done));
      case 'rename':
        return completed((done) => files.rename(`${dir}/${s.name}`, `${dir}/${s.to}`, done));
      case 'readdir':
        return value((done) => files.readdir(`${dir}/${s.name}`, done));
      case 'stat': {
        const { kind, size } = await value<FileStat>((done) => files.stat(`${dir}/${s.name}`, done));
        return kind === 'file' ? size : kind;
      }
    }
  };
  const results: string[] = [];
  for (const s of steps) {
    results.push(
      await run(s).then(
        (result) => `${s.kind} ${JSON.stringify(result)}`,
        (error: unknown) => `${s.kind} ${error instanceof FileError ? error.code : String(error)}`,
      ),
    );
  }
  if (file !== undefined) await completed((done) => file?.close(done)).catch((error: unknown) => results.push((error as FileError).code));
  return results;
}

test('real files: the simulated twin gives the same results, for any sequence of calls', async (t) => {
  const { files, dir } = realFixture(t);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const mine = `${dir}/${run++}`;
      await completed((done) => files.mkdir(mine, done));
      const twin = new SimFiles({ disk: new SimDisk(), schedule: pumpedSchedule(), random: new SeededRandom(run) });
      await completed((done) => twin.mkdir('/x', done));
      t.deepEqual(await outcomes(twin, '/x', steps), await outcomes(files, mine, steps));
    }),
    { numRuns: 300 },
  );
});
