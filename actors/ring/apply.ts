/**
 * Applies a decided operation to a ring: the ring of the next epoch, or why there is none. Every node does it by itself, so it depends on nothing but its
 * arguments, and searches nothing: plans come with the operation (plan.ts).
 *
 * Each refusal changes nothing. What was done already is no error, and gives the same ring back (`===`), with no new epoch: nothing has to be decided then.
 */
import { unreachable } from '../../runtime/errors.ts';
import { alterKeyspace, createKeyspace, dropKeyspace } from './apply-keyspaces.ts';
import { addMember, excludeMember, includeMember, removeMember, replaceMember, setAddress, setCapacity } from './apply-members.ts';
import { advance, beginTransition, cancelTransition } from './apply-transition.ts';
import { EPOCH_MAX, ID } from './limits.ts';
import type { Operation, Proposal } from './operation.ts';
import { type ChangeOrRefusal, isRefusal, type Refusal, refuse } from './refusal.ts';
import { hashOfRing } from './ring-codec.ts';
import type { RingState } from './ring-state.ts';
import { changedAtOf } from './routes.ts';
import { exclusionProblems } from './validate.ts';

export interface ApplyOptions {
  /** Planted bugs: `joinSkipsParentCheck`, `bannedIdAccepted`, `duplicateIdAccepted`, `exclusionUnbounded`, `staleStepAccepted`, `changedAtForgotten`. */
  readonly mutants?: ReadonlySet<string>;
}

export type Applied = { readonly ok: true; readonly ring: RingState } | Refusal;

/**
 * Requires: a sound ring. Returns a sound ring whose `parent` is the hash of `ring`, of the same generation and the next epoch; or `ring` itself, when the
 * operation is done already; or a refusal. Cost: that of hashing the ring; where replicas change, that of placement.
 */
export function applyOperation(ring: RingState, { operationId, operation }: Proposal, options: ApplyOptions = {}): Applied {
  if (!ID.test(operationId))
    return refuse('INVALID_ARGUMENT', `operationId: expected 32 hexadecimal digits, found ${JSON.stringify(operationId)}`);
  if (operationId === ring.operationId) return { ok: true, ring };
  if (ring.epoch === EPOCH_MAX) return refuse('NOT_ALLOWED', `epoch ${ring.epoch} is the last`);
  const mutants = options.mutants ?? NONE;
  const change = changeOf(ring, operation, mutants);
  if (change === null) return { ok: true, ring };
  if (isRefusal(change)) return change;
  const next: RingState = { ...ring, ...change, epoch: ring.epoch + 1, parent: hashOfRing(ring), operationId };
  // The ring before was within the bounds: so what only lessens the excluded ones is never refused by this.
  const problem = mutants.has('exclusionUnbounded') ? undefined : exclusionProblems(next)[0];
  if (problem !== undefined) {
    const wayOut = 'raise r and w of the keyspace first, include a member again, or `ring force` where data is lost already';
    return refuse('NOT_ALLOWED', `${problem}; ${wayOut}`);
  }
  if (change.keyspaces === undefined && change.owners === undefined && change.transition === undefined) return { ok: true, ring: next };
  return { ok: true, ring: mutants.has('changedAtForgotten') ? next : { ...next, changedAt: changedAtOf(ring, next) } };
}

const NONE: ReadonlySet<string> = new Set();

function changeOf(ring: RingState, operation: Operation, mutants: ReadonlySet<string>): ChangeOrRefusal {
  switch (operation.type) {
    case 'addMember':
      return addMember(ring, operation.member, mutants);
    case 'removeMember':
      return removeMember(ring, operation.id);
    case 'replaceMember':
      return replaceMember(ring, operation.id, operation.member, mutants);
    case 'setCapacity':
      return setCapacity(ring, operation.id, operation.capacity);
    case 'setAddress':
      return setAddress(ring, operation.id, operation.address);
    case 'excludeMember':
      return excludeMember(ring, operation.id);
    case 'includeMember':
      return includeMember(ring, operation.id);
    case 'createKeyspace':
      return createKeyspace(ring, operation.keyspace);
    case 'alterKeyspace':
      return alterKeyspace(ring, operation.name, operation.changes);
    case 'dropKeyspace':
      return dropKeyspace(ring, operation.name);
    case 'beginTransition':
      return beginTransition(ring, operation.parent, operation.owners, mutants);
    case 'advance':
      return advance(ring, operation.startedAt, operation.step, mutants);
    case 'cancelTransition':
      return cancelTransition(ring, operation.startedAt);
    default:
      return unreachable(operation);
  }
}
