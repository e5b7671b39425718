/** Actors that a simulated node runs beside those of production: one joins, one looks. */
import type { GossipMessage, MembershipView } from '../../../actors/gossip-protocol.ts';
import { readRing } from '../../../actors/membership/known-ring.ts';
import type { NodeIdentity } from '../../../actors/membership/node-identity.ts';
import { fatal } from '../../../actors/node/fatal.ts';
import type { OperationOutcome, Proposal } from '../../../actors/ring/operation.ts';
import type { Fetched, RingBytes, RingChanged, RingMessage, RingStatus } from '../../../actors/ring-protocol.ts';
import { type Answer, defineActor } from '../../../runtime/actor.ts';
import { unreachable } from '../../../runtime/errors.ts';
import type { Ref } from '../../../runtime/ref.ts';

const JOIN_EVERY_MS = 150;
const SUBSCRIBE_EVERY_MS = 500;
const LOOK_EVERY_MS = 250;
const ASK_MS = 1500;

export interface JoinerPorts {
  readonly identity: NodeIdentity;
  readonly own: Ref<RingMessage>;
  readonly gossip: Ref<GossipMessage>;
  readonly seeds: readonly Ref<RingMessage>[];
  /** A new one for each attempt; told what came of it. */
  readonly propose: () => { readonly proposal: Proposal; readonly done: (answer: Answer<OperationOutcome>) => void };
  readonly onView: (view: MembershipView) => void;
  /** The process has to end (actors/node/fatal.ts). */
  readonly onFatal: () => void;
}

type JoinerMessage =
  | { readonly type: 'join' }
  | { readonly type: 'listen' }
  | { readonly type: 'look' }
  | { readonly type: 'looked'; readonly answer: Answer<RingStatus> }
  | RingChanged
  | { readonly type: 'view'; readonly view: MembershipView }
  | { readonly type: 'proposed'; readonly seed: Ref<RingMessage>; readonly answer: Answer<OperationOutcome> }
  | { readonly type: 'fetched'; readonly ring: RingBytes | null };

/** Until the node has a ring: asks a seed to add it, and fetches the ring. And looks whether the node may go on. */
export const joiner = defineActor<JoinerMessage, readonly [JoinerPorts]>('joiner', (context, ports) => {
  const { own, gossip, seeds, identity } = ports;
  let hasRing = false;
  context.every('listen', SUBSCRIBE_EVERY_MS, { type: 'listen' });
  context.every('look', LOOK_EVERY_MS, { type: 'look' });
  context.after('join', 1 + context.random.below(JOIN_EVERY_MS), { type: 'join' });
  onListen();

  return {
    receive(message): void {
      switch (message.type) {
        case 'listen':
          return onListen();
        case 'look':
          return onLook();
        case 'looked':
          if (message.answer.ok && fatal(message.answer.value, identity) !== null) ports.onFatal();
          return;
        case 'join':
          return onJoin();
        case 'ringChanged':
          hasRing = true;
          return;
        case 'view':
          return ports.onView(message.view);
        case 'proposed':
          return onProposed(message.seed, message.answer);
        case 'fetched':
          return onFetched(message.ring);
        default:
          unreachable(message);
      }
    },
  };

  function onListen(): void {
    own.tell({ type: 'subscribe', subscriber: context.self });
    gossip.tell({ type: 'subscribe', subscriber: context.self });
  }

  function onLook(): void {
    context.ask<RingMessage, RingStatus>(
      own,
      (replyTo) => ({ type: 'status', replyTo }),
      { timeoutMs: ASK_MS },
      (answer) => ({ type: 'looked', answer }),
    );
  }

  function onJoin(): void {
    if (hasRing || seeds.length === 0) return;
    context.after('join', JOIN_EVERY_MS * (1 + context.random.below(4)), { type: 'join' });
    const seed = seeds[context.random.below(seeds.length)]!;
    const { proposal, done } = ports.propose();
    context.ask<RingMessage, OperationOutcome>(
      seed,
      (replyTo) => ({ type: 'propose', proposal, replyTo }),
      { timeoutMs: ASK_MS },
      (answer) => {
        done(answer);
        return { type: 'proposed', seed, answer };
      },
    );
  }

  function onProposed(seed: Ref<RingMessage>, answer: Answer<OperationOutcome>): void {
    if (hasRing || !answer.ok || !answer.value.ok) return;
    context.ask<RingMessage, Fetched>(
      seed,
      (replyTo) => ({ type: 'fetchRing', replyTo }),
      { timeoutMs: ASK_MS },
      (fetched) => ({ type: 'fetched', ring: fetched.ok ? fetched.value.ring : null }),
    );
  }

  function onFetched(ring: RingBytes | null): void {
    if (hasRing || ring === null) return;
    const { cluster } = readRing(ring).state;
    const { id, boot, instance } = identity;
    own.tell({ type: 'ring', from: { cluster, id, boot, instance }, ring });
  }
});
