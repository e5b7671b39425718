/** ClientActor on a simulated cluster with fake coordinators: where it sends, what it tries again, and how operations end when nodes don't answer. */
import test, { type ExecutionContext } from 'ava';
import type { ClientError } from '../../../actors/client/client-error.ts';
import {
  CONTEXT_GIVEN,
  CONTEXT_NONE,
  DURABILITY_NONE,
  GET,
  INDETERMINATE,
  INVALID,
  LOADING,
  NO_KEYSPACE_FOUND,
  OK,
  OVERLOADED,
  QUORUM_NOT_MET,
  STALE_RING,
  STORAGE_FAILED,
  TIMED_OUT,
} from '../../../actors/store/store-request.ts';
import { WALL_START_MS } from '../../../runtime/simulation/node-time.ts';
import { keyspaceOf } from '../ring/ring-world.ts';
import { ClientWorld, type TestOperation } from './client-world.ts';
import type { Script } from './fake-store.ts';

function codes(ops: readonly TestOperation[]): readonly string[] {
  return ops.map(({ code }) => code);
}

/** Answers `status` to the first `times` requests. */
function firstly(status: number, times: number): Script {
  let left = times;
  return () => (left-- > 0 ? { status } : undefined);
}

test('client actor: an operation goes to the owning shard of the first replica, with what that needs to know', (t) => {
  const world = new ClientWorld({ shards: 3 });
  for (let i = 0; i < 40; i++) {
    world.store.requests.length = 0;
    t.is(world.await(world.put(`key ${i}`, 'v')).code, 'ok');
    const request = world.first();
    t.is(request.node, world.replicasOf(request)[0]!);
    t.is(request.shard, world.shardOf(request, 3));
    const { generation, changedAt } = world.store.ring;
    t.is(request.generation, generation);
    t.is(request.changedAt, changedAt[request.tokenHigh >>> 26]!);
    t.is(request.keyspaceId, world.store.ring.keyspaces[0]!.id);
  }
});

test('client actor: what an operation says comes in its frame, and nothing where it says nothing', (t) => {
  const world = new ClientWorld();
  world.await(world.put('plain', 'v'));
  t.like(world.store.requests.at(-1), { contextKind: CONTEXT_NONE, w: 0, r: 0, durability: 0, flags: 0, primaries: 0, expiryMs: 0 });
  const context = Buffer.from('0100000000000000', 'hex').subarray(0, 6);
  world.await(world.put('k', 'v', { context, replicas: 'all', primaries: 'quorum', durability: 'none', ttlMs: 5_000 }));
  t.like(world.store.requests.at(-1), {
    contextKind: CONTEXT_GIVEN,
    context,
    w: 3,
    r: 0,
    primaries: 2,
    flags: 0,
    durability: DURABILITY_NONE,
  });
  const { expiryMs, remainingMs } = world.store.requests.at(-1)!;
  t.true(expiryMs > WALL_START_MS + 5_000 && expiryMs < WALL_START_MS + 10_000, `${expiryMs}`);
  t.true(remainingMs > 900 && remainingMs <= 1_000, `${remainingMs}`);
  world.await(world.get('k', { replicas: 2 }));
  t.like(world.store.requests.at(-1), { kind: GET, r: 2, w: 0, primaries: 0, flags: 0 });
  world.await(world.get('k', { primaries: 3, isMonotonic: true }));
  t.like(world.store.requests.at(-1), { kind: GET, r: 0, primaries: 3, flags: 2 });
  world.await(world.get('k'));
  t.like(world.store.requests.at(-1), { primaries: 0, flags: 0 });
});

test('client actor: a value expires as its keyspace says, unless it is put with a time of its own', (t) => {
  const world = new ClientWorld({ keyspace: { ttlMs: 60_000 } });
  world.store.script = firstly(OVERLOADED, 1);
  world.await(world.put('k', 'v'));
  const [first, second] = world.store.requests.map(({ expiryMs }) => expiryMs);
  t.true(first! > WALL_START_MS + 60_000 && first! < WALL_START_MS + 70_000);
  t.is(first, second, 'the same when it is sent again');
  world.await(world.put('k', 'v', { ttlMs: 0 }));
  t.is(world.store.requests.at(-1)?.expiryMs, 0);
});

test('client actor: nodes of its own data center are asked first, others when there is none', (t) => {
  const traits = (number: number) => ({ dataCenter: number === 2 ? 'near' : 'far' });
  const world = new ClientWorld({ traits, dataCenter: 'near' });
  for (let i = 0; i < 20; i++) world.await(world.get(`k${i}`));
  t.deepEqual([...new Set(world.store.requests.map(({ node }) => node))], ['n2']);
  world.sim.crash('n2');
  world.run(1_000);
  t.is(world.await(world.get('k')).code, 'ok');
  t.not(world.store.requests.at(-1)?.node, 'n2');
});

test('bug: a third of all operations took as long as a slow node, though two others could do them', (t) => {
  const slow = {
    kind: 'degrade',
    atMs: 1_000,
    from: 'n3',
    to: 'client',
    forMs: 20_000,
    quality: { delay: { kind: 'constant', ms: 200 } },
  } as const;
  const world = new ClientWorld({ plan: [slow] });
  const slowOf = (from: number): number => {
    world.store.requests.length = 0;
    for (let i = from; i < from + 200; i++) t.is(world.await(world.put(`k${i}`, 'v')).code, 'ok');
    return world.store.requests.filter(({ node }) => node === 'n3').length;
  };
  t.true(slowOf(0) > 30, 'before');
  world.run(1_000);
  const firstly = slowOf(1_000);
  const then = slowOf(2_000);
  t.true(firstly > 0 && firstly <= 10, `${firstly}`);
  t.true(then <= 2, `${then}`);
  world.run(25_000);
  slowOf(3_000);
  t.true(slowOf(4_000) > 30, 'afterwards');
});

test('client actor: operations of one go come together, and each is answered', (t) => {
  const world = new ClientWorld({ tuning: { inFlightMax: 50 } });
  const ops = Array.from({ length: 500 }, (_, i) => world.put(`k${i}`, `${i}`));
  t.is(world.desk.size, 500);
  world.run(200);
  t.deepEqual(new Set(codes(ops)), new Set(['ok']));
  t.is(world.desk.size, 0);
});

test('client actor: no more are with coordinators than the limit says', (t) => {
  const world = new ClientWorld({ tuning: { inFlightMax: 7, attemptMs: 5_000 } });
  world.store.script = () => null;
  const ops = Array.from({ length: 30 }, (_, i) => world.get(`k${i}`));
  world.run(500);
  t.is(world.store.requests.length, 7);
  world.run(1_000);
  t.deepEqual(new Set(codes(ops)), new Set(['TIMED_OUT']));
  t.is(world.desk.size, 0);
});

test('client actor: one operation too many is refused at once', (t) => {
  const world = new ClientWorld({ tuning: { operationsMax: 8, inFlightMax: 8 } });
  const ops = Array.from({ length: 9 }, (_, i) => world.get(`k${i}`));
  t.deepEqual(codes(ops).slice(-2), ['none', 'OVERLOADED']);
  world.run(100);
  t.is(world.await(world.get('k')).code, 'ok');
});

const UNKNOWN = 99;

const statuses = test.macro((t: ExecutionContext, status: number, read: string, write: string) => {
  for (const [kind, expected] of [
    ['get', read],
    ['put', write],
  ] as const) {
    const world = new ClientWorld();
    world.store.script = () => ({ status, received: 1, needed: 2 });
    const op = world.await(kind === 'get' ? world.get('k') : world.put('k', 'v'));
    t.is(op.code, expected, kind);
    const error = op.outcome as ClientError;
    t.is(error.mayBeDone, kind === 'put' && [INDETERMINATE, STORAGE_FAILED, UNKNOWN].includes(status), kind);
    if (status === QUORUM_NOT_MET) t.like(error, { needed: 2, received: 1, retryable: true });
  }
});
test('client statuses: too few replicas', statuses, QUORUM_NOT_MET, 'QUORUM_NOT_MET', 'QUORUM_NOT_MET');
test('client statuses: a write that is not confirmed', statuses, INDETERMINATE, 'INDETERMINATE', 'INDETERMINATE');
test('client statuses: too much to do', statuses, OVERLOADED, 'OVERLOADED', 'OVERLOADED');
test('client statuses: no time left at the node', statuses, TIMED_OUT, 'TIMED_OUT', 'TIMED_OUT');
test('client statuses: refused as wrong', statuses, INVALID, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT');
test('client statuses: starting', statuses, LOADING, 'LOADING', 'LOADING');
test('client statuses: a disk that fails', statuses, STORAGE_FAILED, 'STORAGE_FAILED', 'STORAGE_FAILED');
test('client statuses: a number of a later version', statuses, UNKNOWN, 'PROTOCOL', 'PROTOCOL');

const retried = test.macro((t: ExecutionContext, status: number) => {
  const world = new ClientWorld();
  world.store.script = firstly(status, 2);
  t.is(world.await(world.put('k', 'v')).code, 'ok');
  const nodes = world.store.requests.map(({ node }) => node);
  t.is(nodes.length, 3);
  t.is(new Set(nodes).size, 3, 'another replica each time');
  t.is(new Set(world.store.requests.map(({ requestId }) => requestId)).size, 1);
});
test('client retries: a write of which nothing was done goes to another replica, when there are too few', retried, QUORUM_NOT_MET);
test('client retries: a write of which nothing was done goes to another replica, when there is too much to do', retried, OVERLOADED);
test('client retries: a write of which nothing was done goes to another replica, when the node is starting', retried, LOADING);

test('client retries: there are no more tries than the limit says, and fewer once the budget is used up', (t) => {
  const world = new ClientWorld({ tuning: { attempts: 4, retryBudget: { ratio: 0, perSecond: 0 } } });
  world.store.script = () => ({ status: OVERLOADED });
  t.is(world.await(world.get('k')).code, 'OVERLOADED');
  t.is(world.store.requests.length, 4);
  for (let i = 0; i < 20; i++) world.await(world.get(`k${i}`));
  // Ten retries are saved up at the start.
  t.is(world.store.requests.length, 1 + 20 + 10);
});

test('client retries: a read without an answer is sent to another replica as well, and a late answer counts', (t) => {
  const world = new ClientWorld({ tuning: { attemptMs: 100 } });
  world.store.script = firstly(OK, 0);
  let silent = true;
  world.store.script = () => (silent ? null : undefined);
  const op = world.get('k');
  world.run(50);
  t.is(world.store.requests.length, 1);
  silent = false;
  t.is(world.await(op).code, 'ok');
  const [first, second] = world.store.requests;
  t.not(first?.node, second?.node);
  t.true(world.sim.now < 50 + 50 + 150);
});

test('client retries: a write without an answer is sent once, and ends as indeterminate', (t) => {
  const world = new ClientWorld({ tuning: { attemptMs: 50 } });
  world.store.script = () => null;
  const op = world.await(world.put('k', 'v', { timeoutMs: 400 }));
  t.is(op.code, 'INDETERMINATE');
  t.like(op.outcome, { mayBeDone: true, retryable: false });
  t.is(world.store.requests.length, 1);
});

test('client ring: one that is newer than the one fetched is waited for', (t) => {
  const world = new ClientWorld();
  const { epoch } = world.rings.do({ type: 'createKeyspace', keyspace: keyspaceOf('more') });
  // A shard has heard of it, and refuses what is sent by the old one; its RingActor gives it a while later.
  world.store.script = () => (world.desk.map?.ring.epoch === epoch ? undefined : { status: STALE_RING });
  const op = world.put('k', 'v', { timeoutMs: 2_000 });
  world.run(100);
  t.is(op.code, 'none');
  t.true(world.store.requests.length > 1);
  world.store.ring = world.rings.ring;
  t.is(world.await(op).code, 'ok');
  t.is(world.ringsSeen, 2);
});

test('client ring: one that changed is fetched where the request was refused, and the request sent by it', (t) => {
  const world = new ClientWorld({ nodes: 4 });
  world.rings.do({ type: 'removeMember', id: world.rings.ring.members[0]!.id });
  world.rings.settle();
  world.store.ring = world.rings.ring;
  world.store.fetches.length = 0;
  const refusers: string[] = [];
  world.store.script = ({ changedAt, tokenHigh, node }) => {
    if (changedAt === world.store.ring.changedAt[tokenHigh >>> 26]) return undefined;
    refusers.push(node);
    return { status: STALE_RING };
  };
  for (let i = 0; i < 30; i++) t.is(world.await(world.put(`k${i}`, 'v')).code, 'ok');
  t.is(refusers.length, 1, 'it is found out once');
  t.deepEqual(world.store.fetches, refusers);
  t.is(world.desk.map?.ring.epoch, world.store.ring.epoch);
  t.deepEqual(
    world.store.requests.filter(({ node }) => node === 'n1').map(({ node }) => node),
    refusers.filter((node) => node === 'n1'),
  );
});

test('client ring: it is fetched from time to time when nothing happens', (t) => {
  const world = new ClientWorld({ tuning: { ringRefreshMs: 1_000 } });
  world.store.fetches.length = 0;
  world.run(10_000);
  const { length } = world.store.fetches;
  t.true(length >= 6 && length <= 20, `${length}`);
});

test('client keyspaces: one that is not in the ring is looked for in the newest one before the operation fails', (t) => {
  const world = new ClientWorld();
  world.rings.do({ type: 'createKeyspace', keyspace: keyspaceOf('more') });
  const missing = world.get('k', { keyspace: 'other' });
  t.is(world.await(missing).code, 'NO_KEYSPACE');
  world.store.ring = world.rings.ring;
  t.is(world.await(world.get('k', { keyspace: 'more' })).code, 'ok');
  // Dropped: a node says so, and the ring agrees.
  world.rings.do({ type: 'dropKeyspace', name: 'more' });
  world.store.ring = world.rings.ring;
  world.store.script = () => ({ status: NO_KEYSPACE_FOUND });
  t.is(world.await(world.get('k', { keyspace: 'more' })).code, 'NO_KEYSPACE');
});

test('client keyspaces: one made while a fetch of the ring is on its way is found', (t) => {
  const world = new ClientWorld();
  // The answer to this fetch leaves before the keyspace is made, and comes after the operation has begun.
  const first = world.get('k', { keyspace: 'none' });
  for (let steps = 0; world.store.fetches.length < 2 && steps < 10_000; steps++) world.sim.step();
  world.rings.do({ type: 'createKeyspace', keyspace: keyspaceOf('more') });
  world.store.ring = world.rings.ring;
  const second = world.get('k', { keyspace: 'more' });
  world.run(100);
  t.is(second.code, 'ok');
  t.is(first.code, 'NO_KEYSPACE');
});

test('client keyspaces: what a keyspace does not take is refused here', (t) => {
  const world = new ClientWorld({ keyspace: { keyBytesMax: 4, valueBytesMax: 3 } });
  world.await(world.get('k'));
  const before = world.store.requests.length;
  const ops = [world.get(''), world.get('longer'), world.put('k', 'four'), world.get('k', { replicas: 4 })].map((op) => world.await(op));
  t.deepEqual(new Set(codes(ops)), new Set(['INVALID_ARGUMENT']));
  const pr = world.await(world.get('k', { primaries: 4 }));
  t.is((pr.outcome as ClientError).message, 'pr: expected at most 3, the replicas of keyspace users, got 4');
  t.is(world.await(world.put('k', 'v', { primaries: 4 })).code, 'INVALID_ARGUMENT');
  t.is(world.store.requests.length, before);
});

test('client failover: reads go on at once when their node dies, writes that were with it are indeterminate', (t) => {
  const world = new ClientWorld({ tuning: { attemptMs: 10_000 } });
  world.await(world.get('k'));
  const victim = world.first().node;
  world.store.script = ({ node }) => (node === victim ? null : undefined);
  const [read, write] = [world.get('k', { timeoutMs: 15_000 }), world.put('k', 'v', { timeoutMs: 15_000 })];
  world.run(20);
  t.deepEqual(codes([read, write]), ['none', 'none']);
  const at = world.sim.now;
  world.sim.crash(victim, 'silent');
  world.await(read, 10_000);
  world.await(write, 10_000);
  t.deepEqual(codes([read, write]), ['ok', 'INDETERMINATE']);
  t.regex((write.outcome as ClientError).message, new RegExp(`node ${victim} went down`));
  t.true(world.sim.now - at < 8_000);
  // From now on nobody waits for it.
  world.store.requests.length = 0;
  for (let i = 0; i < 20; i++) t.is(world.await(world.put(`k${i}`, 'v')).code, 'ok');
  t.false(world.store.requests.some(({ node }) => node === victim));
});

test('client failover: a process that ends is noticed as soon as nothing leads there, and used again once it is back', (t) => {
  const world = new ClientWorld({ tuning: { unreachableMs: 200 } });
  const op = world.await(world.get('k'));
  t.is(op.code, 'ok');
  const victim = world.first().node;
  world.sim.crash(victim, 'reset');
  const at = world.sim.now;
  t.is(world.await(world.get('k')).code, 'ok');
  t.true(world.sim.now - at < 400, `${world.sim.now - at}`);
  world.run(2_000);
  world.sim.restart(victim);
  world.run(2_000);
  t.is(world.await(world.put('k', 'v')).code, 'ok');
  t.is(world.store.requests.at(-1)?.node, victim);
});

test('client failover: a shard that dies is passed over until it is back, its node is not', (t) => {
  const world = new ClientWorld({ shards: 2 });
  world.await(world.get('k'));
  const { node, shard } = world.first();
  world.sim.killShard(node, shard);
  world.run(50);
  for (let i = 0; i < 40; i++) t.is(world.await(world.get(`k${i}`)).code, 'ok');
  const there = world.store.requests.slice(1).filter((request) => request.node === node);
  t.true(there.some((request) => request.shard !== shard));
  world.sim.restartShard(node, shard);
  world.run(3_000);
  world.await(world.get('k'));
  t.like(world.store.requests.at(-1), { node, shard });
});

test('client failover: a write never reaches two coordinators, whatever dies', (t) => {
  for (let seed = 1; seed <= 10; seed++) {
    const plan = [
      { kind: 'crash', atMs: 120, node: 'n1', forMs: 700, silent: seed % 2 === 0 },
      { kind: 'killShard', atMs: 160 + seed, node: 'n2', shard: 0, forMs: 100 },
      { kind: 'reset', atMs: 200 + seed, a: 'client', b: 'n3' },
      { kind: 'cut', atMs: 900, from: ['client'], to: ['n2'], forMs: 900, oneWay: false },
    ] as const;
    const world = new ClientWorld({ seed, plan, tuning: { attemptMs: 50 } });
    const ops: TestOperation[] = [];
    for (let i = 0; i < 300; i++) {
      ops.push(world.put(`${seed} ${i}`, 'v'));
      world.run(5);
    }
    world.run(3_000);
    t.false(codes(ops).includes('none'));
    t.true(codes(ops).filter((code) => code === 'ok').length > 150);
    const keys = world.store.requests.map(({ key }) => key);
    t.is(new Set(keys).size, keys.length, `seed ${seed}`);
  }
});

test('client failover: a write that goes to two coordinators is found, when planted', (t) => {
  const world = new ClientWorld({ mutants: ['clientRepeatsLostWrites'] });
  world.await(world.get('k'));
  const victim = world.first().node;
  world.store.requests.length = 0;
  world.store.script = ({ node }) => (node === victim ? null : undefined);
  const op = world.put('k', 'v', { timeoutMs: 5_000 });
  world.run(20);
  world.sim.crash(victim);
  world.await(op);
  t.is(world.store.requests.filter(({ key }) => key === 'k').length, 2);
});

test('client failover: nobody there is waited for, and what was never sent has not happened', (t) => {
  const world = new ClientWorld();
  for (const name of ['n1', 'n2', 'n3']) world.sim.crash(name);
  world.run(3_000);
  const op = world.put('k', 'v', { timeoutMs: 500 });
  t.is(world.await(op).code, 'UNREACHABLE');
  t.like(op.outcome, { mayBeDone: false, retryable: true });
  world.run(3_000);
  t.true(world.losses > 0);
  const waiting = world.put('k', 'v', { timeoutMs: 10_000 });
  for (const name of ['n1', 'n2', 'n3']) world.sim.restart(name);
  t.is(world.await(waiting, 10_000).code, 'ok');
});

test('client endings: one that is given up ends at once, and its answer harms nobody', (t) => {
  const world = new ClientWorld();
  world.store.script = () => null;
  const op = world.put('k', 'v');
  world.run(20);
  world.desk.cancel(op, 'enough');
  world.run(1);
  t.is(op.code, 'ABORTED');
  t.like(op.outcome, { cause: 'enough', mayBeDone: true });
  const unsent = world.get('k');
  world.desk.cancel(unsent, 'enough');
  const before = world.store.requests.length;
  world.run(20);
  t.like(unsent.outcome, { code: 'ABORTED', mayBeDone: false });
  t.is(world.store.requests.length, before);
  world.desk.cancel(op, 'again');
  t.is(world.desk.size, 0);
});

test('client endings: malformed answers fail their operations and nothing else', (t) => {
  const world = new ClientWorld();
  world.store.script = ({ key }) => (key === 'bad' ? { status: OK, record: Buffer.from([9, 9, 9]) } : undefined);
  const [bad, good] = [world.get('bad'), world.get('good')];
  world.run(50);
  t.deepEqual(codes([bad, good]), ['PROTOCOL', 'ok']);
  t.is(world.sim.failures.length, 0);
});

test('client endings: all that is under way fails when the client stops', (t) => {
  const world = new ClientWorld();
  world.store.script = () => null;
  const ops = [world.get('a'), world.put('b', 'v')];
  world.run(20);
  ops.push(world.get('c'));
  world.sim.node('client').main.runtime.stopAll();
  world.run(20);
  t.deepEqual(codes(ops), ['CLOSED', 'CLOSED', 'CLOSED']);
  t.deepEqual(
    ops.map(({ outcome }) => (outcome as ClientError).mayBeDone),
    [false, true, false],
  );
});

test('client failover: a write goes to primaries only, a read to anybody who is there', (t) => {
  const world = new ClientWorld({ nodes: 5, keyspace: { n: 2 } });
  world.await(world.put('k', 'v'));
  const primaries = world.replicasOf(world.first()).slice(0, 2);
  for (const name of primaries) world.sim.crash(name);
  world.run(1_000);
  world.store.requests.length = 0;
  t.is(world.await(world.put('k', 'v', { timeoutMs: 2_000 })).code, 'UNREACHABLE');
  t.is(world.store.requests.length, 0);
  t.is(world.await(world.get('k')).code, 'ok');
  t.false(primaries.includes(world.first().node));
});

test('client ring: in the middle of a change of owners writes go to a primary of those that are read', (t) => {
  const world = new ClientWorld({ nodes: 4, keyspace: { n: 1 } });
  world.rings.do({ type: 'removeMember', id: world.rings.ring.members[0]!.id });
  world.rings.begin();
  world.rings.advance('readNew');
  const { ring } = world.rings;
  world.store.ring = ring;
  const pending = ring.transition!.owners;
  t.notDeepEqual(pending, ring.owners);
  world.store.script = ({ node, tokenHigh, changedAt }) => {
    const partition = tokenHigh >>> 26;
    const mayMint = node === ring.members[pending[partition]!]!.address.node && changedAt === ring.changedAt[partition];
    return mayMint ? undefined : { status: STALE_RING };
  };
  for (let i = 0; i < 30; i++) t.is(world.await(world.put(`k${i}`, 'v')).code, 'ok');
});

test('client endings: a client that fails ends what it was doing, and goes on', (t) => {
  const world = new ClientWorld({ mayThrow: true });
  world.store.script = ({ key }) => (key === 'silent' ? null : undefined);
  const [read, write] = [world.get('silent'), world.put('silent', 'v')];
  world.run(20);
  const bad = world.get('k');
  bad.throws = true;
  world.run(20);
  t.deepEqual(codes([read, write]), ['OVERLOADED', 'INDETERMINATE']);
  t.is(world.await(world.put('k', 'v')).code, 'ok');
  t.is(world.desk.size, 0);
});

test('client failover: what is with a node that has left the ring ends when that node does', (t) => {
  const world = new ClientWorld({ nodes: 4, tuning: { ringRefreshMs: 100, attemptMs: 60_000 } });
  world.store.script = ({ node }) => (node === 'n1' ? null : undefined);
  const ops = Array.from({ length: 40 }, (_, i) => world.put(`k${i}`, 'v', { timeoutMs: 60_000 }));
  world.run(50);
  const withN1 = ops.filter((op) => op.code === 'none');
  t.true(withN1.length > 0);
  world.rings.do({ type: 'removeMember', id: world.rings.member(1)!.id });
  world.rings.settle();
  world.store.ring = world.rings.ring;
  world.run(500);
  t.is(world.desk.map?.ring.members.length, 3);
  world.sim.crash('n1');
  world.run(1_500);
  t.deepEqual(new Set(codes(withN1)), new Set(['INDETERMINATE']));
});
