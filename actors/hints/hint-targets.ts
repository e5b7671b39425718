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

/** All who are to have the hint's key, old and new; none: there is no such keyspace. */
export function heirsOf(topology: Topology, { keyspace: id, tokenHigh }: HintKey): readonly number[] {
  const keyspace = topology.keyspace(id);
  return keyspace === undefined ? [] : primariesOf(topology, keyspace, topology.lists.partitionOf(tokenHigh));
}

function primariesOf({ lists }: Topology, { n }: Keyspace, partition: number): readonly number[] {
  const { writes } = lists.of(n);
  const members = new Uint16Array(writes[0].primaries + writes[1].primaries);
  const first = addPrimaries(writes[0], partition, members, 0, 0);
  const second = addPrimaries(writes[1], partition, members, 0, countBits(first));
  return [...members.subarray(0, countBits(first | second))];
}
