import test, { type ExecutionContext } from 'ava';
import { SCRIPTS } from './crash-scripts.ts';
import { FaultSweep } from './fault-sweep.ts';
import { emptyDisk, SimLife } from './sim-engine.ts';

const EVERY = 13;

const holds = test.macro((t: ExecutionContext, names: readonly string[]) => {
  for (const found of SCRIPTS.filter(({ name }) => names.includes(name))) {
    const sweep = new FaultSweep(found, { every: EVERY });
    sweep.run();
    t.deepEqual(sweep.violations, []);
    t.true(sweep.counts.failedWrites + sweep.counts.failedOpens > 0);
  }
});

test('faults: nothing hangs and all that was acknowledged is there, when a call of a write fails [L7 L8]', holds, [
  'puts',
  'batches',
  'rotation',
  'marks',
]);
test('faults: nothing hangs and all that was acknowledged is there, when a call of a flush or merge fails', holds, ['flush', 'compaction']);
test('faults: nothing hangs and all that was acknowledged is there, when a call of the manifest or opening fails', holds, [
  'manifest roll',
  'reopening',
]);

test('faults: reads go on and writes fail, and they succeed when space returns, when the disk is full [L14]', (t) => {
  const disk = emptyDisk();
  const life = new SimLife(disk, 1);
  const engine = life.open();
  const put = (key: string): string =>
    life.call('put', (done) => engine.put(Buffer.from(key), Buffer.alloc(2_000, key), 'sync', done))?.code ?? 'ok';
  const acked: string[] = [];
  let last = 'ok';
  disk.budgetBytes = disk.usedBytes() + 60_000;
  for (let i = 100; i < 300 && last === 'ok'; i++) {
    last = put(`${i}`);
    if (last === 'ok') acked.push(`${i}`);
  }
  t.is(last, 'IO');
  t.true(acked.length > 10);
  const isThere = (in_: SimLife, from: typeof engine): boolean => {
    const keys = new Set(in_.entries(from).map(({ key }) => Buffer.from(key).toString()));
    return acked.every((key) => keys.has(key) && in_.get(from, key)?.length === 2_000);
  };
  for (let i = 0; i < 20; i++) {
    life.run(100);
    t.is(put('full'), 'IO');
    t.true(isThere(life, engine));
  }
  disk.budgetBytes = Infinity;
  life.run(3_000);
  t.is(put('400'), 'ok');
  acked.push('400');
  t.true(isThere(life, engine));
  t.is(
    life.call('close', (done) => engine.close(done)),
    undefined,
  );
  disk.crash();
  const next = new SimLife(disk, 2);
  t.true(isThere(next, next.open()));
});
