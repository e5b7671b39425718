import test, { type ExecutionContext } from 'ava';
import { FailureLoad } from '../../../bench/failures/load.ts';
import type { SampleSet } from '../../../bench/failures/samples.ts';
import { type FakeOptions, FakeRespServer } from '../cluster/fake-resp-server.ts';

const RECORDS = 200;

interface Loaded {
  readonly samples: SampleSet;
  readonly server: FakeRespServer;
  readonly load: FailureLoad;
}

/** Fills, and runs until `count` operations or more have ended. */
async function loaded(t: ExecutionContext, options: FakeOptions, count: number): Promise<Loaded> {
  const server = new FakeRespServer({ after: RECORDS, ...options });
  const port = await server.listen();
  const groups = [{ name: 'RESP n1', keyspace: 'bench', protocol: 'resp', port, connections: 3 }] as const;
  const load = await FailureLoad.open({ groups, records: RECORDS, valueBytes: 64, seed: 1, perSecond: 4_000 });
  t.teardown(async () => {
    await load.close();
    await server.close();
  });
  await load.fill();
  load.start();
  await load.ended(count);
  return { samples: await load.stop(), server, load };
}

function errorsOf({ outcome, outcomes }: SampleSet): readonly string[] {
  return [...new Set([...outcome].map((index) => outcomes[index]!))].sort();
}

test('bench failures load: all is well, when the server is', async (t) => {
  const { samples, load } = await loaded(t, {}, 400);
  t.true(samples.count >= 400);
  t.deepEqual(errorsOf(samples), ['OK']);
  t.false(samples.isStale.includes(1));
  t.deepEqual(await load.readBack(), { read: RECORDS, missing: 0, wrong: 0, stale: 0, failed: 0, first: '' });
});

test('bench failures load: it goes on over new connections, when the server closes them', async (t) => {
  const { samples, server } = await loaded(t, { fault: 'closes', every: 100 }, 1_000);
  t.true(server.faults >= 2);
  const errors = errorsOf(samples);
  t.true(errors.includes('DISCONNECTED') && errors.includes('OK'), errors.join());
});

test('bench failures load: refusals are counted by their first word', async (t) => {
  const { samples } = await loaded(t, { fault: 'refused' }, 400);
  t.deepEqual(errorsOf(samples), ['OK', 'TRYAGAIN']);
});

test('bench failures load: what is lost is found at the end', async (t) => {
  const { load, samples } = await loaded(t, { fault: 'lost' }, 400);
  t.true(errorsOf(samples).includes('missing'));
  const { read, missing, first } = await load.readBack();
  t.is(read, RECORDS);
  t.true(missing > 0);
  t.regex(first, /^key \d+ of bench is missing$/);
});

test('bench failures load: a value that was replaced is called old', async (t) => {
  const { samples } = await loaded(t, { fault: 'old', every: 2 }, 2_000);
  t.deepEqual(errorsOf(samples), ['OK']);
  t.true(samples.isStale.includes(1));
});
