/** Checks of what comes from other nodes: each message is looked at by hand before anything in it is believed. */
import { type AnyRef, Ref } from '../../runtime/ref.ts';
import type { Accusation, GossipMessage, GossipPeerMessage, Heartbeat } from '../gossip-protocol.ts';
import type { Id, RingVersion } from '../ring/ring-state.ts';
import type { RingChanged, Sender } from '../ring-protocol.ts';

/** Heartbeats, and accusations, in one delta. What does not fit comes with a digest. */
export const DELTA_MAX = 64;
/** Counters stay far below 2^53, so that sums and doubles of them are exact. */
const COUNT_MAX = 2 ** 48;
const ID = /^[0-9a-f]{32}$/;
const INSTANCE = /^[0-9a-f]{16}$/;

/** Null: it is well-formed. Else what is wrong with it, for the log. */
export function faultOf(message: GossipPeerMessage): string | null {
  if (!isSender(message.from)) return 'sender';
  switch (message.type) {
    case 'heartbeat':
      return isHeartbeat(message.beat) ? null : 'heartbeat';
    case 'digest':
      if (!isVersion(message.ring)) return 'ring version';
      if (!(message.digest instanceof Uint8Array)) return 'digest';
      return isRef(message.replyTo) ? null : 'reply address';
    case 'delta':
      if (!isListOf(message.beats, isHeartbeat)) return 'heartbeats';
      return isListOf(message.accusations, isAccusation) ? null : 'accusations';
    case 'probe':
      if (!isWord(message.probeId)) return 'probe id';
      return isRef(message.replyTo) ? null : 'reply address';
    case 'probeFor':
      if (!isWord(message.probeId)) return 'probe id';
      if (!isId(message.target)) return 'target';
      return isRef(message.replyTo) ? null : 'reply address';
    case 'alive':
      if (!isWord(message.probeId)) return 'probe id';
      return isHeartbeat(message.beat) ? null : 'heartbeat';
    default:
      return 'type';
  }
}

/** Of this node's own RingActor; what comes over the wire has no typed arrays. */
export function isRingChanged({ ring, encoded }: RingChanged): boolean {
  if (!isObject(ring) || !isVersion(encoded)) return false;
  if (!isId(ring.cluster) || ring.generation !== encoded.generation || ring.epoch !== encoded.epoch) return false;
  return ring.owners instanceof Uint16Array && Array.isArray(ring.members) && encoded.bytes instanceof Uint8Array;
}

export function isId(value: unknown): value is Id {
  return typeof value === 'string' && ID.test(value);
}

/** A u32. */
export function isWord(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff_ffff;
}

export function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= COUNT_MAX;
}

function isSender(value: unknown): value is Sender {
  if (!isObject<Sender>(value)) return false;
  const { cluster, id, boot, instance } = value;
  return isId(cluster) && isId(id) && isCount(boot) && boot > 0 && typeof instance === 'string' && INSTANCE.test(instance);
}

export function isVersion(value: unknown): value is RingVersion {
  return isObject<RingVersion>(value) && isWord(value.generation) && isWord(value.epoch);
}

function isHeartbeat(value: unknown): value is Heartbeat {
  if (!isObject<Heartbeat>(value)) return false;
  const { id, boot, incarnation, heartbeat, switchedTo } = value;
  return isId(id) && isCount(boot) && isCount(incarnation) && isCount(heartbeat) && isVersion(switchedTo);
}

function isAccusation(value: unknown): value is Accusation {
  if (!isObject<Accusation>(value)) return false;
  return isId(value.accused) && isId(value.accuser) && isCount(value.boot) && isCount(value.incarnation);
}

function isRef(value: unknown): value is Ref<GossipMessage> {
  return (value as AnyRef) instanceof Ref;
}

function isListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.length <= DELTA_MAX && value.every(isItem);
}

function isObject<T>(value: unknown): value is T {
  return typeof value === 'object' && value !== null;
}
