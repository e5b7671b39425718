/** A random run of replicas against what it says itself: nothing that was made or merged is missing later, whatever was on disk, and no dot comes twice. */
import { COORDINATE, MERGE_IN, READ_LOCAL } from '../../../actors/store/replica-call.ts';
import { CONTEXT_LOCAL, CONTEXT_NONE, DURABILITY_NONE, DURABILITY_SYNC } from '../../../actors/store/store-request.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { keepRandom, LOSE_ALL } from '../../../runtime/simulation/crash-models.ts';
import { encodeNaive, type NaiveRecord, NO_RECORD, naiveCompare, naiveMerge } from '../version/naive-record.ts';
import { ReplicaRig } from './replica-rig.ts';

export interface RunOptions {
  readonly seed: number;
  readonly operations: number;
  readonly mutants?: readonly string[];
}

interface Written {
  readonly key: string;
  readonly token: number;
  record: NaiveRecord;
  readonly isSync: boolean;
}

const KEYS = ['a', 'b', 'c'];
const FILL_BYTES = 300;

/** Returns what was wrong; undefined: nothing. */
export function runReplicas({ seed, operations, mutants = [] }: RunOptions): string | undefined {
  const random = new SeededRandom(seed);
  const rig = new ReplicaRig(`run ${seed}`, { mutants: new Set(mutants), leaseCounters: 8 });
  const dots = new Set<string>();
  /** What must be there: joined of all that was acknowledged on disk before a crash, or made since. */
  let floors = new Map<string, NaiveRecord>();
  let written: Written[] = [];
  let wrong: string | undefined;
  let foreign = 0;
  rig.onMade = (token, record) => {
    const mine = written.find((w) => w.token === token);
    const pending = mine ?? { key: keyOfToken.get(token)!, token, record, isSync: syncTokens.has(token) };
    if (mine === undefined) written.push(pending);
    const newest = record.siblings.find(({ value }) => value.startsWith(`v${token} `));
    const dot = newest === undefined ? 'none' : `${newest.actor}.${newest.counter}`;
    if (newest === undefined || dots.has(dot)) wrong ??= `dot given twice or missing: ${dot}`;
    dots.add(dot);
  };
  const keyOfToken = new Map<number, string>();
  const syncTokens = new Set<number>();
  const fault = rig.open();
  if (fault !== undefined) return fault;

  for (let i = 0; i < operations && wrong === undefined; i++) {
    const key = KEYS[random.below(KEYS.length)]!;
    const isSync = random.chance(0.5);
    const draw = random.below(20);
    if (draw < 8) {
      const token = rig.told.length;
      keyOfToken.set(token, key);
      if (isSync) syncTokens.add(token);
      const contextKind = random.chance(0.3) ? CONTEXT_NONE : CONTEXT_LOCAL;
      const durability = isSync ? DURABILITY_SYNC : DURABILITY_NONE;
      rig.call(COORDINATE, { key, bytes: `v${token} ${'.'.repeat(FILL_BYTES)}`, contextKind, durability });
    } else if (draw < 12) {
      const record = foreignRecord(++foreign);
      const token = rig.call(MERGE_IN, { key, bytes: encodeNaive(record), durability: isSync ? DURABILITY_SYNC : DURABILITY_NONE });
      written.push({ key, token, record, isSync });
    } else if (draw < 15) {
      rig.call(READ_LOCAL, { key });
    } else if (draw < 18) {
      rig.advance(random.below(3));
    } else if (draw === 18 && random.chance(0.3)) {
      // Out of memory, so that reads miss.
      for (let fill = 0; fill < 60; fill++)
        rig.call(MERGE_IN, { key: `fill ${i} ${fill}`, bytes: encodeNaive(foreignRecord(++foreign)), durability: DURABILITY_NONE });
      rig.settle();
    } else if (draw === 19 && random.chance(0.15)) {
      crash();
    }
  }
  if (wrong !== undefined) return wrong;
  rig.settle();
  for (const told of rig.told) if (told.failed !== undefined && told.failed.status !== LOST) return `failed: ${told.failed.message}`;
  check(true);
  rig.close();
  rig.restart(LOSE_ALL);
  wrong ??= rig.open();
  check(true);
  return wrong;

  function crash(): void {
    const isClean = random.chance(0.2);
    if (isClean) {
      rig.settle();
      rig.close();
    }
    const acknowledged = written.filter(({ token, isSync }) => isClean || (isSync && rig.told[token]!.isStored));
    for (const { key, record } of acknowledged) floors.set(key, naiveMerge(floors.get(key) ?? NO_RECORD, record));
    written = [];
    for (const told of rig.told) if (told.found === undefined && !told.isStored) told.failed ??= { status: LOST, message: 'crash' };
    rig.restart(isClean ? LOSE_ALL : random.chance(0.5) ? LOSE_ALL : keepRandom(random.u32()));
    wrong ??= rig.open();
    if (wrong === undefined) check(false);
    floors = new Map(KEYS.map((key) => [key, present(key)]));
  }

  function present(key: string): NaiveRecord {
    return rig.answer(rig.call(READ_LOCAL, { key })).found ?? NO_RECORD;
  }

  /** `isExact`: it is all that there is. */
  function check(isExact: boolean): void {
    for (const key of KEYS) {
      let expected = floors.get(key) ?? NO_RECORD;
      for (const w of written) if (w.key === key) expected = naiveMerge(expected, w.record);
      const found = present(key);
      const order = naiveCompare(expected, found);
      if (order !== 'equal' && (isExact || order !== 'ancestor'))
        wrong ??= `${key}: expected ${expected.siblings.length} siblings, found ${found.siblings.length}: ${order}`;
    }
  }
}

const LOST = -1;

function foreignRecord(counter: number): NaiveRecord {
  const actor = 'ff'.repeat(16);
  const sibling = { actor, counter, stamp: counter, expiry: 0, isTombstone: false, value: `f${counter} ${'.'.repeat(FILL_BYTES)}` };
  return { vector: new Map([[actor, { counter, stamp: counter }]]), siblings: [sibling] };
}
