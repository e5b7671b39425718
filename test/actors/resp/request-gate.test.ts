import test from 'ava';
import { GET } from '../../../actors/store/store-request.ts';
import { bulk, SessionKit } from './session-kit.ts';

test('request gate: connections wait for each other, when all together ask for too much, and all are answered', (t) => {
  const kit = new SessionKit({ requestsMax: 20, inFlightMax: 16 });
  kit.store.holds = true;
  const clients = [kit.connect(), kit.connect(), kit.connect()];
  for (const client of clients) client.send(...Array.from({ length: 30 }, (_, i) => ['GET', `${i}`]));
  t.is(kit.store.held.length, 20);
  t.deepEqual(
    clients.map(({ session }) => [session.inFlight, session.wantsInput]),
    [
      [16, false],
      [4, false],
      [0, false],
    ],
  );
  for (let rounds = 0; rounds < 20; rounds++) {
    t.true(kit.store.held.length <= 20);
    kit.store.answerAll();
    kit.settle();
  }
  for (const client of clients) t.is(client.take(), '$-1\r\n'.repeat(30));
  t.is(kit.host.gate.requests, 0);
});

test('request gate: those that wait go on, when the requests under way are of a connection that is gone', (t) => {
  const kit = new SessionKit({ requestsMax: 16, inFlightMax: 16 });
  kit.store.holds = true;
  const [gone, waiting] = [kit.connect(), kit.connect()];
  gone.send(...Array.from({ length: 15 }, (_, i) => ['GET', `${i}`]), ['MGET', 'x', 'y']);
  t.is(waiting.do('GET a'), '');
  gone.session.closed();
  kit.store.answerAll();
  kit.settle();
  kit.store.answerAll();
  kit.settle();
  t.is(waiting.take(), '$-1\r\n');
  t.is(kit.host.gate.requests, 0);
});

test('store task: many keys are asked for part by part, and answered in their order', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  const keys = Array.from({ length: 500 }, (_, i) => `k${i}`);
  t.is(client.send(['MSET', ...keys.flatMap((key) => [key, `v${key}`])]), '+OK\r\n');
  kit.store.holds = true;
  client.send(['MGET', ...keys]);
  let highest = 0;
  while (kit.store.held.length > 0) {
    highest = Math.max(highest, kit.store.held.length);
    kit.store.answerAll((held) => held.toReversed());
    kit.settle();
  }
  t.is(highest, 64);
  t.is(client.take(), `*500\r\n${keys.map((key) => bulk(`v${key}`)).join('')}`);
});

test('store task: nothing more is begun, when a key has failed', (t) => {
  const kit = new SessionKit();
  const client = kit.connect();
  kit.store.holds = true;
  kit.store.refusals.push({ status: 2, received: 1, needed: 2, message: '' });
  client.send(['EXISTS', ...Array.from({ length: 200 }, (_, i) => `${i}`)]);
  t.true(kit.store.held.every(({ kind }) => kind === GET));
  kit.store.answerAll();
  kit.settle();
  t.regex(client.take(), /^-CLUSTERDOWN /);
  t.is(kit.store.begun, 64);
  kit.store.holds = false;
  t.is(client.do('SET 199 x'), '+OK\r\n');
});
