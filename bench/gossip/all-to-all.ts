/** The peer of gossip: each interval every node sends its heartbeat, the same message, to every other. Knows of deaths no less, and pays for it. */
import type { GossipOptions } from '../../actors/gossip/options.ts';
import type { GossipMessage, Heartbeat } from '../../actors/gossip-protocol.ts';
import { GOSSIP_SLOT, RING_SLOT } from '../../actors/membership/cluster-door.ts';
import type { RingMessage } from '../../actors/ring-protocol.ts';
import { type ActorDefinition, defineActor } from '../../runtime/actor.ts';
import type { Ref } from '../../runtime/ref.ts';

const INTERVAL_MS = 1000;

export const allToAll: ActorDefinition<GossipMessage | { readonly type: 'tick' }, readonly [GossipOptions]> = defineActor(
  'allToAll',
  (context, { identity, door }) => {
    const { id, boot, instance } = identity;
    const heardMs = new Map<string, number>();
    let peers: Ref<GossipMessage>[] = [];
    let cluster = '';
    let heartbeat = 0;
    context.every('tick', INTERVAL_MS, { type: 'tick' });
    door.ref<RingMessage>(RING_SLOT, identity.address.node).tell({ type: 'subscribe', subscriber: context.self });
    return {
      receive(message): void {
        if (message.type === 'heartbeat') heardMs.set(message.beat.id, context.clock.now());
        else if (message.type === 'ringChanged') {
          const { ring } = message;
          cluster = ring.cluster;
          peers = ring.members.filter((member) => member.id !== id).map(({ address }) => door.ref(GOSSIP_SLOT, address.node));
        } else if (message.type === 'tick') {
          const beat: Heartbeat = { id, boot, incarnation: 0, heartbeat: ++heartbeat, switchedTo: { generation: 1, epoch: 1 } };
          for (const peer of peers) peer.tell({ type: 'heartbeat', from: { cluster, id, boot, instance }, beat });
        }
      },
    };
  },
  { mailbox: { capacity: 1 << 16 } },
);
