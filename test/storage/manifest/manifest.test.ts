import test from 'ava';
import { crc32Of } from '../../../storage/checksum.ts';
import { StorageError } from '../../../storage/errors.ts';
import { MANIFEST_CHECKSUM, MANIFEST_VERSION_AT } from '../../../storage/manifest/manifest-format.ts';
import { decodeCurrent, encodeCurrent, readManifest } from '../../../storage/manifest/manifest-reader.ts';
import { ManifestWorld, readBack } from './manifest-world.ts';

const FILE = 'MANIFEST-000001';

function small(closed: boolean): { readonly bytes: Buffer; readonly ends: readonly number[] } {
  const world = new ManifestWorld();
  const ends: number[] = [];
  const note = (): void => {
    ends.push(world.files.content(`/db/${FILE}`).length);
  };
  world.append({ options: '{"a":1}' });
  note();
  for (let i = 0; i < 3; i++) {
    world.addTable();
    note();
  }
  if (closed) {
    world.close();
    note();
  }
  return { bytes: Buffer.from(world.files.content(`/db/${FILE}`)), ends };
}

function outcome(bytes: Buffer, mutants: readonly string[] = []): { readonly kind: string; readonly count: number } {
  try {
    const { end, edits } = readManifest(bytes, FILE, new Set(mutants));
    return { kind: end.kind, count: edits.length };
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return { kind: error.code, count: 0 };
  }
}

for (const closed of [false, true]) {
  const state = closed ? 'closed' : 'open';
  test(`manifest: every flipped bit is corruption, but of the last edit, when ${state}`, (t) => {
    const { bytes, ends } = small(closed);
    const last = ends.at(-2)!;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const { kind, count } = outcome(bytes);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const expected = bit >> 3 < last ? 'CORRUPTION' : 'torn';
      if (kind !== expected) return t.fail(`bit ${bit}: expected ${expected}, got ${kind}`);
      // When closed, the last edit is the close, and no change is lost.
      if (kind === 'torn' && count !== ends.length - 1) return t.fail(`bit ${bit}: ${count} edits`);
    }
    t.is(outcome(bytes).kind, closed ? 'closed' : 'open');
  });

  test(`manifest: every truncation keeps the whole edits, and is corruption before the first is whole, when ${state}`, (t) => {
    const { bytes, ends } = small(closed);
    for (let length = 0; length < bytes.length; length++) {
      const { kind, count } = outcome(bytes.subarray(0, length));
      const whole = ends.filter((end) => end <= length).length;
      const expected = whole === 0 ? 'CORRUPTION' : ends.includes(length) ? 'open' : 'torn';
      if (kind !== expected || count !== whole) return t.fail(`${length} bytes: expected ${expected} ${whole}, got ${kind} ${count}`);
    }
    t.pass();
  });
}

test('manifest: damage before a whole edit is cut silently, when truncateInsteadOfReport is planted', (t) => {
  const { bytes, ends } = small(true);
  bytes[ends[1]! + 20]! ^= 1;
  t.is(outcome(bytes).kind, 'CORRUPTION');
  t.deepEqual(outcome(bytes, ['truncateInsteadOfReport']), { kind: 'torn', count: 2 });
});

test('manifest: a newer version is refused as such', (t) => {
  const { bytes } = small(true);
  bytes.writeUInt32LE(2, MANIFEST_VERSION_AT);
  bytes.writeUInt32LE(crc32Of(bytes, 0, MANIFEST_CHECKSUM, 0), MANIFEST_CHECKSUM);
  t.is(outcome(bytes).kind, 'UNKNOWN_FORMAT');
});

test('manifest: every flipped bit of CURRENT is corruption', (t) => {
  const bytes = encodeCurrent(5);
  t.is(decodeCurrent(bytes, 'CURRENT'), 5);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    t.throws(() => decodeCurrent(bytes, 'CURRENT'), { code: 'CORRUPTION' });
    bytes[bit >> 3]! ^= 1 << (bit & 7);
  }
  for (let length = 0; length < bytes.length; length++)
    t.throws(() => decodeCurrent(bytes.subarray(0, length), 'CURRENT'), { code: 'CORRUPTION' });
});

test('manifest: a new one begins with a snapshot, when the file has grown', (t) => {
  const world = new ManifestWorld({ bytesMax: 400 });
  world.append({});
  const numbers = Array.from({ length: 12 }, () => world.addTable());
  t.true(world.writer.number > 1);
  t.is(world.files.names().filter((name) => name.startsWith('MANIFEST')).length, 1);
  const { state } = readBack(world.files.crash());
  t.deepEqual([...state.tableNumbers()], numbers);
  t.deepEqual(state, world.writer.state);
});

test('manifest: after a failed write the next edit makes a new file without the failed one', (t) => {
  for (const failure of ['pwrite', 'datasync']) {
    const world = new ManifestWorld();
    world.append({});
    const kept = world.addTable();
    world.files.failures.set(failure, 'EIO');
    world.addTable();
    const later = world.addTable();
    t.deepEqual(world.outcomes, ['ok', 'ok', 'IO', 'ok']);
    t.deepEqual([...readBack(world.files.crash()).state.tableNumbers()], [kept, later]);
    world.close();
    t.is(readBack(world.files.crash()).end.kind, 'closed');
  }
});

test('manifest: a writer follows a recovered one with a file of its own', (t) => {
  const first = new ManifestWorld();
  first.append({ options: 'x' });
  const number = first.addTable();
  const files = first.files.crash();
  const from = readBack(files);
  const second = new ManifestWorld({ files, from });
  second.append({});
  t.deepEqual(files.names(), ['CURRENT', 'MANIFEST-000003']);
  const { state } = readBack(files.crash());
  t.deepEqual([...state.tableNumbers()], [number]);
  t.is(state.options, 'x');
});

/** Loses power after each call of a few edits and switches; returns what went wrong. */
function wrongAfterCrash(mutants: readonly string[]): string[] {
  const wrong: string[] = [];
  for (let cut = 0; cut < 120; cut++) {
    const world = new ManifestWorld({ mutants, bytesMax: 300 });
    world.begin({});
    for (let calls = 0; calls < cut; calls++) {
      if (world.files.pending.length > 0) world.files.step();
      else world.begin({ lastSequence: world.writer.state.lastSequence + 1 });
    }
    const acknowledged = world.outcomes.length === 0 ? undefined : world.writer.state.lastSequence;
    const after = world.files.crash();
    try {
      const { lastSequence } = readBack(after).state;
      if (acknowledged === undefined || (lastSequence !== acknowledged && lastSequence !== acknowledged + 1)) {
        if (acknowledged !== undefined) wrong.push(`${cut}: ${lastSequence} for ${acknowledged}`);
      }
    } catch (error) {
      if (acknowledged !== undefined) wrong.push(`${cut}: ${error instanceof Error ? error.message : 'failed'}`);
    }
  }
  return wrong;
}

test('manifest: every edit that was acknowledged is there, wherever power goes', (t) => {
  t.deepEqual(wrongAfterCrash([]), []);
});
test('manifest: acknowledged edits are lost, when skipDirSync is planted', (t) => {
  t.not(wrongAfterCrash(['skipDirSync']).length, 0);
});
