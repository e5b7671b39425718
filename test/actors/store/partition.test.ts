import test from 'ava';
import { OK, QUORUM_NOT_MET, TIMED_OUT } from '../../../actors/store/store-request.ts';
import { MAJORITY, MINORITY, type Mode, PartitionRun, type Told } from './partition-run.ts';

const SEED = 1;
const KEYS: readonly string[] = Array.from({ length: 40 }, (_, i) => `k${i}`);
const SIDES = [MINORITY, MAJORITY] as const;
const QUORUM = 2;

interface Seen {
  /** Of each side, in the order of SIDES. */
  readonly puts: readonly ReadonlyMap<string, Told>[];
  readonly gets: readonly ReadonlyMap<string, Told>[];
  /** Keys of which the side has that many of the three replicas. */
  readonly keysWith: readonly ((count: number) => readonly string[])[];
}

/** Nothing was done, and it says so. */
function isRefused({ status }: Told): boolean {
  return status === QUORUM_NOT_MET || status === TIMED_OUT;
}

/** Two machines of five are cut off; each side puts every key, then gets it. */
function cut(run: PartitionRun, mode: Mode): Seen {
  run.toCut();
  for (const { status } of run.ask(mode, KEYS, MAJORITY, 'before').values()) if (status !== OK) throw new Error(`before: ${status}`);
  run.toKnown();
  const puts = SIDES.map((side, index) => run.ask(mode, KEYS, side, `side ${index}`));
  const gets = SIDES.map((side) => run.ask(mode, KEYS, side));
  const counts = SIDES.map((side) => new Map(KEYS.map((key) => [key, run.primaries(mode, key, side).length])));
  return { puts, gets, keysWith: counts.map((of) => (count) => KEYS.filter((key) => of.get(key) === count)) };
}

/** All primaries of the key, byte by byte. */
function heldBy(run: PartitionRun, mode: Mode): ReadonlyMap<string, readonly Told[]> {
  const held = new Map([...MAJORITY, ...MINORITY].map((name) => [name, run.held(mode, KEYS, name)]));
  return new Map(KEYS.map((key) => [key, run.primaries(mode, key, [...held.keys()]).map((name) => held.get(name)!.get(key)!)] as const));
}

test('partition: a cp key goes on where two of its three replicas are, and is refused with numbers on the other side', (t) => {
  const run = new PartitionRun(SEED);
  const { puts, gets, keysWith } = cut(run, 'cp');
  for (const [index, with_] of keysWith.entries()) {
    for (const count of [0, 1, 2, 3]) {
      for (const key of with_(count)) {
        const [put, get] = [puts[index]!.get(key)!, gets[index]!.get(key)!];
        if (count >= QUORUM) {
          t.is(put.status, OK, key);
          t.deepEqual([get.status, get.values], [OK, [`side ${index}`]], key);
        } else {
          for (const it of [put, get]) {
            t.true(isRefused(it), `${key} on side ${index}: status ${it.status}`);
            t.deepEqual([it.needed, it.received], [QUORUM, it === put ? 0 : count], `${key} on side ${index}`);
          }
        }
      }
    }
  }
  t.true([0, 1, 2].every((count) => keysWith[0]!(count).length > 0));
  run.toHealed();
  // Each side alone has written what it may: there is one value, and it is found from everywhere.
  for (const side of SIDES)
    for (const [key, { status, values }] of run.ask('cp', KEYS, side))
      t.deepEqual([status, values], [OK, [keysWith[0]!(2).includes(key) ? 'side 0' : 'side 1']], key);
});

test('partition: an ap key is written and read on both sides, and all replicas have both values when the cut is over', (t) => {
  const run = new PartitionRun(SEED);
  const { puts, gets, keysWith } = cut(run, 'ap');
  for (const [index, all] of puts.entries()) {
    for (const [key, { status }] of all) t.is(status, OK, `put of ${key} on side ${index}`);
    for (const [key, { status, values }] of gets[index]!) {
      t.is(status, OK, `get of ${key} on side ${index}`);
      t.true(values.includes(`side ${index}`), `${key}: ${values.join()}`);
      t.false(values.includes(`side ${1 - index}`), `${key}: ${values.join()}`);
    }
  }
  t.true(keysWith[0]!(0).length > 0);
  run.toHealed();
  for (const [key, replicas] of heldBy(run, 'ap')) {
    t.is(replicas.length, 3);
    for (const { values, bytes } of replicas) {
      t.deepEqual(values, ['before', 'side 0', 'side 1'], key);
      t.deepEqual(bytes, replicas[0]!.bytes, key);
    }
  }
});

test('partition: what a side of an ap key has no replica of is refused there, and not said to be absent, until that side writes it', (t) => {
  const run = new PartitionRun(SEED);
  run.toCut();
  run.ask('ap', KEYS, MAJORITY, 'before');
  run.toKnown();
  const gets = run.ask('ap', KEYS, MINORITY);
  const counts = KEYS.map((key) => run.primaries('ap', key, MINORITY).length);
  for (const [index, key] of KEYS.entries()) {
    const { status, values } = gets.get(key)!;
    if (counts[index] === 0) t.true(isRefused(gets.get(key)!), `${key}: status ${status}`);
    else t.deepEqual([status, values], [OK, ['before']], key);
  }
  t.true(counts.includes(0));
});

test('partition: it is seen that stand-ins count for a cp key, when it is planted', (t) => {
  const { puts, keysWith } = cut(new PartitionRun(SEED, ['sloppyInCp']), 'cp');
  t.true(keysWith[0]!(1).some((key) => puts[0]!.get(key)!.status === OK));
});
