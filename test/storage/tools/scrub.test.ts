import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Store } from '../../../storage/embedded/store.ts';
import { scrubDirectory } from '../../../storage/engine/scrub-directory.ts';
import { type Bytes, changed, DIR, flipped, nameOf, onDisk, placeSample, sampleDatabase, temporaryDir } from './sample-database.ts';

let sample: Bytes;
test.before(async () => {
  sample = await sampleDatabase();
});

test('scrub: names every file of a live database and finds no damage, while writes, flushes and merges go on', async (t) => {
  const dir = join(temporaryDir(t), 'db');
  const store = await Store.open(dir, { memtableBytes: 128 * 1024, durability: 'none', levelBytes: 64 * 1024, tableBytes: 32 * 1024 });
  t.teardown(() => store.close());
  const value = Buffer.alloc(500, 'v');
  const writing = (async () => {
    for (let i = 0; i < 3_000; i++) await store.put(`key-${(i * 7_919) % 1_000}`, value);
  })();
  const scrubs = [];
  for (let i = 0; i < 4; i++) scrubs.push(await store.scrub());
  await writing;
  scrubs.push(await store.scrub());
  for (const files of scrubs) {
    t.deepEqual(
      files.filter(({ damage }) => damage !== undefined),
      [],
    );
    const names = files.map(({ file }) => file.slice(dir.length + 1));
    t.is(names[0], 'CURRENT');
    t.regex(names[1] ?? '', /^MANIFEST-/);
  }
  // While writes go on, every segment that was read may be gone by the end.
  for (const extension of ['.sst', '.log']) t.true(scrubs.at(-1)?.some(({ file }) => file.endsWith(extension)));
});

/** Writes over what is there, under the store. */
function overwrite(path: string, at: number): void {
  const byte = readFileSync(path)[at]! ^ 1;
  const fd = openSync(path, 'r+');
  writeSync(fd, Buffer.from([byte]), 0, 1, at);
  closeSync(fd);
}

const findsLive = test.macro(async (t, pattern: RegExp, at: number) => {
  const dir = join(temporaryDir(t), 'db');
  placeSample(sample, dir);
  const store = await Store.open(dir);
  t.teardown(() => store.close());
  // Nothing goes on in the background after it.
  await store.compact();
  await store.put('one', 'more');
  await store.put('and', 'another');
  const name =
    [...readdirSync(dir)]
      .filter((each) => pattern.test(each))
      .sort()
      .at(-1) ?? '';
  const clean = await store.scrub();
  const path = clean.map(({ file }) => file).find((file) => pattern.test(file)) ?? `${dir}/${name}`;
  overwrite(path, at);
  const damaged = (await store.scrub()).filter(({ damage }) => damage !== undefined);
  t.deepEqual(
    damaged.map(({ file }) => file),
    [path],
  );
  t.is(damaged[0]?.damage?.file, path);
  t.is(String(await store.get('one')), 'more');
});
test('scrub: gives the place and goes on, when a table is damaged under the live database', findsLive, /\.sst$/, 100);
test('scrub: gives the place and goes on, when the log is damaged under the live database', findsLive, /\.log$/, 140);
test('scrub: gives the place and goes on, when the manifest is damaged under the live database', findsLive, /MANIFEST-\d+$/, 60);
test('scrub: gives the place and goes on, when CURRENT is damaged under the live database', findsLive, /CURRENT$/, 4);

test('scrub: ends with CLOSED, when the database is closed', async (t) => {
  const store = await Store.open(join(temporaryDir(t), 'db'));
  await store.close();
  await t.throwsAsync(store.scrub(), { code: 'CLOSED' });
});

test('scrub: ends with CANCELLED and holds nobody up, when the database is closed meanwhile', async (t) => {
  const dir = join(temporaryDir(t), 'db');
  placeSample(sample, dir);
  const store = await Store.open(dir);
  const scrubbing = t.throwsAsync(store.scrub(), { code: 'CANCELLED' });
  await store.close();
  await scrubbing;
});

const findsOffline = test.macro((t, pattern: RegExp, change: (content: Buffer) => Buffer | undefined) => {
  const name = nameOf(sample, pattern);
  const { files } = onDisk(changed(sample, name, change));
  const damaged = [...scrubDirectory(files, DIR)].filter(({ damage }) => damage !== undefined);
  t.true(damaged.some(({ damage }) => damage?.file === `${DIR}/${name}`));
});
test('scrub of a directory: finds a bit flipped in a block', findsOffline, /\.sst$/, flipped(1_000));
test('scrub of a directory: finds a bit flipped in a footer', findsOffline, /\.sst$/, flipped(-1));
test('scrub of a directory: finds a table that is missing', findsOffline, /\.sst$/, () => undefined);
test('scrub of a directory: finds a bit flipped in a group that was on disk', findsOffline, /\.log$/, flipped(150));
test('scrub of a directory: finds a log that is cut', findsOffline, /\.log$/, (content) => content.subarray(0, 500));
test('scrub of a directory: finds a bit flipped in an edit', findsOffline, /^MANIFEST/, flipped(100));
test('scrub of a directory: finds a manifest that is missing', findsOffline, /^MANIFEST/, () => undefined);
test('scrub of a directory: finds a CURRENT that is none', findsOffline, /^CURRENT$/, () => Buffer.from('MANIFEST-000001\n'));

test('scrub of a directory: all is as it was written, when nothing is damaged', (t) => {
  const files = [...scrubDirectory(onDisk(sample).files, DIR)];
  t.deepEqual(
    files.filter(({ damage }) => damage !== undefined),
    [],
  );
  t.is(files.length, sample.size);
});
