/**
 * Planted bugs: each is found by the checks that the other tests make, and these find nothing where nothing is planted.
 * A check throws when something is wrong.
 */
import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { fc } from '@fast-check/ava';
import test from 'ava';
import { ContextSeal } from '../../../actors/version/causal-context.ts';
import { DotSource } from '../../../actors/version/dot-source.ts';
import { ceilingPersisted, ceilingWanted, clockFrom, nextStamp, observeStamp } from '../../../actors/version/hlc.ts';
import { newestSibling } from '../../../actors/version/newest.ts';
import { RecordView } from '../../../actors/version/record-view.ts';
import { truncateEntries } from '../../../actors/version/truncate.ts';
import { anyNaive } from './arbitraries.ts';
import { checkHistories } from './history-model.ts';
import { encodeNaive, naiveMerge } from './naive-record.ts';
import { actorOf, digestOf, mergeBytes, NOTHING, outBuffer, putBytes, taken, tryPut, valuesOf, vectorOf, viewOf } from './records.ts';
import { TestCluster } from './test-vnode.ts';

type Mutants = ReadonlySet<string>;
type Check = (mutants: Mutants) => void;

const histories: Check = (mutants) => checkHistories(mutants, 300);
const truncatedHistories: Check = (mutants) => checkHistories(mutants, 300, 1);

const mergeAgainstOracle: Check = (mutants) => {
  fc.assert(
    fc.property(anyNaive, anyNaive, (a, b) => {
      assert.deepEqual(mergeBytes(encodeNaive(a), encodeNaive(b), mutants), encodeNaive(naiveMerge(a, b)));
    }),
    { seed: 1, numRuns: 300, endOnFailure: true },
  );
};

const doomstone: Check = (mutants) => {
  const cluster = new TestCluster(mutants);
  cluster.isA7Checked = false;
  const [primary, standIn] = [cluster.vnode(), cluster.vnode()];
  primary.put('old');
  primary.put(undefined, primary.record);
  standIn.receive(primary.record);
  primary.reap();
  primary.put('new');
  primary.receive(standIn.record);
  assert.deepEqual(valuesOf(primary.record), ['new']);
};

const amnesia: Check = (mutants) => {
  const cluster = new TestCluster(mutants);
  const [a, b] = [cluster.vnode(), cluster.vnode()];
  a.put('one');
  const read = a.record;
  a.put('two');
  b.receive(a.record);
  a.loseRecord();
  a.receive(read);
  a.put('three');
  assert.ok(valuesOf(mergeBytes(a.record, b.record)).includes('two'));
};

const refusals: Check = (mutants) => {
  const local = putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 5, stamp: 10, value: 'v' });
  assert.equal(tryPut(local, NOTHING, { actor: actorOf('a'), counter: 5, stamp: 11, value: 'w', mutants }), 'counterUsed');
  assert.equal(tryPut(NOTHING, local, { actor: actorOf('a'), counter: 4, stamp: 11, value: 'w', mutants }), 'counterUsed');
  assert.equal(tryPut(local, NOTHING, { actor: actorOf('b'), counter: 1, stamp: 10, value: 'w', mutants }), 'stampBehind');
  assert.equal(tryPut(NOTHING, local, { actor: actorOf('b'), counter: 1, stamp: 10, value: 'w', mutants }), 'stampBehind');
};

const contexts: Check = (mutants) => {
  const seal = new ContextSeal(Buffer.alloc(16, 1), mutants);
  const record = putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 5, value: 'v' });
  const [key, other] = [Buffer.from('k'), Buffer.from('o')];
  const out = outBuffer();
  seal.seal(viewOf(record), 1, key, 0, 1, out);
  const context = taken(out);
  const forged = Buffer.from(context);
  forged.writeBigUInt64LE(2n ** 50n, 22);
  const open = (bytes: Buffer, keyspace: number, of: Buffer) => seal.open(bytes, 0, bytes.length, keyspace, of, 0, 1, new RecordView());
  assert.equal(open(context, 1, key), undefined);
  for (const refused of [open(context, 2, key), open(context, 1, other), open(forged, 1, key)]) assert.notEqual(refused, undefined);
};

const digests: Check = (mutants) => {
  const record = putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 5, value: 'v' });
  const over = putBytes(record, record, { actor: actorOf('b'), counter: 1, value: 'w' });
  const out = outBuffer();
  out.ensure(over.length);
  out.bytes.set(over, 5);
  out.length += over.length;
  truncateEntries(out, 5, 1, NOTHING);
  assert.equal(digestOf(taken(out), mutants), digestOf(over, mutants));
};

const truncation: Check = (mutants) => {
  const written = ['d', 'a', 'c', 'b'].reduce<Buffer>(
    (record, name) => putBytes(record, record, { actor: actorOf(name), counter: 1, value: name }),
    NOTHING,
  );
  const out = outBuffer();
  out.ensure(written.length);
  out.bytes.set(written, 5);
  out.length += written.length;
  truncateEntries(out, 5, 3, actorOf('d'), mutants);
  assert.deepEqual(vectorOf(taken(out)), { b: 1, c: 1, d: 1 });
};

const lastWriter: Check = (mutants) => {
  const [a, b] = ['a', 'b'].map((name) => putBytes(NOTHING, NOTHING, { actor: actorOf(name), counter: 1, stamp: 9, value: name })) as [
    Buffer,
    Buffer,
  ];
  const both = viewOf(mergeBytes(a, b));
  const at = newestSibling(both, mutants);
  assert.equal(String.fromCharCode(both.bytes[both.actorOf(at)]!), 'b');
};

const clock: Check = (mutants) => {
  const NOW = 1_764_000_000_000;
  const state = clockFrom(0);
  assert.equal(nextStamp(state, NOW, mutants), 0);
  ceilingPersisted(state, ceilingWanted(state, NOW));
  const first = nextStamp(state, NOW, mutants);
  assert.ok(nextStamp(state, NOW - 1, mutants) > first);
  assert.ok(!observeStamp(state, 2 ** 53 - 1, NOW, 500, mutants));
};

const leases: Check = (mutants) => {
  const source = new DotSource({ lease: undefined, mark: undefined, isMarkOnDisk: false, fresh: actorOf('f'), leaseCounters: 2, mutants });
  assert.equal(source.next(), 0);
};

/** Used again after a crash, when a clean mark was trusted and left on disk. */
const marks: Check = (mutants) => {
  const [lease, mark] = [10, 5].map((counter) => ({ incarnation: actorOf('o'), counter }));
  const start = () => new DotSource({ lease, mark, isMarkOnDisk: true, fresh: actorOf('f'), mutants });
  const [before, after] = [start().next(), start().next()];
  assert.ok(before === 0 || before !== after);
};

const BUGS: Readonly<Record<string, Check>> = {
  mergeByMaxStamp: histories,
  mergeTakesOwnCounter: histories,
  mergeKeepsCovered: histories,
  sameDotDropped: mergeAgainstOracle,
  putDropsUncovered: histories,
  putKeepsCovered: histories,
  positionalDot: doomstone,
  usedCounterTaken: refusals,
  stampBehindTaken: refusals,
  amnesiaIgnored: amnesia,
  counterReusedAfterRestart: histories,
  leaseNotAwaited: leases,
  markKept: marks,
  truncatesLiveActor: truncatedHistories,
  truncatesCurrentFirst: truncation,
  truncatesYoungest: truncation,
  digestOfVector: digests,
  lwwTiesByOrder: lastWriter,
  clockGoesBack: clock,
  ceilingIgnored: clock,
  driftUnbounded: clock,
  contextOfAnyKey: contexts,
  contextOfAnyKeyspace: contexts,
  tagUnchecked: contexts,
};

const isFound = test.macro((t, name: string, check: Check) => {
  t.throws(() => check(new Set([name])));
});
for (const [name, check] of Object.entries(BUGS)) test(`version mutants: ${name} is found, when planted`, isFound, name, check);

test('version mutants: nothing is found, when nothing is planted', (t) => {
  for (const check of new Set(Object.values(BUGS))) t.notThrows(() => check(new Set()));
});

test('version mutants: the table has all that are planted', (t) => {
  const dir = 'actors/version';
  const planted = readdirSync(dir)
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...readFileSync(`${dir}/${name}`, 'utf8').matchAll(/mutants\??\.has\('(\w+)'\)/g)].map((m) => m[1]!));
  const inOrder = (names: Iterable<string>) => [...new Set(names)].sort((a, b) => (a < b ? -1 : 1));
  t.deepEqual(inOrder(planted), inOrder(Object.keys(BUGS)));
});
