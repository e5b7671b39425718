/**
 * Simulation: a whole cluster, unchanged, in one thread on a virtual clock. The same options give the same run, event by event, on any
 * machine; `hash` tells whether two runs were the same.
 *
 * ```ts
 * const sim = new Simulation({ seed: 7, nodes: [{ name: 'a', shards: 1 }, { name: 'b', shards: 1 }], start: (node) => { ... } });
 * sim.run(10_000);            // ten virtual seconds
 * sim.throwIfFailed();
 * ```
 */
import type { Answer } from '../actor.ts';
import { BoundRef } from '../bound-ref.ts';
import type { Cell } from '../cell.ts';
import type { ShardStart } from '../definitions.ts';
import type { Doors } from '../doors.ts';
import { BugError, errorMessage, RuntimeError } from '../errors.ts';
import type { JobTable } from '../job-table.ts';
import { SeededRandom } from '../random.ts';
import type { AnyRef, AskOptions, Ref, TellOptions } from '../ref.ts';
import type { ShardRuntime } from '../shard-runtime.ts';
import { Cluster } from './cluster.ts';
import type { DeathKind } from './fabric.ts';
import { Nemesis } from './nemesis.ts';
import { type ActItem, checkPlan, type PlanItem } from './plan.ts';
import { rebind } from './rebind.ts';
import type { WorldSettings } from './settings.ts';
import { LogBook, type LogLine } from './sim-log.ts';
import type { SimNode, SimShard } from './sim-node.ts';
import type { Trace } from './trace.ts';
import { type Failure, World } from './world.ts';

export interface SimulationOptions extends WorldSettings {
  /** An integer from 0, or any text. */
  readonly seed: number | string;
  /** Faults, made up front. Default: none. */
  readonly plan?: readonly PlanItem[];
  /** Starts the first actors of a node, each time that it starts. */
  readonly start?: (node: SimNode) => void;
  /** Starts the first actors of a worker thread, each time that it starts: what a module given to `ActorSystem.start` exports under that name. */
  readonly startShard?: (start: ShardStart) => void;
  /** Does what an item `act` of the plan says. */
  readonly act?: (item: ActItem) => void;
  /** Jobs that actors may run, by name. */
  readonly jobs?: JobTable;
  /** True: this actor may throw. All others' throwing is a failure of the run. */
  readonly mayThrow?: (actor: string, error: unknown) => boolean;
  /** Is told what happens. Default: nobody is. */
  readonly trace?: Trace;
  /** A run goes on after a failure. Default false. */
  readonly goOn?: boolean;
}

/** An ask from a test: look at `answer` after some steps. */
export interface AskHolder<R> {
  readonly answer: Answer<R> | undefined;
}

export class Simulation {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #log: LogBook;
  readonly #options: SimulationOptions;

  constructor(options: SimulationOptions) {
    const { plan = [], seed, scheduling = { policy: 'fifo' } } = options;
    checkPlan(plan);
    this.#options = options;
    this.#world = new World(new SeededRandom(seed), scheduling);
    this.#world.trace = options.trace;
    this.#log = new LogBook(this.#world);
    this.#cluster = new Cluster(this.#world, options, this.#log, options.jobs ?? new Map(), {
      onNode: (node) => options.start?.(node),
      onShard: (start) => options.startShard?.(start),
      onFailure: (shard, cell, error) => this.#actorFailed(shard, cell, error),
    });
    new Nemesis(this.#world, this.#cluster, plan, (item) => options.act?.(item));
    for (const node of this.#cluster.nodes) this.#cluster.startNode(node);
  }

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.#world.nowMs;
  }

  /** Of everything that has happened so far: time, target and kind of each event, length and content of each batch of frames. */
  get hash(): { readonly high: number; readonly low: number } {
    return { high: this.#world.hash.high, low: this.#world.hash.low };
  }

  /**
   * `hash`, with the number of events and the next random number of each thread mixed in, as 16 hexadecimal digits: what two runs of one seed must
   * agree in. For the end of a run, since it draws those numbers.
   */
  finalDigest(): string {
    const digest = this.#world.hash.copy();
    digest.add(this.#world.events);
    for (const shard of this.#allShards()) if (shard.life !== undefined) digest.add(shard.life.runtime.random.u32());
    return digest.toString();
  }

  /** Events so far. */
  get events(): number {
    return this.#world.events;
  }

  /** Frames so far that one thread sent and another took. */
  get messages(): number {
    return this.#world.messages;
  }

  get failures(): readonly Failure[] {
    return this.#world.failures;
  }

  /** The last lines that the nodes logged. */
  get log(): readonly LogLine[] {
    return this.#log.lines;
  }

  get nodes(): readonly SimNode[] {
    return this.#cluster.nodes;
  }

  node(name: string): SimNode {
    return this.#cluster.node(name);
  }

  /** Lets the next event happen. Returns false when nothing will ever happen again. */
  step(): boolean {
    return this.#world.step();
  }

  /** Runs until that virtual time, or the first failure. Returns false when it failed. */
  run(untilMs: number): boolean {
    const world = this.#world;
    const untilUs = Math.round(untilMs * 1000);
    const failuresMax = this.#options.goOn === true ? Number.POSITIVE_INFINITY : 0;
    while (world.failures.length <= failuresMax && world.nextUs() <= untilUs) world.step();
    if (world.failures.length > failuresMax) return false;
    world.nowUs = Math.max(world.nowUs, untilUs);
    return world.failures.length === 0;
  }

  /** Runs until nothing happens before `quietMs` have passed, at most `eventsMax` events. */
  settle(quietMs = 0, eventsMax = 1_000_000): void {
    const world = this.#world;
    for (let events = 0; world.nextUs() <= world.nowUs + quietMs * 1000; events++) {
      if (events >= eventsMax) throw new BugError(`not settled after ${eventsMax} events at ${world.nowMs} ms`);
      world.step();
    }
  }

  /** Tells a message from outside of any actor, at this moment. Returns as `Ref.tell`. */
  tell<M>(ref: Ref<M>, message: M, options?: TellOptions): boolean {
    const bound = this.#bound(ref);
    return bound.tell(rebind(message, (bound as unknown as BoundRef).runtime), options);
  }

  /** Asks from outside of any actor. */
  ask<M, R>(ref: Ref<M>, make: (replyTo: Ref<R>) => M, options: AskOptions): AskHolder<R> {
    const holder: { answer: Answer<R> | undefined } = { answer: undefined };
    const bound = this.#bound(ref) as unknown as BoundRef;
    bound.runtime.ask<R>(bound, (replyTo) => rebind(make(replyTo), bound.runtime), options, {
      answered: (value) => {
        holder.answer = { ok: true, value };
      },
      failed: (error) => {
        holder.answer = { ok: false, error };
      },
    });
    return holder;
  }

  /** Records a failure when `condition` is false. `what`: the same text for the same kind of failure. Returns the condition. */
  check(condition: boolean, what: string, detail: string | (() => string) = ''): boolean {
    if (!condition) this.#world.fail(what, typeof detail === 'string' ? detail : detail());
    return condition;
  }

  /** Throws an error that names the first failure. */
  throwIfFailed(): void {
    const [first] = this.#world.failures;
    if (first !== undefined) throw new BugError(`seed ${this.#options.seed}, ${first.atMs} ms: ${first.what}: ${first.detail}`);
  }

  /** As `crash`, when the present event is over: for who is called by an actor of that node. */
  crashSoon(name: string, kind: DeathKind = 'reset'): void {
    const node = this.node(name);
    this.#world.scheduleFirst(0, { id: this.#world.newId(), fire: () => this.#cluster.crashNode(node, kind) }, 0);
  }

  /** Ends the process of a node, or its power. Requires: not within a turn of an actor. */
  crash(name: string, kind: DeathKind = 'reset'): void {
    this.#cluster.crashNode(this.node(name), kind);
  }

  restart(name: string): void {
    this.#cluster.startNode(this.node(name));
  }

  killShard(name: string, shard: number): void {
    this.#cluster.killShard(this.node(name).shard(shard));
  }

  restartShard(name: string, shard: number): void {
    this.#cluster.startShard(this.node(name).shard(shard));
  }

  /** The doors of a thread, to look through from a test. */
  doors(name: string, shard: number): Doors {
    return this.node(name).shard(shard).runtime.doors;
  }

  #allShards(): readonly SimShard[] {
    return this.nodes.flatMap((node) => node.threads);
  }

  #actorFailed(shard: SimShard, cell: Cell, error: unknown): void {
    const name = cell.definition.name;
    if (this.#options.mayThrow?.(name, error) === true) return;
    this.#world.fail(
      `actor failed: ${name}`,
      `${shard.name}: ${error instanceof Error ? (error.stack ?? error.message) : errorMessage(error)}`,
    );
  }

  /** The ref itself; of a thread that has died since, the same address from another one. */
  #bound<M>(ref: Ref<M>): Ref<M> {
    if (!(ref instanceof BoundRef)) throw new RuntimeError('INVALID_ARGUMENT', `expected a ref to an actor, got ${String(ref)}`);
    const runtimes = this.#allShards().flatMap((shard): ShardRuntime[] => (shard.life === undefined ? [] : [shard.life.runtime]));
    if (runtimes.includes((ref as unknown as BoundRef).runtime)) return ref;
    const [first] = runtimes;
    if (first === undefined) throw new RuntimeError('UNREACHABLE', 'all nodes are down');
    return first.refTo((ref as AnyRef).address) as unknown as Ref<M>;
  }
}
