import test from 'ava';
import { Coordinator } from '../../../actors/store/coordinator.ts';
import { LocalReplica, type RunsCalls } from '../../../actors/store/local-replica.ts';
import { COORDINATE, MERGE_IN, READ_LOCAL, ReplicaCall } from '../../../actors/store/replica-call.ts';
import { RequestTable } from '../../../actors/store/request-table.ts';
import {
  CONTEXT_LOCAL,
  DELETE,
  DURABILITY_PERIODIC,
  DURABILITY_SYNC,
  GET,
  INDETERMINATE,
  INVALID,
  NOT_FOUND,
  OK,
  PUT,
  STORAGE_FAILED,
  StoreRequest,
} from '../../../actors/store/store-request.ts';
import { Topology } from '../../../actors/store/topology.ts';
import { RecordView } from '../../../actors/version/record-view.ts';
import { RingWorld } from '../ring/ring-world.ts';
import { decodeNaive } from '../version/naive-record.ts';
import { TestCluster, type TestVnode } from '../version/test-vnode.ts';

const TTL_MS = 5_000;
const WALL_MS = 1_700_000_000_000;

/** Answers within the call, with records that lie in one buffer and only until the next call; throws when it is called from within its own callbacks. */
class FakeReplicas implements RunsCalls {
  readonly cluster = new TestCluster();
  readonly vnodes = new Map<string, TestVnode>();
  readonly calls: { readonly verb: number; readonly durability: number; readonly expiryMs: number; readonly isLww: boolean }[] = [];
  /** A disk that fails: before a dot is minted, or after it. */
  fails: 'never' | 'before' | 'after' = 'never';
  readonly #shared = Buffer.alloc(4_096);
  #isTelling = false;

  run(call: ReplicaCall): void {
    if (this.#isTelling) throw new Error('called within its own callback');
    this.#shared.fill(0xee);
    const { verb, durability, expiryMs, isLww, sink, token } = call;
    this.calls.push({ verb, durability, expiryMs, isLww });
    const key = Buffer.from(call.key.subarray(call.keyStart, call.keyEnd)).toString();
    const vnode = this.vnodes.get(key) ?? this.cluster.vnode();
    this.vnodes.set(key, vnode);
    const bytes = Buffer.from(call.bytes.subarray(call.start, call.end));
    this.#isTelling = true;
    if (this.fails === 'before') {
      sink.failed(token, STORAGE_FAILED, 'disk is full');
    } else if (verb === READ_LOCAL) {
      sink.found(token, this.view(vnode.record));
    } else {
      if (verb === MERGE_IN) vnode.receive(bytes);
      else vnode.put(call.isTombstone ? undefined : bytes.toString(), call.contextKind === CONTEXT_LOCAL ? vnode.record : Buffer.alloc(0));
      if (verb === COORDINATE) sink.made(token, this.view(vnode.record));
      if (this.fails === 'after') sink.failed(token, STORAGE_FAILED, 'disk has failed');
      else sink.stored(token);
    }
    this.#isTelling = false;
  }

  view(record: Uint8Array): RecordView {
    const view = new RecordView();
    this.#shared.fill(0xee);
    this.#shared.set(record);
    if (record.length === 0) view.clear();
    else view.open(this.#shared, 0, record.length);
    return view;
  }
}

class OneNode {
  readonly replicas = new FakeReplicas();
  readonly statuses: number[] = [];
  readonly found: (string | undefined)[][] = [];
  readonly messages: string[] = [];
  readonly #topology = new Topology(new RingWorld(1, { keyspace: { n: 1, durability: 'periodic', ttlMs: TTL_MS } }).ring, 'n1');
  readonly #keyspace = this.#topology.ring.keyspaces[0]!;
  readonly #local: LocalReplica;
  readonly coordinator: Coordinator;

  constructor() {
    this.coordinator = new Coordinator(
      {
        topology: () => this.#topology,
        isReachable: () => true,
        isConnected: () => true,
        read: (_member, _shard, id, slot, wantsRecord) => {
          this.#local.read(id, slot, wantsRecord);
          return true;
        },
        merge: (_member, _shard, id, slot) => {
          this.#local.merge(id, slot, this.#keyspace, null);
          return true;
        },
        coordinate: (id, slot) => {
          this.#local.coordinate(id, slot, this.#keyspace, null);
          return true;
        },
        keep() {
          // Nobody is down.
        },
        forward: () => false,
        nowMs: () => 0,
        wallMs: () => WALL_MS,
        wakeAt() {
          // Nothing takes time here.
        },
      },
      { shard: 0, capacity: 4 },
    );
    this.#local = new LocalReplica(this.replicas, this.coordinator, () => WALL_MS);
  }

  begin(kind: StoreRequest['kind'], value = '', then?: () => void, durability = 0): void {
    const request = new StoreRequest();
    request.kind = kind;
    request.keyspace = this.#keyspace;
    request.key = Buffer.from('key');
    request.keyEnd = 3;
    request.value = Buffer.from(value);
    request.valueEnd = request.value.length;
    request.contextKind = kind === GET ? 0 : CONTEXT_LOCAL;
    request.durability = durability;
    request.deadlineMs = 100;
    request.sink = {
      answered: (_token, { status, record, message }) => {
        this.statuses.push(status);
        this.messages.push(message);
        const bytes = Buffer.from(record.bytes.subarray(record.start, record.end));
        this.found.push(bytes.length === 0 ? [] : decodeNaive(bytes).siblings.map((sibling) => sibling.value));
        then?.();
      },
    };
    this.coordinator.begin(request);
  }
}

test('local replica: one node puts, gets and deletes, each within its call', (t) => {
  const node = new OneNode();
  node.begin(GET);
  node.begin(PUT, 'one');
  node.begin(GET);
  node.begin(DELETE);
  node.begin(GET);
  t.deepEqual(node.statuses, [NOT_FOUND, OK, OK, OK, NOT_FOUND]);
  t.deepEqual(node.found.slice(0, 3), [[], ['one'], ['one']]);
  t.is(node.coordinator.table.used, 0);
});

test('local replica: records are what they were, when answers begin more requests, whose records come to lie in the same place', (t) => {
  const node = new OneNode();
  node.begin(PUT, 'one');
  const read = (): void => node.begin(GET);
  // Both are begun within one answer, and told after it.
  node.begin(GET, '', () => {
    node.begin(PUT, 'two', read);
    node.begin(GET);
  });
  t.deepEqual(node.found.slice(1), [['one'], ['two'], ['two'], ['two']]);
});

test('local replica: a record that is heard outside of its calls is what it was, however late it is told', (t) => {
  const replicas = new FakeReplicas();
  const told: string[] = [];
  const onRecord = (id: number, _status: number, bytes: Uint8Array, start: number, end: number): void => {
    told.push(`${id} ${decodeNaive(Buffer.from(bytes.subarray(start, end))).siblings[0]!.value}`);
  };
  const table = new RequestTable(4, 1_024);
  const local = new LocalReplica(replicas, { table, onRecord } as unknown as Coordinator, () => WALL_MS);
  const request = new StoreRequest();
  request.key = Buffer.from('k');
  request.keyEnd = 1;
  const slot = table.take(request);
  const vnode = replicas.cluster.vnode();
  vnode.put('one', Buffer.alloc(0));
  let late: ReplicaCall | undefined;
  const run = replicas.run.bind(replicas);
  replicas.run = (call) => {
    late = Object.assign(new ReplicaCall(), { sink: call.sink, token: call.token });
  };
  local.read(7, slot, true);
  late!.sink.found(late!.token, replicas.view(vnode.record));
  replicas.run = run;
  replicas.view(new Uint8Array(0));
  local.tell();
  t.deepEqual(told, ['7 one']);
});

test('local replica: it is not called within its own callbacks, when an answer begins the next request', (t) => {
  const node = new OneNode();
  let left = 100;
  const again = (): void => {
    if (left-- > 0) node.begin(left % 2 === 0 ? PUT : GET, `v${left}`, again);
  };
  node.begin(PUT, 'first', again);
  t.is(node.statuses.length, 101);
  t.true(node.statuses.every((status) => status === OK));
});

test('local replica: what the request leaves open is as the keyspace says', (t) => {
  const node = new OneNode();
  node.begin(PUT, 'one');
  node.begin(PUT, 'two', undefined, DURABILITY_SYNC);
  node.begin(DELETE);
  const call = { verb: COORDINATE, isLww: false };
  t.deepEqual(node.replicas.calls, [
    { ...call, durability: DURABILITY_PERIODIC, expiryMs: WALL_MS + TTL_MS },
    { ...call, durability: DURABILITY_SYNC, expiryMs: WALL_MS + TTL_MS },
    { ...call, durability: DURABILITY_PERIODIC, expiryMs: 0 },
  ]);
});

test('local replica: STORAGE_FAILED is said where nothing was written, INDETERMINATE after the dot was minted [T16]', (t) => {
  const node = new OneNode();
  node.replicas.fails = 'before';
  node.begin(PUT, 'one');
  node.replicas.fails = 'after';
  node.begin(PUT, 'two');
  t.deepEqual(node.statuses, [STORAGE_FAILED, INDETERMINATE]);
  t.is(node.messages[0], 'disk is full');
});

test('bug: a write was ended twice, and its place given away twice, when what its replica had said was told while the write was kept for another', (t) => {
  const replicas = new FakeReplicas();
  const told: string[] = [];
  const bells: number[] = [];
  const table = new RequestTable(4, 1_024);
  const coordinator = { table, onMerged: (id: number, status: number) => told.push(`${id} ${status}`) } as unknown as Coordinator;
  const local = new LocalReplica(
    replicas,
    coordinator,
    () => WALL_MS,
    () => bells.push(1),
  );
  const request = new StoreRequest();
  request.kind = PUT;
  request.key = Buffer.from('k');
  request.keyEnd = 1;
  const slot = table.take(request);
  const keyspace = new RingWorld(1).ring.keyspaces[0]!;
  const owner = Buffer.alloc(16, 1);
  // Its own replica fails later than the call, outside of turns.
  let late: ReplicaCall | undefined;
  const run = replicas.run.bind(replicas);
  replicas.run = (call) => {
    late = Object.assign(new ReplicaCall(), { sink: call.sink, token: call.token });
  };
  local.merge(7, slot, keyspace, null);
  late!.sink.failed(late!.token, INVALID, 'stamped too far ahead');
  t.is(bells.length, 1);
  replicas.run = run;
  local.keep(slot, keyspace, owner);
  t.deepEqual(told, []);
  local.tell();
  t.deepEqual(told, [`7 ${INVALID}`]);
});
