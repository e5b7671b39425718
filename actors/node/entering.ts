/** How a node that has started gets into its ring: by making it, by asking a member to add it, or because it is in it already. */

import type { Log } from '../../runtime/doors.ts';
import { errorMessage } from '../../runtime/errors.ts';
import type { NodeAddress } from '../../runtime/node-address.ts';
import type { Ref } from '../../runtime/ref.ts';
import { type ClusterDoor, RING_SLOT } from '../membership/cluster-door.ts';
import type { NodeIdentity } from '../membership/node-identity.ts';
import type { NewMember, Operation, OperationOutcome } from '../ring/operation.ts';
import { decodeRing } from '../ring/ring-codec.ts';
import type { Id, RingState } from '../ring/ring-state.ts';
import type { Fetched, RingBytes, RingMessage } from '../ring-protocol.ts';
import { NodeError } from './node-error.ts';

export interface JoinOptions {
  readonly identity: NodeIdentity;
  readonly door: ClusterDoor;
  /** Name or id of the member whose place is to be taken; undefined: none's. */
  readonly replace: string | undefined;
  readonly newId: () => Id;
  readonly log: Log;
}

export type JoinStep =
  | { readonly type: 'in' }
  /** May be tried again, with this seed or another. */
  | { readonly type: 'notYet'; readonly reason: string };

const ASK_MS = 15_000;

export function memberOfIdentity({ id, name, address, dataCenter, rack, capacity, shards }: NodeIdentity): NewMember {
  return { id, name, address, dataCenter, rack, capacity, shards };
}

/** The ring of the node at `seed`; null: it has none yet. Errors: those of asks. */
export async function fetchFrom(seed: NodeAddress, door: ClusterDoor): Promise<RingBytes | null> {
  door.introduce(seed);
  const ask = (replyTo: Ref<Fetched>): RingMessage => ({ type: 'fetchRing', replyTo });
  return (await door.ref<RingMessage>(RING_SLOT, seed.node).ask<Fetched>(ask, { timeoutMs: ASK_MS })).ring;
}

/**
 * Asks the RingActor of the node at `seed` to have this node added. One try: the ring is looked at first, so that a try whose answer was lost is not
 * taken for another node. Errors: CANNOT_JOIN when trying again would not help.
 */
export async function joinBy(seed: NodeAddress, { identity, door, replace, newId, log }: JoinOptions): Promise<JoinStep> {
  const ring = door.ref<RingMessage>(RING_SLOT, seed.node);
  try {
    const found = await fetchFrom(seed, door);
    if (found === null) return { type: 'notYet', reason: `node ${seed.node} has no ring yet` };
    const state = decodeRing(found.bytes);
    for (const { address } of state.members) if (address.node !== identity.address.node) door.introduce(address);
    const operation = joinOperation(state, identity, replace);
    if (operation === null) return { type: 'in' };
    const operationId = newId();
    const outcome = await ring.ask<OperationOutcome>((replyTo) => ({ type: 'propose', proposal: { operationId, operation }, replyTo }), {
      timeoutMs: ASK_MS,
    });
    if (outcome.ok) return { type: 'in' };
    if (isFinal(outcome.code)) throw new NodeError('CANNOT_JOIN', `the cluster does not take node ${identity.name}: ${outcome.message}`);
    return { type: 'notYet', reason: `node ${seed.node}: ${outcome.message}` };
  } catch (error) {
    if (error instanceof NodeError) throw error;
    log.info('node.joinFailed', { seed: seed.node, error: errorMessage(error) });
    return { type: 'notYet', reason: `node ${seed.node}: ${errorMessage(error)}` };
  }
}

/** Null: it is in, as it is. Errors: CANNOT_JOIN: its id has left, or there is no such member to be replaced. */
export function joinOperation(ring: RingState, identity: NodeIdentity, replace: string | undefined): Operation | null {
  const { id, address } = identity;
  const known = ring.members.find((member) => member.id === id);
  if (known !== undefined) return sameAddress(known.address, address) ? null : { type: 'setAddress', id, address };
  if (ring.banned.includes(id)) {
    throw new NodeError(
      'CANNOT_JOIN',
      `node ${identity.name} has left this cluster and can't come back under its id ${id}: start it on an empty data directory`,
    );
  }
  const member = memberOfIdentity(identity);
  if (replace === undefined) return { type: 'addMember', member };
  const old = ring.members.find((other) => other.name === replace || other.id === replace);
  if (old !== undefined) return { type: 'replaceMember', id: old.id, member };
  const names = ring.members.map(({ name }) => name).join(', ');
  throw new NodeError('CANNOT_JOIN', `replace: no member ${replace}; there are ${names}`);
}

function isFinal(code: Extract<OperationOutcome, { ok: false }>['code']): boolean {
  return code === 'EXISTS' || code === 'NOT_ALLOWED' || code === 'INVALID_ARGUMENT' || code === 'NOT_FOUND';
}

function sameAddress(a: NodeAddress, b: NodeAddress): boolean {
  return a.host === b.host && a.ports.length === b.ports.length && a.ports.every((port, i) => port === b.ports[i]);
}
