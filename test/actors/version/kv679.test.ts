/**
 * The six histories of riak_kv#679 in which causal amnesia loses acknowledged writes, as its own tests tell them (riak_test: kv679_*), on vnodes a, b, c (primaries), d, e, f
 * (stand-ins). Each is a function of the planted bugs, so that the bugs which caused them there are seen to cause them here.
 */
import test from 'ava';
import { mergeBytes, NOTHING, valuesOf } from './records.ts';
import { readOf, TestCluster, type TestVnode } from './test-vnode.ts';

type Mutants = ReadonlySet<string>;
type History = (mutants: Mutants) => string[];

function vnodes(mutants: Mutants): Record<'a' | 'b' | 'c' | 'd' | 'e' | 'f', TestVnode> {
  const cluster = new TestCluster(mutants);
  cluster.isA7Checked = false;
  const next = (): TestVnode => cluster.vnode();
  return { a: next(), b: next(), c: next(), d: next(), e: next(), f: next() };
}

/** A client that reads before it writes, as the tests of Riak do. */
function write(at: TestVnode, replicas: readonly TestVnode[], ...values: readonly (string | undefined)[]): void {
  for (const value of values) {
    at.put(value, readOf([at, ...replicas]));
    spread(at, replicas);
  }
}

function spread(from: TestVnode, to: readonly TestVnode[]): void {
  for (const replica of to) replica.receive(from.record);
}

function repair(all: readonly TestVnode[]): string[] {
  const merged = readOf(all);
  for (const replica of all) replica.receive(merged);
  return valuesOf(readOf(all));
}

/** The coordinator's directory is deleted between two writes without context. */
const dataloss: History = (mutants) => {
  const { a, b, c } = vnodes(mutants);
  for (const value of ['phil', 'bob']) {
    a.put(value);
    spread(a, [b, c]);
  }
  a.restart('wiped');
  a.put('jon');
  spread(a, [b, c]);
  return repair([a, b, c]);
};

/** The coordinator loses its data, and is repaired from stand-ins that hold an old version: its clock goes back. */
const datalossFallback: History = (mutants) => {
  const { a, b, c, d, e } = vnodes(mutants);
  write(a, [d, e], 'bob', 'jim');
  write(a, [b, c], 'jon', 'joe');
  a.restart('wiped');
  repair([a, d, e]);
  write(a, [d, e], 'anne');
  spread(d, [b, c]);
  spread(e, [b, c]);
  return repair([a, b, c]);
};

/** The record of a primary can't be read while a handoff arrives, which is stored in its place; then it coordinates again. */
const datalossFallback2: History = (mutants) => {
  const { a, b, d, e, f } = vnodes(mutants);
  write(a, [d], 'alice');
  write(a, [e], 'bob', 'charlie');
  write(b, [f], 'dave');
  a.loseStore();
  spread(f, [a]);
  spread(d, [b]);
  repair([a, b]);
  write(a, [b], 'emma');
  spread(e, [b]);
  return repair([a, b]);
};

/** A tombstone is reaped on the primaries while a stand-in still holds it; the key is written again, and the stand-in hands off. */
const tombstone: History = (mutants) => {
  const { a, b, c, d } = vnodes(mutants);
  write(a, [b, c], 'bob', 'phil', 'pete');
  write(a, [b, d], undefined);
  spread(a, [c]);
  for (const primary of [a, b, c]) primary.reap();
  write(a, [b, c], 'jon');
  spread(d, [c]);
  return repair([a, b, c]);
};

/** A primary dies before the tombstone is reaped on the others, and comes back with it after the key was written again. */
const tombstone2: History = (mutants) => {
  const { a, b, c } = vnodes(mutants);
  write(a, [b, c], 'bob', 'phil', 'pete');
  write(a, [b, c], undefined);
  for (const up of [a, b]) up.reap();
  write(a, [b], 'jon');
  c.restart('killed');
  return repair([a, b, c]);
};

const told = test.macro((t, history: History, expected: readonly string[]) => {
  t.deepEqual(history(new Set()), expected);
});

test('kv679: dataloss: the writes before and after are siblings, when the coordinator lost its directory', told, dataloss, [
  'bob',
  'jon',
  'phil',
]);
test('kv679: dataloss_fb: the last write survives, when the clock came back from stand-ins', told, datalossFallback, ['anne', 'joe']);
test('kv679: dataloss_fb2: the last write survives, when a read failed under a handoff', told, datalossFallback2, ['charlie', 'emma']);
test('kv679: tombstone: the new value survives, when a stand-in hands off an old tombstone', told, tombstone, ['jon']);
test('kv679: tombstone2: the new value survives, when a primary comes back with an old tombstone', told, tombstone2, ['jon']);

test('kv679: uid: incarnations differ, when vnodes of one node start at the same time [T5]', (t) => {
  const cluster = new TestCluster();
  const ids = Array.from({ length: 1_000 }, () => Buffer.from(cluster.vnode().incarnation).toString('hex'));
  t.is(new Set(ids).size, 1_000);
});

test('kv679: the tombstones are doomstones, when counters begin anew with the key (control)', (t) => {
  const mutants = new Set(['positionalDot']);
  t.deepEqual([tombstone(mutants), tombstone2(mutants)], [['deleted'], ['deleted']]);
});

test('kv679: the last write is lost, when a loss goes unnoticed (control)', (t) => {
  t.deepEqual(forgetful('replica', new Set(['amnesiaIgnored'])), ['one', 'three']);
});

test('kv679: a record that was lost unnoticed is noticed, when a context or a replica knows more of the vnode than it does itself [T3]', (t) => {
  t.deepEqual(forgetful('context', new Set()), ['three', 'two']);
  t.deepEqual(forgetful('replica', new Set()), ['one', 'three', 'two']);
});

/** A vnode loses its record and coordinates once more; `reminder`: what then tells it of its past. */
function forgetful(reminder: 'context' | 'replica', mutants: Mutants): string[] {
  const { a, b } = vnodes(mutants);
  a.put('one');
  const read = a.record;
  a.put('two');
  b.receive(a.record);
  a.loseRecord();
  if (reminder === 'replica') a.receive(read);
  a.put('three', reminder === 'context' ? read : NOTHING);
  return valuesOf(mergeBytes(a.record, b.record));
}
