/** Voters: who decides what follows a ring. */
import type { Member, RingState } from './ring-state.ts';

/** More would make each decision slower, and stand more failures than a cluster ever has at once. */
export const VOTERS_MAX = 7;

/**
 * The members that decide the epoch behind this ring, by id: those that are up or leaving; of more than 7 of them 7, spread over data centers,
 * and over the racks of each, not excluded if possible, of the lowest ids. Depends on the ring alone: all who know it know the same voters.
 */
export function voters({ members }: Pick<RingState, 'members'>): readonly Member[] {
  const full = members.filter(({ state }) => state !== 'joining');
  if (full.length <= VOTERS_MAX) return full;
  const chosen = inTurn(full).slice(0, VOTERS_MAX);
  return full.filter((member) => chosen.includes(member));
}

/** Data centers in turn, of each the racks in turn, of each the members: those not excluded before all others. */
function inTurn(members: readonly Member[]): readonly Member[] {
  const [excluded, others] = [members.filter(({ isExcluded }) => isExcluded), members.filter(({ isExcluded }) => !isExcluded)];
  return [others, excluded].flatMap((some) =>
    dealt(groupsOf(some, ({ dataCenter }) => dataCenter).map((dataCenter) => dealt(groupsOf(dataCenter, ({ rack }) => rack)))),
  );
}

function groupsOf(members: readonly Member[], labelOf: (member: Member) => string): readonly (readonly Member[])[] {
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    const label = labelOf(member);
    const group = groups.get(label);
    if (group === undefined) groups.set(label, [member]);
    else group.push(member);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

/** One of each group, then the next of each, until all are dealt. */
function dealt(groups: readonly (readonly Member[])[]): readonly Member[] {
  const longest = Math.max(0, ...groups.map(({ length }) => length));
  return Array.from({ length: longest }, (_, round) => groups.flatMap((group) => group.slice(round, round + 1))).flat();
}
