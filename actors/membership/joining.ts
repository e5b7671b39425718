/** What a node that joins has to ask the members for, by the ring of one of them. Pure. */
import { sameNodeAddress } from '../../runtime/node-address.ts';
import type { NewMember, Operation } from '../ring/operation.ts';
import type { RingState } from '../ring/ring-state.ts';
import type { NodeIdentity } from './node-identity.ts';

export type JoinNeed =
  /** Nothing: it is a member, as it is. */
  | { readonly type: 'in' }
  | { readonly type: 'ask'; readonly operation: Operation }
  /** Trying again would not help. */
  | { readonly type: 'never'; readonly reason: string };

export function memberOf({ id, name, address, dataCenter, rack, capacity, shards }: NodeIdentity): NewMember {
  return { id, name, address, dataCenter, rack, capacity, shards };
}

/** `replace`: name or id of the member whose place is to be taken; undefined: none's. */
export function joinNeed(ring: RingState, identity: NodeIdentity, replace: string | undefined): JoinNeed {
  const { id, name, address } = identity;
  const known = ring.members.find((member) => member.id === id);
  if (known !== undefined)
    return sameNodeAddress(known.address, address) ? { type: 'in' } : { type: 'ask', operation: { type: 'setAddress', id, address } };
  if (ring.banned.includes(id)) {
    const reason = `node ${name} has left this cluster and can't come back under its id ${id}: start it on an empty data directory`;
    return { type: 'never', reason };
  }
  const member = memberOf(identity);
  if (replace === undefined) return { type: 'ask', operation: { type: 'addMember', member } };
  const old = ring.members.find((other) => other.name === replace || other.id === replace);
  if (old !== undefined) return { type: 'ask', operation: { type: 'replaceMember', id: old.id, member } };
  return { type: 'never', reason: `replace: no member ${replace}; there are ${ring.members.map((other) => other.name).join(', ')}` };
}
