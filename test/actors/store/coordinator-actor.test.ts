import test from 'ava';
import { type KnownRing, knownRing } from '../../../actors/membership/known-ring.ts';
import type { NewKeyspace } from '../../../actors/ring/operation.ts';
import type { RingHolder } from '../../../actors/ring-agent.ts';
import { type CoordinatorMessage, coordinatorActor, type StoreFigures } from '../../../actors/store/coordinator-actor.ts';
import { COORDINATOR_SLOT, FORWARD, FORWARDED, VNODE_SLOT } from '../../../actors/store/data-frames.ts';
import { Forward, readForwarded, writeForward } from '../../../actors/store/forward-frames.ts';
import { KeyPlace } from '../../../actors/store/key-place.ts';
import type { CoordinatorHolder } from '../../../actors/store/store-door.ts';
import {
  CONTEXT_NONE,
  DELETE,
  DURABILITY_NONE,
  DURABILITY_SYNC,
  GET,
  INDETERMINATE,
  LOADING,
  NO_KEYSPACE_FOUND,
  NOT_FOUND,
  OK,
  PUT,
  QUORUM_NOT_MET,
  STALE_RING,
  StoreAnswer,
  StoreRequest,
  TIMED_OUT,
} from '../../../actors/store/store-request.ts';
import { TopologyHolder } from '../../../actors/store/topology.ts';
import { type ReplicasHolder, vnodeActor } from '../../../actors/store/vnode-actor.ts';
import { RecordView } from '../../../actors/version/record-view.ts';
import { type ActorContext, defineActor } from '../../../runtime/actor.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { type AnyJob, collectJobs } from '../../../runtime/job-table.ts';
import type { Ref } from '../../../runtime/ref.ts';
import { LOSE_ALL } from '../../../runtime/simulation/crash-models.ts';
import { type LinkQuality, Simulation } from '../../../runtime/simulation/testing.ts';
import * as storageJobs from '../../../storage/jobs.ts';
import { RingWorld } from '../ring/ring-world.ts';
import { decodeNaive } from '../version/naive-record.ts';

const JOBS = new Map<string, AnyJob>();
collectJobs(storageJobs, JOBS);

interface Said {
  readonly status: number;
  readonly values: readonly (string | undefined)[];
}

/** And who has said so. */
interface SaidInFull extends Said {
  readonly counts: readonly [received: number, needed: number, primaries: number];
  readonly replied: readonly number[];
  readonly message: string;
}

/** Three nodes with engines, two shards each; a gateway's part is played by the test. */
class StoreCluster {
  readonly sim: Simulation;
  readonly holders = new Map<string, CoordinatorHolder>();
  readonly rings: RingHolder[] = [];
  readonly #ring: KnownRing;

  constructor(quality: Partial<LinkQuality> = {}, keyspace: Partial<NewKeyspace> = {}) {
    this.#ring = knownRing(new RingWorld(3, { keyspace }, () => ({ shards: 2 })).ring);
    const nodes = this.#ring.state.members.map(({ address }) => ({ name: address.node, shards: 2 }));
    this.sim = new Simulation({ seed: 1, nodes, jobs: JOBS, network: { quality } });
    for (const node of this.sim.nodes) node.disk.makeDirectory('/data');
    this.startShards();
  }

  startShards(): void {
    for (const node of this.sim.nodes) {
      for (const { index, runtime } of node.shards) {
        const ring: RingHolder = { ring: this.#ring, mayServe: true };
        const replicas: ReplicasHolder = { replicas: null };
        const holder: CoordinatorHolder = { coordinator: null };
        const about = { node: node.name, shard: index, ring, topologies: new TopologyHolder(node.name) };
        runtime.spawnWellKnown(VNODE_SLOT, vnodeActor, [{ ...about, shards: 2, dir: '/data', holder: replicas }]);
        runtime.spawnWellKnown(COORDINATOR_SLOT, coordinatorActor, [
          { ...about, replicas, holder, refTo: (slot: number, to: string, shard: number) => runtime.wellKnown(slot, { node: to, shard }) },
        ]);
        this.holders.set(`${node.name}/${index}`, holder);
        this.rings.push(ring);
      }
    }
    this.run(2_000);
  }

  /** Not waited for. */
  begin(at: string, kind: StoreRequest['kind'], key: string, timeoutMs: number, answered: (status: number) => void): void {
    const request = requestOf(kind, key, 'value');
    request.keyspace = this.#ring.state.keyspaces[0]!;
    const [node = '', shard = ''] = at.split('/');
    request.deadlineMs = this.sim.node(node).shard(Number(shard)).runtime.doors.clock.now() + timeoutMs;
    request.sink = { answered: (_token, { status }) => answered(status) };
    this.holders.get(at)!.coordinator!.begin(request);
  }

  run(ms: number): void {
    this.sim.run(this.sim.now + ms);
    this.sim.throwIfFailed();
  }

  ask(at: string, kind: StoreRequest['kind'], key: string, value = '', timeoutMs = 1_000, more: Partial<StoreRequest> = {}): Said {
    const request = Object.assign(requestOf(kind, key, value), more);
    request.keyspace = this.#ring.state.keyspaces[0]!;
    const [node = '', shard = ''] = at.split('/');
    request.deadlineMs = this.sim.node(node).shard(Number(shard)).runtime.doors.clock.now() + timeoutMs;
    const said: Said[] = [];
    request.sink = { answered: (_token, answer) => void said.push(saidOf(answer)) };
    this.holders.get(at)!.coordinator!.begin(request);
    this.run(timeoutMs + 10);
    if (said.length !== 1) throw new Error(`${said.length} answers`);
    return said[0]!;
  }
}

function requestOf(kind: StoreRequest['kind'], key: string, value: string): StoreRequest {
  const request = new StoreRequest();
  request.kind = kind;
  request.contextKind = kind === GET ? 0 : 1;
  request.key = Buffer.from(key);
  request.keyEnd = request.key.length;
  request.value = Buffer.from(value);
  request.valueEnd = request.value.length;
  return request;
}

function saidOf({ status, record }: StoreAnswer): Said {
  const bytes = Buffer.from(record.bytes.subarray(record.start, record.end));
  return { status, values: bytes.length === 0 ? [] : decodeNaive(bytes).siblings.map(({ value }) => value) };
}

test('coordinator actor: three nodes with two shards each serve every key at every shard', (t) => {
  const cluster = new StoreCluster();
  const shards = [...cluster.holders.keys()];
  for (let i = 0; i < 12; i++) {
    t.is(cluster.ask(shards[i % shards.length]!, PUT, `key${i}`, `value${i}`).status, OK);
    t.deepEqual(cluster.ask(shards[(i * 5 + 1) % shards.length]!, GET, `key${i}`), { status: OK, values: [`value${i}`] });
  }
  t.is(cluster.ask(shards[0]!, DELETE, 'key3').status, OK);
  t.is(cluster.ask(shards[1]!, GET, 'key3').status, NOT_FOUND);
  t.is(cluster.ask(shards[1]!, GET, 'nothing').status, NOT_FOUND);
});

test('coordinator actor: the others go on, when one node has crashed; when two have, a write is INDETERMINATE', (t) => {
  const cluster = new StoreCluster();
  cluster.ask('n1/0', PUT, 'key', 'one');
  cluster.sim.crash('n3');
  const puts = [0, 1, 2, 3].map((i) => cluster.ask('n1/0', PUT, `k${i}`, 'two'));
  t.true(puts.every(({ status }) => status === OK || status === INDETERMINATE));
  t.deepEqual(cluster.ask('n2/1', GET, 'key'), { status: OK, values: ['one'] });
  cluster.sim.crash('n2');
  const late = [0, 1, 2, 3].map((i) => cluster.ask(`n1/${i % 2}`, PUT, `l${i}`, 'three', 300));
  t.true(late.some(({ status }) => status === INDETERMINATE) && late.every(({ status }) => status !== OK));
});

test('coordinator actor: it says what its shard has done, to whom asks', (t) => {
  const cluster = new StoreCluster();
  for (let i = 0; i < 8; i++) cluster.ask(`n1/${i % 2}`, PUT, `key${i}`, 'value');
  const sums = { puts: 0, answered: 0, forwarded: 0, coordinated: 0, merged: 0 };
  for (const node of cluster.sim.nodes) {
    for (const { index, runtime } of node.shards) {
      const ref = runtime.wellKnown(COORDINATOR_SLOT, { node: node.name, shard: index }) as unknown as Ref<CoordinatorMessage>;
      const holder = cluster.sim.ask<CoordinatorMessage, StoreFigures>(ref, (replyTo) => ({ type: 'figures', replyTo }), {
        timeoutMs: 100,
      });
      cluster.run(100);
      if (holder.answer?.ok !== true) throw new Error('no answer');
      const { coordinator, replicas } = holder.answer.value;
      sums.puts += coordinator.put.begun - coordinator.cameForwarded;
      sums.answered += coordinator.put.answered[OK]!;
      sums.forwarded += coordinator.forwarded - coordinator.cameForwarded;
      sums.coordinated += replicas!.coordinatedWrites!;
      sums.merged += replicas!.mergedRecords!;
    }
  }
  t.deepEqual({ ...sums, answered: sums.answered >= 8 }, { puts: 8, answered: true, forwarded: 0, coordinated: 8, merged: 16 });
});

/** As `ask`, with all that the answer says. */
function askInFull(cluster: StoreCluster, at: string, kind: StoreRequest['kind'], key: string, more: Partial<StoreRequest>): SaidInFull {
  let full: SaidInFull | undefined;
  const begin = cluster.holders.get(at)!.coordinator!;
  const before = begin.begin.bind(begin);
  begin.begin = (request, isForwarded) => {
    const { sink } = request;
    request.sink = {
      answered(token, answer) {
        const { received, needed, primaries, message } = answer;
        const replied = [...answer.replied.subarray(0, answer.repliedCount)].sort(byNumber);
        full = { ...saidOf(answer), counts: [received, needed, primaries], replied, message };
        sink.answered(token, answer);
      },
    };
    before(request, isForwarded);
  };
  cluster.ask(at, kind, key, 'value', 500, more);
  begin.begin = before;
  return full!;
}

test('coordinator actor: R, W, PR and PW are those of the request, at a shard that has the key and at one that forwards, and the answer names who replied', (t) => {
  const cluster = new StoreCluster();
  for (const at of ['n1/0', 'n1/1', 'n2/0', 'n2/1']) {
    const all = askInFull(cluster, at, PUT, 'key', { w: 3 });
    t.like(all, { status: OK, counts: [3, 3, 3], replied: [0, 1, 2] }, at);
    const one = askInFull(cluster, at, PUT, 'key', { w: 1, primaries: 3 });
    t.like(one, { status: OK, counts: [3, 3, 3], replied: [0, 1, 2] }, at);
    const read = askInFull(cluster, at, GET, 'key', { r: 3 });
    t.like(read, { status: OK, counts: [3, 3, 3], replied: [0, 1, 2] }, at);
    t.is(askInFull(cluster, at, GET, 'key', { r: 1 }).replied.length, 1, at);
    t.like(askInFull(cluster, at, GET, 'key', { r: 1, primaries: 3 }), { status: OK, counts: [3, 3, 3], replied: [0, 1, 2] }, at);
    t.like(askInFull(cluster, at, GET, 'key', { r: 1, isMonotonic: true }), { status: OK, counts: [2, 2, 2] }, at);
    for (const wrong of [{ r: 4 }, { w: 4 }, { primaries: 4 }])
      t.is(
        askInFull(cluster, at, PUT, 'key', wrong).message,
        `${Object.keys(wrong)[0]}: expected ${'primaries' in wrong ? 0 : 1} to 3, the replicas of keyspace users, found 4`,
      );
  }
  cluster.sim.crash('n3');
  cluster.run(50);
  for (const at of ['n1/0', 'n1/1']) {
    const some = askInFull(cluster, at, PUT, 'key', { w: 3 });
    t.is(some.status, INDETERMINATE, at);
    const two = askInFull(cluster, at, PUT, 'key', { w: 2 });
    t.like(two, { status: OK, counts: [2, 2, 2], replied: [0, 1] }, at);
    t.like(askInFull(cluster, at, GET, 'key', { r: 1, primaries: 3 }), { status: TIMED_OUT, counts: [2, 3, 2] }, at);
  }
});

test('coordinator actor: PR and PW are those of the keyspace, where the request does not say', (t) => {
  const cluster = new StoreCluster({}, { r: 'one', w: 'one', pr: 'all', pw: 3 });
  for (const at of ['n1/0', 'n1/1']) {
    t.like(askInFull(cluster, at, PUT, 'key', {}), { status: OK, counts: [3, 3, 3] }, at);
    t.like(askInFull(cluster, at, GET, 'key', {}), { status: OK, counts: [3, 3, 3] }, at);
    t.like(askInFull(cluster, at, GET, 'key', { primaries: 2 }), { status: OK, counts: [2, 2, 2] }, at);
    t.is(askInFull(cluster, at, GET, 'key', { isLocal: true }).replied.length, 1, at);
  }
  cluster.sim.crash('n3');
  cluster.run(50);
  t.is(askInFull(cluster, 'n1/0', PUT, 'key', {}).status, INDETERMINATE);
  t.like(askInFull(cluster, 'n1/0', PUT, 'key', { primaries: 2 }), { status: OK, counts: [2, 2, 2] });
  t.is(askInFull(cluster, 'n1/0', GET, 'key', {}).status, TIMED_OUT);
});

const outlives = test.macro((t, durability: number, isThere: boolean) => {
  const cluster = new StoreCluster();
  // Also so that nothing else is to be synced, and the later write with it.
  for (let i = 0; i < 4; i++) cluster.ask('n1/0', PUT, 'key', 'old', 50, { w: 3 });
  t.is(cluster.ask('n1/0', PUT, 'key', 'new', 5, { w: 3, durability }).status, OK);
  for (const { name } of cluster.sim.nodes) cluster.sim.crash(name, 'silent');
  for (const node of cluster.sim.nodes) node.disk.crash(LOSE_ALL);
  for (const { name } of cluster.sim.nodes) cluster.sim.restart(name);
  cluster.startShards();
  t.deepEqual(cluster.ask('n2/0', GET, 'key', '', 1_000, { r: 3 }), { status: OK, values: [isThere ? 'new' : 'old'] });
});
test(
  'coordinator actor: a write that asks for durability sync is there, when the power of all nodes has failed',
  outlives,
  DURABILITY_SYNC,
  true,
);
test(
  'coordinator actor: a write that asks for durability none may be lost, when the power of all nodes has failed',
  outlives,
  DURABILITY_NONE,
  false,
);

interface Send {
  readonly bytes: Uint8Array;
}
const client = defineActor<Send, readonly [to: Ref, heard: (answer: Said, requestId: number) => void]>(
  'test.client',
  (_context, to, heard) => ({
    receive: ({ bytes }) => void to.tellBytes(FORWARD, bytes, 0, bytes.length, 77),
    receiveBytes(operation, bytes, offset, length, requestId) {
      const answer = new StoreAnswer(new RecordView());
      const wrong = operation === FORWARDED ? readForwarded(bytes, offset, length, answer) : `operation ${operation}`;
      if (wrong !== undefined) throw new Error(wrong);
      heard(saidOf(answer), requestId);
    },
  }),
);

test('coordinator actor: FORWARD of a client is answered to it, also when it is refused; what is malformed is logged and harms nobody', (t) => {
  const cluster = new StoreCluster();
  const { runtime } = cluster.sim.node('n2').shard(0);
  const heard: (Said & { readonly requestId: number })[] = [];
  const to = runtime.wellKnown(COORDINATOR_SLOT, { node: 'n1', shard: 1 });
  const ref = runtime.spawn(client, [to, (answer, requestId) => void heard.push({ ...answer, requestId })]);
  const send = (keyspace: number, request: StoreRequest): void => {
    const place = new KeyPlace();
    place.keyspace = keyspace;
    const out = new OutBuffer(64, 10_000);
    writeForward(out, place, request, 500);
    ref.tell({ bytes: Buffer.from(out.bytes.subarray(0, out.length)) });
    cluster.run(600);
  };
  send(1, requestOf(GET, 'key', ''));
  ref.tell({ bytes: Buffer.alloc(60, 9) });
  send(99, requestOf(GET, 'key', ''));
  for (const holder of cluster.rings) holder.ring = { ...holder.ring!, state: { ...holder.ring!.state, nextKeyspaceId: 100 } };
  send(99, requestOf(GET, 'key', ''));
  for (const ring of cluster.rings) ring.mayServe = false;
  send(1, requestOf(GET, 'key', ''));
  t.deepEqual(
    heard.map(({ status, requestId }) => [status, requestId]),
    [
      [NOT_FOUND, 77],
      [STALE_RING, 77],
      [NO_KEYSPACE_FOUND, 77],
      [LOADING, 77],
    ],
  );
});

test('coordinator actor: a write that comes twice by FORWARD is done once, and answered each time it was not under way [T12]', (t) => {
  const cluster = new StoreCluster();
  const { runtime } = cluster.sim.node('n2').shard(0);
  const heard: Said[] = [];
  const shards = [0, 1].map((shard) => runtime.wellKnown(COORDINATOR_SLOT, { node: 'n1', shard }));
  const refs = shards.map((to) => runtime.spawn(client, [to, (answer) => void heard.push(answer)]));
  const send = (number: number, value: string): void => {
    const place = new KeyPlace();
    place.keyspace = 1;
    const out = new OutBuffer(64, 10_000);
    const request = requestOf(PUT, 'key', value);
    // A second dot would be a sibling.
    request.contextKind = CONTEXT_NONE;
    writeForward(out, place, request, 500, 9, number);
    // One of the shards has a replica; the other refuses, and goes on to.
    for (const ref of refs) ref.tell({ bytes: Buffer.from(out.bytes.subarray(0, out.length)) });
  };
  send(1, 'one');
  send(1, 'one');
  cluster.run(600);
  send(1, 'one');
  cluster.run(600);
  t.deepEqual(heard.map(({ status }) => status).sort(byNumber), [OK, OK, STALE_RING, STALE_RING, STALE_RING]);
  send(2, 'two');
  cluster.run(600);
  t.deepEqual(new Set(cluster.ask('n2/0', GET, 'key').values), new Set(['one', 'two']));
  t.is(cluster.ask('n2/0', GET, 'key').values.length, 2);
});

function byNumber(a: number, b: number): number {
  return a - b;
}

test('bug: requests under way were never answered, when their coordinator stopped', (t) => {
  const cluster = new StoreCluster();
  const [at = ''] = cluster.holders.keys();
  const [name = ''] = at.split('/');
  for (const node of cluster.sim.nodes) if (node.name !== name) cluster.sim.crash(node.name);
  const answers = new Map<string, number[]>();
  for (let i = 0; i < 8; i++) {
    for (const [kind, what] of [
      [GET, 'get'],
      [PUT, 'put'],
    ] as const) {
      const said: number[] = [];
      answers.set(`${what} ${i}`, said);
      cluster.begin(at, kind, `key${i}`, 60_000, (status) => void said.push(status));
    }
  }
  cluster.run(100);
  const stayed = [...answers.values()].filter((said) => said.length === 0).length;
  t.true(stayed > 0);
  const { runtime } = cluster.sim.node(name).shard(0);
  runtime.stop(runtime.wellKnown(COORDINATOR_SLOT, { node: name, shard: 0 }));
  cluster.run(10);
  t.is(cluster.holders.get(at)!.coordinator, null);
  for (const [what, said] of answers) {
    t.is(said.length, 1, what);
    if (what.startsWith('get')) t.is(said[0], LOADING, what);
    else t.true([INDETERMINATE, LOADING, QUORUM_NOT_MET].includes(said[0]!), `${what}: ${said[0]}`);
  }
});

const forwardRecorder = defineActor('forward-recorder', (_context: ActorContext<never>, seen: [origin: number, number: number][]) => {
  const forward = new Forward(new StoreRequest());
  return {
    receive(): void {},
    receiveBytes(operation: number, bytes: Uint8Array, offset: number, length: number): void {
      if (operation === FORWARD && forward.read(bytes, offset, length) === undefined) seen.push([forward.origin, forward.number]);
    },
  };
});

test('bug: forwards had the numbers of requests, which come again, and one could get the answer of another', (t) => {
  const ring = knownRing(new RingWorld(3, {}, () => ({ shards: 1 })).ring);
  const nodes = ring.state.members.map(({ address }) => ({ name: address.node, shards: 1 }));
  // A fourth, which is no replica of anything, forwards all.
  const sim = new Simulation({ seed: 1, nodes: [...nodes, { name: 'far', shards: 1 }], jobs: JOBS });
  const seen: [number, number][] = [];
  for (const { name } of nodes) sim.node(name).shard(0).runtime.spawnWellKnown(COORDINATOR_SLOT, forwardRecorder, [seen]);
  const { runtime } = sim.node('far').shard(0);
  const holder: CoordinatorHolder = { coordinator: null };
  const ringHolder: RingHolder = { ring, mayServe: true };
  const refTo = (slot: number, node: string, shard: number) => runtime.wellKnown(slot, { node, shard });
  runtime.spawnWellKnown(COORDINATOR_SLOT, coordinatorActor, [
    {
      ...{ shard: 0, ring: ringHolder, topologies: new TopologyHolder('far') },
      ...{ replicas: { replicas: null }, holder, refTo, capacity: 2 },
    },
  ]);
  sim.run(100);
  for (let i = 0; i < 20; i++) {
    const request = requestOf(PUT, `key${i}`, 'value');
    request.keyspace = ring.state.keyspaces[0]!;
    request.deadlineMs = runtime.doors.clock.now() + 20;
    holder.coordinator!.begin(request);
    sim.run(sim.now + 50);
  }
  sim.throwIfFailed();
  t.deepEqual(
    seen.map(([, number]) => number),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  t.is(new Set(seen.map(([origin]) => origin)).size, 1);
});
