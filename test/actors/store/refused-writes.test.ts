/** Writes that the engine refuses behind their back: what of them may be shown to other replicas (T3). */
import test, { type ExecutionContext } from 'ava';
import { COORDINATE } from '../../../actors/store/replica-call.ts';
import { CONTEXT_NONE, STORAGE_FAILED } from '../../../actors/store/store-request.ts';
import { faultPlan } from '../../../runtime/simulation/disk-faults.ts';
import type { NaiveRecord } from '../version/naive-record.ts';
import { ReplicaRig } from './replica-rig.ts';

/** A rig that remembers all records that it has shown, of writes that supersede nothing: who has seen a dot must hold its sibling. */
function shownBy(seed: string, valueBytes: number): { readonly rig: ReplicaRig; readonly shown: NaiveRecord[]; readonly put: (key?: string) => number } {
  const rig = new ReplicaRig(seed, { siblingsMax: 10_000 });
  const shown: NaiveRecord[] = [];
  rig.onMade = (token, record) => {
    if (rig.told[token]!.made?.siblings.some(({ value }) => value.startsWith('k '))) shown.push(record);
  };
  rig.open();
  const put = (key = 'k'): number => rig.call(COORDINATE, { key, bytes: `${key} ${rig.told.length} ${'.'.repeat(valueBytes)}`, contextKind: CONTEXT_NONE });
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

function check(t: ExecutionContext, rig: ReplicaRig, shown: readonly NaiveRecord[]): void {
  t.true(rig.told.some(({ failed }) => failed?.status === STORAGE_FAILED));
  t.true(shown.length > 3);
  t.deepEqual(lostIn(shown), []);
}

test('replicas: no later record claims a write that was shown and is not held, when the log is refusing writes', (t) => {
  const { rig, shown, put } = shownBy('refusing', 10);
  rig.answer(put());
  rig.world.disk.onCall = faultPlan([{ operations: ['pwrite'], path: '.log', fault: { kind: 'error', code: 'EIO' } }]);
  rig.answer(put());
  for (let i = 0; i < 20; i++) {
    put();
    put();
    rig.advance(2);
  }
  rig.settle();
  rig.advance(5_000);
  t.true(rig.answer(put()).isStored);
  t.true(rig.answer(put()).isStored);
  check(t, rig, shown);
});

test('replicas: no later record claims a write that was shown and is not held, when the disk is full and has room again', (t) => {
  const { rig, shown, put } = shownBy('full', 300);
  rig.answer(put());
  rig.world.disk.budgetBytes = rig.world.disk.usedBytes() + 20_000;
  for (let i = 0; i < 120; i++) {
    put(i % 10 === 0 ? 'k' : `other ${i}`);
    if (i % 3 === 0) rig.advance(5);
  }
  rig.settle();
  rig.world.disk.budgetBytes = Number.POSITIVE_INFINITY;
  rig.advance(10_000);
  t.true(rig.answer(put()).isStored);
  t.true(rig.answer(put()).isStored);
  check(t, rig, shown);
});
