/**
 * Refines owners where windows stayed faulty (few nodes, tight racks): a search on what counts in the end, the replicas that placement gives. What it weighs is copies
 * to be made against uneven loads; what it tries is exchanging two partitions' owners, or handing one over. It is bounded, and only ever gets better.
 */
import type { Random } from '../../runtime/doors.ts';
import type { Arranged } from './arrange.ts';
import { LivePlacement } from './live-placement.ts';
import type { Member } from './ring-state.ts';
import { leavesOf, type ShareNode } from './shares.ts';

export interface Refining {
  readonly members: readonly Member[];
  readonly before: Uint16Array;
  /** What to begin with. */
  readonly drafted: Arranged;
  readonly root: ShareNode;
  readonly n: number;
  readonly random: Random;
}

/** Tries without a gain, per partition, until it gives up; and in all. */
const PATIENCE = 400;
const TRIES_MAX = 60_000;

export function refine({ members, before, drafted, root, n, random }: Refining): Uint16Array {
  const { owners } = drafted;
  const live = new LivePlacement({ members, before, owners, root, n });
  const hot = [
    ...drafted.given,
    ...drafted.faulty.flatMap((p) => Array.from({ length: 2 * n - 1 }, (_, i) => (p + i - n + 1) & (owners.length - 1))),
  ];
  const pick = (): number => (random.chance(0.7) ? hot[random.below(hot.length)]! : random.below(owners.length));
  const staying = leavesOf([root]).map(({ member }) => member);
  const partitions = owners.length;
  const patience = PATIENCE * partitions;
  let cost = live.cost;
  let idle = 0;
  for (let tries = 0; tries < TRIES_MAX && idle < patience; tries++, idle++) {
    const p = pick();
    const q = random.chance(0.6) ? pick() : p;
    const [mine, its] = [live.owners[p]!, q === p ? staying[random.below(staying.length)]! : live.owners[q]!];
    // Nobody may be left without a partition, not even between the two halves of an exchange.
    const isLast = live.tokens[mine] === 1;
    if (mine === its || (isLast && (q === p || live.tokens[its] === 1))) continue;
    const [first, second] = isLast ? [q, p] : [p, q];
    const [from, to] = isLast ? [its, mine] : [mine, its];
    live.set(first, to);
    if (q !== p) live.set(second, from);
    if (live.cost <= cost) {
      if (live.cost < cost) idle = 0;
      cost = live.cost;
      continue;
    }
    if (q !== p) live.set(second, to);
    live.set(first, from);
  }
  return live.owners;
}
