/** Actors that a simulated node runs beside its RingActor and GossipActor: production's that joins, and one that looks. */
import { enteringActor, type Joining } from '../../../actors/entering-actor.ts';
import type { GossipMessage, MembershipView } from '../../../actors/gossip-protocol.ts';
import type { ClusterDoor } from '../../../actors/membership/cluster-door.ts';
import type { NodeIdentity } from '../../../actors/membership/node-identity.ts';
import { fatal } from '../../../actors/node/fatal.ts';
import type { RingMessage, RingStatus } from '../../../actors/ring-protocol.ts';
import { type Answer, defineActor } from '../../../runtime/actor.ts';
import { unreachable } from '../../../runtime/errors.ts';
import type { Ref } from '../../../runtime/ref.ts';
import type { SimShard } from '../../../runtime/simulation/sim-node.ts';
import { StorageError } from '../../../storage/errors.ts';
import { storedOn } from './sim-machine.ts';

const RETRY_MS = 100;
const SUBSCRIBE_EVERY_MS = 500;
const LOOK_EVERY_MS = 250;
const ASK_MS = 1500;

export interface Newcomer extends Pick<Joining, 'proposalOf' | 'onAnswered'> {
  readonly identity: NodeIdentity;
  readonly door: ClusterDoor;
  /** Machines that it asks to be added, at first in this order; none: it waits for what its disk has. */
  readonly seeds: readonly string[];
  readonly mutants: ReadonlySet<string>;
  /** It has given up, as it is sure that it never will be a member. */
  readonly onNever: (reason: string) => void;
}

/** On the main thread of a machine. A seed is reached by where it listens, whatever node that is. */
export function spawnEntering(main: SimShard, { identity, door, seeds, proposalOf, onAnswered, mutants, onNever }: Newcomer): void {
  const addresses = seeds.map((machine) => ({ node: machine, host: machine, ports: [] }));
  const turned = (): typeof addresses => {
    const first = main.runtime.random.below(addresses.length);
    return [...addresses.slice(first), ...addresses.slice(0, first)];
  };
  const joining: Joining = {
    ...{ seeds: addresses, replace: undefined, proposalOf, giveUpMs: Number.POSITIVE_INFINITY },
    askSeeds: (found) => found(turned()),
    ...(onAnswered === undefined ? {} : { onAnswered }),
  };
  const done = (reason: string | null): void => {
    if (reason !== null) onNever(reason);
  };
  const times = { retryMs: RETRY_MS, askMs: ASK_MS };
  const joins = seeds.length > 0 && !isMember(main);
  main.spawn(enteringActor, [{ identity, door, joining: joins ? joining : null, done, ...times, mutants }]);
}

/** What a node's record says, read off its ring. One that has a ring and is still joining would ask a seed once, and be in before it answers. */
function isMember({ node }: SimShard): boolean {
  try {
    return (storedOn(node.disk)?.ring ?? null) !== null;
  } catch (error) {
    // RingActor says so itself.
    if (error instanceof StorageError && error.code === 'CORRUPTION') return true;
    throw error;
  }
}

export interface WatcherPorts {
  readonly identity: NodeIdentity;
  readonly own: Ref<RingMessage>;
  readonly gossip: Ref<GossipMessage>;
  readonly onView: (view: MembershipView) => void;
  /** The process has to end (actors/node/fatal.ts). */
  readonly onFatal: () => void;
}

type WatcherMessage =
  | { readonly type: 'listen' }
  | { readonly type: 'look' }
  | { readonly type: 'looked'; readonly answer: Answer<RingStatus> }
  | { readonly type: 'view'; readonly view: MembershipView };

/** Looks whether the node may go on, and how it finds the others. */
export const watcher = defineActor<WatcherMessage, readonly [WatcherPorts]>('watcher', (context, ports) => {
  const { own, gossip, identity } = ports;
  context.every('listen', SUBSCRIBE_EVERY_MS, { type: 'listen' });
  context.every('look', LOOK_EVERY_MS, { type: 'look' });
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
        case 'view':
          return ports.onView(message.view);
        default:
          unreachable(message);
      }
    },
  };

  function onListen(): void {
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
});
