import test, { type ExecutionContext } from 'ava';
import { SeededRandom } from '../../../runtime/random.ts';
import { LOSE_ALL } from '../../../runtime/simulation/crash-models.ts';
import { PowerLossError } from '../../../runtime/simulation/sim-disk.ts';
import { crc32 } from '../../../storage/checksum.ts';
import { Codecs } from '../../../storage/codec.ts';
import { scrubDirectory } from '../../../storage/engine/scrub-directory.ts';
import { StorageError } from '../../../storage/errors.ts';
import { tableName } from '../../../storage/manifest/file-names.ts';
import { DELETE, PUT } from '../../../storage/record.ts';
import { repair } from '../../../storage/repair/repair.ts';
import type { RepairLine, RepairResult } from '../../../storage/repair/repair-report.ts';
import { TableWriter } from '../../../storage/table/table-writer.ts';
import {
  type Bytes,
  changed,
  contentsOf,
  DIR,
  filesOf,
  flipped,
  keyOf,
  nameOf,
  onDisk,
  type Rig,
  sampleContents,
  sampleDatabase,
} from './sample-database.ts';

let sample: Bytes;
test.before(async () => {
  sample = await sampleDatabase();
});

interface Repaired extends RepairResult {
  readonly lines: readonly RepairLine[];
}

function run({ files }: Rig, dryRun = false): Repaired {
  const lines: RepairLine[] = [];
  const clock = { now: () => 0, wall: () => 1_700_000_000_000 };
  const result = repair({ files, clock, random: new SeededRandom('repair'), dir: DIR, dryRun, report: (line) => void lines.push(line) });
  return { ...result, lines };
}

/** After a repair: every file is as it was written, another repair finds nothing, and no content is gone. */
function isSound(t: ExecutionContext, rig: Rig, before: ReadonlyMap<string, Buffer>): void {
  t.deepEqual(
    [...scrubDirectory(rig.files, DIR)].filter(({ damage }) => damage !== undefined),
    [],
  );
  const after = [...filesOf(rig.files).values()];
  for (const [name, bytes] of before)
    t.true(
      after.some((other) => other.equals(bytes)),
      `${name} is still somewhere`,
    );
  t.false(run(rig).changed);
}

function verdicts(lines: readonly RepairLine[], verdict: RepairLine['verdict']): string[] {
  return lines.filter((line) => line.verdict === verdict).map(({ file }) => file);
}

test('sample: holds what it is said to hold, in tables of two levels and a log', (t) => {
  const rig = onDisk(sample);
  t.deepEqual(
    [...contentsOf(rig.files)],
    [...sampleContents()].sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  t.is([...sample.keys()].filter((name) => name.endsWith('.sst')).length, 2);
  t.is([...sample.keys()].filter((name) => name.endsWith('.log')).length, 1);
});

test('repair: changes nothing, when nothing is damaged', (t) => {
  const rig = onDisk(sample);
  t.like(run(rig), { changed: false, lossy: false });
  t.deepEqual(filesOf(rig.files), new Map([...sample].sort(([a], [b]) => (a < b ? -1 : 1))));
});

type Damage = (bytes: Bytes) => Bytes;
const current: Damage = (bytes) => changed(bytes, 'CURRENT', () => undefined);
const manifest =
  (change: (content: Buffer) => Buffer | undefined): Damage =>
  (bytes) =>
    changed(bytes, nameOf(bytes, /^MANIFEST/), change);
const table = (place: number, change: (content: Buffer) => Buffer | undefined): Damage => {
  return (bytes) => changed(bytes, [...bytes.keys()].filter((name) => name.endsWith('.sst')).sort()[place] ?? '', change);
};
const log =
  (change: (content: Buffer) => Buffer | undefined): Damage =>
  (bytes) =>
    changed(bytes, nameOf(bytes, /\.log$/), change);

const losesNothing = test.macro((t, damage: Damage, verdict: 'note' | 'merged') => {
  const bytes = damage(sample);
  const rig = onDisk(bytes);
  const { changed: didChange, lossy, lines } = run(rig);
  t.true(didChange);
  t.is(lossy, verdict === 'merged');
  t.is(verdicts(lines, 'merged').length > 0, verdict === 'merged');
  t.deepEqual(contentsOf(rig.files), contentsOf(onDisk(sample).files));
  isSound(t, rig, bytes);
});
test('repair: loses nothing and merges nothing, when CURRENT is missing', losesNothing, current, 'note');
test(
  'repair: loses nothing and merges nothing, when CURRENT is damaged',
  losesNothing,
  (bytes) => changed(bytes, 'CURRENT', flipped(3)),
  'note',
);
test('repair: loses nothing, when the header of the manifest is damaged', losesNothing, manifest(flipped(20)), 'merged');
test('repair: loses nothing, when the manifest is damaged in the middle', losesNothing, manifest(flipped(200)), 'merged');
test(
  'repair: loses nothing, when the manifest is missing',
  losesNothing,
  manifest(() => undefined),
  'merged',
);
test(
  'repair: loses nothing, when the manifest is cut and CURRENT missing',
  losesNothing,
  (bytes) => current(manifest((content) => content.subarray(0, 60))(bytes)),
  'merged',
);
test(
  'repair: loses nothing, when the manifest has lost its last edits, and names tables that are gone',
  losesNothing,
  // Up to the edit that added the first table, which a later one has removed.
  manifest((content) => content.subarray(0, endOfEdits(content, 2))),
  'merged',
);
test(
  'repair: loses nothing, when a filter is damaged',
  losesNothing,
  table(0, (content) => flipped(filterOf(content) + 30)(content)),
  'note',
);
test('repair: loses nothing, when the properties of a table are damaged', losesNothing, table(1, flipped(-68 - 8)), 'note');

/** Where the first `count` edits of a manifest end. */
function endOfEdits(content: Buffer, count: number): number {
  let at = 52;
  for (let i = 0; i < count; i++) at += 8 + content.readUInt32LE(at + 4);
  return at;
}

function filterOf(content: Buffer): number {
  return content.readUInt32LE(content.length - 68 + 24);
}

test('repair: only what is in a damaged block is lost, when the manifest is whole', (t) => {
  // The first table is that of the last level: nothing older comes back.
  const bytes = table(0, flipped(5_000))(sample);
  const rig = onDisk(bytes);
  const { lossy, lines } = run(rig);
  t.true(lossy);
  t.is(verdicts(lines, 'salvaged').length, 1);
  t.is(verdicts(lines, 'merged').length, 0);
  const found = contentsOf(rig.files);
  const lost = [...sampleContents()].filter(([key, value]) => found.get(key) !== value);
  t.true(lost.length <= 80, `${lost.length} of 600 are lost`);
  t.true([...found].every(([key, value]) => sampleContents().get(key) === value));
  isSound(t, rig, bytes);
});

test('repair: a table whose block is lost gives way to the older values below it, when that block had newer ones', (t) => {
  const bytes = table(1, flipped(100))(sample);
  const rig = onDisk(bytes);
  t.true(run(rig).lossy);
  const found = contentsOf(rig.files);
  for (const [key, value] of sampleContents()) {
    const i = Number(key.slice(4));
    t.true(found.get(key) === value || found.get(key) === `first of ${i} ${'.'.repeat(40)}`, key);
  }
  t.is(found.get(keyOf(0))?.slice(0, 5), 'first');
  isSound(t, rig, bytes);
});

const setsAside = test.macro((t, damage: Damage) => {
  const bytes = damage(sample);
  const rig = onDisk(bytes);
  const { lossy, lines } = run(rig);
  t.true(lossy);
  const name = verdicts(lines, 'lost').find((file) => file.endsWith('.sst'));
  t.truthy(name);
  if (bytes.has(name ?? '')) t.true(filesOf(rig.files).has(`lost/${name}`));
  t.true(contentsOf(rig.files).has('logged'));
  isSound(t, rig, bytes);
});
test('repair: a table is set aside, when its footer is damaged', setsAside, table(0, flipped(-30)));
test(
  'repair: a table is set aside, when its index is damaged',
  setsAside,
  table(1, (content) => flipped(indexOf(content) + 6)(content)),
);
test(
  'repair: a table is set aside, when it is cut',
  setsAside,
  table(0, (content) => content.subarray(0, 1_000)),
);
test(
  'repair: a table is given up, when it is missing',
  setsAside,
  table(1, () => undefined),
);
test('repair: a table is set aside, when it is empty and no manifest is left', setsAside, (bytes) =>
  current(manifest(() => undefined)(table(0, () => Buffer.alloc(0))(bytes))),
);

function indexOf(content: Buffer): number {
  const footer = content.length - 68;
  return content.readUInt32LE(footer + 24) + content.readUInt32LE(footer + 32) + content.readUInt32LE(footer + 36);
}

test('repair: records behind a damaged group are kept, when the log is damaged', (t) => {
  const at = [...sample].find(([name]) => name.endsWith('.log'))?.[1].indexOf('third of 105') ?? 0;
  const bytes = log(flipped(at))(sample);
  const rig = onDisk(bytes);
  t.true([...scrubDirectory(rig.files, DIR)].some(({ file, damage }) => file.endsWith('.log') && damage !== undefined));
  const { lossy, lines } = run(rig);
  t.true(lossy);
  t.is(verdicts(lines, 'salvaged').length, 1);
  t.regex(lines.find(({ verdict }) => verdict === 'salvaged')?.text ?? '', /lost: \d+ bytes at \d+/);
  const found = contentsOf(rig.files);
  t.is(found.get('logged last'), 'yes');
  t.false(found.has(keyOf(7)));
  t.is(found.get(keyOf(105))?.slice(0, 6), 'second');
  isSound(t, rig, bytes);
});

test('repair: all records are found, when the header of the log is damaged', (t) => {
  const bytes = log(flipped(50))(sample);
  const rig = onDisk(bytes);
  run(rig);
  t.deepEqual(contentsOf(rig.files), contentsOf(onDisk(sample).files));
  isSound(t, rig, bytes);
});

test('repair: says what it would do and does nothing, when it is a dry run', (t) => {
  const bytes = current(manifest(flipped(200))(table(0, flipped(5_000))(log(flipped(50))(sample))));
  const rig = onDisk(bytes);
  const before = filesOf(rig.files);
  const { changed: wouldChange, lines } = run(rig, true);
  t.true(wouldChange);
  t.deepEqual(verdicts(lines, 'made'), []);
  t.deepEqual(filesOf(rig.files), before);
  const told = run(rig)
    .lines.filter(({ verdict }) => verdict !== 'made')
    .map(({ file }) => file);
  t.deepEqual(
    lines.slice(0, -1).map(({ file }) => file),
    told,
  );
});

test('repair: an earlier value does not win, when its table has the larger sequences', (t) => {
  const rig = onDisk(new Map());
  writeTables(rig, [
    [
      ['a', 50, 'older'],
      ['z', 1_000, 'z'],
    ],
    [['a', 60, 'newer']],
  ]);
  t.true(run(rig).lossy);
  t.deepEqual(
    [...contentsOf(rig.files)],
    [
      ['a', 'newer'],
      ['z', 'z'],
    ],
  );
});

test('repair: the value of the later table wins, when merges have taken the sequences of both', (t) => {
  for (const values of [
    ['first', 'second', 'third'],
    ['third', 'second', 'first'],
  ]) {
    const rig = onDisk(new Map());
    writeTables(
      rig,
      values.map((value) => [['a', 0, value]]),
    );
    run(rig);
    t.is(contentsOf(rig.files).get('a'), values[2]);
  }
});

test('repair: tables that share no key stay as they are, when no manifest is left', (t) => {
  const rig = onDisk(new Map());
  writeTables(rig, [[['a', 1, '1']], [['c', 2, '2']], [['b', 3, '3']]]);
  const before = filesOf(rig.files);
  const { lines } = run(rig);
  t.is(verdicts(lines, 'kept').length, 3);
  t.deepEqual([...contentsOf(rig.files).values()], ['1', '3', '2']);
  for (const [name, bytes] of before) t.deepEqual(filesOf(rig.files).get(name), bytes);
});

function writeTables(
  rig: Rig,
  tables: readonly (readonly (readonly [key: string, sequence: number, value: string | undefined])[])[],
): void {
  for (const [i, entries] of tables.entries()) {
    const file = rig.files.open(`${DIR}/${tableName(i + 1)}`, 'createNew');
    const writer = new TableWriter(file, { uid: Buffer.alloc(16, i + 1), codecs: new Codecs() });
    for (const [key, sequence, value = ''] of entries) {
      writer.add(value === '' ? DELETE : PUT, sequence, Buffer.from(key), 0, key.length, Buffer.from(value), 0, value.length);
    }
    writer.finish();
    file.close();
  }
}

test('repair: refuses and changes nothing, when a file is of a newer version', (t) => {
  const newer = current(
    table(0, (content) => {
      // The footer's version and its checksum, as a later version would write them.
      content.writeUInt32LE(2, content.length - 16);
      return resealed(content);
    })(sample),
  );
  const rig = onDisk(newer);
  const before = filesOf(rig.files);
  t.throws(() => run(rig), { instanceOf: StorageError, code: 'UNKNOWN_FORMAT' });
  t.deepEqual(filesOf(rig.files), before);
});

function resealed(content: Buffer): Buffer {
  const footer = content.subarray(content.length - 68);
  footer.writeUInt32LE(crc32(footer.subarray(0, 56)), 56);
  return content;
}

test('repair: says that there is no database, when there is none', (t) => {
  t.throws(() => run(onDisk(new Map([['notes.txt', Buffer.from('x')]]))), { code: 'NOT_FOUND' });
});

const SEVERAL: Damage = (bytes) => table(1, flipped(100))(log(flipped(50))(bytes));

const survivesCrashes = test.macro((t, damage: Damage) => {
  const bytes = damage(sample);
  const whole = onDisk(bytes);
  const from = whole.disk.calls;
  run(whole);
  const expected = contentsOf(whole.files);
  let runs = 0;
  for (let call = from + 1; ; call++) {
    const rig = onDisk(bytes);
    let crashed = false;
    rig.disk.onCall = ({ number }) => {
      if (number !== call) return undefined;
      crashed = true;
      return { kind: 'powerLoss', when: 'before' };
    };
    try {
      run(rig);
    } catch (error) {
      if (!(error instanceof PowerLossError)) throw error;
    }
    if (!crashed) break;
    runs++;
    rig.disk.onCall = undefined;
    rig.disk.crash(LOSE_ALL);
    run(rig);
    t.deepEqual(contentsOf(rig.files), expected, `power lost before call ${call}`);
    const kept = [...filesOf(rig.files).values()];
    for (const content of bytes.values())
      if (!kept.some((other) => other.equals(content))) t.fail(`content lost, power lost before call ${call}`);
  }
  t.true(runs > 50, `${runs} crashes`);
});
test('repair: ends as if it had not been interrupted, when the power fails before any of its calls', survivesCrashes, SEVERAL);
test('repair: ends as if it had not been interrupted, when the manifest is lost and the power fails', survivesCrashes, (bytes) =>
  current(manifest(() => undefined)(SEVERAL(bytes))),
);

test('repair: leaves the database as it was and says why, when the disk is full', (t) => {
  const bytes = current(manifest(() => undefined)(sample));
  const rig = onDisk(bytes);
  rig.disk.budgetBytes = rig.disk.usedBytes() + 10_000;
  t.throws(() => run(rig), { code: 'IO', message: /ENOSPC/ });
  t.deepEqual([...filesOf(rig.files).keys()], [...bytes.keys()].sort());
});
