/**
 * Where an actor lives: node (process) / shard (thread) / slot in that thread's table, and the two numbers that tell
 * this actor from an earlier one at the same place: the `boot` of the thread and the `uid` of the slot.
 */
import { invalidArgument } from './errors.ts';

/** The shard number of a node's main thread. Worker threads are 0, 1, ... */
export const MAIN_SHARD = 0xffff;
export const SHARDS_MAX = 256;
export const NODE_NAME_BYTES_MAX = 64;

/** A thread of a node. */
export interface Place {
  /** Name of the node, unique in its cluster: 1 to 64 of `[A-Za-z0-9._-]`. */
  readonly node: string;
  /** 0 .. SHARDS_MAX-1, or MAIN_SHARD. */
  readonly shard: number;
}

export interface Address extends Place {
  /**
   * Which start of that thread: strictly rising per place, an integer below 2^53. 0 in the address of a well-known
   * actor, which is found whatever the boot.
   */
  readonly boot: number;
  /** u32. Below WELL_KNOWN_SLOTS: an actor the runtime itself starts, with uid 0. */
  readonly slot: number;
  /** u32, changes each time the slot is used again. */
  readonly uid: number;
}

/** Slots kept for actors that every place finds without asking: 0 is nobody, 1 the receptionist. */
export const WELL_KNOWN_SLOTS = 16;
export const NOBODY_SLOT = 0;
export const RECEPTIONIST_SLOT = 1;

/** Set in a slot number: an entry of the table of pending asks, not an actor. */
export const ASK_SLOT_BIT = 0x8000_0000;
/** Set in a slot number: the actor's mailbox has the policy `credit`, so senders ask before they send. */
export const CREDIT_SLOT_BIT = 0x4000_0000;
export const SLOT_INDEX_MASK = 0x3fff_ffff;

const NODE_NAME = /^[A-Za-z0-9._-]{1,64}$/;

export function checkNodeName(name: unknown): string {
  if (typeof name !== 'string' || !NODE_NAME.test(name)) {
    throw invalidArgument(`node name: expected 1 to 64 of [A-Za-z0-9._-], got ${JSON.stringify(name)}`);
  }
  return name;
}

/** Requires: an integer 0 .. SHARDS_MAX-1 or MAIN_SHARD. */
export function isShardNumber(shard: unknown): shard is number {
  return Number.isInteger(shard) && (((shard as number) >= 0 && (shard as number) < SHARDS_MAX) || shard === MAIN_SHARD);
}

export function placeName(place: Place): string {
  return `${place.node}/${place.shard === MAIN_SHARD ? 'main' : place.shard}`;
}

/** For logs: `node/shard#slot.uid@boot`. */
export function addressName(a: Address): string {
  return `${placeName(a)}#${a.slot}.${a.uid}@${a.boot}`;
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.slot === b.slot && a.uid === b.uid && a.shard === b.shard && a.boot === b.boot && a.node === b.node;
}
