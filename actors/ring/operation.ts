/**
 * Operation: what can be done to a ring. Operations are proposed, never rings: whoever loses an epoch to another operation applies its own
 * to the winner's ring and proposes it for the next epoch, if it still makes sense there (apply.ts).
 */
import type { NodeAddress } from '../../runtime/node-address.ts';
import type { Id, Keyspace, Member, RingVersion, Step } from './ring-state.ts';

export type NewMember = Omit<Member, 'state' | 'isExcluded'>;
export type NewKeyspace = Omit<Keyspace, 'id'>;

export type Operation =
  /** It comes in `joining` and gets its partitions by the next transition. Done already (same id and address): no change, and no error. */
  | { readonly type: 'addMember'; readonly member: NewMember }
  /** `up` to `leaving`; one that is still joining and owns nothing is gone at once. */
  | { readonly type: 'removeMember'; readonly id: Id }
  /** Puts a newcomer in the place of a dead member: the newcomer joins, the other leaves and is excluded, and the next transition hands over its partitions. */
  | { readonly type: 'replaceMember'; readonly id: Id; readonly member: NewMember }
  | { readonly type: 'setCapacity'; readonly id: Id; readonly capacity: number }
  | { readonly type: 'setAddress'; readonly id: Id; readonly address: NodeAddress }
  | { readonly type: 'excludeMember'; readonly id: Id }
  | { readonly type: 'includeMember'; readonly id: Id }
  | { readonly type: 'createKeyspace'; readonly keyspace: NewKeyspace }
  | { readonly type: 'alterKeyspace'; readonly name: string; readonly changes: Partial<Omit<NewKeyspace, 'name' | 'conflict'>> }
  | { readonly type: 'dropKeyspace'; readonly name: string }
  /** Owners as planned (plan.ts) from exactly the ring with the hash `parent`; from any other it is refused as STALE, and has to be planned anew. */
  | { readonly type: 'beginTransition'; readonly parent: string; readonly owners: Uint16Array }
  /** The step named is complete. */
  | { readonly type: 'advance'; readonly startedAt: number; readonly step: Step }
  /** Back to the owners of before; only as long as reads have not moved (writeBoth, stream). */
  | { readonly type: 'cancelTransition'; readonly startedAt: number };

export interface Proposal {
  readonly operationId: Id;
  readonly operation: Operation;
}

export type OperationRefusal =
  /** Not against this ring; planned from another one, or the step is not the present one. */
  | 'STALE'
  /** Such a member, name, address or keyspace is there already, or its id is banned. */
  | 'EXISTS'
  | 'NOT_FOUND'
  /** It would break a rule of the ring: the last full member leaves, too many excluded, a transition under way. */
  | 'NOT_ALLOWED'
  | 'INVALID_ARGUMENT';

/** Where the operation was done, or why it can't be. */
export type OperationOutcome =
  | { readonly ok: true; readonly version: RingVersion }
  | { readonly ok: false; readonly code: OperationRefusal | 'NO_MAJORITY' | 'NOT_A_MEMBER' | 'INDETERMINATE'; readonly message: string };
