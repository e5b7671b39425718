/**
 * The control plane between the main thread and its shards, over comlink: starting, introducing, spawning by name, stats, stopping. Never
 * a data message, and never a step of a protocol, which would escape the simulation.
 *
 * Comlink has no way to learn of the other side's death (its calls then hang for ever), so every call is bounded: by a time, and by
 * the end of the thread.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Remote } from 'comlink';
import { expose, wrap } from 'comlink';
import type { SpawnOptions } from '../actor.ts';
import type { Address } from '../address.ts';
import { errorMessage, RuntimeError, type RuntimeErrorCode } from '../errors.ts';
import type { NodeAddress } from '../node-address.ts';
import type { ThreadStats } from '../thread-stats.ts';

/** Comlink carries only message, name and stack of an error; a code travels as part of a value. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: RuntimeErrorCode | null; readonly message: string };

/** What every worker thread offers. */
export interface ShardControl {
  /** Loads the modules and opens the listener. Returns the port bound (0: none asked for) and the flight recorder's memory. */
  prepare(): Promise<Outcome<{ readonly port: number; readonly recorder: SharedArrayBuffer }>>;
  /** Connects to another thread of the node. `channel`: one end of a thread channel. */
  attach(shard: number, boot: number, channel: unknown): Outcome<null>;
  /** Another thread has died. */
  detach(shard: number, boot: number): Outcome<null>;
  /** Runs the `startShard` of every module. */
  begin(): Outcome<null>;
  introduce(address: NodeAddress): Outcome<null>;
  /** `args`: CBOR array, as a message would carry it. */
  spawn(name: string, args: Uint8Array, options: SpawnOptions): Outcome<Address>;
  stats(): Outcome<ThreadStats>;
  stop(drainMs: number): Promise<Outcome<null>>;
  /** Chaos tests: throws outside of any actor, which ends the thread. */
  crash(): Outcome<null>;
}

export function serveControl(port: MessagePort, control: ShardControl): void {
  expose(control, port);
}

/** Runs `body`, and packs what it returns or throws so that the code survives the way. */
export function outcomeOf<T>(body: () => T): Outcome<T> {
  try {
    return { ok: true, value: body() };
  } catch (error) {
    return failureOf(error);
  }
}

export async function outcomeOfAsync<T>(body: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await body() };
  } catch (error) {
    return failureOf(error);
  }
}

function failureOf(error: unknown): Outcome<never> {
  return { ok: false, code: error instanceof RuntimeError ? error.code : null, message: errorMessage(error) };
}

/** The main thread's side of one worker's control plane. */
export class ControlClient {
  // Held here as long as the thread lives: comlink drops calls in flight when their proxy is collected.
  readonly #remote: Remote<ShardControl>;
  readonly #port: MessagePort;
  readonly #name: string;
  readonly #dead: Promise<never>;
  #die: (error: RuntimeError) => void = () => undefined;

  constructor(port: MessagePort, name: string) {
    this.#port = port;
    this.#name = name;
    this.#remote = wrap<ShardControl>(port);
    this.#dead = new Promise((_resolve, reject) => {
      this.#die = reject;
    });
    // A death while no call is waiting is no unhandled rejection.
    this.#dead.catch(() => undefined);
  }

  /** Errors: what the call throws in the thread; UNREACHABLE when the thread ends first; DEADLINE_EXCEEDED. */
  async call<T>(what: string, timeoutMs: number, body: (remote: Remote<ShardControl>) => Promise<Outcome<T>>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new RuntimeError('DEADLINE_EXCEEDED', `${this.#name}: ${what} took more than ${timeoutMs} ms`)),
        timeoutMs,
      );
    });
    try {
      const outcome = await Promise.race([body(this.#remote), late, this.#dead]);
      if (outcome.ok) return outcome.value;
      if (outcome.code === null) throw new Error(`${this.#name}: ${what}: ${outcome.message}`);
      throw new RuntimeError(outcome.code, outcome.message);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The thread has ended: calls under way and later ones fail. */
  close(reason: string): void {
    this.#die(new RuntimeError('UNREACHABLE', `${this.#name}: ${reason}`));
    this.#port.close();
  }
}
