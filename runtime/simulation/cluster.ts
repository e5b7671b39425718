/** Cluster: the nodes of a simulated world and their lives: starts threads on simulated doors, and ends them. */
import { MAIN_SHARD, RECEPTIONIST_SLOT } from '../address.ts';
import type { Cell } from '../cell.ts';
import type { ShardStart } from '../definitions.ts';
import type { Doors } from '../doors.ts';
import { invalidArgument } from '../errors.ts';
import type { JobTable } from '../job-table.ts';
import { CONTROL } from '../lanes.ts';
import type { Transport } from '../link.ts';
import { receptionist } from '../receptionist.ts';
import type { ReceptionistMessage } from '../receptionist-protocol.ts';
import type { Ref } from '../ref.ts';
import { RoutingTransport } from '../routing-transport.ts';
import { ShardRuntime } from '../shard-runtime.ts';
import type { Network } from '../wire/network.ts';
import { TcpTransport } from '../wire/tcp-transport.ts';
import { type DeathKind, Fabric } from './fabric.ts';
import { type CompleteNetwork, completeNetwork, SIMULATED_TUNING, type WorldSettings } from './settings.ts';
import { SimFiles } from './sim-files.ts';
import { SimJobRunner } from './sim-jobs.ts';
import { type LogBook, SimLog } from './sim-log.ts';
import { SimNode, type SimShard } from './sim-node.ts';
import { SimSyncFiles } from './sim-sync-files.ts';
import { SimThread } from './sim-thread.ts';
import { SimTransport } from './sim-transport.ts';
import { SocketHub } from './socket-hub.ts';
import type { World } from './world.ts';

const CLUSTER_NAME = 'simulation';
const PORT_BASE = 7000;
const JOB_THREADS = 2;
const JOB_QUEUE_MAX = 1024;

export interface ClusterHooks {
  /** A node has started, all its threads run. */
  readonly onNode: (node: SimNode) => void;
  /** A worker thread has started. */
  readonly onShard: (start: ShardStart) => void;
  readonly onFailure: (shard: SimShard, cell: Cell, error: unknown) => void;
}

export class Cluster {
  readonly nodes: readonly SimNode[];
  readonly fabric: Fabric;
  readonly #world: World;
  readonly #settings: WorldSettings;
  readonly #network: CompleteNetwork;
  readonly #hub: SocketHub;
  readonly #log: LogBook;
  readonly #jobs: JobTable;
  readonly #hooks: ClusterHooks;
  readonly #mutants: ReadonlySet<string>;

  constructor(world: World, settings: WorldSettings, log: LogBook, jobs: JobTable, hooks: ClusterHooks) {
    this.#world = world;
    this.#settings = settings;
    this.#network = completeNetwork(settings.network);
    this.#log = log;
    this.#jobs = jobs;
    this.#hooks = hooks;
    this.#mutants = new Set(settings.mutants);
    const { quality, ports, limits, windowBytes } = this.#network;
    this.fabric = new Fabric(world, quality, ports, limits.peerTimeoutMs);
    this.#hub = new SocketHub(this.fabric.conditions, windowBytes);
    this.nodes = settings.nodes.map(({ name, shards }) => new SimNode(name, shards));
    if (new Set(this.nodes.map((node) => node.name)).size !== this.nodes.length) throw invalidArgument('nodes: two have the same name');
  }

  /** Errors: INVALID_ARGUMENT when there is none of that name. */
  node(name: string): SimNode {
    const node = this.nodes.find((other) => other.name === name);
    if (node === undefined)
      throw invalidArgument(`no node is named ${name}; there are ${this.nodes.map((other) => other.name).join(', ')}`);
    return node;
  }

  startNode(node: SimNode): void {
    if (node.isUp) return;
    for (const shard of node.threads) this.#startThread(shard);
    this.#hooks.onNode(node);
    for (const shard of node.shards) this.#begin(shard);
  }

  /** Starts a thread of a running node again. */
  startShard(shard: SimShard): void {
    if (shard.isUp || !shard.node.isUp) return;
    this.#startThread(shard);
    this.#begin(shard);
  }

  /** Returns false when the node is down already. */
  crashNode(node: SimNode, kind: DeathKind): boolean {
    if (!this.endNode(node, kind)) return false;
    if (kind === 'silent') node.disk.crash();
    return true;
  }

  /** As `crashNode`, but leaves the disk as it is. */
  endNode(node: SimNode, kind: DeathKind): boolean {
    if (!node.isUp) return false;
    for (const shard of node.threads) this.#end(shard, kind);
    return true;
  }

  /** Returns false when the thread is dead already. */
  killShard(shard: SimShard): boolean {
    if (!shard.isUp) return false;
    this.#end(shard, 'reset');
    return true;
  }

  reset(a: string, b: string): void {
    this.fabric.reset(a, b);
    this.#hub.reset(a, b);
  }

  #startThread(shard: SimShard): void {
    const { node, place } = shard;
    shard.boot++;
    const thread = new SimThread(this.#world, place, shard.boot, node.time, this.#settings.cpu ?? {});
    const network = this.#hub.networkOf(thread);
    const doors: Doors = {
      clock: thread.clock,
      random: thread.random,
      log: new SimLog(this.#log, {}),
      loop: thread,
      files: new SimFiles({
        disk: node.disk,
        schedule: thread.schedule,
        random: thread.random.fork('files'),
        isAlive: () => !thread.isDead,
      }),
      jobs: new SimJobRunner({
        schedule: thread.schedule,
        random: thread.random.fork('jobs'),
        jobs: this.#jobs,
        files: new SimSyncFiles(node.disk),
        clock: thread.clock,
        threads: JOB_THREADS,
        queueMax: JOB_QUEUE_MAX,
      }),
      network,
    };
    const tuning = { ...SIMULATED_TUNING, ...this.#settings.tuning };
    const runtime = new ShardRuntime({ place, boot: shard.boot, doors, tuning, mutants: this.#mutants });
    runtime.pick = this.#world.scheduler.pick;
    runtime.onCharge = (us) => thread.charge(us);
    runtime.onFailure = (cell, error) => this.#hooks.onFailure(shard, cell, error);
    // The flight recorder's first word counts what was handled.
    const counters = new Uint32Array(runtime.recorder.buffer, 0, 1);
    thread.drive({ run: () => runtime.run(), handled: () => counters[0]!, received: () => runtime.metrics.framesIn });
    shard.life = { thread, runtime };
    this.#world.trace?.started?.(place, shard.boot);
    runtime.useTransport(this.#openTransport(thread, runtime, network));
    if (shard.index === MAIN_SHARD) runtime.spawnWellKnown(RECEPTIONIST_SLOT, receptionist);
  }

  #openTransport(thread: SimThread, runtime: ShardRuntime, network: Network): Transport {
    const { limits, windowBytes, fidelity } = this.#network;
    const { fabric } = this;
    const frames = new SimTransport({
      thread,
      fabric,
      events: runtime.receiver,
      tasks: runtime.tasks,
      log: runtime.log,
      limits,
      windowBytes,
    });
    fabric.plug(thread, frames);
    if (fidelity === 'frames') return frames;
    const { node, shard } = thread.place;
    const tcp = new TcpTransport({
      cluster: CLUSTER_NAME,
      node,
      shard,
      boot: thread.boot,
      network,
      events: runtime.receiver,
      tasks: runtime.tasks,
      random: runtime.random.fork('tcp'),
      log: runtime.log,
      limits,
    });
    tcp.listen(node, portOf(shard), (result) => {
      if (result instanceof Error) this.#world.fail('listen failed', result.message);
    });
    for (const other of this.nodes) {
      tcp.introduce({ node: other.name, host: other.name, ports: [PORT_BASE, ...other.shards.map((shard) => portOf(shard.index))] });
    }
    return new RoutingTransport(node, frames, tcp);
  }

  /** Gives a worker thread its first actors, as production does. */
  #begin(shard: SimShard): void {
    this.#hooks.onShard({
      node: shard.node.name,
      shard: shard.index,
      shards: shard.node.shards.length,
      spawn: (definition, args, options) => shard.spawn(definition, args, options),
      spawnWellKnown: (slot, definition, args) => shard.runtime.spawnWellKnown(slot, definition, args),
      settings: this.#settings.shardSettings,
      wellKnown: <M>(slot: number, node = shard.node.name, index = MAIN_SHARD) =>
        shard.runtime.wellKnown(slot, { node, shard: index }) as unknown as Ref<M>,
      introduce: () => {
        // All nodes of a simulated world know each other's way already.
      },
      register: (key, ref) => {
        const target = shard.runtime.wellKnown(RECEPTIONIST_SLOT) as Ref<ReceptionistMessage>;
        target.tell({ type: 'register', key: key.id, ref }, { lane: CONTROL });
      },
    });
  }

  #end(shard: SimShard, kind: DeathKind): void {
    const { life } = shard;
    if (life === undefined) return;
    shard.life = undefined;
    life.thread.die();
    this.#world.trace?.died?.(shard.place);
    this.fabric.unplug(life.thread, kind);
    this.#hub.unplug(life.thread, kind);
  }
}

function portOf(shard: number): number {
  return shard === MAIN_SHARD ? PORT_BASE : PORT_BASE + 1 + shard;
}
