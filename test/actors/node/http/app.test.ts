import test from 'ava';
import { createApp } from '../../../../actors/node/http/app.ts';
import type { ReplicasAnswer } from '../../../../actors/node/http/keyspace-routes.ts';
import { NodeMetrics } from '../../../../actors/node/http/metrics.ts';
import type { PlanAnswer } from '../../../../actors/node/http/plan-routes.ts';
import type { RingAnswer } from '../../../../actors/node/http/ring-routes.ts';
import type { ClusterStatus } from '../../../../actors/node/http/status.ts';
import type { PurgeState } from '../../../../actors/purge/purge-protocol.ts';
import { RepairJob } from '../../../../actors/repair/repair-queue.ts';
import { applyOperation } from '../../../../actors/ring/apply.ts';
import { newKeyspace } from '../../../../actors/ring/keyspace-defaults.ts';
import { hashOfRing } from '../../../../actors/ring/ring-codec.ts';
import type { RingState } from '../../../../actors/ring/ring-state.ts';
import { CoordinatorCounters } from '../../../../actors/store/coordinator-figures.ts';
import { INDETERMINATE, PUT } from '../../../../actors/store/store-request.ts';
import { RecordingLog } from '../../../runtime/recording-log.ts';
import { FakeAdmin, idOf, memberNamed } from '../fake-admin.ts';

class Rig {
  readonly admin = new FakeAdmin();
  readonly log = new RecordingLog();
  readonly #app = createApp({ admin: this.admin, log: this.log, metrics: () => new NodeMetrics(this.admin).text() });

  async send(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly text: string }> {
    const init =
      body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await this.#app.request(path, { method, ...init });
    return { status: response.status, text: await response.text() };
  }

  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { status, text } = await this.send(method, path, body);
    if (status >= 300) throw new Error(`${status} ${text}`);
    return JSON.parse(text) as T;
  }

  async problem(method: string, path: string, body?: unknown): Promise<string> {
    const { status, text } = await this.send(method, path, body);
    const { error } = JSON.parse(text) as { error: { code: string; message: string } };
    return `${status} ${error.code} ${error.message}`;
  }

  async addMembers(...names: readonly string[]): Promise<void> {
    for (const name of names) await this.admin.propose({ type: 'addMember', member: memberNamed(name) });
  }
}

test('http status: members with their states, and whether all is well', async (t) => {
  const rig = new Rig();
  await rig.addMembers('b');
  const status = await rig.json<ClusterStatus>('GET', '/v1/status');
  t.like(status, { cluster: idOf('c'), clusterName: 'test', epoch: 2, partitions: 64, isConfirmed: true, isWell: true, transition: null });
  t.deepEqual(status.node.resp, { host: '127.0.0.1', port: 6379 });
  t.like(status.members[0], { name: 'a', state: 'UP', share: 1, epoch: 2, silentMs: 12, address: 'a.0123@10.0.0.1:7000,7001' });
  t.like(status.members[1], { name: 'b', state: 'JOINING', share: 0 });
  rig.admin.labels.set('b', 'down');
  const worse = await rig.json<ClusterStatus>('GET', '/v1/status');
  t.like(worse.members[1], { state: 'DOWN', ringState: 'joining' });
  t.false(worse.isWell);
});

test('http status: says that there is no ring, when there is none', async (t) => {
  const rig = new Rig();
  rig.admin.ring = null;
  t.like(await rig.json('GET', '/v1/status'), { cluster: '', epoch: 0, members: [], isWell: false });
  t.is(await rig.problem('GET', '/v1/ring'), '503 NO_RING node a has no ring yet');
});

test('http ring: owners by name, keyspaces, members with their partitions', async (t) => {
  const rig = new Rig();
  await rig.json('POST', '/v1/keyspaces', { name: 'k', n: 2 });
  const ring = await rig.json<RingAnswer>('GET', '/v1/ring');
  t.is(ring.owners.length, 64);
  t.is(ring.owners[63], 'a');
  t.like(ring.members[0], { name: 'a', partitions: 64, state: 'up' });
  t.like(ring.keyspaces[0], { name: 'k', id: 1, n: 2 });
  t.regex(ring.hash, /^[0-9a-f]{16}$/);
});

test('http keyspaces: made, shown, altered and dropped', async (t) => {
  const rig = new Rig();
  t.deepEqual(await rig.json('POST', '/v1/keyspaces', { name: 'users' }), { name: 'users', generation: 1, epoch: 2 });
  const made = { id: 1, name: 'users', n: 3, r: 'quorum', w: 'quorum', pr: 0, pw: 0, mode: 'ap', conflict: 'siblings', durability: 'sync' };
  t.like(await rig.json('GET', '/v1/keyspaces/users'), { ...made, ttlMs: 0, keyBytesMax: 1024, valueBytesMax: 1_048_576 });
  await rig.json('PATCH', '/v1/keyspaces/users', { r: 1, pw: 'one', ttlMs: 5 });
  t.like(await rig.json('GET', '/v1/keyspaces/users'), { ...made, r: 1, pw: 'one', ttlMs: 5 });
  await rig.json('DELETE', '/v1/keyspaces/users');
  t.deepEqual(await rig.json('GET', '/v1/keyspaces'), { keyspaces: [] });
  t.is(await rig.problem('GET', '/v1/keyspaces/users'), '404 NOT_FOUND no keyspace "users"');
});

test('http keyspaces: replicas of each partition by name, and who stands in', async (t) => {
  const rig = new Rig();
  await rig.json('POST', '/v1/keyspaces', { name: 'k', n: 2 });
  await rig.addMembers('b', 'd');
  const ring = rig.admin.ring!;
  const owners = ring.owners.map((_, partition) => partition % 3);
  rig.admin.ring = { ...ring, owners, members: ring.members.map((member) => ({ ...member, state: 'up' as const })) };
  const { epoch, partitions } = await rig.json<ReplicasAnswer>('GET', '/v1/keyspaces/k/replicas');
  t.is(epoch, 4);
  t.is(partitions.length, 64);
  t.deepEqual(partitions[0], { replicas: ['a', 'b'], standIns: ['d'] });
  t.deepEqual(partitions[1], { replicas: ['b', 'd'], standIns: ['a'] });
  t.is(await rig.problem('GET', '/v1/keyspaces/x/replicas'), '404 NOT_FOUND no keyspace "x"');
});

test('http members: leave, capacity and removal are proposed for whom they fit', async (t) => {
  const rig = new Rig();
  await rig.addMembers('b', 'd');
  await rig.json('PUT', '/v1/members/b/capacity', { capacity: 7 });
  await rig.json('POST', `/v1/members/${idOf('b')}/leave`);
  t.deepEqual(rig.admin.proposed.slice(2), [
    { type: 'setCapacity', id: idOf('b'), capacity: 7 },
    { type: 'removeMember', id: idOf('b') },
  ]);
  t.is(await rig.problem('POST', '/v1/members/b/leave'), '404 NOT_FOUND no member "b"; there are a, d');
  t.regex(await rig.problem('DELETE', '/v1/members/d'), /^409 NOT_ALLOWED member d is not down: `dynactor leave d`/);
  rig.admin.labels.set('d', 'down');
  t.regex(await rig.problem('POST', '/v1/members/d/leave'), /^409 NOT_ALLOWED member d is down.*`dynactor remove d`/);
  t.like(await rig.json('GET', '/v1/members/d'), { name: 'd', state: 'DOWN' });
  await rig.json('DELETE', '/v1/members/d');
  t.is(rig.admin.ring?.members.length, 1);
  t.regex(await rig.problem('POST', '/v1/members/a/leave'), /^409 NOT_ALLOWED /);
});

test('http members: one that owned something and is down is excluded before it leaves', async (t) => {
  const rig = new Rig();
  await rig.addMembers('b');
  const ring = rig.admin.ring!;
  rig.admin.ring = { ...ring, members: ring.members.map((member) => ({ ...member, state: 'up' as const })) };
  rig.admin.labels.set('b', 'down');
  await rig.json('DELETE', '/v1/members/b');
  t.deepEqual(
    rig.admin.proposed.slice(1).map(({ type }) => type),
    ['excludeMember', 'removeMember'],
  );
});

test('http plan: shows what changes would move, and changes nothing', async (t) => {
  const rig = new Rig();
  const plan = await rig.json<PlanAnswer>('POST', '/v1/plan', {
    changes: [
      { type: 'join', name: 'b' },
      { type: 'capacity', name: 'b', capacity: 300 },
    ],
  });
  t.true(plan.isNeeded);
  t.is(plan.owners.length, 64);
  t.like(
    plan.members.map(({ name, ownedBefore, ownedAfter }) => ({ name, ownedBefore, whole: ownedAfter > 0 })),
    [
      { name: 'a', ownedBefore: 64, whole: true },
      { name: 'b', ownedBefore: 0, whole: true },
    ],
  );
  t.is(rig.admin.proposed.length, 0);
  t.false((await rig.json<PlanAnswer>('POST', '/v1/plan')).isNeeded);
  t.is(await rig.problem('POST', '/v1/plan', { changes: [{ type: 'leave', name: 'x' }] }), '404 NOT_FOUND no member "x"; there are a');
  t.regex(await rig.problem('POST', '/v1/plan', { changes: [{ type: 'join', name: 'a' }] }), /^409 EXISTS the name a is that of member/);
});

function moving(ring: RingState): RingState {
  const applied = applyOperation(ring, {
    operationId: idOf('7'),
    operation: { type: 'beginTransition', parent: hashOfRing(ring), owners: ring.owners.map((_, p) => p % ring.members.length) },
  });
  if (!applied.ok) throw new Error(applied.message);
  return applied.ring;
}

test('http transition: says what is copied, and how long that takes', async (t) => {
  const rig = new Rig();
  t.like(await rig.json('GET', '/v1/transition'), { transition: null, copying: null });
  await rig.addMembers('b');
  rig.admin.ring = moving(rig.admin.ring!);
  rig.admin.streams = [null, { moves: 40, movesLeft: 30, records: 7, bytes: 900, retries: 1, sinceMs: 2_000 }];
  t.like(await rig.json('GET', '/v1/transition'), {
    transition: { startedAt: 3, step: 'writeBoth', partitionsMoving: 32 },
    copying: { moves: 40, movesLeft: 30, bytes: 900, leftMs: 6_000 },
  });
  t.like(await rig.json<ClusterStatus>('GET', '/v1/status'), { copying: { records: 7 } });
});

test('http status: says what holds up purging, of all shards together', async (t) => {
  const rig = new Rig();
  t.deepEqual((await rig.json<ClusterStatus>('GET', '/v1/status')).purgeBlocked, []);
  const state = (why: string, partitions: number): PurgeState => ({ type: 'purgeFigures', figures: {}, blocked: [{ why, partitions }] });
  rig.admin.purges = [state('b is away', 2), null, state('data moves', 3), state('b is away', 4)];
  t.deepEqual((await rig.json<ClusterStatus>('GET', '/v1/status')).purgeBlocked, [
    { why: 'b is away', partitions: 6 },
    { why: 'data moves', partitions: 3 },
  ]);
});

test('http transition: is taken back with who was joining', async (t) => {
  const rig = new Rig();
  t.is(await rig.problem('DELETE', '/v1/transition'), '409 NOT_ALLOWED no change of owners is under way');
  await rig.addMembers('b');
  rig.admin.ring = moving(rig.admin.ring!);
  t.deepEqual(await rig.json('DELETE', '/v1/transition'), { epoch: 5, dropped: ['b'] });
  t.is(rig.admin.ring?.transition, null);
  t.is(rig.admin.ring?.members.length, 1);
});

test('http transition: is not taken back, when a member leaves', async (t) => {
  const rig = new Rig();
  await rig.addMembers('b');
  let ring = moving(rig.admin.ring!);
  ring = { ...ring, members: ring.members.map((member) => ({ ...member, state: member.name === 'a' ? 'leaving' : 'up' })) };
  rig.admin.ring = ring;
  t.regex(await rig.problem('DELETE', '/v1/transition'), /^409 NOT_ALLOWED member a leaves/);
});

test('http ring force: survivors are taken by name', async (t) => {
  const rig = new Rig();
  t.deepEqual(await rig.json('POST', '/v1/ring/force', { survivors: ['a'] }), { generation: 2, epoch: 65_537 });
  t.deepEqual(rig.admin.forced, [idOf('a')]);
  t.regex(await rig.problem('POST', '/v1/ring/force', { survivors: [] }), /^400 INVALID_ARGUMENT survivors: /);
});

for (const [code, status] of [
  ['NO_MAJORITY', 503],
  ['NOT_A_MEMBER', 503],
  ['INDETERMINATE', 504],
  ['STALE', 409],
  ['EXISTS', 409],
] as const) {
  test(`http: an operation that ends with ${code} gives ${status}`, async (t) => {
    const rig = new Rig();
    rig.admin.failure = { ok: false, code, message: 'so it is' };
    t.is(await rig.problem('POST', '/v1/keyspaces', { name: 'k' }), `${status} ${code} so it is`);
  });
}

const refused = test.macro({
  exec: async (t, method: string, path: string, body: unknown, expected: RegExp) => {
    const rig = new Rig();
    t.regex(await rig.problem(method, path, body), expected);
    t.is(rig.admin.proposed.length, 0);
    t.deepEqual(rig.log.lines, []);
  },
  title: (title) => `${title} is refused with its place and what was expected`,
});
test('http: a path that is none', refused, 'GET', '/v1/nothing', undefined, /^404 UNKNOWN_PATH nothing at \/v1\/nothing/);
test('http: a method that a path does not know', refused, 'POST', '/v1/status', {}, /^405 METHOD \/v1\/status does not know POST/);
test('http: a body that is no JSON', refused, 'POST', '/v1/keyspaces', '{', /^400 INVALID_ARGUMENT body: expected JSON/);
test(
  'http: a body with an unknown key',
  refused,
  'POST',
  '/v1/keyspaces',
  { name: 'k', m: 1 },
  /^400 INVALID_ARGUMENT body: expected name, n, r, w, .*, found "m"$/,
);
test('http: a keyspace without a name', refused, 'POST', '/v1/keyspaces', {}, /^400 INVALID_ARGUMENT name: expected a name/);
test(
  'http: a count of replicas that is none',
  refused,
  'POST',
  '/v1/keyspaces',
  { name: 'k', r: 'most' },
  /^400 INVALID_ARGUMENT r: expected 1 to 16, one, quorum or all/,
);
test('http: a capacity that is none', refused, 'PUT', '/v1/members/a/capacity', { capacity: 0 }, /^400 INVALID_ARGUMENT capacity: /);
test(
  'http: a body of megabytes',
  refused,
  'POST',
  '/v1/keyspaces',
  `"${'x'.repeat(1 << 20)}"`,
  /^413 TOO_LARGE body: expected at most 65536 bytes/,
);

test('http: a body that a page in a browser could send is refused', async (t) => {
  const admin = new FakeAdmin();
  const app = createApp({ admin, log: new RecordingLog(), metrics: () => Promise.reject(new Error('none')) });
  const response = await app.request('/v1/keyspaces', { method: 'POST', body: '{"name":"k"}', headers: { 'content-type': 'text/plain' } });
  t.is(response.status, 415);
  t.is(admin.proposed.length, 0);
});

test('http: what fails inside is told and logged', async (t) => {
  const log = new RecordingLog();
  const app = createApp({ admin: new FakeAdmin(), log, metrics: () => Promise.reject(new Error('out of order')) });
  const response = await app.request('/metrics');
  t.is(response.status, 500);
  t.deepEqual(await response.json(), { error: { code: 'INTERNAL', message: 'out of order' } });
  t.is(log.lines[0]?.event, 'http.failed');
});

test('http health: a node is ready when it is a full member, confirmed, and all its shards have the newest ring and their data', async (t) => {
  const rig = new Rig();
  const ready = async (): Promise<string> => {
    const { status, text } = await rig.send('GET', '/readyz');
    return `${status} ${text.trim()}`;
  };
  t.is(await ready(), '200 ok');
  await rig.json('POST', '/v1/keyspaces', { name: 'k' });
  t.is(await ready(), '503 [-] shards: not all shards have switched to the newest ring\n1 of 6 checks failed');
  rig.admin.status = { ...rig.admin.status, switchedTo: { generation: 1, epoch: 2 }, isConfirmed: false, trouble: 'too old' };
  t.is(await ready(), '503 [-] confirmed: too old\n1 of 6 checks failed');
  rig.admin.status = { ...rig.admin.status, isConfirmed: true, trouble: '' };
  rig.admin.isStopping = true;
  t.regex(await ready(), /^503 \[-\] running: the node is stopping/);
  rig.admin.isStopping = false;
  const coordinator = new CoordinatorCounters().figures(0);
  rig.admin.store = [
    { type: 'storeFigures', coordinator, replicas: {} },
    { type: 'storeFigures', coordinator, replicas: null },
  ];
  t.is(await ready(), '503 [-] data: the replicas of shard 1 are not open yet\n1 of 6 checks failed');
  rig.admin.store = [null];
  t.is(await ready(), '503 [-] data: the replicas of shard 0 are not open yet\n1 of 6 checks failed');
  rig.admin.store = [];
  t.is(
    (await rig.send('GET', '/readyz?verbose')).text,
    '[+] running ok\n[+] ring ok\n[+] member ok\n[+] confirmed ok\n[+] shards ok\n[+] data ok\nok\n',
  );
});

test('http health: a node lives as long as all its shards answer', async (t) => {
  const rig = new Rig();
  t.is((await rig.send('GET', '/livez')).status, 200);
  rig.admin.shards = [null];
  t.deepEqual(await rig.send('GET', '/livez'), { status: 503, text: '[-] shard 0: no answer\n1 of 1 checks failed\n' });
});

test('http metrics: of the ring, gossip, threads and process, in the format of Prometheus', async (t) => {
  const rig = new Rig();
  await rig.addMembers('b');
  const counters = new CoordinatorCounters();
  counters.begun(PUT);
  counters.answered(PUT, INDETERMINATE);
  counters.took(PUT, 250);
  counters.repairs = 3;
  rig.admin.store = [null, { type: 'storeFigures', coordinator: counters.figures(5), replicas: { misses: 4 } }];
  const { status, text } = await rig.send('GET', '/metrics');
  t.is(status, 200);
  for (const line of [
    'dynactor_requests_total{shard="1",kind="put",status="indeterminate"} 1',
    'dynactor_request_seconds_total{shard="1",kind="put"} 0.25',
    'dynactor_requests_within_total{shard="1",kind="put",le="+Inf"} 1',
    'dynactor_requests_under_way{shard="1"} 5',
    'dynactor_store_repairs_total{shard="1"} 3',
    'dynactor_replicas{shard="1",figure="misses"} 4',
    'dynactor_repair{shard="1",figure="completePairs"} 6',
    'dynactor_purge{shard="0",figure="rounds"} 5',
    'dynactor_resp_connections{shard="1"} 3',
    'dynactor_resp_requests_under_way{shard="1"} 4',
    'dynactor_resp_connections_total{shard="1"} 9',
    'dynactor_resp_connections_refused_total{shard="1"} 1',
    'dynactor_resp_commands_total{shard="1"} 70',
    'dynactor_resp_errors_total{shard="1"} 2',
    'dynactor_resp_bytes_total{shard="1",dir="in"} 800',
    'dynactor_resp_bytes_total{shard="1",dir="out"} 900',
    `dynactor_build_info{version="9.9.9",node_version="${process.version}",name="a"} 1`,
    'dynactor_gossip_members{state="UP"} 1',
    'dynactor_gossip_members{state="JOINING"} 1',
    'dynactor_gossip_rounds_total 42',
    'dynactor_ring_epoch 2',
    'dynactor_ring_partitions_owned 64',
    'dynactor_actor_mailbox_depth{shard="main",actor="worker"} 4',
    'dynactor_dead_letters_total{shard="main",reason="noSuchActor"} 7',
    'nodejs_eventloop_lag_p99_seconds{shard="main"} 0.002',
    'nodejs_eventloop_lag_max_seconds{shard="main"} 0',
    'dynactor_gc_pauses_total{shard="main"} 4',
    'dynactor_gc_seconds_total{shard="main"} 0.03',
    'dynactor_gc_pause_max_seconds{shard="main"} 0.012',
  ]) {
    t.true(text.split('\n').includes(line), line);
  }
  t.regex(text, /^process_cpu_user_seconds_total /m);
  t.is(text.match(/^# TYPE nodejs_eventloop_lag/gm)?.length, 3);
});

test('http repairs: a job is begun on all shards, looked at and cancelled', async (t) => {
  const rig = new Rig();
  await rig.admin.propose({ type: 'createKeyspace', keyspace: newKeyspace('users', {}) });
  const job = new RepairJob('0');
  rig.admin.repairAnswers = [
    { ...job.progress(), total: 3, done: 1, differing: 2 },
    { ...job.progress(), state: 'done', total: 4, done: 4, fault: 'why' },
    null,
  ];
  const { status, text } = await rig.send('POST', '/v1/repairs', { keyspace: 'users', dryRun: true });
  t.is(status, 202);
  const id = idOf('0');
  t.like(JSON.parse(text), { id, state: 'running', total: 7, done: 5, differing: 2, fault: 'why', silentShards: 1 });
  rig.admin.repairAnswers = [{ ...job.progress(), state: 'done' }];
  t.like(await rig.json('GET', `/v1/repairs/${id}`), { state: 'done', silentShards: 0 });
  await rig.json('POST', '/v1/repairs');
  await rig.json('DELETE', `/v1/repairs/${id}`);
  t.deepEqual(rig.admin.repairs, [
    { type: 'startRepair', jobId: id, keyspace: 1, direction: 'dryRun' },
    { type: 'lookAtRepair', jobId: id },
    { type: 'startRepair', jobId: idOf('2'), keyspace: null, direction: 'pushPull' },
    { type: 'cancelRepair', jobId: id },
  ]);
});

test('http repairs: what is wrong with a request is said', async (t) => {
  const rig = new Rig();
  t.is(await rig.problem('POST', '/v1/repairs', { keyspace: 'nobody' }), '404 NOT_FOUND no keyspace "nobody"');
  t.regex(await rig.problem('POST', '/v1/repairs', { dryRun: 1 }), /400 INVALID_ARGUMENT dryRun: expected true or false/);
  t.is(await rig.problem('GET', '/v1/repairs/x'), '404 NOT_FOUND no repair "x" on this node');
});
