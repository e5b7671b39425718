/** The first ring of a cluster: one member that owns everything, by explicit `init`. */
import { invalidArgument } from '../../runtime/errors.ts';
import { ID, LABEL } from './limits.ts';
import type { NewMember } from './operation.ts';
import type { Id, RingState } from './ring-state.ts';
import { checkPartitionCount } from './token.ts';
import { memberProblem } from './validate.ts';

export interface InitialRing {
  /** Random. */
  readonly cluster: Id;
  readonly clusterName: string;
  readonly operationId: Id;
  readonly member: NewMember;
  /** A power of two from 8 to 16,384; never changes. See `recommendedPartitions`. */
  readonly partitions: number;
}

/** Epoch 1 of generation 1. Errors: INVALID_ARGUMENT. */
export function initialRing({ cluster, clusterName, operationId, member, partitions }: InitialRing): RingState {
  for (const [field, id] of [['cluster', cluster] as const, ['operationId', operationId] as const]) {
    if (!ID.test(id)) throw invalidArgument(`${field}: expected 32 hexadecimal digits, found ${JSON.stringify(id)}`);
  }
  if (!LABEL.test(clusterName))
    throw invalidArgument(`cluster name: expected 1 to 64 of [A-Za-z0-9._-], found ${JSON.stringify(clusterName)}`);
  const problem = memberProblem(member);
  if (problem !== undefined) throw invalidArgument(problem);
  checkPartitionCount(partitions);
  return {
    ...{ cluster, clusterName, generation: 1, epoch: 1, parent: '', operationId },
    members: [{ ...member, state: 'up', isExcluded: false }],
    owners: new Uint16Array(partitions),
    transition: null,
    changedAt: new Uint32Array(partitions).fill(1),
    ...{ keyspaces: [], nextKeyspaceId: 1, banned: [] },
  };
}
