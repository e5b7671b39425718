import test from 'ava';
import { emptyStoredRing, type StoredRing } from '../../../actors/membership/ring-file.ts';
import { type OpenedRingStore, openRingStore, type RingStore } from '../../../actors/membership/ring-store.ts';
import type { FileResult } from '../../../runtime/files.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { allCrashModels, type FaultRule, faultPlan, SimDisk, SimFiles } from '../../../runtime/simulation/testing.ts';
import type { StorageResult } from '../../../storage/errors.ts';
import { VirtualSchedule } from '../../runtime/simulation/virtual-schedule.ts';

const DIRECTORY = '/data/ring';
const OWNER = 'a'.repeat(32);
const state = (round: number): StoredRing => ({ ...emptyStoredRing(OWNER), round });

class StoreRig {
  readonly disk: SimDisk;
  readonly #schedule = new VirtualSchedule();
  readonly #files: SimFiles;

  constructor(disk = new SimDisk()) {
    this.disk = disk;
    if (disk.root.now.size === 0) disk.makeDirectory('/data');
    this.#files = new SimFiles({ disk, schedule: this.#schedule.schedule, random: new SeededRandom(1) });
  }

  open(): StorageResult<OpenedRingStore> | undefined {
    let opened: StorageResult<OpenedRingStore> | undefined;
    openRingStore(this.#files, DIRECTORY, (result) => {
      opened = result;
    });
    this.#schedule.runAll();
    return opened;
  }

  store(): RingStore {
    const opened = this.open();
    if (opened?.ok !== true) throw new Error(`not opened: ${opened?.error.message}`);
    return opened.value.store;
  }

  /** Undefined: it never ended. */
  write(store: RingStore, next: StoredRing): FileResult<void> | undefined {
    let written: FileResult<void> | undefined;
    store.write(next, (result) => {
      written = result;
    });
    this.#schedule.runAll();
    return written;
  }

  round(): number | null | undefined {
    const opened = this.open();
    return opened?.ok === true ? (opened.value.state?.round ?? null) : undefined;
  }

  names(): readonly string[] {
    return [...(this.disk.find('test', DIRECTORY) as unknown as { readonly now: ReadonlyMap<string, unknown> }).now.keys()].sort();
  }
}

test('ring store: a new directory has no state, and the last one written comes back', (t) => {
  const rig = new StoreRig();
  t.is(rig.round(), null);
  const store = rig.store();
  for (const round of [1, 2, 3]) t.true(rig.write(store, state(round))?.ok);
  t.is(rig.round(), 3);
  t.is(rig.names().length, 1);
});

test('ring store: what it said is written is there after a power cut at each call, with all that may survive of the rest', (t) => {
  let points = 0;
  for (let call = 1; ; call++) {
    const rig = new StoreRig();
    const first = rig.store();
    rig.write(first, state(1));
    const { calls } = rig.disk;
    rig.disk.onCall = faultPlan([{ fromCall: calls + call, fault: { kind: 'powerLoss', when: call % 2 === 0 ? 'before' : 'after' } }]);
    const second = rig.write(first, state(2));
    const third = second?.ok === true ? rig.write(first, state(3)) : undefined;
    const said = third?.ok === true ? 3 : second?.ok === true ? 2 : 1;
    for (const model of allCrashModels(rig.disk.pending(), { randomCount: 3 })) {
      points++;
      const disk = rig.disk.clone();
      disk.onCall = undefined;
      disk.crash(model);
      const round = new StoreRig(disk).round();
      t.true(round === said || round === said + 1, `call ${call}, ${model.name}: ${round} after ${said}`);
    }
    if (third?.ok === true) break;
  }
  t.true(points > 50, `${points}`);
});

test('ring store: a write that fails leaves the state of before or this one, and the next one succeeds', (t) => {
  for (const operation of ['open', 'pwrite', 'datasync', 'rename', 'syncDir'] as const) {
    const rig = new StoreRig();
    const store = rig.store();
    rig.write(store, state(1));
    rig.disk.onCall = faultPlan([{ operations: [operation], path: 'ring', fault: { kind: 'error', code: 'EIO' } } satisfies FaultRule]);
    const failed = rig.write(store, state(2));
    t.is(failed?.ok === false ? failed.error.code : undefined, 'EIO', operation);
    rig.disk.onCall = undefined;
    t.true(rig.write(store, state(3))?.ok, operation);
    rig.disk.crash();
    t.is(new StoreRig(rig.disk).round(), 3, operation);
  }
});

test('ring store: a write that an earlier instance had under way never replaces a newer state', (t) => {
  const rig = new StoreRig();
  const old = rig.store();
  rig.write(old, state(1));
  const restarted = rig.store();
  rig.write(restarted, state(3));
  // The old instance's call comes through only now.
  rig.write(old, state(2));
  t.is(rig.round(), 3);
});

test('ring store: damage is reported with file and offset, and is not taken for a torn write', (t) => {
  const rig = new StoreRig();
  rig.write(rig.store(), state(1));
  const [name] = rig.names();
  rig.disk.flipBit(`${DIRECTORY}/${name}`, 30, 3);
  const opened = rig.open();
  t.is(opened?.ok, false);
  if (opened?.ok !== false) return;
  t.is(opened.error.code, 'CORRUPTION');
  t.is(opened.error.place?.file, `${DIRECTORY}/${name}`);
  t.regex(opened.error.message, /expected the checksum 0x[0-9a-f]{8}, found 0x[0-9a-f]{8}/);
});

test('ring store: what was left of a write is removed', (t) => {
  const rig = new StoreRig();
  const store = rig.store();
  rig.disk.onCall = faultPlan([{ operations: ['rename'], fault: { kind: 'powerLoss', when: 'before' } }]);
  rig.write(store, state(1));
  rig.disk.onCall = undefined;
  rig.disk.crash({ name: 'all', survivalOf: () => 'whole' });
  const after = new StoreRig(rig.disk);
  t.is(after.names().length, 1);
  t.is(after.round(), null);
  t.is(after.names().length, 0);
});
