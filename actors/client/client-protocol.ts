/**
 * What ClientActor is told.
 *
 * | message | from | to | answer |
 * |---|---|---|---|
 * | work | ClientDesk | ClientActor | none: it takes what is on the desk |
 * | refresh | program | ClientActor | none: the ring is fetched at once |
 * | seeds | program | ClientActor | none: more nodes to fetch a ring from |
 * | greeting | ClientActor | CoordinatorActor | Greeted: it is there |
 * | FORWARD | ClientActor | CoordinatorActor of a replica's shard | FORWARDED |
 * | fetchRing | ClientActor | RingActor of any node | Fetched |
 */
import type { NodeAddress } from '../../runtime/node-address.ts';

export type ClientMessage =
  | { readonly type: 'work' }
  | { readonly type: 'refresh' }
  | { readonly type: 'seeds'; readonly addresses: readonly NodeAddress[] };
