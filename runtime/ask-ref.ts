/** AskRef: the reply address of one ask, which is at the same time its entry in the table of pending asks. */
import type { Address } from './address.ts';
import { invalidArgument, type RuntimeError } from './errors.ts';
import type { Lane } from './lanes.ts';
import type { Peer } from './peer.ts';
import { type AskOptions, Ref, type TellOptions } from './ref.ts';
import type { ShardRuntime } from './shard-runtime.ts';

/** Takes the outcome of an ask. Implemented by whoever asked; called at most once, and never throws. */
export interface AskSink<R> {
  answered(value: R): void;
  failed(error: RuntimeError): void;
}

export class AskRef<in out R = unknown> extends Ref<R> {
  readonly runtime: ShardRuntime;
  /** Where the question went, so that it fails when that place goes down; null: this thread. */
  target: Peer | null = null;
  readonly deadline: number;
  readonly bornAt: number;
  // Kept by AskTable.
  slot = 0;
  uid = 0;
  tick = 0;
  next: AskRef | undefined;
  previous: AskRef | undefined;
  #sink: AskSink<R> | null;

  constructor(runtime: ShardRuntime, sink: AskSink<R>, bornAt: number, deadline: number) {
    super();
    this.runtime = runtime;
    this.bornAt = bornAt;
    this.deadline = deadline;
    this.#sink = sink;
  }

  get address(): Address {
    const { node, shard, boot } = this.runtime;
    return { node, shard, boot, slot: this.slot, uid: this.uid };
  }

  tell(message: R, _options?: TellOptions): boolean {
    const sink = this.#end();
    if (sink === null) {
      this.runtime.deadLetters.add('lateReply', this, message);
      return false;
    }
    sink.answered(message);
    return true;
  }

  fail(error: RuntimeError): void {
    this.#end()?.failed(error);
  }

  /** It was never sent: there is no outcome. */
  withdraw(): void {
    this.#end();
  }

  ask<T>(make: (replyTo: Ref<T>) => R, options: AskOptions): Promise<T> {
    return this.runtime.askPromise(this, make, options);
  }

  tellBytes(_operation: number, _bytes: Uint8Array, _offset: number, _length: number, _requestId?: number, _lane?: Lane): boolean {
    throw invalidArgument('a reply address takes one object message, not bytes');
  }

  toString(): string {
    return `ask#${this.slot & 0x3fffffff}.${this.uid}`;
  }

  #end(): AskSink<R> | null {
    const sink = this.#sink;
    if (sink === null) return null;
    this.#sink = null;
    this.runtime.asks.remove(this as AskRef);
    return sink;
  }
}
