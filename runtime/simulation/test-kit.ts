/**
 * TestKit: one thread on a virtual clock, to test an actor in a few lines. Work takes no time, so the clock moves by `advance` only.
 *
 * ```ts
 * const kit = new TestKit();
 * const probe = kit.probe<Pong>();
 * kit.tell(kit.spawn(ping, [probe.ref]), { type: 'start' });
 * kit.advance(1000);
 * // probe.messages holds what the actor sent it within a second
 * ```
 */
import type { ActorDefinition, SpawnOptions } from '../actor.ts';
import type { JobTable } from '../job-table.ts';
import type { AnyRef, AskOptions, Ref, TellOptions } from '../ref.ts';
import { type Probe, ProbeRecord, probeActor } from './probe.ts';
import type { TuningSettings } from './settings.ts';
import type { LogLine } from './sim-log.ts';
import type { SimShard } from './sim-node.ts';
import { type AskHolder, Simulation } from './simulation.ts';
import type { Failure } from './world.ts';

export interface TestKitOptions {
  /** Default 1. */
  readonly seed?: number | string;
  readonly tuning?: TuningSettings;
  readonly jobs?: JobTable;
}

const NODE = 'kit';

export class TestKit {
  /** The world behind it, for what the kit has no word for. */
  readonly simulation: Simulation;
  readonly #shard: SimShard;

  constructor(options: TestKitOptions = {}) {
    this.simulation = new Simulation({
      seed: options.seed ?? 1,
      nodes: [{ name: NODE, shards: 0 }],
      cpu: { runUs: 0, messageUs: 0 },
      // What throws is looked at by the test, in `failures`.
      goOn: true,
      ...(options.tuning === undefined ? {} : { tuning: options.tuning }),
      ...(options.jobs === undefined ? {} : { jobs: options.jobs }),
    });
    this.#shard = this.simulation.node(NODE).main;
    this.settle();
  }

  /** Virtual milliseconds since the kit was made. */
  get now(): number {
    return this.simulation.now;
  }

  /** Actors that threw. */
  get failures(): readonly Failure[] {
    return this.simulation.failures;
  }

  get log(): readonly LogLine[] {
    return this.simulation.log;
  }

  /** Starts an actor and lets it run its start. */
  spawn<M, A extends readonly unknown[]>(definition: ActorDefinition<M, A>, args: A, options?: SpawnOptions): Ref<M> {
    const ref = this.#shard.spawn(definition, args, options);
    this.settle();
    return ref;
  }

  /** An actor that remembers what it is told, and watches `watched`. */
  probe<M>(...watched: readonly AnyRef[]): Probe<M> {
    const record = new ProbeRecord<M>();
    const ref = this.spawn(probeActor, [record as ProbeRecord<unknown>, watched]) as Ref<M>;
    return {
      ref,
      get messages() {
        return record.messages;
      },
      signals: record.signals,
      take: () => {
        const { messages } = record;
        record.messages = [];
        return messages;
      },
    };
  }

  /** Tells a message and lets everything happen that comes of it at once. */
  tell<M>(ref: Ref<M>, message: M, options?: TellOptions): boolean {
    const told = this.simulation.tell(ref, message, options);
    this.settle();
    return told;
  }

  /** Asks and lets everything happen that comes of it at once; a later answer is in the holder when it is there. */
  ask<M, R>(ref: Ref<M>, make: (replyTo: Ref<R>) => M, options: AskOptions = { timeoutMs: 1000 }): AskHolder<R> {
    const holder = this.simulation.ask(ref, make, options);
    this.settle();
    return holder;
  }

  stop(ref: AnyRef, options?: { readonly drain?: boolean }): void {
    this.#shard.runtime.stop(ref, options);
    this.settle();
  }

  /** Lets `ms` of virtual time pass, with all that happens in it. */
  advance(ms: number): void {
    this.simulation.run(this.simulation.now + ms);
  }

  /** Lets everything happen that needs no time. */
  settle(): void {
    this.simulation.settle();
  }
}
