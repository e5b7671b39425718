/**
 * Bytes that two replicas of a keyspace exchange to find and repair what differs, beside the aims and beside a naive peer that sends the digests of all keys: tokens and digests, 16 bytes a key.
 * Real trees, exchanges and frames between two replicas in memory, of one process; payloads of frames, whose own headers come to some 40 bytes each. And what a mark costs a write.
 * `node dist/bench/repair.js [--keys N]`
 */
import { DirtyMarks } from '../actors/repair/dirty-marks.ts';
import { engineKeyOf } from '../actors/store/engine-key.ts';
import type { Entry } from '../storage/engine/api.ts';
import { type Ended, RepairPair } from '../test/actors/repair/repair-pair.ts';
import { recordOf, siblingOf } from '../test/actors/scan/scan-cluster.ts';
import { encodeNaive } from '../test/actors/version/naive-record.ts';
import { optionsOf, wholeNumber } from '../test/helpers/options.ts';

const { values } = optionsOf({ options: { keys: { type: 'string', default: '1000000' } } });
const keys = wholeNumber('keys', values.keys, 10_000);

const VALUE = 'v'.repeat(100);
const OLD = encodeNaive(recordOf(siblingOf('a', 1, VALUE)));
const NEW = encodeNaive(recordOf(siblingOf('a', 2, VALUE)));
const OTHER = encodeNaive(recordOf(siblingOf('b', 1, VALUE)));
const PAIR_BYTES = 16;
const KIB = 1_024;

function line(...columns: readonly (string | number)[]): void {
  process.stdout.write(`${columns.map((column, i) => (i === 0 ? String(column).padEnd(34) : String(column).padStart(14))).join('')}\n`);
}

const pair = new RepairPair();
const entries: Entry[] = [];
for (let i = 0; i < keys; i++) {
  const key = `key-${String(i).padStart(12, '0')}`;
  const [high, low] = pair.tokenOf(key);
  entries.push({ key: engineKeyOf(pair.keyspaceId, high, low, Buffer.from(key)), value: OLD });
}
entries.sort((a, b) => Buffer.compare(a.key, b.key));
pair.a.store.entries = entries;
pair.b.store.entries = [...entries];

function repaired(): { readonly bytes: number; readonly frames: number; readonly valueBytes: number; readonly ended: readonly Ended[] } {
  const [bytes, frames] = [pair.bytes, pair.frames];
  const ended = pair.repair();
  const valueBytes = ended.reduce((sum, it) => sum + it.valueBytes, 0);
  const trouble = ended.find(({ fault, failed, unconfirmed }) => fault !== undefined || failed + unconfirmed > 0);
  if (trouble !== undefined) throw new Error(`partition ${trouble.partition}: ${trouble.fault ?? 'not all was repaired'}`);
  return { bytes: pair.bytes - bytes - valueBytes, frames: pair.frames - frames, valueBytes, ended };
}

const startedAt = performance.now();
const first = repaired();
const seconds = (performance.now() - startedAt) / 1_000;
process.stdout.write(`${keys} keys of 16 bytes, records of ${OLD.length}; ${pair.ring.owners.length} partitions\n`);
process.stdout.write(`trees of both sides made in ${seconds.toFixed(1)} s, ${((seconds / keys / 2) * 1e6).toFixed(2)} us a key\n\n`);
line('', 'frames', 'hash bytes', 'aim', 'of naive peer', 'value bytes', 'of difference');
const naive = keys * PAIR_BYTES;
const percent = (part: number, whole: number): string => `${((part / whole) * 100).toPrecision(3)} %`;
line('identical, first time', first.frames, first.bytes, 4 * KIB, percent(first.bytes, naive), first.valueBytes, '');
const again = repaired();
line('identical', again.frames, again.bytes, 4 * KIB, percent(again.bytes, naive), again.valueBytes, '');
let isWell = first.bytes <= 4 * KIB && again.bytes <= 4 * KIB;

/** By turns newer at a, newer at b, concurrent, only at a. Returns the bytes of the records that have to travel. */
function differ(count: number, kind: string, offset: number): number {
  let needed = 0;
  for (let i = 0; i < count; i++) {
    const key = `key-${String(Math.floor((i * keys) / count) + offset).padStart(12, '0')}`;
    if (kind === 'newer') {
      pair.put(i % 2 === 0 ? pair.a : pair.b, key, NEW);
      needed += NEW.length;
    } else if (kind === 'concurrent') {
      pair.put(pair.a, key, NEW);
      pair.put(pair.b, key, OTHER);
      needed += NEW.length + OTHER.length;
    } else {
      pair.put(i % 2 === 0 ? pair.a : pair.b, `only-${key}`, NEW);
      needed += NEW.length;
    }
  }
  return needed;
}

let offset = 0;
for (const kind of ['newer', 'concurrent', 'missing'])
  for (const count of [1, 10, 1_000]) {
    // Other keys each time.
    const needed = differ(count, kind, offset++);
    const { frames, bytes, valueBytes } = repaired();
    const aim = 4 * KIB + KIB * count;
    isWell &&= bytes <= aim && valueBytes <= needed * 1.1 && pair.repair().every(({ differing }) => differing === 0);
    line(`${count} ${kind}`, frames, bytes, aim, percent(bytes, naive), valueBytes, (valueBytes / needed).toFixed(2));
  }

/** What a write pays. */
const marks = new DirtyMarks();
marks.of(1, 0, 256);
const MARKS = 20_000_000;
let high = 1;
const markedAt = performance.now();
for (let i = 0; i < MARKS; i++) {
  high = (Math.imul(high, 0x0019_660d) + 0x3c6e_f35f) >>> 0;
  marks.mark(1, high);
}
process.stdout.write(`\na mark: ${(((performance.now() - markedAt) / MARKS) * 1e6).toFixed(1)} ns\n`);
process.stdout.write(isWell ? 'all aims are met\n' : 'an aim is NOT met\n');
process.exitCode = isWell ? 0 : 1;
