/** A probe: an actor on the main thread whose messages a test awaits one by one. */
import { type ActorContext, defineActor, type Signal } from '../../runtime/actor.ts';
import type { AnyRef, Ref } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';

export interface Probe<M> {
  readonly ref: Ref<M>;
  /** The next message, in order. Errors: none came within 20 s. */
  next(): Promise<M>;
  /** The next signal. */
  nextSignal(): Promise<Signal>;
  /** Resolves when the watch is set, here; where the other is elsewhere, its own thread may hear of it later. */
  watch(ref: AnyRef): void;
}

const PATIENCE_MS = 20_000;

export function probe<M>(system: ActorSystem): Probe<M> {
  const messages = new Mailbag<M>('message');
  const signals = new Mailbag<Signal>('signal');
  type Command = { readonly probeWatches: AnyRef };
  const definition = defineActor<M | Command>('test.probe', (context: ActorContext<M | Command>) => ({
    receive(message: M | Command): void {
      if (typeof message === 'object' && message !== null && 'probeWatches' in message) context.watch(message.probeWatches);
      else messages.add(message);
    },
    receiveBytes(operation: number, bytes: Uint8Array, offset: number, length: number, requestId: number): void {
      messages.add({ operation, bytes: [...bytes.subarray(offset, offset + length)], requestId } as M);
    },
    signal(signal: Signal): void {
      signals.add(signal);
    },
  }));
  const ref = system.spawn(definition);
  return {
    ref,
    next: () => messages.take(),
    nextSignal: () => signals.take(),
    watch: (other) => {
      ref.tell({ probeWatches: other });
    },
  };
}

class Mailbag<T> {
  readonly #what: string;
  readonly #items: T[] = [];
  #waiting: ((item: T) => void) | undefined;

  constructor(what: string) {
    this.#what = what;
  }

  add(item: T): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#items.push(item);
    else waiting(item);
  }

  take(): Promise<T> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift() as T);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${this.#what} within ${PATIENCE_MS} ms`)), PATIENCE_MS);
      this.#waiting = (item) => {
        clearTimeout(timer);
        resolve(item);
      };
    });
  }
}
