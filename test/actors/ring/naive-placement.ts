/** The oracle of placement: the rules as they are told, on plain arrays, for one partition at a time. */
import type { Member } from '../../../actors/ring/ring-state.ts';

/** Replicas, then all others, clockwise from `partition`. */
export function naivePreferenceList(members: readonly Member[], owners: Uint16Array, partition: number, n: number): number[] {
  const walk = [...new Set([...owners.slice(partition), ...owners.slice(0, partition)])];
  const owning = walk.map((index) => members[index]!);
  const dataCenters = new Set(owning.map(({ dataCenter }) => dataCenter));
  const most = Math.ceil(n / dataCenters.size);
  const replicas: number[] = [];
  const inDataCenter = (index: number) => replicas.filter((r) => members[r]!.dataCenter === members[index]!.dataCenter);
  const hasRoom = (index: number) => inDataCenter(index).length < most;
  const rackHasRoom = (index: number) => {
    const { dataCenter, rack } = members[index]!;
    const racks = new Set(owning.filter((member) => member.dataCenter === dataCenter).map((member) => member.rack));
    return inDataCenter(index).filter((r) => members[r]!.rack === rack).length < Math.ceil(most / racks.size);
  };
  const rounds = [(index: number) => hasRoom(index) && rackHasRoom(index), hasRoom, () => true];
  for (const accepts of rounds) {
    for (const index of walk) {
      if (replicas.length < n && !replicas.includes(index) && accepts(index)) replicas.push(index);
    }
  }
  return [...replicas, ...walk.filter((index) => !replicas.includes(index))];
}
