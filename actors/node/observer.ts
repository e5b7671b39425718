/**
 * NodeObserver: sees how GossipActor of this node finds the members, for the code that serves the node. On the main thread, so that what it sees is
 * handed over as it is. It asks again now and then, since GossipActor may have been started anew.
 */
import { defineActor } from '../../runtime/actor.ts';
import { unreachable } from '../../runtime/errors.ts';
import type { Ref } from '../../runtime/ref.ts';
import type { GossipMessage, MembershipView } from '../gossip-protocol.ts';

interface Viewed {
  readonly type: 'view';
  readonly view: MembershipView;
}

interface Again {
  readonly type: 'again';
}

const AGAIN_MS = 5_000;

export const nodeObserver = defineActor<Viewed | Again, readonly [Ref<GossipMessage>, (view: MembershipView) => void]>(
  'node-observer',
  (context, gossip, onView) => {
    gossip.tell({ type: 'subscribe', subscriber: context.self });
    context.every('again', AGAIN_MS, { type: 'again' });
    return {
      receive(message: Viewed | Again): void {
        switch (message.type) {
          case 'view':
            onView(message.view);
            break;
          case 'again':
            gossip.tell({ type: 'subscribe', subscriber: context.self });
            break;
          default:
            unreachable(message);
        }
      },
    };
  },
);
