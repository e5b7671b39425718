/**
 * ActorSystem: one node, from the main thread's side. It runs actors itself, starts the shards on threads of their own, keeps them
 * connected, and speaks with other nodes.
 */
import type { ActorDefinition, SpawnOptions } from './actor.ts';
import { checkNodeName, isShardNumber, MAIN_SHARD, type Place, RECEPTIONIST_SLOT, SHARDS_MAX, WELL_KNOWN_SLOTS } from './address.ts';
import { OutBuffer } from './bytes.ts';
import type { DeadLetter } from './dead-letters.ts';
import type { Log, LogLevel } from './doors.ts';
import { errorMessage, invalidArgument, RuntimeError } from './errors.ts';
import type { FlightRecord } from './flight-recorder.ts';
import type { JobDefinition, JobOptions } from './jobs.ts';
import { CONTROL } from './lanes.ts';
import { checkNodeAddress, type NodeAddress } from './node-address.ts';
import { PiscinaJobRunner } from './pool.ts';
import { LazyJobRunner } from './pool-lazy.ts';
import { realClock } from './real/clock.ts';
import { type JsonLog, openLog } from './real/log.ts';
import { type Probed, probeHost } from './real/probe.ts';
import { receptionist } from './receptionist.ts';
import type { Listing, ReceptionistMessage, ServiceKey } from './receptionist-protocol.ts';
import type { AnyRef, Ref } from './ref.ts';
import { type RuntimeTuning, whole } from './runtime-options.ts';
import type { ThreadStats } from './thread-stats.ts';
import { NodeThread } from './threads/node-thread.ts';
import { ShardThread, type ShardThreadEvents } from './threads/shard-thread.ts';
import { createThreadChannel } from './threads/thread-channel.ts';
import type { Refusal } from './wire/handshake.ts';
import type { TcpLimits } from './wire/tcp-limits.ts';

export interface SystemOptions {
  /** Name of this node, unique in its cluster. Default `local`. */
  readonly node?: string;
  /** Nodes of different clusters refuse each other. Default `dynactor`. */
  readonly cluster?: string;
  /** Worker threads that run actors. Default 0: the calling thread alone. */
  readonly shards?: number;
  /** URLs (or `file:` paths as text) of modules with the definitions and jobs that shards and pool know by name. */
  readonly modules?: readonly (string | URL)[];
  /** Where to take connections of other nodes: the main thread at `port`, shard s at `port + 1 + s`; with port 0 any free ones. Default: nowhere. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** Host under which others reach this node, where that is not the one it listens on. */
  readonly advertise?: string;
  /** Threads of the job pool at most. Default 1. Each is started when a job finds no other free. */
  readonly poolThreads?: number;
  /** MiB of the collector's young generation in each of them at most. Default: as Node has it. */
  readonly poolYoungMibMax?: number;
  /** Jobs that may wait. Default 1024. */
  readonly poolQueueMax?: number;
  readonly tuning?: RuntimeTuning;
  readonly wire?: Partial<TcpLimits>;
  readonly logLevel?: LogLevel | 'silent';
  /** For `startShard` of the modules: anything that can be copied to another thread. */
  readonly shardSettings?: unknown;
  /** Higher than at any earlier start of this node: peers refuse a lower one. Default: the time, in ms. */
  readonly boot?: number;
  /** Called when a place that this node's main thread dialled has refused it: who, and why. */
  readonly onRefused?: (place: Place, refusal: Refusal) => void;
  /** Called when a shard's thread has died, with its last messages; it is already being started again. */
  readonly onShardDied?: (shard: number, reason: string, records: readonly FlightRecord[]) => void;
}

export interface SystemStats {
  readonly node: string;
  readonly main: ThreadStats;
  /** In order; null for a shard that is down. */
  readonly shards: readonly (ThreadStats | null)[];
}

const DRAIN_MS = 2_000;
const PROBE_TIMEOUT_MS = 5_000;
const ARGUMENT_BYTES_MAX = 1024 * 1024;

export class ActorSystem {
  readonly node: string;
  readonly cluster: string;
  readonly log: Log;
  readonly #log: JsonLog;
  readonly #options: SystemOptions;
  readonly #main: NodeThread;
  readonly #pool: LazyJobRunner;
  readonly #shards: ShardThread[] = [];
  readonly #known = new Map<string, NodeAddress>();
  #port = 0;
  #isStopping = false;

  /** Errors: INVALID_ARGUMENT naming the option; what kept a shard from starting; an address that is in use. */
  static async start(options: SystemOptions = {}): Promise<ActorSystem> {
    const system = new ActorSystem(options);
    try {
      await system.#start();
    } catch (error) {
      await system.stop({ drainMs: 0 });
      throw error;
    }
    return system;
  }

  /** Asks who listens at `port` of each address that `host` has, without being a node. Returns one entry for each address, in order. */
  static probe(host: string, port: number, options: { readonly timeoutMs?: number } = {}): Promise<readonly Probed[]> {
    const timeoutMs = options.timeoutMs ?? PROBE_TIMEOUT_MS;
    whole('port', port, 1, 65_535);
    whole('timeoutMs', timeoutMs, 1, 600_000);
    return probeHost(host, port, timeoutMs);
  }

  private constructor(options: SystemOptions) {
    this.#options = options;
    this.node = checkNodeName(options.node ?? 'local');
    this.cluster = checkNodeName(options.cluster ?? 'dynactor');
    whole('shards', options.shards ?? 0, 0, SHARDS_MAX);
    whole('poolThreads', options.poolThreads ?? 1, 1, 256);
    if (options.poolYoungMibMax !== undefined) whole('poolYoungMibMax', options.poolYoungMibMax, 1, 4_096);
    whole('poolQueueMax', options.poolQueueMax ?? 1024, 1, 1_000_000);
    if (options.listen !== undefined) whole('listen.port', options.listen.port, 0, 65_535 - (options.shards ?? 0));
    if ((options.shards ?? 0) > 0 && options.tuning?.supervision?.decide !== undefined) {
      throw invalidArgument(
        'tuning.supervision.decide: a function cannot be sent to the shards; give it to the definitions, or use shards: 0',
      );
    }
    if ((options.shards ?? 0) > 0) checkCopied('shardSettings', options.shardSettings);
    const boot = options.boot ?? Date.now();
    whole('boot', boot, 1, Number.MAX_SAFE_INTEGER);
    this.#log = openLog({ clock: realClock(), level: options.logLevel ?? 'info' });
    this.#pool = new LazyJobRunner(
      () =>
        new PiscinaJobRunner({
          modules: this.#modules(),
          threads: options.poolThreads ?? 1,
          queueMax: options.poolQueueMax ?? 1024,
          ...(options.poolYoungMibMax !== undefined && { youngMibMax: options.poolYoungMibMax }),
          log: this.#log.child({ node: this.node }),
        }),
    );
    this.#main = new NodeThread({
      cluster: this.cluster,
      place: { node: this.node, shard: MAIN_SHARD },
      boot,
      log: this.#log,
      jobs: this.#pool,
      onRefused: options.onRefused,
      tuning: options.tuning,
      wire: options.wire,
      keepAlive: true,
    });
    this.log = this.#main.runtime.log;
    this.#main.runtime.spawnWellKnown(RECEPTIONIST_SLOT, receptionist);
  }

  /** Number of worker threads that run actors. */
  get shards(): number {
    return this.#shards.length;
  }

  /** Where other nodes reach this one. Errors: INVALID_ARGUMENT when it does not listen. */
  get address(): NodeAddress {
    const { listen } = this.#options;
    if (listen === undefined) throw invalidArgument(`node ${this.node} takes no connections: start it with the option listen`);
    return {
      node: this.node,
      host: this.#options.advertise ?? listen.host,
      ports: [this.#port, ...this.#shards.map((shard) => shard.port)],
    };
  }

  /** Starts an actor on the main thread. */
  spawn<M>(definition: ActorDefinition<M>, args?: readonly [], options?: SpawnOptions): Ref<M>;
  spawn<M, A extends readonly unknown[]>(definition: ActorDefinition<M, A>, args: A, options?: SpawnOptions): Ref<M>;
  spawn<M, A extends readonly unknown[]>(definition: ActorDefinition<M, A>, args?: A, options?: SpawnOptions): Ref<M> {
    return this.#main.runtime.spawn(definition, args ?? ([] as unknown as A), options);
  }

  /**
   * Starts an actor on the main thread at an address that other nodes know without asking: the same slot everywhere. Slots 2 to 15 are free for this.
   * Errors: INVALID_ARGUMENT when the slot is none of those, or taken.
   */
  spawnWellKnown<M, A extends readonly unknown[]>(slot: number, definition: ActorDefinition<M, A>, args: A): Ref<M> {
    whole('slot', slot, RECEPTIONIST_SLOT + 1, WELL_KNOWN_SLOTS - 1);
    if (this.#main.runtime.find(slot, 0) !== undefined) throw invalidArgument(`slot ${slot} of node ${this.node} is taken`);
    return this.#main.runtime.spawnWellKnown(slot, definition, args);
  }

  /** The actor at that slot of this or another node's main thread, or of its thread `shard`; whether there is one shows when it is asked. */
  wellKnown<M>(slot: number, node: string = this.node, shard: number = MAIN_SHARD): Ref<M> {
    whole('slot', slot, RECEPTIONIST_SLOT, WELL_KNOWN_SLOTS - 1);
    if (!isShardNumber(shard)) throw invalidArgument(`shard: expected 0 to ${SHARDS_MAX - 1} or ${MAIN_SHARD}, got ${String(shard)}`);
    return this.#main.runtime.wellKnown(slot, { node: checkNodeName(node), shard }) as unknown as Ref<M>;
  }

  /**
   * Starts an actor on a shard's thread, which finds the definition by its name among the modules. `args` go there as a message does.
   * Supervision options can't be sent; they belong in the definition.
   * Errors: NOT_DEFINED, UNREACHABLE, NOT_ENCODABLE.
   */
  async spawnOn<M, A extends readonly unknown[]>(
    shard: number,
    definition: ActorDefinition<M, A>,
    args: A,
    options: SpawnOptions = {},
  ): Promise<Ref<M>> {
    const { supervision, ...plain } = options;
    if (supervision !== undefined)
      throw invalidArgument('spawnOn: supervision belongs in the definition; its functions cannot be sent to another thread');
    const out = new OutBuffer(256, ARGUMENT_BYTES_MAX);
    if (!this.#main.runtime.codec.encode(args, out)) throw invalidArgument(`spawnOn: arguments of more than ${ARGUMENT_BYTES_MAX} bytes`);
    const address = await this.#shard(shard).spawn(definition.name, new Uint8Array(out.bytes.subarray(0, out.length)), plain);
    return this.#main.runtime.refTo(address) as unknown as Ref<M>;
  }

  /** Stops an actor of this node: at once, or, with `drain`, after what is queued now. */
  stopActor(ref: AnyRef, options?: { readonly drain?: boolean }): void {
    this.#main.runtime.stop(ref, options);
  }

  /** Makes an actor findable under `key` on this node, until it stops. */
  register<M>(key: ServiceKey<M>, ref: Ref<M>): void {
    this.#receptionist(this.node).tell({ type: 'register', key: key.id, ref }, { lane: CONTROL });
  }

  /** The actors registered under `key` on this node, or on another one that was introduced. */
  async find<M>(key: ServiceKey<M>, options: { readonly node?: string; readonly timeoutMs: number }): Promise<readonly Ref<M>[]> {
    const listing = await this.#receptionist(options.node ?? this.node).ask<Listing>(
      (replyTo) => ({ type: 'find', key: key.id, replyTo }),
      { timeoutMs: options.timeoutMs, lane: CONTROL },
    );
    return listing.refs as unknown as readonly Ref<M>[];
  }

  /** Tells all threads of this node where another one listens. */
  async introduce(address: NodeAddress): Promise<void> {
    checkNodeAddress(address);
    this.#known.set(address.node, address);
    this.#main.tcp.introduce(address);
    await Promise.all(this.#shards.filter((shard) => shard.state === 'up').map((shard) => shard.introduce(address)));
  }

  /** Runs a CPU job of the pool. Errors: JOB_FAILED, JOB_CANCELLED, OVERLOADED, NOT_DEFINED, DEADLINE_EXCEEDED. */
  runJob<I, O>(job: JobDefinition<I, O>, input: I, options: JobOptions & { readonly signal?: AbortSignal }): Promise<O> {
    return new Promise((resolve, reject) => {
      const running = this.#pool.run(job.name, input, options, (outcome) => {
        options.signal?.removeEventListener('abort', cancel);
        if (outcome.ok) resolve(outcome.value as O);
        else reject(new RuntimeError(outcome.code, `job ${job.name}: ${outcome.message}`));
      });
      const cancel = (): void => running.cancel();
      if (options.signal?.aborted === true) cancel();
      else options.signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  /** Shows dead letters of the main thread to an actor. */
  subscribeDeadLetters(ref: Ref<DeadLetter>): void {
    if (!this.#main.runtime.deadLetters.subscribe(ref)) throw new RuntimeError('OVERLOADED', 'dead letters: too many subscribers');
  }

  async stats(): Promise<SystemStats> {
    const shards = await Promise.all(
      this.#shards.map((shard) =>
        shard.stats().catch((error: unknown) => {
          this.log.warn('shard gives no stats', { shard: shard.shard, error: errorMessage(error) });
          return null;
        }),
      ),
    );
    return { node: this.node, main: this.#main.stats(), shards };
  }

  /** For chaos tests: makes a shard's thread die, by an uncaught error or, with `terminate`, where it stands. */
  async killShard(shard: number, how: 'crash' | 'terminate' = 'terminate'): Promise<void> {
    const thread = this.#shard(shard);
    if (how === 'terminate') await thread.terminate();
    else await thread.crash();
  }

  /** Stops shards, actors, connections and pool, in this order; each within `drainMs`. Idempotent. */
  async stop(options: { readonly drainMs?: number } = {}): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const drainMs = options.drainMs ?? DRAIN_MS;
    await Promise.all(this.#shards.map((shard) => shard.stop(drainMs)));
    await this.#main.close(drainMs);
    await this.#pool.close();
    this.#log.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #start(): Promise<void> {
    const { listen, shards = 0 } = this.#options;
    if (listen !== undefined) this.#port = await this.#main.listen(listen.host, listen.port);
    const events: ShardThreadEvents = {
      onStarted: (shard) => this.#mesh(shard),
      onDied: (shard, boot, reason, records) => this.#onShardDied(shard, boot, reason, records),
    };
    const { runtime } = this.#main;
    for (let shard = 0; shard < shards; shard++) {
      this.#shards.push(
        new ShardThread({
          data: {
            cluster: this.cluster,
            node: this.node,
            shard,
            shards,
            mainBoot: runtime.boot,
            modules: this.#modules(),
            tuning: this.#options.tuning,
            wire: this.#options.wire,
            listen: listen === undefined ? null : { host: listen.host, port: listen.port === 0 ? 0 : listen.port + 1 + shard },
            logLevel: this.#options.logLevel ?? 'info',
            settings: this.#options.shardSettings,
          },
          firstBoot: runtime.boot,
          jobs: this.#pool,
          log: this.log,
          random: runtime.random,
          events,
        }),
      );
    }
    // One after the other: a shard is joined with those that are up, so each pair is joined once.
    for (const shard of this.#shards) await shard.start();
    if (listen !== undefined) await this.introduce(this.address);
  }

  /** Connects a shard that has just started with all other threads. */
  async #mesh(shard: ShardThread): Promise<void> {
    const { runtime } = this.#main;
    const toMain = createThreadChannel();
    this.#main.threads.attach({ shard: shard.shard, boot: shard.boot }, toMain.a.end);
    await shard.attach(MAIN_SHARD, runtime.boot, toMain.b.end, toMain.b.transferList);
    for (const other of this.#shards) {
      if (other === shard || other.state !== 'up') continue;
      const channel = createThreadChannel();
      await Promise.all([
        shard.attach(other.shard, other.boot, channel.a.end, channel.a.transferList),
        other.attach(shard.shard, shard.boot, channel.b.end, channel.b.transferList),
      ]);
    }
    for (const address of this.#known.values()) await shard.introduce(address);
  }

  #onShardDied(shard: ShardThread, boot: number, reason: string, records: readonly FlightRecord[]): void {
    this.#main.threads.detach(shard.shard, boot);
    for (const other of this.#shards) {
      if (other === shard || other.state !== 'up') continue;
      other.detach(shard.shard, boot).catch((error: unknown) => {
        // It is dying too, or hangs; its own end will be noticed.
        this.log.warn('shard could not be told of a death', { shard: other.shard, died: shard.shard, error: errorMessage(error) });
      });
    }
    this.#options.onShardDied?.(shard.shard, reason, records);
  }

  #receptionist(node: string): Ref<ReceptionistMessage> {
    return this.#main.runtime.wellKnown(RECEPTIONIST_SLOT, { node, shard: MAIN_SHARD }) as Ref<ReceptionistMessage>;
  }

  #modules(): string[] {
    return (this.#options.modules ?? []).map(String);
  }

  #shard(shard: number): ShardThread {
    const thread = this.#shards[shard];
    if (thread === undefined) throw invalidArgument(`shard: expected 0 to ${this.#shards.length - 1}, got ${shard}`);
    return thread;
  }
}

/** Errors: INVALID_ARGUMENT when it can't be copied to another thread. */
function checkCopied(name: string, value: unknown): void {
  try {
    structuredClone(value);
  } catch (error) {
    throw invalidArgument(`${name}: expected what can be copied to another thread: ${errorMessage(error)}`);
  }
}
