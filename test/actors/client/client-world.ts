/** A simulated cluster of nodes n1, n2, ... with fake coordinators on their shards, and one client of it on a node of its own. */
import { clientActor } from '../../../actors/client/client-actor.ts';
import { ClientDesk } from '../../../actors/client/client-desk.ts';
import type { ClientError } from '../../../actors/client/client-error.ts';
import { type ListRange, Operation, type OperationFields } from '../../../actors/client/operation.ts';
import { type ClientTuning, completeTuning } from '../../../actors/client/options.ts';
import { RING_SLOT } from '../../../actors/membership/cluster-door.ts';
import { partitionOf, shardOf } from '../../../actors/ring/token.ts';
import type { RingMessage } from '../../../actors/ring-protocol.ts';
import { SCAN_START } from '../../../actors/scan/scan-position.ts';
import { ScanAnswer } from '../../../actors/scan/scan-request.ts';
import { COORDINATOR_SLOT, SCAN_SLOT } from '../../../actors/store/data-frames.ts';
import type { Greeting } from '../../../actors/store/greeting.ts';
import type { StoreAnswer } from '../../../actors/store/store-request.ts';
import { DELETE, GET, PUT } from '../../../actors/store/store-request.ts';
import { MAIN_SHARD } from '../../../runtime/address.ts';
import type { Ref } from '../../../runtime/ref.ts';
import { type PlanItem, Simulation } from '../../../runtime/simulation/testing.ts';
import { RingWorld, type RingWorldOptions, type Traits } from '../ring/ring-world.ts';
import type { FakeRequest } from './fake-frames.ts';
import { FakeStore, fakeCoordinator, fakeRing, fakeScans } from './fake-store.ts';

export interface ClientWorldOptions extends Omit<RingWorldOptions, 'mutants'> {
  readonly nodes?: number;
  readonly shards?: number;
  readonly traits?: (number: number) => Traits;
  readonly tuning?: Partial<ClientTuning>;
  readonly dataCenter?: string;
  readonly plan?: readonly PlanItem[];
  readonly mutants?: readonly string[];
  /** Actors may fail. */
  readonly mayThrow?: boolean;
  readonly seed?: number;
}

export class TestOperation extends Operation {
  outcome: { readonly status: number; readonly values: number } | ClientError | undefined;

  /** The program's part in it throws. */
  throws = false;

  succeeded(answer: StoreAnswer | ScanAnswer): void {
    if (this.throws) throw new Error('planted');
    this.#end({ status: answer.status, values: answer instanceof ScanAnswer ? answer.keys : answer.record.siblings });
  }

  failed(error: ClientError): void {
    this.#end(error);
  }

  get code(): string {
    if (this.outcome === undefined) return 'none';
    return 'code' in this.outcome ? this.outcome.code : 'ok';
  }

  #end(outcome: NonNullable<TestOperation['outcome']>): void {
    if (this.outcome !== undefined) throw new Error('an operation ended twice');
    this.outcome = outcome;
  }
}

export const CLIENT = 'client';
/** The world's first moments: the client has its ring after them. */
const START_MS = 50;

export class ClientWorld {
  readonly rings: RingWorld;
  readonly store: FakeStore;
  readonly sim: Simulation;
  readonly desk: ClientDesk;
  losses = 0;
  ringsSeen = 0;

  constructor(options: ClientWorldOptions = {}) {
    const {
      nodes = 3,
      shards = 2,
      traits = () => ({}),
      tuning,
      dataCenter,
      plan,
      mutants = [],
      mayThrow = false,
      seed = 1,
      ...rings
    } = options;
    this.rings = new RingWorld(nodes, rings, (number) => ({ shards, ...traits(number) }));
    this.store = new FakeStore(this.rings.ring);
    const { store } = this;
    const complete = completeTuning(tuning);
    this.desk = new ClientDesk(complete.operationsMax, {
      ringChanged: () => this.ringsSeen++,
      lost: () => this.losses++,
    });
    // The nodes start while `sim` is made.
    let pending: (() => void)[] | null = [];
    const whenMade = (start: () => void): void => void (pending === null ? start() : pending.push(start));
    this.sim = new Simulation({
      seed,
      nodes: [{ name: CLIENT, shards: 0 }, ...Array.from({ length: nodes }, (_, i) => ({ name: `n${i + 1}`, shards }))],
      start: (node) =>
        whenMade(() => (node.name === CLIENT ? this.#startClient(complete, dataCenter, mutants) : this.#startNode(node.name))),
      startShard: (start) =>
        whenMade(() => {
          start.spawnWellKnown(COORDINATOR_SLOT, fakeCoordinator, [store, start.node, start.shard]);
          start.spawnWellKnown(SCAN_SLOT, fakeScans, [store, start.node, start.shard]);
        }),
      ...(plan === undefined ? {} : { plan }),
      ...(mayThrow ? { mayThrow: () => true } : {}),
      network: { limits: { unreachableMs: complete.unreachableMs } },
    });
    const starts = pending;
    pending = null;
    for (const start of starts) start();
    this.run(START_MS);
  }

  run(ms: number): void {
    this.sim.run(this.sim.now + ms);
    this.sim.throwIfFailed();
  }

  /** Begins an operation; its outcome is looked at later. */
  begin(fields: Partial<OperationFields> = {}): TestOperation {
    const op = new TestOperation({ kind: GET, keyspace: 'users', key: Buffer.from('k'), timeoutMs: 1_000, ...fields });
    this.desk.submit(op);
    return op;
  }

  list(
    { start = SCAN_START, prefix = Buffer.alloc(0), keysMax = 10 }: Partial<ListRange>,
    fields: Partial<OperationFields> = {},
  ): TestOperation {
    return this.begin({ key: prefix, list: { start, prefix, keysMax }, timeoutMs: 4_000, ...fields });
  }

  get(key: string, fields: Partial<OperationFields> = {}): TestOperation {
    return this.begin({ kind: GET, key: Buffer.from(key), ...fields });
  }

  put(key: string, value: string, fields: Partial<OperationFields> = {}): TestOperation {
    return this.begin({ kind: PUT, key: Buffer.from(key), value: Buffer.from(value), ...fields });
  }

  delete(key: string, fields: Partial<OperationFields> = {}): TestOperation {
    return this.begin({ kind: DELETE, key: Buffer.from(key), ...fields });
  }

  /** Runs until it is over, at most so long. */
  await(op: TestOperation, withinMs = 5_000): TestOperation {
    for (const end = this.sim.now + withinMs; op.outcome === undefined && this.sim.now < end; ) this.run(1);
    return op;
  }

  /** Where it was sent first, of all that came. */
  first(): FakeRequest {
    const [request] = this.store.requests;
    if (request === undefined) throw new Error('nothing came');
    return request;
  }

  /** Names of the nodes that have a replica of it, best first. */
  replicasOf(request: Pick<FakeRequest, 'tokenHigh'>): readonly string[] {
    const { ring } = this.store;
    const partition = partitionOf(request.tokenHigh, ring.owners.length);
    const owners: string[] = [];
    for (let i = 0; i < ring.owners.length && owners.length < 3; i++) {
      const name = ring.members[ring.owners[(partition + i) % ring.owners.length]!]!.address.node;
      if (!owners.includes(name)) owners.push(name);
    }
    return owners;
  }

  shardOf(request: Pick<FakeRequest, 'tokenHigh'>, shards: number): number {
    const { length } = this.store.ring.owners;
    return shardOf(partitionOf(request.tokenHigh, length), shards, length);
  }

  #startNode(name: string): void {
    this.sim.node(name).main.runtime.spawnWellKnown(RING_SLOT, fakeRing, [this.store, name]);
  }

  #startClient(tuning: ClientTuning, dataCenter: string | undefined, mutants: readonly string[]): void {
    const { main } = this.sim.node(CLIENT);
    const { runtime } = main;
    const at = (slot: number, node: string, shard: number): unknown => runtime.wellKnown(slot, { node, shard });
    const door = {
      ring: (node: string) => at(RING_SLOT, node, MAIN_SHARD) as Ref<RingMessage>,
      coordinator: (node: string, shard: number) => at(COORDINATOR_SLOT, node, shard) as Ref<Greeting>,
      scans: (node: string, shard: number) => at(SCAN_SLOT, node, shard) as Ref<Greeting>,
      introduce() {
        // Addresses mean nothing here.
      },
    };
    const seeds = [this.store.ring.members[0]!.address];
    main.spawn(clientActor, [{ desk: this.desk, door, seeds, dataCenter, tuning, mutants: new Set(mutants) }]);
  }
}
