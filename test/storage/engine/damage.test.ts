/** Damage to a closed database. `npm run bench:storage-bits` flips every bit; here a sample of them. */
import test from 'ava';
import { SeededRandom } from '../../../runtime/random.ts';
import {
  attempt,
  contentOf,
  examine,
  isEarlier,
  largestAllocation,
  makeSample,
  makeUniformSample,
  overwrite,
  type Sample,
  type StoredFile,
  Tally,
  tryFlip,
  type Verdict,
} from './damage.ts';

/** What the sample's own size explains: runs of blocks that are read ahead, and a segment. */
const ALLOCATION_MAX = 1 << 20;
const FLIPS = 500;
const REWRITES = 30;
const CASES = 50;

const sample = makeSample();

/** Evenly over what the files hold, and from a random place on, so that all bits of a byte come to pass. */
function sampledBits(count: number): { readonly file: StoredFile; readonly bit: number }[] {
  const random = new SeededRandom('bits');
  const total = sample.files.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
  return sample.files.flatMap((file) =>
    Array.from({ length: Math.max(20, Math.round((count * file.usedBytes) / total)) }, () => ({
      file,
      bit: random.below((file.usedBytes || file.bytes) * 8),
    })),
  );
}

test('damage: the right answer or a report, when any one bit of a closed database is flipped', (t) => {
  t.deepEqual(examine(sample, sample.disk), { kind: 'right' });
  const tally = new Tally();
  const largest = largestAllocation(() => {
    for (const { file, bit } of sampledBits(FLIPS)) tryFlip(sample, file, bit, tally);
  });
  t.deepEqual(tally.wrong, []);
  t.is(tally.unreported, 0);
  t.true((tally.counts.get('table CORRUPTION') ?? 0) > FLIPS / 2);
  t.true(largest <= ALLOCATION_MAX, `${largest} bytes were asked for`);
});

test('damage: merges make nothing wrong of it, when a database with a flipped bit is opened for writing', (t) => {
  const tally = new Tally();
  for (const { file, bit } of sampledBits(REWRITES)) {
    sample.disk.flipBit(file.path, bit >>> 3, bit & 7);
    tally.add(
      file,
      bit >>> 3,
      `bit ${bit}`,
      attempt(() => examine(sample, sample.disk, { rewrite: true, part: { part: bit & 7, of: 8 } })),
    );
    sample.disk.flipBit(file.path, bit >>> 3, bit & 7);
  }
  t.deepEqual(tally.wrong, []);
});

type Damage = (content: Buffer, random: SeededRandom, used: number) => Buffer;

const damaged = test.macro((t, damage: Damage) => {
  const random = new SeededRandom('damage');
  const tally = new Tally();
  for (let i = 0; i < CASES; i++) {
    const file = sample.files[random.below(sample.files.length)]!;
    tally.add(
      file,
      file.bytes,
      `case ${i}`,
      withContent(sample, file, (content) => damage(content, random, file.usedBytes || file.bytes)),
    );
  }
  t.deepEqual(tally.wrong, []);
});

function withContent(of: Sample, file: StoredFile, damage: (content: Buffer) => Buffer, mutants: ReadonlySet<string> = new Set()): Verdict {
  const disk = of.disk.clone();
  overwrite(disk, file.path, damage(contentOf(disk, file.path)));
  return attempt(() => examine(of, disk, { mutants }));
}

test('damage: the right answer or a report, when several bits are flipped', damaged, (content, random, used) => {
  for (let i = random.below(8) + 2; i > 0; i--) content[random.below(used)]! ^= 1 << random.below(8);
  return content;
});
test('damage: the right answer or a report, when a range is zeros or garbage', damaged, (content, random, used) => {
  const from = random.below(used);
  // Not up to the end of a segment, where nothing would be left that says that there was more.
  const to = Math.min(used - 1, from + 1 + random.below(2_000));
  const garbage = random.chance(0.5);
  for (let at = from; at < to; at++) content[at] = garbage ? random.below(256) : 0;
  return content;
});
test('damage: the right answer or a report, when two pieces of a file are swapped', damaged, (content, random, used) => {
  const bytes = 64 << random.below(5);
  if (used < 2 * bytes) return content;
  const a = random.below(Math.floor(used / bytes)) * bytes;
  const b = random.below(Math.floor(used / bytes)) * bytes;
  const first = Buffer.from(content.subarray(a, a + bytes));
  content.copyWithin(a, b, b + bytes);
  content.set(first, b);
  return content;
});
test('damage: the right answer or a report, when a file is cut', damaged, (content, random) =>
  content.subarray(0, random.below(content.length)),
);
test('damage: the right answer or a report, when a file is longer', damaged, (content, random) =>
  Buffer.concat([content, Buffer.alloc(1 + random.below(5_000), random.below(256))]),
);

test('damage: the right answer or a report, when two files are swapped or one is a copy of another', (t) => {
  const tally = new Tally();
  for (const a of sample.files) {
    for (const b of sample.files) {
      if (a === b) continue;
      const disk = sample.disk.clone();
      const content = contentOf(disk, a.path);
      overwrite(disk, a.path, contentOf(disk, b.path));
      tally.add(
        a,
        0,
        `is ${b.path}`,
        attempt(() => examine(sample, disk)),
      );
      overwrite(disk, b.path, content);
      tally.add(
        a,
        0,
        `and ${b.path} swapped`,
        attempt(() => examine(sample, disk)),
      );
    }
  }
  t.deepEqual(tally.wrong, []);
  t.deepEqual(
    [...tally.counts.keys()].filter((key) => key.endsWith('right') && !key.startsWith('log')),
    [],
  );
});

const log = sample.files.findLast(({ kind, usedBytes }) => kind === 'log' && usedBytes > 0)!;

test('damage: a missing file is reported, but the newest segment of the log, whose writes are gone', (t) => {
  for (const file of sample.files) {
    const disk = sample.disk.clone();
    const { directory, name } = disk.entry('unlink', file.path);
    directory.edit([[name, undefined]]);
    const verdict = attempt(() => examine(sample, disk));
    if (file === log) t.true(isEarlier(sample, disk));
    else if (file.usedBytes > 0) t.deepEqual(verdict, { kind: 'reported', code: 'CORRUPTION' }, file.path);
  }
});

test('damage: the writes before it are there, when the end of the log is gone with all that vouches for it', (t) => {
  const random = new SeededRandom('tail');
  for (let i = 0; i < 12; i++) {
    const disk = sample.disk.clone();
    const content = contentOf(disk, log.path);
    content.fill(0, 200 + random.below(log.usedBytes - 200));
    overwrite(disk, log.path, content);
    t.true(isEarlier(sample, disk), `case ${i}`);
  }
});

/** Swaps the first two blocks of a table for each length that they may have, and says what came of it. */
function swapBlocks(mutants: ReadonlySet<string>): ReadonlySet<Verdict['kind']> {
  const of = makeUniformSample(mutants);
  const table = of.files.find(({ kind }) => kind === 'table')!;
  const kinds = new Set<Verdict['kind']>();
  for (let bytes = 900; bytes < 1_200; bytes++) {
    const swapped = (content: Buffer): Buffer =>
      Buffer.concat([content.subarray(bytes, 2 * bytes), content.subarray(0, bytes), content.subarray(2 * bytes)]);
    kinds.add(withContent(of, table, swapped, mutants).kind);
  }
  return kinds;
}

test('damage: a block that lies where another one was is reported, since its checksum says where it belongs', (t) => {
  t.deepEqual([...swapBlocks(new Set())], ['reported']);
});

test('damage: a checksum that does not say where the block belongs is found out (mutant checksumScope)', (t) => {
  t.true(swapBlocks(new Set(['checksumScope'])).has('wrong'));
});

test('damage: a log that is cut in place of reporting its damage is found out (mutant truncateInsteadOfReport)', (t) => {
  const tally = new Tally();
  const mutants = new Set(['truncateInsteadOfReport']);
  for (let byte = 200; byte < log.usedBytes; byte += 500) tryFlip(sample, log, byte * 8, tally, mutants);
  t.true(tally.wrong.length > 0);
});
