import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { CLEAN_MARK, decodeDotMark, encodeDotMark, LEASE } from '../../../actors/version/dot-marks.ts';
import { type DotMark, DotSource, type DotSourceOptions } from '../../../actors/version/dot-source.ts';
import { newIncarnation } from '../../../actors/version/incarnation.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { actorOf } from './records.ts';

const [OLD, FRESH] = [actorOf('o'), actorOf('f')];

function started(options: Partial<DotSourceOptions> = {}): DotSource {
  return new DotSource({
    lease: undefined,
    mark: undefined,
    isMarkOnDisk: options.mark !== undefined,
    fresh: FRESH,
    leaseCounters: 10,
    ...options,
  });
}

const at = (incarnation: Uint8Array, counter: number): DotMark => ({ incarnation, counter });

function leased(source: DotSource): DotSource {
  source.leaseGranted(source.askLease()!);
  return source;
}

test('dot source: gives no dot, when no lease is on disk', (t) => {
  const source = started();
  t.is(source.next(), 0);
  const lease = source.askLease()!;
  t.deepEqual(lease, at(FRESH, 11));
  t.is(source.next(), 0);
  source.leaseGranted(lease);
  t.deepEqual([source.next(), source.next()], [1, 2]);
});

test('dot source: asks for the next lease once, when half of the one it has is left', (t) => {
  const source = leased(started());
  for (let i = 1; i <= 4; i++) source.next();
  t.is(source.askLease(), undefined);
  source.next();
  t.deepEqual(source.askLease(), at(FRESH, 16));
  t.is(source.askLease(), undefined);
});

test('dot source: ends at its lease, when the next one is not on disk yet', (t) => {
  const source = leased(started());
  const given = Array.from({ length: 12 }, () => source.next());
  t.deepEqual(given, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0]);
});

test('dot source: asks again, when a lease could not be written', (t) => {
  const source = started();
  source.leaseFailed(source.askLease()!);
  t.deepEqual(source.askLease(), at(FRESH, 11));
});

test('dot source: begins a new incarnation, when it was killed', (t) => {
  const source = started({ lease: at(OLD, 100) });
  t.deepEqual(source.incarnation, FRESH);
  t.is(leased(source).next(), 1);
});

test('dot source: goes on where it ended, when it was closed in order and the mark is off the disk', (t) => {
  const source = started({ lease: at(OLD, 100), mark: at(OLD, 42) });
  t.deepEqual(source.incarnation, OLD);
  t.is(source.next(), 0);
  t.is(source.askLease(), undefined);
  source.markRemoved();
  t.is(source.next(), 42);
});

const distrusts = test.macro((t, options: Partial<DotSourceOptions>) => {
  t.deepEqual(started(options).incarnation, FRESH);
});
test('dot source: a mark without a lease is not trusted', distrusts, { mark: at(OLD, 5) });
test('dot source: a mark of another incarnation than the lease is not trusted', distrusts, {
  mark: at(OLD, 5),
  lease: at(actorOf('x'), 100),
});
test('dot source: a mark above its lease is not trusted', distrusts, { mark: at(OLD, 101), lease: at(OLD, 100) });
test('dot source: a damaged mark is not trusted', distrusts, { lease: at(OLD, 100), isMarkOnDisk: true });

test('dot source: gives no dot, when a damaged mark is still on disk', (t) => {
  const source = started({ lease: at(OLD, 100), isMarkOnDisk: true });
  t.is(source.askLease(), undefined);
  t.is(source.next(), 0);
  source.markRemoved();
  t.is(leased(source).next(), 1);
});

test('dot source: begins at 1 under the new name and ignores leases of the old one, when it is reincarnated', (t) => {
  const source = leased(started());
  for (let i = 0; i < 6; i++) source.next();
  const late = source.askLease()!;
  const other = actorOf('n');
  source.reincarnate(other);
  source.leaseGranted(late);
  source.leaseFailed(late);
  t.is(source.next(), 0);
  t.deepEqual(source.askLease(), at(other, 11));
  source.leaseGranted(at(other, 11));
  t.is(source.next(), 1);
  t.throws(() => source.reincarnate(Uint8Array.from(other)), { message: /expected a new incarnation/ });
});

test('dot source: gives no more dots and its mark, when it is closed', (t) => {
  const source = leased(started());
  source.next();
  t.deepEqual(source.close(), at(FRESH, 2));
  t.is(source.next(), 0);
  t.is(source.askLease(), undefined);
});

test('dot source: writes no new mark, when it is closed before the old one was removed', (t) => {
  t.is(started({ lease: at(OLD, 100), mark: at(OLD, 42) }).close(), undefined);
});

test('dot source: the counters end before 2^53, when an incarnation has used them up', (t) => {
  const source = started({ lease: at(OLD, Number.MAX_SAFE_INTEGER), mark: at(OLD, Number.MAX_SAFE_INTEGER - 1) });
  source.markRemoved();
  t.is(source.next(), Number.MAX_SAFE_INTEGER - 1);
  t.is(source.next(), 0);
});

testProp(
  'dot marks: come back, when they are any',
  [fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.maxSafeNat(), fc.boolean()],
  (t, id, n, isLease) => {
    const kind = isLease ? LEASE : CLEAN_MARK;
    const counter = Math.max(1, n);
    t.deepEqual(decodeDotMark(kind, encodeDotMark(kind, at(id, counter))), at(id, counter));
  },
);

test('dot marks: are worth nothing, when one bit is flipped, bytes are missing, or the kind is another', (t) => {
  const bytes = encodeDotMark(LEASE, at(OLD, 5));
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Uint8Array.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    t.regex(String(decodeDotMark(LEASE, flipped)), /^expected .+, found/);
  }
  t.is(decodeDotMark(LEASE, bytes.subarray(1)), 'expected 32 bytes, found 31');
  t.is(decodeDotMark(CLEAN_MARK, bytes), 'expected kind 2, found 1');
  t.regex(String(decodeDotMark(LEASE, encodeDotMark(LEASE, at(OLD, 2 ** 53)))), /expected a counter/);
});

test('incarnation: ids differ and are never all zero, when many are made', (t) => {
  const random = new SeededRandom(1);
  const ids = Array.from({ length: 1_000 }, () => newIncarnation(random));
  t.is(new Set(ids.map((id) => Buffer.from(id).toString('hex'))).size, 1_000);
  t.true(ids.every((id) => id.length === 16));
  const zero = { u32: () => 0, below: () => 0, float: () => 0, chance: () => false, fork: () => random };
  t.true(newIncarnation(zero).some((byte) => byte !== 0));
});
