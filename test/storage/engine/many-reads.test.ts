import test, { type ExecutionContext } from 'ava';
import type { Snapshot } from '../../../storage/engine/api.ts';
import type { EngineOptions } from '../../../storage/engine/options.ts';
import { Rig } from './rig.ts';

/** Several groups, and a part of one. */
const COUNT = 300;

function keyOf(i: number): string {
  return `key${String(i).padStart(4, '0')}`;
}

function many(rig: Rig, keys: readonly string[], snapshot?: Snapshot): (string | undefined)[] {
  const bytes = keys.map((key) => Buffer.from(key));
  const values = rig.value<readonly (Uint8Array | undefined)[]>((done) => rig.engine.getMany(bytes, snapshot, done));
  return values.map((value) => (value === undefined ? undefined : Buffer.from(value).toString()));
}

function deleteRange(rig: Rig, from: string, to: string): void {
  rig.done((done) => rig.engine.deleteRange(Buffer.from(from), Buffer.from(to), 'none', done));
}

/** Each key three times: of every table and of the memtable something, of all of them something that is gone. */
function fill(rig: Rig): { readonly snapshot: Snapshot; readonly before: Map<string, string>; readonly now: Map<string, string> } {
  const now = new Map<string, string>();
  const put = (i: number, value: string): void => {
    rig.put(keyOf(i), value);
    now.set(keyOf(i), value);
  };
  for (let i = 0; i < COUNT; i += 2) put(i, `old ${i} ${'x'.repeat(i % 50)}`);
  rig.flush();
  rig.done((done) => rig.engine.compact({}, done));
  for (let i = 0; i < COUNT; i += 3) put(i, `newer ${i}`);
  rig.flush();
  const snapshot = rig.engine.snapshot();
  const before = new Map(now);
  for (let i = 0; i < COUNT; i += 5) {
    rig.done((done) => rig.engine.delete(Buffer.from(keyOf(i)), 'none', done));
    now.delete(keyOf(i));
  }
  rig.flush();
  deleteRange(rig, keyOf(100), keyOf(140));
  for (let i = 100; i < 140; i++) now.delete(keyOf(i));
  for (let i = 0; i < COUNT; i += 7) put(i, `newest ${i}`);
  return { snapshot, before, now };
}

const sameAsSingle = test.macro({
  title: (_ = '', options: EngineOptions) => `getMany: gives what single gets give, when options are ${JSON.stringify(options)}`,
  exec: (t: ExecutionContext, options: EngineOptions) => {
    const rig = new Rig().open(options);
    const { snapshot, before, now } = fill(rig);
    const keys = Array.from({ length: COUNT + 20 }, (_, i) => keyOf((i * 37) % (COUNT + 20)));
    const repeated = [...keys, ...keys.slice(0, 100)];
    for (let round = 0; round < 3; round++) {
      t.deepEqual(
        many(rig, repeated),
        repeated.map((key) => now.get(key)),
      );
      t.deepEqual(
        many(rig, repeated, snapshot),
        repeated.map((key) => before.get(key)),
      );
    }
    t.deepEqual(
      keys.map((key) => rig.get(key)?.toString()),
      keys.map((key) => now.get(key)),
    );
  },
});

test(sameAsSingle, { cacheBytes: 1 << 20 });
test(sameAsSingle, { cacheBytes: 0 });
test(sameAsSingle, { cacheBytes: 12_000 });
test(sameAsSingle, { cacheBytes: 12_000, inlineReads: false });
test(sameAsSingle, { cacheBytes: 1 << 20, bloomBitsPerKey: 0 });

test('getMany: gives the version of each snapshot, when the versions of a key fill several blocks', (t) => {
  const rig = new Rig().open({ cacheBytes: 1 << 20 });
  const snapshots: Snapshot[] = [];
  for (let i = 0; i < 60; i++) {
    rig.put('hot', `version ${i} ${'x'.repeat(40)}`);
    snapshots.push(rig.engine.snapshot());
  }
  rig.put('other', 'one');
  rig.flush();
  for (let round = 0; round < 2; round++) {
    for (const [i, snapshot] of snapshots.entries()) {
      t.deepEqual(many(rig, ['hot', 'absent', 'other', 'hot'], snapshot), [
        `version ${i} ${'x'.repeat(40)}`,
        undefined,
        undefined,
        `version ${i} ${'x'.repeat(40)}`,
      ]);
    }
  }
});
