/**
 * Moves: what a change of owners has one shard do: which replicas it copies from which, and which ranges it has to give up. Pure.
 *
 * A replica that is new takes the place of one that goes, and copies what that one holds: so of every write as many of the new replicas have it as of the old ones had, whatever W it was
 * acknowledged at, and each byte travels once (T21). In order of their numbers in the ring the first new one is paired with the first that goes, and so on:
 *
 * | | copies from |
 * |---|---|
 * | new, and its pair can be read | that one |
 * | new, its pair is excluded, or what it holds is damaged | all other old replicas that can be read: what W >= 2 of them were told, one of them has |
 * | new, and it has no pair (there are more replicas than before) | all old replicas that can be read |
 * | any, and some that go have no pair (there are fewer than before) | beside that, from each of those |
 * | any, and one of those can't be read | all other old replicas that can be read |
 *
 * Why all of them copy from who has no pair: were it one, it might be one that has the write already. Then there would be a copy less of it, and with the next replica lost perhaps none. And why
 * all copy from each other when that one can't be read: what it and one more were told, that one alone would have, and when it is the next that goes and can't be read, nobody.
 */
import { Placement } from '../ring/placement.ts';
import type { RingState } from '../ring/ring-state.ts';
import { routesOf } from '../ring/routes.ts';
import { firstHighOf, shardOf } from '../ring/token.ts';
import { prefixOf } from '../store/engine-key.ts';
import type { EngineRange } from '../store/engine-range.ts';

/** All records of a partition of a keyspace that one replica has, to be copied. */
export interface Move {
  readonly keyspace: number;
  readonly partition: number;
  /** Index in `ring.members`. */
  readonly source: number;
}

export interface MoveOptions {
  /** Replicas whose data is damaged, beside those that are excluded. Default: none is. */
  readonly isDamaged?: (move: Move) => boolean;
  /** Planted bugs: streamedFromAnother, pairlessCopiedOnce, unreadableLeft. */
  readonly mutants?: ReadonlySet<string>;
}

/** Which of all members may be read, as sources. */
type CanRead = (member: number) => boolean;

/** What that shard of member `self` has to copy before its transition may go on; nothing where there is none. Cost: that of placement, twice per different n. */
export function movesOf(ring: RingState, self: number, shard: number, options: MoveOptions = {}): readonly Move[] {
  const { transition, members, owners } = ring;
  if (transition === null || self < 0) return [];
  const { isDamaged = () => false } = options;
  const present = new Placement(members, owners);
  const pending = new Placement(members, transition.owners);
  const partitions = partitionsOf(ring, self, shard);
  const moves: Move[] = [];
  for (const { id: keyspace, n } of ring.keyspaces) {
    for (const partition of partitions) {
      const canRead: CanRead = (source) => !members[source]!.isExcluded && !isDamaged({ keyspace, partition, source });
      for (const source of sourcesOf(self, rowOf(present, n, partition), rowOf(pending, n, partition), canRead, options.mutants))
        moves.push({ keyspace, partition, source });
    }
  }
  return moves;
}

/** Whom `self` copies from, of the old replicas of a partition; nobody where it need not, or can't. */
export function sourcesOf(
  self: number,
  old: readonly number[],
  next: readonly number[],
  canRead: CanRead,
  mutants?: ReadonlySet<string>,
): readonly number[] {
  if (!next.includes(self)) return [];
  const rising = (a: number, b: number): number => a - b;
  const gained = next.filter((member) => !old.includes(member)).sort(rising);
  const lost = old.filter((member) => !next.includes(member)).sort(rising);
  const pairless = lost.slice(gained.length).filter(canRead);
  if (pairless.length < lost.length - gained.length && mutants?.has('unreadableLeft') !== true)
    return old.filter((member) => member !== self && canRead(member));
  const place = gained.indexOf(self);
  if (place >= 0) {
    if (mutants?.has('streamedFromAnother')) return old.filter((member) => !lost.includes(member) && canRead(member)).slice(0, 1);
    const pair = lost[place];
    if (pair === undefined || !canRead(pair)) return old.filter(canRead);
    return mutants?.has('pairlessCopiedOnce') ? [pair] : [pair, ...pairless];
  }
  if (!mutants?.has('pairlessCopiedOnce')) return pairless;
  const staying = old.filter((member) => next.includes(member) && canRead(member)).sort(rising);
  return pairless.filter((_, i) => staying[i % staying.length] === self);
}

/**
 * What that shard of member `self` may hold of the ring's keyspaces, and is nobody's to read or write there: at `now` of what the ring says now; at `present`, of its owners as if no
 * transition were under way. Neighbours are one range. Requires: `self` is a member.
 */
export function foreignRanges(ring: RingState, self: number, shard: number, at: 'now' | 'present'): readonly EngineRange[] {
  const { writes } = routesOf(at === 'now' ? ring : { ...ring, transition: null });
  const partitions = partitionsOf(ring, self, shard);
  const ranges: EngineRange[] = [];
  for (const { id, n } of ring.keyspaces) {
    let from = -1;
    let before = 0;
    for (const partition of partitions) {
      const isForeign = !writes[0].holds(n, partition, self) && !writes[1].holds(n, partition, self);
      if (from >= 0 && !isForeign) {
        ranges.push(rangeOf(id, from, before, ring.owners.length));
        from = -1;
      } else if (from < 0 && isForeign) from = partition;
      before = partition;
    }
    if (from >= 0) ranges.push(rangeOf(id, from, before, ring.owners.length));
  }
  return ranges;
}

function rangeOf(keyspace: number, first: number, last: number, partitions: number): EngineRange {
  const end = last + 1 === partitions ? prefixOf(keyspace + 1, 0) : prefixOf(keyspace, firstHighOf(last + 1, partitions));
  return { start: prefixOf(keyspace, firstHighOf(first, partitions)), end };
}

/** In their order; neighbours all of them. */
function partitionsOf({ owners, members }: RingState, self: number, shard: number): readonly number[] {
  const { shards } = members[self]!;
  return [...owners.keys()].filter((partition) => shardOf(partition, shards, owners.length) === shard);
}

function rowOf(placement: Placement, n: number, partition: number): readonly number[] {
  const width = placement.replicaCount(n);
  return [...placement.replicas(n).subarray(partition * width, (partition + 1) * width)];
}
