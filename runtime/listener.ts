/**
 * Listener: the child of an actor that subscribed to a service. Turns the receptionist's listings into its parent's own messages; while the
 * parent takes none it keeps the latest, and tries again.
 */
import type { ActorDefinition } from './actor.ts';
import { CONTROL } from './lanes.ts';
import type { Listing } from './receptionist-protocol.ts';
import type { AnyRef, Ref } from './ref.ts';

type Forward = (refs: readonly AnyRef[]) => unknown;

const RETRY_MS = 100;

export const listener: ActorDefinition<Listing, readonly [Forward, AnyRef]> = {
  kind: 'dynactor:actor',
  name: 'listener',
  create: (context, forward, parent) => ({
    receive(listing) {
      if ((parent as Ref<unknown>).tell(forward(listing.refs), { lane: CONTROL })) context.cancel('retry');
      else context.after('retry', RETRY_MS, listing);
    },
  }),
  // Only the latest listing counts.
  defaults: { mailbox: { capacity: 4, overflow: 'dropOldest' } },
};
