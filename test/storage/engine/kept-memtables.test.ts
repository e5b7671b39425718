/** Memtables that are read from after their flush. That what they say is right in any order of things: the model test. */
import test from 'ava';
import { MEMTABLE_BYTES, Rig } from './rig.ts';

const SMALL = Buffer.alloc(100, 's');

/** Fills and flushes `count` memtables, each with a key of its own, `key<i>`. */
function flushed(rig: Rig, count: number): void {
  for (let i = 0; i < count; i++) {
    rig.put(`key${i}`, SMALL);
    rig.flush();
  }
}

test('kept memtables: what was flushed last is read without its table', (t) => {
  const rig = new Rig().open({ keepFlushed: true, cacheBytes: 0, inlineReads: false, memtablesMax: 4 });
  flushed(rig, 3);
  t.is(rig.engine.stats().keptMemtables, 3);
  const before = rig.engine.stats();
  for (let i = 0; i < 3; i++) t.deepEqual(rig.get(`key${i}`), SMALL);
  t.is(rig.engine.stats().asyncReads, before.asyncReads);
  t.is(rig.engine.stats().cacheMisses, before.cacheMisses);
});

test('kept memtables: the oldest gives way to those that need its memory, so that there are never more than without', (t) => {
  const rig = new Rig().open({ keepFlushed: true, cacheBytes: 0, inlineReads: false, memtablesMax: 4 });
  flushed(rig, 4);
  t.is(rig.engine.stats().keptMemtables, 3);
  const before = rig.engine.stats().asyncReads!;
  t.deepEqual(rig.get('key0'), SMALL);
  t.is(rig.engine.stats().asyncReads, before + 1);
  t.deepEqual(rig.get('key1'), SMALL);
  t.is(rig.engine.stats().asyncReads, before + 1);
  // Two that wait for their flush and the one in use: one is left.
  rig.holds = () => true;
  for (let i = 0; rig.engine.stats().immutableMemtables! < 2; i++) rig.put(`more${i}`, Buffer.alloc(MEMTABLE_BYTES / 8));
  t.is(rig.engine.stats().keptMemtables, 1);
  t.deepEqual(rig.get('key3'), SMALL);
  t.is(rig.engine.stats().asyncReads, before + 1);
});

test('kept memtables: none is, when the option says so', (t) => {
  const rig = new Rig().open({ keepFlushed: false, cacheBytes: 0, inlineReads: false });
  flushed(rig, 2);
  t.is(rig.engine.stats().keptMemtables, 0);
  const before = rig.engine.stats().asyncReads!;
  t.deepEqual(rig.get('key1'), SMALL);
  t.is(rig.engine.stats().asyncReads, before + 1);
});

test('kept memtables: a range delete that a merge has dropped hides what is kept from before it', (t) => {
  const rig = new Rig().open({ keepFlushed: true, memtablesMax: 4 });
  flushed(rig, 1);
  rig.done((done) => rig.engine.deleteRange(Buffer.from('key'), Buffer.from('kez'), undefined, done));
  rig.flush();
  rig.done((done) => rig.engine.compact({}, done));
  t.is(rig.engine.stats().tables, 0);
  t.is(rig.engine.stats().keptMemtables, 2);
  t.is(rig.get('key0'), undefined);
});

test('kept memtables: an iterator that was open before keeps the memory of one that gave way', (t) => {
  const rig = new Rig().open({ keepFlushed: true, memtablesMax: 2 });
  rig.put('key', 'old');
  const iterator = rig.engine.iterator({});
  rig.flush();
  for (let i = 0; i < 4; i++) {
    rig.put('key', 'new');
    rig.flush();
  }
  const entries = rig.value<readonly { value: Uint8Array }[]>((done) => iterator.next(10, 1 << 20, done));
  t.deepEqual(
    entries.map(({ value }) => Buffer.from(value).toString()),
    ['old'],
  );
  iterator.close();
});

/** What is read of a key that was overwritten and flushed, again and again, with other keys behind it. */
function readOverwritten(mutants: ReadonlySet<string>): string[] {
  const rig = new Rig().open({ keepFlushed: true, memtablesMax: 4, mutants });
  const read: string[] = [];
  for (let round = 0; round < 4; round++) {
    for (const value of [`old ${round}`, `new ${round}`]) {
      rig.put('key', value);
      rig.flush();
    }
    read.push(String(rig.get('key')));
    flushed(rig, 1);
    read.push(String(rig.get('key')));
  }
  return read;
}

const NEWEST = [0, 1, 2, 3].flatMap((round) => [`new ${round}`, `new ${round}`]);

test('kept memtables: the newest version is read, whichever are kept', (t) => {
  t.deepEqual(readOverwritten(new Set()), NEWEST);
});

for (const mutant of ['keptOldestFirst', 'keptLeavesGap'])
  test(`kept memtables: the planted bug ${mutant} is found`, (t) => {
    t.notDeepEqual(readOverwritten(new Set([mutant])), NEWEST);
  });
