/** Writes that the engine refuses behind their back: what of them may be shown to other replicas (T3). */
import test, { type ExecutionContext } from 'ava';
import { COORDINATE } from '../../../actors/store/replica-call.ts';
import { CONTEXT_NONE, STORAGE_FAILED } from '../../../actors/store/store-request.ts';
import { faultPlan } from '../../../runtime/simulation/disk-faults.ts';
import type { NaiveRecord } from '../version/naive-record.ts';
import { ReplicaRig } from './replica-rig.ts';

/** A rig that remembers all records that it has shown, of writes that supersede nothing: who has seen a dot must hold its sibling. */
function shownBy(
  seed: string,
  valueBytes: number,
  mutants: readonly string[],
): { readonly rig: ReplicaRig; readonly shown: NaiveRecord[]; readonly put: (key?: string) => number } {
  const rig = new ReplicaRig(seed, { siblingsMax: 10_000, mutants: new Set(mutants) });
  const shown: NaiveRecord[] = [];
  rig.onMade = (token, record) => {
    if (rig.told[token]!.made?.siblings.some(({ value }) => value.startsWith('k '))) shown.push(record);
  };
  rig.open();
  const put = (key = 'k'): number =>
    rig.call(COORDINATE, { key, bytes: `${key} ${rig.told.length} ${'.'.repeat(valueBytes)}`, contextKind: CONTEXT_NONE });
  return { rig, shown, put };
}

/** Dots that a record shown later claims as seen and does not hold: another replica would drop them. */
function lostIn(shown: readonly NaiveRecord[]): readonly string[] {
  const lost = new Set<string>();
  const dots = shown.flatMap(({ siblings }) => siblings.map(({ actor, counter }) => ({ actor, counter, name: `${actor}.${counter}` })));
  for (const { vector, siblings } of shown) {
    const held = new Set(siblings.map(({ actor, counter }) => `${actor}.${counter}`));
    for (const { actor, counter, name } of dots) if (counter <= (vector.get(actor)?.counter ?? 0) && !held.has(name)) lost.add(name);
  }
  return [...lost];
}

/** Writes until the log fails, while it refuses writes, and when it is there again. */
function whileLogFails(mutants: readonly string[]): readonly NaiveRecord[] {
  const { rig, shown, put } = shownBy('refusing', 10, mutants);
  rig.answer(put());
  rig.world.disk.onCall = faultPlan([{ operations: ['pwrite'], path: '.log', fault: { kind: 'error', code: 'EIO' } }]);
  rig.answer(put());
  for (let i = 0; i < 20; i++) {
    put();
    put();
    rig.advance(2);
  }
  return afterwards(rig, shown, put);
}

function whileDiskIsFull(mutants: readonly string[]): readonly NaiveRecord[] {
  const { rig, shown, put } = shownBy('full', 300, mutants);
  rig.answer(put());
  rig.world.disk.budgetBytes = rig.world.disk.usedBytes() + 20_000;
  for (let i = 0; i < 120; i++) {
    put(i % 10 === 0 ? 'k' : `other ${i}`);
    if (i % 3 === 0) rig.advance(5);
  }
  return afterwards(rig, shown, put);
}

function afterwards(rig: ReplicaRig, shown: readonly NaiveRecord[], put: () => number): readonly NaiveRecord[] {
  rig.settle();
  rig.world.disk.budgetBytes = Number.POSITIVE_INFINITY;
  rig.advance(10_000);
  const last = [rig.answer(put()), rig.answer(put())];
  if (!last.every(({ isStored }) => isStored)) throw new Error('expected that writes are taken again');
  if (!rig.told.some(({ failed }) => failed?.status === STORAGE_FAILED)) throw new Error('expected that some failed');
  return shown;
}

type Run = (mutants: readonly string[]) => readonly NaiveRecord[];
const held = test.macro((t: ExecutionContext, run: Run) => {
  const shown = run([]);
  t.true(shown.length > 3);
  t.deepEqual(lostIn(shown), []);
});
const caught = test.macro((t: ExecutionContext, run: Run) => {
  t.true(lostIn(run(['shownBeforeHeld'])).length > 0);
});

test('replicas: no later record claims a write that was shown and is not held, when the log refuses writes', held, whileLogFails);
test('replicas: no later record claims a write that was shown and is not held, when the disk is full for a while', held, whileDiskIsFull);
test('replicas: it is seen that writes are shown before they are held, when the log refuses writes', caught, whileLogFails);
test('replicas: it is seen that writes are shown before they are held, when the disk is full for a while', caught, whileDiskIsFull);
