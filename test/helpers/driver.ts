/**
 * Driver: an actor that runs what the test hands it, within its turn, and records all that happens to it. The handle is outside of the actor, so
 * it survives restarts.
 */
import { type ActorContext, defineActor, type Signal, type SpawnOptions, type StopReason } from '../../runtime/actor.ts';
import type { AnyRef, Ref } from '../../runtime/ref.ts';
import type { ShardRuntime } from '../../runtime/shard-runtime.ts';

export type Context = ActorContext<unknown>;
export type Step = (context: Context) => void;

export interface BytesRecord {
  readonly operation: number;
  readonly text: string;
  readonly requestId: number;
}

export interface DriverOptions extends SpawnOptions {
  /** Runs in the factory, at the start and at each restart. */
  readonly create?: Step;
  /** Runs for each message that is no step. */
  readonly receive?: (message: unknown, context: Context) => void;
  readonly receiveBytes?: (bytes: BytesRecord, context: Context) => void;
  readonly signal?: (signal: Signal, context: Context) => void;
  readonly stopped?: (reason: StopReason, context: Context) => void;
}

export class Driver {
  readonly messages: unknown[] = [];
  readonly bytes: BytesRecord[] = [];
  readonly signals: Signal[] = [];
  readonly stops: StopReason[] = [];
  starts = 0;
  ref: Ref<unknown>;

  /** `place`: where it is started: a shard, or the turn of the actor that is to be its parent. */
  constructor(place: ShardRuntime | Context, options: DriverOptions = {}) {
    const { create, receive, receiveBytes, signal, stopped, ...spawn } = options;
    const definition = defineActor<unknown>('driver', (context) => {
      this.starts++;
      create?.(context);
      return {
        receive: (message) => {
          if (typeof message === 'function') return (message as Step)(context);
          this.messages.push(message);
          receive?.(message, context);
        },
        receiveBytes: (operation, bytes, offset, length, requestId) => {
          const record = { operation, text: Buffer.from(bytes).toString('latin1', offset, offset + length), requestId };
          this.bytes.push(record);
          receiveBytes?.(record, context);
        },
        signal: (received) => {
          this.signals.push(received);
          signal?.(received, context);
        },
        stopped: (reason) => {
          this.stops.push(reason);
          stopped?.(reason, context);
        },
      };
    });
    this.ref = place.spawn(definition, [], spawn);
  }

  /** Queues a step. Returns as `tell` does. */
  post(step: Step): boolean {
    return this.ref.tell(step);
  }

  /** `type reason` of the signals, those of `terminated` and `rejected` with their reason. */
  get news(): string[] {
    return this.signals.map((signal) => (signal.type === 'ready' ? signal.type : `${signal.type} ${signal.reason}`));
  }
}

/** The outcome of an ask made from outside of any actor. */
export interface Asked {
  readonly outcomes: unknown[];
}

/** Asks; what comes of it is added to `outcomes`: the answer, or the code of the error. */
export function ask(runtime: ShardRuntime, ref: AnyRef, make: (replyTo: Ref<unknown>) => unknown, timeoutMs = 1000): Asked {
  const outcomes: unknown[] = [];
  runtime.ask<unknown>(ref, make, { timeoutMs }, { answered: (value) => outcomes.push(value), failed: ({ code }) => outcomes.push(code) });
  return { outcomes };
}
