import test from 'ava';
import { crc32Of } from '../../../storage/checksum.ts';
import { StorageError } from '../../../storage/errors.ts';
import { GROUP_HEADER_BYTES, SEGMENT_CHECKSUM, SEGMENT_VERSION } from '../../../storage/log/log-format.ts';
import { dumpSegment } from '../../../storage/log/segment-dump.ts';
import { readSegment, type SegmentReading } from '../../../storage/log/segment-reader.ts';
import { keysOf, LogWorld, recover } from './log-world.ts';

const FILE = '000001.log';
const KEYS = ['one', 'two', 'three', 'four'];

/** A segment of four groups, each with one record; the first three are vouched for, the last one only when `closed`. */
function segment(closed: boolean, stale = false): Buffer {
  const world = new LogWorld({ arenaBytes: 1_024 });
  for (const key of KEYS) {
    world.put(key);
    world.settle();
  }
  if (closed) world.close();
  const bytes = world.files.content(`/db/${FILE}`);
  if (!stale) return bytes;
  const other = new LogWorld({ arenaBytes: 1_024, seed: 2 });
  for (let i = 0; i < 9; i++) {
    other.put(`stale${i}`);
    other.settle();
  }
  const end = readSegment(bytes, FILE).end;
  if (end.kind === 'corruption') throw new Error('the segment is damaged');
  const until = end.offset + (closed ? GROUP_HEADER_BYTES : 0);
  return Buffer.concat([bytes.subarray(0, until), other.files.content(`/db/${FILE}`).subarray(until)]);
}

function outcome(
  bytes: Buffer,
  mutants: readonly string[] = [],
): { readonly kind: string; readonly offset: number; readonly count: number; readonly reading?: SegmentReading } {
  try {
    const reading = readSegment(bytes, FILE, { mutants: new Set(mutants) });
    const { end, groups } = reading;
    return { kind: end.kind, offset: end.kind === 'corruption' ? end.place.offset : end.offset, count: groups.length, reading };
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return { kind: error.code, offset: error.place?.offset ?? -1, count: 0 };
  }
}

for (const stale of [false, true]) {
  const behind = stale ? 'stale groups' : 'zeros';
  for (const closed of [false, true]) {
    const state = closed ? 'closed' : 'open';
    test(`segment reader: every flipped bit is reported or cuts what nothing vouched for, in an ${state} segment with ${behind} behind`, (t) => {
      const bytes = segment(closed, stale);
      const whole = outcome(bytes);
      t.is(whole.count, KEYS.length);
      t.is(whole.kind, closed ? 'cleanEnd' : 'tornTail');
      const groups = whole.reading!.groups;
      const last = groups.at(-1)!;
      const counts = new Map<string, number>();
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const at = bit >> 3;
        bytes[at]! ^= 1 << (bit & 7);
        const { kind, count } = outcome(bytes);
        bytes[at]! ^= 1 << (bit & 7);
        const expected =
          at < 64
            ? 'CORRUPTION'
            : at < last.offset
              ? 'corruption'
              : at < last.end
                ? closed
                  ? 'corruption'
                  : 'tornTail'
                : closed && at < last.end + GROUP_HEADER_BYTES
                  ? 'tornTail'
                  : whole.kind;
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
        if (kind !== expected) return t.fail(`bit ${bit}: expected ${expected}, got ${kind}`);
        // Only the last group, and only where nothing vouches for it.
        const kept = !closed && at >= last.offset && at < last.end ? KEYS.length - 1 : KEYS.length;
        if ((kind === 'tornTail' || kind === 'cleanEnd') && count !== kept)
          return t.fail(`bit ${bit}: expected ${kept} groups, got ${count}`);
      }
      t.deepEqual(
        [...counts.keys()].sort(),
        closed ? ['CORRUPTION', 'cleanEnd', 'corruption', 'tornTail'] : ['CORRUPTION', 'corruption', 'tornTail'],
      );
    });
  }

  test(`segment reader: a tail that never reached the disk is cut at a group, whatever is there instead, with ${behind} behind`, (t) => {
    const bytes = segment(false, stale);
    const ends = outcome(bytes).reading!.groups.map(({ end }) => end);
    for (const fill of [0, 0xff, 'garbage']) {
      for (let cut = 64; cut <= ends.at(-1)!; cut++) {
        const torn = Buffer.from(bytes);
        torn.fill(fill, cut);
        const whole = ends.filter((end) => torn.subarray(0, end).equals(bytes.subarray(0, end))).length;
        const { kind, offset, count } = outcome(torn);
        if (kind !== 'tornTail' || count !== whole)
          return t.fail(`cut at ${cut}, filled with ${fill}: ${kind} at ${offset}, ${count} groups`);
      }
    }
    t.pass();
  });
}

test('segment reader: every truncation of the file is corruption, since it had its size before its name', (t) => {
  const bytes = segment(true);
  for (let length = 0; length < bytes.length; length++) {
    if (outcome(bytes.subarray(0, length)).kind !== 'CORRUPTION') return t.fail(`${length} bytes`);
  }
  t.pass();
});

test('segment reader: a hole before a group that was not vouched for is a torn tail, and nothing behind it is used', (t) => {
  const world = new LogWorld({ arenaBytes: 1_024 });
  for (const key of KEYS) {
    world.put(key, 'none');
    world.settle();
  }
  const bytes = world.files.content(`/db/${FILE}`);
  const [, second] = outcome(bytes).reading!.groups;
  bytes.fill(0, second!.offset, second!.end);
  t.like(outcome(bytes), { kind: 'tornTail', count: 1, offset: second!.offset });
});

test('segment reader: damage below the synced offset is cut silently, when truncateInsteadOfReport is planted', (t) => {
  const bytes = segment(true);
  const [, second] = outcome(bytes).reading!.groups;
  bytes[second!.offset + 40]! ^= 4;
  t.is(outcome(bytes).kind, 'corruption');
  t.like(outcome(bytes, ['truncateInsteadOfReport']), { kind: 'tornTail', count: 1 });
});

test('segment reader: a newer version is refused as such', (t) => {
  const bytes = segment(true);
  bytes.writeUInt32LE(2, SEGMENT_VERSION);
  bytes.writeUInt32LE(crc32Of(bytes, 0, SEGMENT_CHECKSUM, 0), SEGMENT_CHECKSUM);
  t.is(outcome(bytes).kind, 'UNKNOWN_FORMAT');
});

test('segment reader: a dump names every record and the end', (t) => {
  const lines = [...dumpSegment(segment(true), FILE)];
  t.is(lines.filter((line) => line.startsWith('group at')).length, KEYS.length);
  for (const key of KEYS)
    t.true(
      lines.some((line) => line.endsWith(`put "${key}" = "value"`)),
      key,
    );
  t.regex(lines.at(-1)!, /closed$/);
});

test('log reader: a segment that the next one names is missed', (t) => {
  const world = new LogWorld();
  for (const key of KEYS) {
    world.put(key);
    world.rotate();
    world.settle();
  }
  world.close();
  t.deepEqual(keysOf(recover(world.files)), KEYS);
  t.deepEqual(keysOf(recover(world.files, 3)), KEYS.slice(2));
  for (const [number, missing] of [
    [2, true],
    [1, true],
    [5, false],
  ] as const) {
    const files = world.files.crash();
    files.nodes.delete(`/db/00000${number}.log`);
    if (missing) t.throws(() => recover(files), { code: 'CORRUPTION', message: new RegExp(`segment ${number} before this one`) });
    else t.deepEqual(keysOf(recover(files)), KEYS);
  }
});

test('log reader: a segment under another name, or of another database, is corruption', (t) => {
  const world = new LogWorld();
  world.put('a');
  world.close();
  const bytes = world.files.content(`/db/${FILE}`);
  world.files.nodes.clear();
  world.files.put('/db/000002.log', bytes);
  t.throws(() => recover(world.files), { code: 'CORRUPTION', message: /segment number 2/ });
  world.files.nodes.clear();
  bytes[32]! ^= 1;
  bytes.writeUInt32LE(crc32Of(bytes, 0, SEGMENT_CHECKSUM, 0), SEGMENT_CHECKSUM);
  world.files.put(`/db/${FILE}`, bytes);
  t.throws(() => recover(world.files), { code: 'CORRUPTION', message: /a segment of database 0102/ });
});
