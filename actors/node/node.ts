/**
 * Node: one process of the cluster: directory, actor system, RingActor, GossipActor, shards, HTTP, in the order in which each needs the one before.
 *
 * ```
 * directory held -> seeds asked -> record on disk -> system listens -> ring, gossip -> RESP -> HTTP -> in the ring
 * ```
 * What ends it: `stop`; or `failed`, when the cluster says that it must not run (a copy, an old state, a member that was removed).
 */
import { errorMessage } from '../../runtime/errors.ts';
import type { FileSystem } from '../../runtime/files.ts';
import type { NodeAddress } from '../../runtime/node-address.ts';
import { type HttpServer, openHttpServer } from '../../runtime/real/http-server.ts';
import type { Ref } from '../../runtime/ref.ts';
import type { ActorSystem, SystemStats } from '../../runtime/system.ts';
import { compactionActor } from '../compaction-actor.ts';
import { enteringActor, type Joining } from '../entering-actor.ts';
import { gossipActor } from '../gossip-actor.ts';
import type { MembershipView } from '../gossip-protocol.ts';
import { type ClusterDoor, COMPACTION_SLOT, GOSSIP_SLOT, RING_SLOT } from '../membership/cluster-door.ts';
import { memberOf } from '../membership/joining.ts';
import type { NodeIdentity } from '../membership/node-identity.ts';
import type { PurgeMessage, PurgeState } from '../purge/purge-protocol.ts';
import { MERKLE_SLOT } from '../repair/repair-frames.ts';
import type { MerkleMessage, RepairAnswer, RepairCommand, RepairFigures } from '../repair/repair-protocol.ts';
import type { RepairProgress } from '../repair/repair-queue.ts';
import { RESP_SLOT, type RespFigures, type RespGatewayMessage, type RespListening } from '../resp/resp-gateway.ts';
import { initialRing } from '../ring/initial-ring.ts';
import type { Operation, OperationOutcome } from '../ring/operation.ts';
import type { Id, RingState } from '../ring/ring-state.ts';
import { ringActor } from '../ring-actor.ts';
import type { RingMessage, RingStatus } from '../ring-protocol.ts';
import type { CoordinatorMessage, StoreFigures } from '../store/coordinator-actor.ts';
import { COORDINATOR_SLOT, PURGE_SLOT, STREAMING_SLOT } from '../store/data-frames.ts';
import type { StreamFigures } from '../streaming/stream-figures.ts';
import type { StreamingMessage } from '../streaming/streaming-actor.ts';
import type { Admin, Snapshot } from './admin.ts';
import type { NodeConfig } from './config/config.ts';
import type { HostAndPort } from './config/host-and-port.ts';
import { clusterDoor } from './door.ts';
import { fatal } from './fatal.ts';
import { createApp } from './http/app.ts';
import { NodeMetrics } from './http/metrics.ts';
import { NodeDirectory } from './node-directory.ts';
import { NodeError } from './node-error.ts';
import { nodeObserver } from './observer.ts';
import { COMPACTION_TURNS, DRAIN_MS } from './parts.ts';
import { type Prepared, pause, prepare, startSystem } from './prepare.ts';
import { RingCache } from './ring-cache.ts';
import { askSeeds, type Seed } from './seeds.ts';
import { isRespPortShared } from './shard-settings.ts';

/** What a node needs of the world besides what the runtime opens for it. */
export interface NodeDoors {
  readonly files: FileSystem;
  /** The data directory, absolute. */
  readonly directory: string;
  /** Of each shard, and of the job pool: URLs. */
  readonly modules: readonly (string | URL)[];
  readonly newId: () => Id;
  /** 16 hexadecimal digits of this process. */
  readonly instance: string;
  /** Shards of a new node when the configuration does not say. */
  readonly shards: number;
  readonly version: string;
}

const STATUS_MS = 2_000;
const WATCH_MS = 500;
const HTTP_DRAIN_MS = 1_000;
const LISTEN_MS = 10_000;
const NO_MUTANTS: ReadonlySet<string> = new Set();

export class Node implements Admin {
  readonly self: NodeIdentity;
  readonly version: string;
  readonly system: ActorSystem;
  /** Settles with an error when the cluster says that this node must not run; the node is to be stopped then. */
  readonly failed: Promise<NodeError>;
  #http: HttpServer | null = null;
  #respPort = 0;
  isStopping = false;
  #stopped: Promise<void> | null = null;
  readonly #directory: NodeDirectory;
  readonly config: NodeConfig;
  readonly #doors: NodeDoors;
  readonly #door: ClusterDoor;
  readonly #ring: Ref<RingMessage>;
  readonly #cache = new RingCache();
  #view: MembershipView | null = null;
  #fail: (error: NodeError) => void = () => undefined;
  #stopEntering: () => void = () => undefined;
  #watch: NodeJS.Timeout | undefined;

  /**
   * Resolves when the node is a member of its ring, which for one that joins may not be a full one yet (`untilUp`). `began` is called with the node as soon
   * as it listens. Errors: NodeError; what keeps the system or the HTTP server from starting. Nothing is left behind then but what is on disk.
   */
  static async start(config: NodeConfig, doors: NodeDoors, began: (node: Node) => void = () => undefined): Promise<Node> {
    const directory = await NodeDirectory.open(doors.files, doors.directory);
    let system: ActorSystem | null = null;
    let node: Node | null = null;
    try {
      const fresh = { node: doors.newId(), cluster: doors.newId(), shards: doors.shards };
      const prepared = await prepare(directory, config, fresh);
      system = await startSystem(prepared.record, config, directory.path, doors.instance, doors.modules, (reason) =>
        node?.onZombie(reason),
      );
      node = new Node(config, doors, directory, system, prepared);
      await node.#begin();
      began(node);
      await Promise.race([node.#enter(prepared), node.failed.then((error) => Promise.reject(error))]);
      return node;
    } catch (error) {
      if (node !== null) await node.stop();
      else {
        await system?.stop({ drainMs: 0 });
        await directory.close();
      }
      throw error;
    }
  }

  private constructor(config: NodeConfig, doors: NodeDoors, directory: NodeDirectory, system: ActorSystem, { record, way }: Prepared) {
    const { id, name, shards, boot } = record;
    const { dataCenter, rack, capacity } = config;
    this.self = { id, name, address: system.address, dataCenter, rack, capacity, shards, boot, instance: doors.instance };
    this.version = doors.version;
    this.system = system;
    this.config = config;
    this.#doors = doors;
    this.#directory = directory;
    this.#door = clusterDoor(system);
    const door = this.#door;
    const initial = way === 'init' ? this.#firstRing(record.cluster) : null;
    this.#ring = system.spawnWellKnown(RING_SLOT, ringActor, [{ identity: this.self, door, directory: directory.path, initial }]);
    system.spawnWellKnown(COMPACTION_SLOT, compactionActor, [{ limits: COMPACTION_TURNS }]);
    const gossip = { identity: this.self, door, mutants: NO_MUTANTS, intervalMs: config.gossip.intervalMs };
    const onView = (view: MembershipView): void => {
      this.#view = view;
    };
    system.spawn(nodeObserver, [system.spawnWellKnown(GOSSIP_SLOT, gossipActor, [gossip]), onView]);
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  /** Where the admin HTTP server listens. */
  get http(): HostAndPort {
    return { host: this.#http?.host ?? '', port: this.#http?.port ?? 0 };
  }

  /** Where Redis clients are served. */
  get resp(): HostAndPort {
    return { host: this.config.resp.host, port: this.#respPort };
  }

  newId(): Id {
    return this.#doors.newId();
  }

  async look(): Promise<Snapshot> {
    const status = await this.#ring.ask<RingStatus>((replyTo) => ({ type: 'status', replyTo }), { timeoutMs: STATUS_MS });
    const decoded = status.ring === null ? null : this.#cache.get(status.ring);
    return { status, ring: decoded?.ring ?? null, hash: decoded?.hash ?? '', view: this.#view };
  }

  propose(operation: Operation): Promise<OperationOutcome> {
    return this.#operate((operationId, replyTo) => ({ type: 'propose', proposal: { operationId, operation }, replyTo }));
  }

  force(survivors: readonly Id[]): Promise<OperationOutcome> {
    return this.#operate((operationId, replyTo) => ({ type: 'force', operationId, survivors, replyTo }));
  }

  stats(): Promise<SystemStats> {
    return this.system.stats();
  }

  async repair(command: RepairCommand): Promise<readonly (RepairProgress | null)[]> {
    const ask = (replyTo: Ref<RepairAnswer>): MerkleMessage => ({ ...command, replyTo });
    const answers = await this.#figuresOf<MerkleMessage, RepairAnswer>(MERKLE_SLOT, this.self.shards, ask);
    return answers.map((answer) => answer?.progress ?? null);
  }

  storeFigures(): Promise<readonly (StoreFigures | null)[]> {
    return this.#figuresOf<CoordinatorMessage, StoreFigures>(COORDINATOR_SLOT, this.self.shards, (replyTo) => ({
      type: 'figures',
      replyTo,
    }));
  }

  repairFigures(): Promise<readonly (RepairFigures | null)[]> {
    const ask = (replyTo: Ref<RepairFigures>): MerkleMessage => ({ type: 'repairFigures', replyTo });
    return this.#figuresOf(MERKLE_SLOT, this.self.shards, ask);
  }

  purgeStates(): Promise<readonly (PurgeState | null)[]> {
    const ask = (replyTo: Ref<PurgeState>): PurgeMessage => ({ type: 'purgeState', replyTo });
    return this.#figuresOf(PURGE_SLOT, this.self.shards, ask);
  }

  streamFigures(): Promise<readonly (StreamFigures | null)[]> {
    const ask = (replyTo: Ref<StreamFigures>): StreamingMessage => ({ type: 'figures', replyTo });
    return this.#figuresOf(STREAMING_SLOT, this.self.shards, ask);
  }

  respFigures(): Promise<readonly (RespFigures | null)[]> {
    const listening = isRespPortShared(this.config.resp, this.self.shards) ? this.self.shards : 1;
    return this.#figuresOf<RespGatewayMessage, RespFigures>(RESP_SLOT, listening, (replyTo) => ({ type: 'figures', replyTo }));
  }

  /** Resolves when the node is a full member and registered with a majority, or stops. */
  async untilUp(): Promise<void> {
    while (!this.isStopping) {
      const look = await this.#lookOrNull();
      const isFull = look?.ring?.members.some(({ id, state }) => id === this.self.id && state !== 'joining') === true;
      if (isFull && look.status.isConfirmed) return;
      await pause(WATCH_MS);
    }
  }

  /** Idempotent. Resolves when nothing of the node is left in this process. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#takeApart();
    await this.#stopped;
  }

  async #takeApart(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.#watch);
    this.#stopEntering();
    await this.#http?.close(HTTP_DRAIN_MS);
    await this.system.stop({ drainMs: DRAIN_MS });
    await this.#directory.close();
  }

  /** A place that was dialled has seen a later start of this node. */
  onZombie(reason: string): void {
    const text = `another start of node ${this.self.name} (${this.self.id}) came after this one (boot ${this.self.boot}): ${reason}`;
    this.#fail(
      new NodeError(
        'DUPLICATE',
        `${text}; data directory ${this.#directory.path} is a copy or an old state of another, and must not be used`,
      ),
    );
  }

  async #begin(): Promise<void> {
    await this.#directory.change({ address: this.self.address });
    const metrics = new NodeMetrics(this);
    this.#respPort = await this.#untilRespListens();
    const app = createApp({ admin: this, log: this.system.log, metrics: () => metrics.text() });
    this.#http = await openHttpServer({ ...this.config.http, fetch: (request) => app.fetch(request) });
    this.#watchFence();
  }

  /** Asks who is at that slot of each of the first `shards` shards. */
  #figuresOf<M, F>(slot: number, shards: number, ask: (replyTo: Ref<F>) => M): Promise<readonly (F | null)[]> {
    const { system } = this;
    return Promise.all(
      Array.from({ length: shards }, (_, shard) =>
        system
          .wellKnown<M>(slot, system.node, shard)
          .ask<F>(ask, { timeoutMs: STATUS_MS })
          .catch((error: unknown) => {
            system.log.warn('node.noFigures', { slot, shard, error: errorMessage(error) });
            return null;
          }),
      ),
    );
  }

  /** Errors: NodeError IO, when nobody can listen there. */
  async #untilRespListens(): Promise<number> {
    const gateway = this.system.wellKnown<RespGatewayMessage>(RESP_SLOT, this.system.node, 0);
    const { port, fault } = await gateway.ask<RespListening>((replyTo) => ({ type: 'listening', replyTo }), { timeoutMs: LISTEN_MS });
    if (fault !== '') throw new NodeError('IO', `Redis clients: ${fault}`);
    return port;
  }

  /** Of a new cluster: the same however often the making of it is begun anew. */
  #firstRing(cluster: Id): RingState {
    const { clusterName, partitions } = this.config;
    return initialRing({ cluster, clusterName, operationId: cluster, member: memberOf(this.self), partitions });
  }

  /** Resolves when this node's own RingActor has a ring with this node in it, or the node is stopped. Errors: CANNOT_JOIN. */
  async #enter({ way, seeds }: Prepared): Promise<void> {
    for (const { address } of seeds) this.#door.introduce(address);
    const joining = way === 'join' ? this.#joining(seeds) : null;
    await new Promise<void>((resolve, reject) => {
      this.#stopEntering = resolve;
      const done = (reason: string | null): void => (reason === null ? resolve() : reject(new NodeError('CANNOT_JOIN', reason)));
      this.system.spawn(enteringActor, [{ identity: this.self, door: this.#door, joining, done }]);
    });
    if (!this.isStopping) await this.#directory.change({ phase: 'member' });
  }

  #joining(found: readonly Seed[]): Joining {
    const { log, cluster } = this.system;
    const { join, joinTimeoutSeconds, replace } = this.config;
    const addressesOf = (seeds: readonly Seed[]): readonly NodeAddress[] =>
      seeds.filter((seed) => seed.cluster === cluster).map(({ address }) => address);
    return {
      ...{ seeds: addressesOf(found), replace, giveUpMs: joinTimeoutSeconds * 1000 },
      proposalOf: (operation) => ({ operationId: this.#doors.newId(), operation }),
      askSeeds: (answered) => {
        askSeeds(join, this.self.address.node).then(
          ({ seeds }) => answered(addressesOf(seeds)),
          (error: unknown) => {
            log.error('node.seedsNotAsked', { error: errorMessage(error) });
            answered([]);
          },
        );
      },
      onAnswered: ({ operation }, answer) => {
        const refusal = !answer.ok ? answer.error.message : answer.value.ok ? undefined : answer.value.message;
        log.info('node.joinAnswered', { operation: operation.type, refusal });
      },
    };
  }

  /** Asks RingActor now and then whether this node may go on. */
  #watchFence(): void {
    this.#watch = setTimeout(() => {
      this.#lookOrNull().then(
        (look) => {
          const error = look === null ? null : fatal(look.status, this.self);
          if (error !== null) this.#fail(error);
          else if (!this.isStopping) this.#watchFence();
        },
        (error: unknown) => this.system.log.error('node.watchFailed', { error: errorMessage(error) }),
      );
    }, WATCH_MS);
  }

  async #lookOrNull(): Promise<Snapshot | null> {
    try {
      return await this.look();
    } catch (error) {
      if (!this.isStopping) this.system.log.warn('node.noStatus', { error: errorMessage(error) });
      return null;
    }
  }

  #operate(make: (operationId: Id, replyTo: Ref<OperationOutcome>) => RingMessage): Promise<OperationOutcome> {
    const operationId = this.#doors.newId();
    return this.#ring.ask<OperationOutcome>((replyTo) => make(operationId, replyTo), { timeoutMs: OPERATION_MS });
  }
}

const OPERATION_MS = 15_000;
