/** Operations on keyspaces. Each returns what it changes, null when it is done already, or a refusal. */
import { EPOCH_MAX, KEYSPACES_MAX } from './limits.ts';
import type { NewKeyspace, Operation } from './operation.ts';
import { type ChangeOrRefusal, refuse } from './refusal.ts';
import type { Keyspace, RingState } from './ring-state.ts';
import { keyspaceProblem } from './validate.ts';

type Changes = Extract<Operation, { type: 'alterKeyspace' }>['changes'];

/** EXISTS: there is one of that name, even if it is the same in all else. n above the number of nodes is allowed: replicas come with the nodes. */
export function createKeyspace(ring: RingState, keyspace: NewKeyspace): ChangeOrRefusal {
  const problem = keyspaceProblem(keyspace);
  if (problem !== undefined) return refuse('INVALID_ARGUMENT', problem);
  const { keyspaces, nextKeyspaceId } = ring;
  if (keyspaces.some(({ name }) => name === keyspace.name)) return refuse('EXISTS', `there is a keyspace ${keyspace.name}`);
  if (keyspaces.length >= KEYSPACES_MAX || nextKeyspaceId >= EPOCH_MAX)
    return refuse('NOT_ALLOWED', `the ring can't hold another keyspace`);
  return { keyspaces: [...keyspaces, withFields(nextKeyspaceId, keyspace)], nextKeyspaceId: nextKeyspaceId + 1 };
}

/**
 * Takes effect at once. NOT_ALLOWED: another n during a transition. Replicas that a greater n adds hold nothing of before until repair has filled them,
 * and count in quorums from the start: as long as that takes, read with r = all or write it anew. Replicas that a smaller n takes away keep what
 * they hold until they drop it.
 */
export function alterKeyspace(ring: RingState, name: string, changes: Changes): ChangeOrRefusal {
  const old = ring.keyspaces.find((keyspace) => keyspace.name === name);
  if (old === undefined) return refuse('NOT_FOUND', `no keyspace ${name}`);
  const changed = withFields(old.id, { ...old, ...changes, name, conflict: old.conflict });
  const problem = keyspaceProblem(changed);
  if (problem !== undefined) return refuse('INVALID_ARGUMENT', problem);
  if (isSame(old, changed)) return null;
  if (old.n !== changed.n && ring.transition !== null) {
    return refuse('NOT_ALLOWED', `keyspace ${name}: n can't change while a transition is under way: cancel it, or let it end`);
  }
  return { keyspaces: ring.keyspaces.map((keyspace) => (keyspace === old ? changed : keyspace)) };
}

/** Its id is never used again, so a later keyspace of the same name sees none of its data. */
export function dropKeyspace(ring: RingState, name: string): ChangeOrRefusal {
  const rest = ring.keyspaces.filter((keyspace) => keyspace.name !== name);
  return rest.length === ring.keyspaces.length ? refuse('NOT_FOUND', `no keyspace ${name}`) : { keyspaces: rest };
}

/** With the fields it should have, and no others. */
function withFields(id: number, keyspace: NewKeyspace): Keyspace {
  const { name, n, r, w, pr, pw, mode, conflict, durability, ttlMs, keyBytesMax, valueBytesMax } = keyspace;
  return { id, name, n, r, w, pr, pw, mode, conflict, durability, ttlMs, keyBytesMax, valueBytesMax };
}

function isSame(a: Keyspace, b: Keyspace): boolean {
  return (Object.keys(a) as (keyof Keyspace)[]).every((field) => a[field] === b[field]);
}
