/**
 * To whom a hint is handed by the ring of now:
 *
 * | | |
 * |---|---|
 * | the owner is a primary, and the partition does not move | the owner |
 * | the partition moves | all primaries, old and new: what an old one is given may be behind what was streamed already (T19, T23) |
 * | the owner is no primary any more, or has left | all primaries: one of them may be who took its place |
 * | there is no such keyspace | nobody: it is deleted |
 */
import type { Keyspace } from '../ring/ring-state.ts';
import { countBits } from '../store/replica-mask.ts';
import { addPrimaries, type Topology } from '../store/topology.ts';
import type { HintKey } from './hint-key.ts';

/** Members of the topology; none: it is to be deleted. Planted bug: removedOwnersHintDropped. */
export function targetsOf(
  topology: Topology,
  { owner, keyspace: id, tokenHigh }: Pick<HintKey, 'owner' | 'keyspace' | 'tokenHigh'>,
  mutants?: ReadonlySet<string>,
): readonly number[] {
  const keyspace = topology.keyspace(id);
  if (keyspace === undefined) return [];
  const { lists, ring } = topology;
  const partition = lists.partitionOf(tokenHigh);
  const { isSplit } = lists.of(keyspace.n);
  const all = primariesOf(topology, keyspace, partition);
  const index = ring.members.findIndex((member) => member.id === owner);
  if (index < 0 && mutants?.has('removedOwnersHintDropped')) return [];
  return isSplit[partition] === 0 && all.includes(index) ? [index] : all;
}

/**
 * Who gets the hint's key from a member that leaves, when not all whom it is for can be reached: those of its primaries, old and new, who can. Nobody, if none of them is another member that will have it
 * when the partition has moved: what only those have who drop it then would be lost with them.
 */
export function heirsOf(
  topology: Topology,
  { keyspace: id, tokenHigh }: HintKey,
  isReachable: (member: number) => boolean,
  mutants?: ReadonlySet<string>,
): readonly number[] {
  const keyspace = topology.keyspace(id);
  if (keyspace === undefined) return [];
  const partition = topology.lists.partitionOf(tokenHigh);
  const reachable = primariesOf(topology, keyspace, partition).filter(isReachable);
  if (mutants?.has('leaverIsItsOwnHeir')) return reachable;
  const { members, stride, primaries } = topology.lists.of(keyspace.n).writes[1];
  const next = members.subarray(partition * stride, partition * stride + primaries);
  return reachable.some((member) => member !== topology.self && next.includes(member)) ? reachable : [];
}

function primariesOf({ lists }: Topology, { n }: Keyspace, partition: number): readonly number[] {
  const { writes } = lists.of(n);
  const members = new Uint16Array(writes[0].primaries + writes[1].primaries);
  const first = addPrimaries(writes[0], partition, members, 0, 0);
  const second = addPrimaries(writes[1], partition, members, 0, countBits(first));
  return [...members.subarray(0, countBits(first | second))];
}
