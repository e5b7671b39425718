import test from 'ava';
import { Chooser, HotKeys } from '../../../bench/cluster/chooser.ts';
import { newOperation, type OperationKind } from '../../../bench/cluster/operation.ts';
import { ValueFormat } from '../../../bench/cluster/pair-format.ts';
import { planOf } from '../../../bench/cluster/plan.ts';
import { Records } from '../../../bench/cluster/records.ts';
import { type Distribution, WORKLOADS, type WorkloadName, workloadOf } from '../../../bench/cluster/workload.ts';
import { SeededRandom } from '../../../runtime/random.ts';

const RECORDS = 500;
const DRAWS = 100_000;
const THETA = 0.99;

/** How often each key, and each kind, was chosen. */
function drawn(name: WorkloadName, distribution: Distribution) {
  const records = new Records(new ValueFormat(100), true);
  const operation = newOperation();
  for (let i = 0; i < RECORDS; i++) {
    records.beginInsert(operation);
    records.endWrite(operation, true);
  }
  const hot = new HotKeys(RECORDS, new SeededRandom('places'));
  const chooser = new Chooser(workloadOf(name), distribution, { records, hot, random: new SeededRandom('draws') });
  const keys = new Map<number, number>();
  const kinds = new Map<OperationKind, number>();
  for (let i = 0; i < DRAWS; i++) {
    chooser.next(operation);
    kinds.set(operation.kind, (kinds.get(operation.kind) ?? 0) + 1);
    if (operation.kind !== 'insert') keys.set(operation.key, (keys.get(operation.key) ?? 0) + 1);
  }
  return { keys, kinds, hot };
}

function lawOf(rank: number): number {
  let sum = 0;
  for (let i = 1; i <= RECORDS; i++) sum += 1 / i ** THETA;
  return 1 / (rank + 1) ** THETA / sum;
}

test('bench chooser: keys come as often as the law of Zipf says of their ranks, each rank at a key of its own', (t) => {
  const { keys, hot } = drawn('ycsb-c', 'zipfian');
  t.is(new Set(Array.from({ length: RECORDS }, (_, rank) => hot.keyAt(rank))).size, RECORDS);
  for (const rank of [0, 1]) t.true(Math.abs((keys.get(hot.keyAt(rank)) ?? 0) / DRAWS / lawOf(rank) - 1) < 0.05, `rank ${rank}`);
  let tenth = 0;
  let expected = 0;
  for (let rank = 0; rank < RECORDS / 10; rank++) {
    tenth += (keys.get(hot.keyAt(rank)) ?? 0) / DRAWS;
    expected += lawOf(rank);
  }
  t.true(Math.abs(tenth - expected) < 0.04, `${tenth}, law ${expected}`);
  // Hot keys are not neighbours.
  t.notDeepEqual(
    [0, 1, 2, 3].map((rank) => hot.keyAt(rank)),
    [0, 1, 2, 3],
  );
});

test('bench chooser: all keys come equally often, when uniform', (t) => {
  const { keys } = drawn('get', 'uniform');
  t.is(keys.size, RECORDS);
  const each = DRAWS / RECORDS;
  // 7 standard deviations.
  for (const [key, count] of keys) t.true(Math.abs(count - each) < 7 * Math.sqrt(each), `key ${key}: ${count}`);
});

test('bench chooser: each key comes as often as the others, in their order, when ordered', (t) => {
  const { keys } = drawn('read-back', 'ordered');
  t.deepEqual(
    [...keys.keys()],
    Array.from({ length: RECORDS }, (_, key) => key),
  );
  t.deepEqual(new Set(keys.values()), new Set([DRAWS / RECORDS]));
});

test('bench chooser: the newest record is the most frequent, when latest', (t) => {
  const { keys } = drawn('ycsb-d', 'latest');
  // No insert of this run is ever confirmed, so the newest stays the newest.
  t.true(Math.abs((keys.get(RECORDS - 1) ?? 0) / (DRAWS * 0.95) / lawOf(0) - 1) < 0.05);
  t.true((keys.get(RECORDS - 1) ?? 0) > (keys.get(RECORDS - 2) ?? 0));
});

for (const { name, mix, distribution } of WORKLOADS) {
  test(`bench chooser: kinds of ${name} come in the shares of its mix`, (t) => {
    t.is(
      Object.values(mix).reduce((sum, percent) => sum + percent, 0),
      100,
    );
    const { kinds } = drawn(name, distribution);
    t.deepEqual([...kinds.keys()].sort(), (Object.keys(mix) as OperationKind[]).sort());
    for (const [kind, count] of kinds) t.true(Math.abs(count / DRAWS - mix[kind]! / 100) < 0.01, `${kind} ${count}`);
  });
}

test('bench plan: rows are named by what they are, and unknown names are refused', (t) => {
  const labels = (workloads: readonly string[], distributions: readonly string[]) =>
    planOf({ workloads, distributions }).map(({ label }) => label);
  t.deepEqual(labels(['load', 'set', 'ycsb-a', 'ycsb-d'], ['zipfian', 'uniform']), [
    ...['set uniform', 'set uniform P16', 'ycsb-a zipfian', 'ycsb-a uniform', 'ycsb-d latest'],
  ]);
  t.throws(() => labels(['ycsb-x'], ['zipfian']), { message: /workload ycsb-x: expected one of load, set/ });
  t.throws(() => labels(['set'], ['latest']), { message: /distribution latest: expected zipfian or uniform/ });
});
