/**
 * What a key of a `cp` keyspace promises, checked over a history [FAULTS 3, 4.3]: a regular register, and no more. Moments are numbers of events: no two are the same.
 *
 * | checker | says | of the store |
 * |---|---|---|
 * | regular | a read returns nothing that a write superseded which began after it had ended, and ended before the read began; nor nothing, nor what was not written | must pass |
 * | linearizable | all can be put into one order that agrees with time | must fail somewhere: else the checkers see nothing |
 */
export interface RegisterWrite {
  readonly id: string;
  readonly begunAt: number;
  /** Infinity: it was not acknowledged, and may take effect at any time. */
  endedAt: number;
}

export interface RegisterRead {
  readonly begunAt: number;
  readonly endedAt: number;
  /** Of all siblings, tombstones included. */
  readonly ids: readonly string[];
  /** Of the newest sibling; NOTHING_YET: there was none. */
  readonly newest: string;
}

/** The value before the first write. */
export const NOTHING_YET = '';

/** Each write supersedes what was acknowledged before it began (CONTEXT_READ). Returns what is wrong. Cost: O(reads * writes). */
export function regularFaults(writes: ReadonlyMap<string, RegisterWrite>, reads: readonly RegisterRead[]): string[] {
  const faults: string[] = [];
  for (const read of reads) {
    const before = [...writes.values()].filter(({ endedAt }) => endedAt < read.begunAt);
    if (read.ids.length === 0 && before.length > 0) faults.push(`nothing is read at ${read.begunAt}, after ${before[0]!.id}`);
    for (const id of read.ids) {
      const write = writes.get(id);
      if (write === undefined || write.begunAt > read.endedAt) faults.push(`${id} is read at ${read.begunAt}, and was not written`);
      const later = write && before.find(({ begunAt }) => begunAt > write.endedAt);
      if (later !== undefined) faults.push(`${id} is read at ${read.begunAt}, and ${later.id} had superseded it`);
    }
  }
  return faults;
}

/** From the first end to the last beginning of a write and all reads of it; `isForward`: in that order, so that the value was there all the while. */
interface Zone {
  readonly id: string;
  readonly from: number;
  readonly to: number;
  readonly isForward: boolean;
}

/**
 * By zones [Gibbons & Korach 1997; Golab, Li & Shah 2011]: no read ends before its write begins, no two forward zones overlap, and no backward one lies in a forward one.
 * Returns what is wrong. Cost: O(n log n), and O(zones^2) for the backward ones.
 */
export function linearizableFaults(writes: ReadonlyMap<string, RegisterWrite>, reads: readonly RegisterRead[]): string[] {
  const faults: string[] = [];
  const zones: Zone[] = [];
  const readsOf = grouped(reads);
  const initial: RegisterWrite = { id: NOTHING_YET, begunAt: Number.NEGATIVE_INFINITY, endedAt: Number.NEGATIVE_INFINITY };
  for (const { id, begunAt, endedAt } of [initial, ...writes.values()]) {
    const own = readsOf.get(id) ?? [];
    // What nobody was told of and nobody saw may never have been.
    if (own.length === 0 && endedAt === Number.POSITIVE_INFINITY) continue;
    for (const read of own) if (read.endedAt < begunAt) faults.push(`${id} is read at ${read.begunAt}, before it is written`);
    const first = Math.min(endedAt, ...own.map((read) => read.endedAt));
    const last = Math.max(begunAt, ...own.map((read) => read.begunAt));
    zones.push({ id, from: Math.min(first, last), to: Math.max(first, last), isForward: first < last });
  }
  const forward = zones.filter(({ isForward }) => isForward).sort((a, b) => a.from - b.from);
  let reach = forward[0];
  for (const zone of forward.slice(1)) {
    if (reach !== undefined && zone.from < reach.to) faults.push(`${zone.id} and ${reach.id} are read by turns`);
    if (reach === undefined || zone.to > reach.to) reach = zone;
  }
  for (const zone of zones) {
    if (zone.isForward) continue;
    const around = forward.find(({ from, to }) => from < zone.from && zone.to < to);
    if (around !== undefined) faults.push(`${zone.id} lies within ${around.id}`);
  }
  return faults;
}

function grouped(reads: readonly RegisterRead[]): Map<string, RegisterRead[]> {
  const groups = new Map<string, RegisterRead[]>();
  for (const read of reads) {
    const group = groups.get(read.newest);
    if (group === undefined) groups.set(read.newest, [read]);
    else group.push(read);
  }
  return groups;
}
