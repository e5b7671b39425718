/** What operators do to the ring of a cluster that is under load: operations at some node, with the draw that the plan says. */
import type { Operation } from '../../../actors/ring/operation.ts';
import type { RingState } from '../../../actors/ring/ring-state.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import type { ActItem } from '../../../runtime/simulation/plan.ts';
import { RING_ACTIONS } from './fault-classes.ts';

const CAPACITY_MAX = 4;
/** So many stay, that every keyspace has its replicas. */
const MEMBERS_MIN = 4;

export type RingAction = (typeof RING_ACTIONS)[number];

export function isRingAction(action: string): action is RingAction {
  return (RING_ACTIONS as readonly string[]).includes(action);
}

/** Null: there is nothing that it could be about. `join` is no operation of an operator: the machine asks to be added itself. */
export function ringOperation({ action, draw }: ActItem, { members }: RingState): Operation | null {
  const random = new SeededRandom(`ring act ${draw}`);
  const { id } = members[random.below(members.length)]!;
  if (action === 'setCapacity') return { type: 'setCapacity', id, capacity: 1 + random.below(CAPACITY_MAX) };
  if (action === 'removeMember') return members.length > MEMBERS_MIN ? { type: 'removeMember', id } : null;
  return null;
}
