import test, { type ExecutionContext } from 'ava';
import { Generator } from '../../../bench/cluster/generator.ts';
import { Load, type Troubles } from '../../../bench/cluster/load.ts';
import type { Operation } from '../../../bench/cluster/operation.ts';
import { ValueFormat } from '../../../bench/cluster/pair-format.ts';
import { Records } from '../../../bench/cluster/records.ts';
import type { GeneratorOutcome, Task } from '../../../bench/cluster/task.ts';
import { type FakeOptions, FakeRespServer, type Fault } from './fake-resp-server.ts';

const RECORDS = 300;
const VALUE_BYTES = 100;

interface Run {
  readonly loaded: GeneratorOutcome;
  readonly outcome: GeneratorOutcome;
  readonly server: FakeRespServer;
}

/** Loads all records, then runs once. */
async function runOn(options: FakeOptions, task: Pick<Task, 'workload' | 'loop'>, waitReplicas = 0): Promise<Run> {
  const server = new FakeRespServer({ after: RECORDS, ...options });
  const port = await server.listen();
  const address = { protocol: 'resp', ports: [port], connections: 4, waitReplicas } as const;
  const generator = await Generator.open({ address, valueBytes: VALUE_BYTES, records: RECORDS, seed: 1, isStrict: true });
  try {
    const load = { kind: 'closed', depth: 7, settleMs: 0, ms: Number.POSITIVE_INFINITY, operations: RECORDS } as const;
    const loaded = await generator.run({ workload: 'load', distribution: 'uniform', loop: load, pids: [] });
    const outcome = await generator.run({ ...task, distribution: 'zipfian', pids: [] });
    return { loaded, outcome, server };
  } finally {
    await generator.close();
    await server.close();
  }
}

const OPERATIONS = 2_000;
const CLOSED = { kind: 'closed', depth: 3, settleMs: 0, ms: Number.POSITIVE_INFINITY, operations: OPERATIONS } as const;
const NO_TROUBLES: Troubles = { wrong: 0, missing: 0, stale: 0, failed: 0, first: '' };

const sound = test.macro(async (t: ExecutionContext, options: FakeOptions, task: Pick<Task, 'workload' | 'loop'>, waitReplicas: number) => {
  const { loaded, outcome } = await runOn(options, task, waitReplicas);
  t.is(loaded.figures.operations, RECORDS);
  t.deepEqual(loaded.troubles, NO_TROUBLES);
  t.deepEqual(outcome.troubles, NO_TROUBLES);
  const { operations, perSecond, p50Ms, p99Ms, maxMs } = outcome.figures;
  t.is(operations, task.loop.kind === 'closed' ? OPERATIONS : 200);
  t.true(perSecond > 0);
  t.true(p50Ms > 0 && p50Ms <= p99Ms && p99Ms <= maxMs * 1.001);
});

test(
  'bench load: answers are matched with what was asked, when they come in pieces of 7 bytes',
  sound,
  { chunkBytes: 7 },
  { workload: 'ycsb-a', loop: CLOSED },
  0,
);
test(
  'bench load: a read and the write that follows from it are one operation, when modifying',
  sound,
  {},
  { workload: 'ycsb-f', loop: CLOSED },
  0,
);
test('bench load: inserts become present, when the newest are read', sound, {}, { workload: 'ycsb-d', loop: CLOSED }, 0);
test('bench load: a write ends with its WAIT, when replicas are waited for', sound, {}, { workload: 'ycsb-a', loop: CLOSED }, 1);
test(
  'bench load: an open loop sends as many as were asked for, and does not count those of settling',
  sound,
  {},
  { workload: 'ycsb-b', loop: { kind: 'open', perSecond: 2_000, settleMs: 20, ms: 100 } },
  0,
);

const found = test.macro(async (t: ExecutionContext, fault: Fault, kind: keyof Omit<Troubles, 'first'>, message: RegExp) => {
  const { outcome, server } = await runOn({ fault, every: 97 }, { workload: 'ycsb-a', loop: CLOSED });
  t.true(server.faults > 0);
  const { first, ...counts } = outcome.troubles;
  t.deepEqual(counts, { wrong: 0, missing: 0, stale: 0, failed: 0, [kind]: server.faults });
  t.regex(first, message);
});

test('bench load: a value with one bit changed is found, when planted', found, 'flippedByte', 'wrong', /^key \d+: wrong, 100 bytes$/);
test('bench load: the value of another key is found, when planted', found, 'otherKey', 'wrong', /^key \d+: wrong/);
test('bench load: a record that is not there is found, when planted', found, 'lost', 'missing', /^key \d+: missing/);
test(
  'bench load: an error is counted with what the server said, when planted',
  found,
  'refused',
  'failed',
  /^(?:get|put) of key \d+: TRYAGAIN planted$/,
);

test('bench load: a value that was replaced before the read began is found, when planted', async (t) => {
  const { outcome, server } = await runOn({ fault: 'old', every: 5 }, { workload: 'ycsb-a', loop: CLOSED });
  t.true(server.faults > 0);
  // Not all: where writes overlapped, the older value may be the last.
  t.true(outcome.troubles.stale > 0 && outcome.troubles.stale <= server.faults);
  t.is(outcome.troubles.wrong + outcome.troubles.missing + outcome.troubles.failed, 0);
});

test('bench load: a WAIT that fewer replicas met is a failure', async (t) => {
  const { outcome } = await runOn({ replicas: 0 }, { workload: 'set', loop: CLOSED }, 1);
  t.is(outcome.troubles.failed > 0, true);
  t.regex(outcome.troubles.first, /WAIT 1: unexpected answer ":0"/);
});

test('bench load: the run fails, when the server closes a connection', async (t) => {
  await t.throwsAsync(runOn({ fault: 'closes', every: 400 }, { workload: 'ycsb-a', loop: CLOSED }), {
    message: /closed a connection|ECONNRESET|EPIPE/,
  });
});

/** A scan from key 5 for 3 rows, answered with these keys, each with its own value. */
const scanned = test.macro(async (t: ExecutionContext, keys: readonly number[], bad: Partial<Troubles>) => {
  const format = new ValueFormat(VALUE_BYTES);
  const load = new Load(new Records(format, true));
  const value = Buffer.alloc(VALUE_BYTES);
  const answer = (operation: Operation): void => {
    for (const key of keys) {
      format.write(value, 0, key, 1);
      load.found(operation, key, value, 0, VALUE_BYTES);
    }
    load.ended(operation, undefined);
  };
  load.attach({ lanes: 1, begin: (operation) => setImmediate(answer, operation), flush: () => {}, close: () => Promise.resolve() });
  let left = 1;
  const next = (operation: Operation): boolean => {
    Object.assign(operation, { kind: 'scan', step: 'scan', key: 5, rowsMax: 3, rows: 0, lastKey: -1 });
    return left-- > 0;
  };
  const marks = { begin: () => {}, end: () => {} };
  await load.closed({ depth: 1, settleMs: 0, ms: Number.POSITIVE_INFINITY }, next, marks);
  const { first: _, ...counts } = load.troubles;
  t.deepEqual(counts, { wrong: 0, missing: 0, stale: 0, failed: 0, ...bad });
});

test('bench load: a scan is right, when rows begin with its key and rise', scanned, [5, 7, 9], {});
test('bench load: a scan that begins with another key is found', scanned, [6, 7], { wrong: 1 });
test('bench load: rows of a scan that are not in order are found', scanned, [5, 9, 7], { wrong: 1 });
test('bench load: more rows of a scan than were asked for are found', scanned, [5, 6, 7, 8], { wrong: 1 });
test('bench load: a scan without rows is found', scanned, [], { missing: 1 });
