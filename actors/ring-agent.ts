/**
 * RingAgent: one per shard. Holds the shard's ring for all actors of its thread, and tells RingActor of the node which one the shard has switched to.
 *
 * Sent to by RingActor (`standing`). It asks again and again, so whatever is lost, by a full mailbox or a restart of either, is made good within
 * `followMs`. A shard acknowledges a ring by `switched`: all its actors see that one in the holder from then on.
 *
 * Hook for what a step of a transition asks of a shard (drain writes, stream data, drop): `beforeSwitched`. Whoever has such work answers it when that is
 * done; until then the step is not acknowledged, and does not advance.
 */
import { defineActor } from '../runtime/actor.ts';
import { errorMessage, unreachable } from '../runtime/errors.ts';
import { CONTROL } from '../runtime/lanes.ts';
import type { Ref } from '../runtime/ref.ts';
import { faultOfStanding } from './membership/check-message.ts';
import { type ClusterDoor, RING_SLOT } from './membership/cluster-door.ts';
import { type KnownRing, readRing } from './membership/known-ring.ts';
import { compareVersions, type RingVersion } from './ring/ring-state.ts';
import type { RingMessage, Standing } from './ring-protocol.ts';

/** The ring of one shard: read by all actors of its thread, written by its agent alone. */
export interface RingHolder {
  /** Null: none yet. */
  ring: KnownRing | null;
  /** Whether this node may serve requests: see `Standing`. */
  mayServe: boolean;
}

export interface RingAgentArguments {
  readonly door: ClusterDoor;
  /** This node's name among transports. */
  readonly node: string;
  readonly shard: number;
  readonly holder: RingHolder;
  /** Default 1,000 ms. */
  readonly followMs?: number;
  /** Called when the holder has a new ring; calls `done` when the shard has done what it asks for, at once or later. Default: at once. */
  readonly beforeSwitched?: (ring: KnownRing, done: () => void) => void;
}

interface Tick {
  readonly type: 'tick';
}
/** What the ring asks of this shard is done. */
interface Ready {
  readonly type: 'ready';
  readonly version: RingVersion;
}
type Message = Standing | Tick | Ready;

const FOLLOW_MS = 1_000;

export const ringAgent = defineActor<Message, readonly [RingAgentArguments]>('ring-agent', (context, args) => {
  const { door, node, shard, holder, followMs = FOLLOW_MS } = args;
  const ringActor: Ref<RingMessage> = door.ref(RING_SLOT, node);
  /** A restart of this agent has no acknowledgement to repeat that it had not given. */
  let switchedTo: RingVersion | null = null;
  if (holder.ring !== null) prepare(holder.ring);
  context.every('tick', followMs, { type: 'tick' });
  follow();

  return {
    receive(message: Message): void {
      switch (message.type) {
        case 'standing':
          return onStanding(message);
        case 'tick':
          return follow();
        case 'ready':
          return onReady(message.version);
        default:
          unreachable(message);
      }
    },
  };

  function onStanding(message: Standing): void {
    const fault = faultOfStanding(message);
    if (fault !== null) return context.log.warn('malformed message refused', { fault });
    holder.mayServe = message.mayServe;
    if (message.ring === null || (holder.ring !== null && compareVersions(message.ring, holder.ring.encoded) <= 0)) return;
    try {
      holder.ring = readRing(message.ring);
    } catch (error) {
      return context.log.error('ring of this node refused', { why: errorMessage(error) });
    }
    for (const { address } of holder.ring.state.members) if (address.node !== node) door.introduce(address);
    prepare(holder.ring);
  }

  function onReady(version: RingVersion): void {
    if (holder.ring === null || compareVersions(version, holder.ring.encoded) !== 0) return;
    switchedTo = version;
    ringActor.tell({ type: 'switched', shard, version }, { lane: CONTROL });
  }

  function prepare(ring: KnownRing): void {
    const { generation, epoch } = ring.encoded;
    const ready = context.completion<null>(() => ({ type: 'ready', version: { generation, epoch } }));
    if (args.beforeSwitched === undefined) ready(null);
    else args.beforeSwitched(ring, () => ready(null));
  }

  /** Also says again what may have been lost. */
  function follow(): void {
    const has = holder.ring && { generation: holder.ring.encoded.generation, epoch: holder.ring.encoded.epoch };
    ringActor.tell({ type: 'follow', shard, has, agent: context.self }, { lane: CONTROL });
    if (switchedTo !== null) ringActor.tell({ type: 'switched', shard, version: switchedTo }, { lane: CONTROL });
  }
});
