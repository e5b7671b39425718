/** Refs to actors of this thread: a living one, and one that is gone. */
import type { Address } from './address.ts';
import { BoundRef } from './bound-ref.ts';
import type { Cell } from './cell.ts';
import type { Lane } from './lanes.ts';
import type { TellOptions } from './ref.ts';
import type { ShardRuntime } from './shard-runtime.ts';
import { NO_SUCH_ACTOR, type Verdict } from './verdict.ts';

export class LocalRef<in M = never> extends BoundRef<M> {
  readonly cell: Cell;

  constructor(cell: Cell) {
    super();
    this.cell = cell;
  }

  get runtime(): ShardRuntime {
    return this.cell.runtime;
  }

  get address(): Address {
    const { runtime, slot, uid } = this.cell;
    return { node: runtime.node, shard: runtime.shard, boot: runtime.boot, slot, uid };
  }

  override tell(message: M, options?: TellOptions): boolean {
    const cell = this.cell;
    // Why: the whole way of a plain message is these lines and Ring.push (bench:actors, "tell, same thread").
    if (options === undefined && cell.isOpen && cell.queued < cell.limit) {
      cell.enqueuePlain(message);
      return true;
    }
    return super.tell(message, options);
  }

  offer(message: unknown, lane: Lane, deadline: number, senderSlot: number, senderUid: number): Verdict {
    return this.cell.offer(message, lane, deadline, -1, senderSlot, senderUid, 0, false);
  }

  offerBytes(
    operation: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    requestId: number,
    lane: Lane,
    senderSlot: number,
    senderUid: number,
  ): Verdict {
    const { localBytes } = this.cell.runtime;
    const at = localBytes.put(bytes, offset, length);
    return this.cell.offerBytes(operation, localBytes.slab, at, length, lane, 0, -1, senderSlot, senderUid, requestId, false);
  }

  override toString(): string {
    return `${this.cell.name}(${super.toString()})`;
  }
}

/** An address of this place at which nobody lives any more. */
export class GoneRef extends BoundRef<unknown> {
  readonly runtime: ShardRuntime;
  readonly address: Address;

  constructor(runtime: ShardRuntime, address: Address) {
    super();
    this.runtime = runtime;
    this.address = address;
  }

  offer(message: unknown): Verdict {
    this.runtime.deadLetters.add('noSuchActor', this, message);
    return NO_SUCH_ACTOR;
  }

  offerBytes(operation: number): Verdict {
    this.runtime.deadLetters.addOperation('noSuchActor', this, operation);
    return NO_SUCH_ACTOR;
  }
}
