import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { NodeDirectory } from '../../../actors/node/node-directory.ts';
import type { NodeRecord } from '../../../actors/node/node-record.ts';
import { RealFiles } from '../../../runtime/real/files.ts';
import { allCrashModels } from '../../../runtime/simulation/crash-models.ts';
import { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import { PromisedFiles } from './promised-files.ts';

const RECORD: NodeRecord = { id: 'ab'.repeat(16), cluster: '', phase: 'new', name: 'a', shards: 1, boot: 1, address: null };

function temporary(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-node-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function open(path: string): Promise<NodeDirectory> {
  return NodeDirectory.open(new RealFiles(), path);
}

test('node directory: is made with those above it, and has no record at first', async (t) => {
  const path = join(temporary(t), 'x/y/z');
  const directory = await open(path);
  t.is(directory.record, null);
  await directory.write(RECORD);
  t.deepEqual(await directory.change({ boot: 2 }), { ...RECORD, boot: 2 });
  await directory.close();
  const again = await open(path);
  t.deepEqual(again.record, { ...RECORD, boot: 2 });
  await again.close();
});

test('node directory: one that can not be made is an error and not tried for ever, when it is behind a link to nowhere', async (t) => {
  const dir = temporary(t);
  symlinkSync(join(dir, 'nowhere'), join(dir, 'link'));
  await t.throwsAsync(open(join(dir, 'link/node')), { code: 'IO', message: /link\/node: ENOENT/ });
});

test("node directory: is one opener's at a time", async (t) => {
  const path = temporary(t);
  const first = await open(path);
  await t.throwsAsync(open(path), { code: 'IN_USE', message: /in use by another process/ });
  await first.close();
  await (await open(path)).close();
});

test('node directory: a copy made while it is open can be opened: its lock is none', async (t) => {
  const path = temporary(t);
  const first = await open(join(path, 'a'));
  await first.write(RECORD);
  cpSync(join(path, 'a'), join(path, 'b'), { recursive: true });
  const copy = await open(join(path, 'b'));
  t.deepEqual(copy.record, RECORD);
  await copy.close();
  await first.close();
});

test('node directory: what holds other files is refused and let go, what a file system puts there is not', async (t) => {
  const path = temporary(t);
  writeFileSync(join(path, 'photo.jpg'), '');
  for (let i = 0; i < 2; i++) await t.throwsAsync(open(path), { code: 'NOT_A_NODE', message: /found photo\.jpg/ });
  rmSync(join(path, 'photo.jpg'));
  mkdirSync(join(path, 'lost+found'));
  writeFileSync(join(path, 'NODE.new'), 'half a rec');
  const directory = await open(path);
  t.is(directory.record, null);
  await directory.write(RECORD);
  await directory.close();
  const again = await open(path);
  t.deepEqual(again.record, RECORD);
  await again.close();
});

test('node directory: a damaged record is refused, with its file', async (t) => {
  const path = temporary(t);
  writeFileSync(join(path, 'NODE'), 'DYNANODE and then nothing of use');
  await t.throwsAsync(open(path), { code: 'DAMAGED', message: /NODE is damaged: expected the checksum/ });
});

test('node directory: one that can not be made says why', async (t) => {
  const path = temporary(t);
  writeFileSync(join(path, 'file'), '');
  await t.throwsAsync(open(join(path, 'file/data')), { code: 'IO', message: /file\/data: mkdir .*ENOTDIR/ });
});

test('node directory: a record that was written is there after any crash, and one being written is there whole or not at all', async (t) => {
  const disk = new SimDisk();
  const directory = await NodeDirectory.open(new PromisedFiles(disk), '/data');
  await directory.write(RECORD);
  let states = 0;
  const seen = new Set<number>();
  const look = async (atLeast: number): Promise<void> => {
    for (const model of allCrashModels(disk.pending(), { tearBytes: 8, randomCount: 3 })) {
      const left = disk.clone();
      left.crash(model);
      const found = (await NodeDirectory.open(new PromisedFiles(left), '/data')).record;
      t.true(found !== null && found.boot >= atLeast && found.boot <= 2, `${model.name}: ${found?.boot}`);
      seen.add(found?.boot ?? 0);
      states++;
    }
  };
  const clones: Promise<void>[] = [];
  disk.onCall = () => {
    clones.push(look(1));
    return undefined;
  };
  await directory.write({ ...RECORD, boot: 2 });
  disk.onCall = undefined;
  await Promise.all(clones);
  await look(2);
  t.deepEqual(
    [...seen].sort((a, b) => a - b),
    [1, 2],
  );
  t.true(states > 20, `${states}`);
});
