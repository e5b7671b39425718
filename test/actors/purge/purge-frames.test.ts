import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { CHECK, COMPARE, INSTALL, PurgeAsk, readClock, SWEEP, writeTold } from '../../../actors/purge/purge-frames.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { anyNaive } from '../version/arbitraries.ts';
import { encodeNaive } from '../version/naive-record.ts';

const anyId = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((id) => id.toString(16).padStart(32, '0'));
const anyU32 = fc.integer({ min: 0, max: 0xffff_ffff });

function written(ask: PurgeAsk): Buffer {
  const out = new OutBuffer(16, 65_536);
  if (!ask.write(out)) throw new Error('no room');
  return Buffer.from(out.bytes.subarray(0, out.length));
}

function askOf(fields: Partial<PurgeAsk>): PurgeAsk {
  return Object.assign(new PurgeAsk(), { keyspace: 1, partitionBits: 8 }, fields);
}

testProp(
  'purge frames: what is asked is read as it was written',
  [
    fc.constantFrom(CHECK, COMPARE, INSTALL, SWEEP),
    fc.record({
      keyspace: fc.integer({ min: 1, max: 0xffff_ffff }),
      tokenHigh: anyU32,
      generation: anyU32,
      changedAt: anyU32,
      epoch: anyU32,
    }),
    fc.integer({ min: 3, max: 14 }),
    fc.array(anyId, { minLength: 1, maxLength: 31 }),
    anyNaive,
    fc.maxSafeNat(),
  ],
  (t, operation, place, partitionBits, ids, naive, asOfMs) => {
    const hasFloor = operation === INSTALL || operation === SWEEP;
    const floor = hasFloor ? encodeNaive({ ...naive, siblings: [] }) : new Uint8Array(0);
    const ask = askOf({ ...place, partitionBits, asOfMs, floor, peers: operation === COMPARE ? ids : [] });
    const bytes = written(ask);
    const read = new PurgeAsk();
    t.is(read.read(operation, bytes, 0, bytes.length), undefined);
    t.like(read, { ...place, partitionBits, asOfMs, peers: ask.peers });
    t.true(Buffer.from(read.floor).equals(floor));
    t.is(read.partition, Math.floor(place.tokenHigh / 2 ** (32 - partitionBits)));
    if (bytes.length > 0) t.not(read.read(operation, bytes, 0, bytes.length - 1), undefined);
  },
);

test('purge frames: what does not belong to an operation is refused', (t) => {
  const read = (operation: number, fields: Partial<PurgeAsk>, change: (bytes: Buffer) => void = () => {}): string | undefined => {
    const bytes = written(askOf(fields));
    change(bytes);
    return new PurgeAsk().read(operation, bytes, 0, bytes.length);
  };
  t.is(read(CHECK, {}), undefined);
  t.regex(read(CHECK, { peers: ['0'.repeat(32)] })!, /found 1 peers/);
  t.regex(read(COMPARE, {})!, /found 0 peers/);
  t.regex(read(CHECK, { floor: new Uint8Array(3) })!, /3 more bytes/);
  t.regex(read(INSTALL, { floor: new Uint8Array(3) })!, /header/);
  t.regex(read(CHECK, { partitionBits: 2 })!, /partitions, found 2/);
  t.regex(read(CHECK, { keyspace: 0 })!, /keyspace/);
  t.regex(read(CHECK, { option: 1 })!, /no option/);
  t.regex(read(CHECK, {}, (bytes) => bytes.writeUInt16LE(1, 30))!, /zeros/);
  t.regex(read(CHECK, {}, (bytes) => bytes.fill(0xff, 32, 40))!, /2\^53/);
  t.regex(read(COMPARE, {}, (bytes) => (bytes[29] = 40))!, /at most 31 peers/);
});

test('purge frames: an answer is a clock', (t) => {
  const out = new OutBuffer(16, 64);
  writeTold(out, 1_700_000_000_123);
  t.is(readClock(out.bytes, 0, out.length), 1_700_000_000_123);
  t.is(typeof readClock(out.bytes, 0, out.length - 1), 'string');
  out.bytes.fill(0xff, 4, 12);
  t.is(typeof readClock(out.bytes, 0, out.length), 'string');
});
