/**
 * NodeObserver: sees what RingActor and GossipActor of this node tell, for the code that starts and serves the node. On the main thread, so
 * that what it sees is handed over as it is. It asks to be told again now and then, since either may have been started anew.
 */
import { defineActor } from '../../runtime/actor.ts';
import { unreachable } from '../../runtime/errors.ts';
import type { Ref } from '../../runtime/ref.ts';
import type { GossipMessage, MembershipView } from '../gossip-protocol.ts';
import type { RingChanged, RingMessage } from '../ring-protocol.ts';

export interface Sights {
  onRing(changed: RingChanged): void;
  onView(view: MembershipView): void;
}

type Message = RingChanged | { readonly type: 'view'; readonly view: MembershipView };

interface Again {
  readonly type: 'again';
}

const AGAIN_MS = 5_000;

export const nodeObserver = defineActor<Message | Again, readonly [Ref<RingMessage>, Ref<GossipMessage>, Sights]>(
  'node-observer',
  (context, ring, gossip, sights) => {
    const subscribe = (): void => {
      ring.tell({ type: 'subscribe', subscriber: context.self });
      gossip.tell({ type: 'subscribe', subscriber: context.self });
    };
    subscribe();
    context.every('again', AGAIN_MS, { type: 'again' });
    return {
      receive(message: Message | Again): void {
        switch (message.type) {
          case 'ringChanged':
            sights.onRing(message);
            break;
          case 'view':
            sights.onView(message.view);
            break;
          case 'again':
            subscribe();
            break;
          default:
            unreachable(message);
        }
      },
    };
  },
);
