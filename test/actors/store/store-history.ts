/**
 * StoreHistory: what clients wrote, saw and were told, and the checkers of it, that look at all of it when it is over. A write is known by its value; a delete by the dot of its
 * tombstone, which only the answer tells: of a tombstone that nobody was told of it is only known that it is of one of the deletes without an answer, and the checks are the milder for it.
 *
 * | check | says |
 * |---|---|
 * | A1 | what was acknowledged is in the final state, or a descendant of it is |
 * | A4 | siblings of one answer are truly concurrent: what the record has seen and no other write that it has seen follows, and nothing else |
 * | A5 | what is returned was put under that key, before |
 * | A7 | no two writes have one dot, and no write has two |
 * | A14 | what was said not to have been written is never seen |
 * | regular | a read that begins after an acknowledgement sees that write or a descendant of it, where no stand-in made up for a primary in either (R + W > N) |
 * | A10 | and nothing that an acknowledged delete had seen |
 * | monotonic | a read that begins after a monotonic one has ended, and is monotonic too, has seen all that that one had |
 */
import type { NaiveRecord, NaiveSibling } from '../version/naive-record.ts';

export interface Write {
  readonly id: string;
  readonly key: string;
  readonly isDelete: boolean;
  /** Ids that its context had seen; of a tombstone its dot. */
  readonly parents: ReadonlySet<string>;
  readonly calledMs: number;
  /** W was a quorum, of primaries. */
  isQuorum: boolean;
  outcome: 'open' | 'ok' | 'refused' | 'unknown';
  ackedMs: number;
}

export interface Read {
  readonly key: string;
  readonly record: NaiveRecord;
  readonly calledMs: number;
  readonly endedMs: number;
  /** R was a quorum, of primaries. */
  readonly isQuorum: boolean;
  readonly isMonotonic: boolean;
}

type WriteFields = Pick<Write, 'id' | 'key' | 'parents' | 'calledMs'> & Partial<Pick<Write, 'isDelete' | 'isQuorum'>>;
type ReadFields = Pick<Read, 'key' | 'record' | 'calledMs' | 'endedMs'> & Partial<Pick<Read, 'isQuorum' | 'isMonotonic'>>;

export class StoreHistory {
  readonly writes = new Map<string, Write>();
  readonly reads: Read[] = [];
  readonly faults: string[] = [];
  readonly #dotOf = new Map<string, string>();
  readonly #idOf = new Map<string, string>();
  readonly #ancestors = new Map<string, ReadonlySet<string>>();
  readonly #keepsSingle: boolean;

  /** `keepsSingle`: what one replica alone has acknowledged is not lost either. False where the disk of one may be. Default true. */
  constructor({ keepsSingle = true }: { readonly keepsSingle?: boolean } = {}) {
    this.#keepsSingle = keepsSingle;
  }

  write(fields: WriteFields): Write {
    const write: Write = { isDelete: false, isQuorum: true, ...fields, outcome: 'open', ackedMs: Number.POSITIVE_INFINITY };
    this.writes.set(write.id, write);
    return write;
  }

  /** `record`: as the answer shows it. Of all that is in it the write is the newest. */
  acknowledged(write: Write, record: NaiveRecord, nowMs: number): void {
    write.outcome = 'ok';
    write.ackedMs = nowMs;
    const newest = newestOf(record.siblings);
    if (newest === undefined) this.faults.push(`A1 ${write.key}: the answer to ${write.id} shows nothing`);
    else if (write.isDelete && newest.isTombstone) this.#note(dotOf(newest), write.id);
  }

  read(fields: ReadFields): void {
    this.reads.push({ isQuorum: true, isMonotonic: false, ...fields });
  }

  /** All is over. `finals`: by key, the record of all replicas. Cost: O(reads * writes), and the square of monotonic reads. */
  end(finals: ReadonlyMap<string, NaiveRecord>): void {
    const now = Number.POSITIVE_INFINITY;
    const last = [...finals].map(
      ([key, record]): Read => ({ key, record, calledMs: now, endedMs: now, isQuorum: true, isMonotonic: false }),
    );
    const all = [...this.reads, ...last];
    for (const { record } of all)
      for (const sibling of record.siblings) if (!sibling.isTombstone) this.#note(dotOf(sibling), sibling.value);
    for (const read of all) this.#check(read);
    this.#checkMonotonic();
    for (const write of this.writes.values()) this.#checkWrite(write, all, finals.get(write.key));
  }

  #check(read: Read): void {
    const { key, record, calledMs } = read;
    const ids = this.#idsOf(record);
    for (const sibling of record.siblings) {
      if (sibling.isTombstone) continue;
      const write = this.writes.get(sibling.value);
      if (write === undefined || write.isDelete || write.key !== key || write.calledMs > read.endedMs)
        this.faults.push(`A5 ${key}: ${sibling.value} was not put`);
    }
    for (const write of this.writes.values()) if (write.key === key) this.#checkSeen(write, read, ids);
    if (!read.isQuorum) return;
    for (const write of this.writes.values()) {
      if (write.key !== key || write.outcome !== 'ok' || !write.isQuorum || write.ackedMs >= calledMs) continue;
      if (!this.#isCovered(write.id, record, ids) && calledMs !== Number.POSITIVE_INFINITY)
        this.faults.push(`regular ${key}: ${write.id} acknowledged before ${calledMs}, found ${[...ids].join(' ')}`);
      if (!write.isDelete) continue;
      for (const id of ids) if (this.#follows(write.id, id)) this.faults.push(`A10 ${key}: ${id} is there, and ${write.id} had removed it`);
    }
  }

  /** Whether it is among the siblings exactly when it ought to be. */
  #checkSeen({ id, key }: Write, { record }: Read, ids: ReadonlySet<string>): void {
    if (!this.#hasSeen(record, id)) return;
    const followers = [...this.writes.keys()].filter((other) => this.#follows(other, id) && this.#hasSeen(record, other));
    if (ids.has(id) && followers.length > 0) this.faults.push(`A4 ${key}: ${followers[0]} follows ${id}, and both are there`);
    if (!ids.has(id) && followers.length === 0 && !this.#mayBeRemoved(id, key))
      this.faults.push(`A4 ${key}: ${id} was seen and is not there, and nothing that was seen follows it`);
  }

  #checkWrite({ id, key, outcome, isQuorum }: Write, reads: readonly Read[], final: NaiveRecord | undefined): void {
    if (outcome === 'ok' && (isQuorum || this.#keepsSingle) && final !== undefined && !this.#isCovered(id, final, this.#idsOf(final)))
      this.faults.push(`A1 ${key}: ${id} is lost, found ${[...this.#idsOf(final)].join(' ')}`);
    if (outcome === 'refused' && reads.some((read) => read.key === key && this.#idsOf(read.record).has(id)))
      this.faults.push(`A14 ${key}: ${id} was said not to be written`);
  }

  #checkMonotonic(): void {
    const monotonic = this.reads.filter((read) => read.isMonotonic);
    for (const before of monotonic) {
      for (const after of monotonic) {
        if (before.key !== after.key || before.endedMs >= after.calledMs) continue;
        for (const [actor, { counter }] of before.record.vector) {
          if ((after.record.vector.get(actor)?.counter ?? 0) < counter)
            this.faults.push(`monotonic ${after.key}: dot ${counter} of ${actor} was seen at ${before.endedMs}, not at ${after.calledMs}`);
        }
      }
    }
  }

  /** It, or what follows it, is among them; or a delete that nobody was told of, which may. */
  #isCovered(id: string, record: NaiveRecord, ids: ReadonlySet<string>): boolean {
    for (const it of ids) if (it === id || this.#follows(it, id)) return true;
    const tombstones = record.siblings.filter(({ isTombstone }) => isTombstone).map(dotOf);
    const before = [...ids].flatMap((it) => [...this.#ancestorsOf(it)].filter(isDot));
    return [...tombstones, ...before].some((dot) => !this.#idOf.has(dot)) && this.#mayBeRemoved(id, this.writes.get(id)!.key);
  }

  /** Some delete whose tombstone is not known follows it, or something that does. */
  #mayBeRemoved(id: string, key: string): boolean {
    for (const write of this.writes.values())
      if (
        write.isDelete &&
        write.key === key &&
        !this.#dotOf.has(write.id) &&
        write.outcome !== 'refused' &&
        (write.id === id || this.#follows(write.id, id))
      )
        return true;
    return false;
  }

  #hasSeen(record: NaiveRecord, id: string): boolean {
    const dot = this.#dotOf.get(id);
    if (dot === undefined) return false;
    const [actor = '', counter = ''] = dot.split(' ');
    return (record.vector.get(actor)?.counter ?? 0) >= Number(counter);
  }

  #idsOf({ siblings }: NaiveRecord): ReadonlySet<string> {
    return new Set(siblings.flatMap((it) => (it.isTombstone ? (this.#idOf.get(dotOf(it)) ?? []) : it.value)));
  }

  #follows(id: string, ancestor: string): boolean {
    return this.#ancestorsOf(id).has(ancestor);
  }

  #ancestorsOf(id: string): ReadonlySet<string> {
    const known = this.#ancestors.get(id);
    if (known !== undefined) return known;
    const parents = [...(this.writes.get(id)?.parents ?? [])].map((parent) => this.#idOf.get(parent) ?? parent);
    const all = new Set(parents);
    // First, since a store that gives one dot twice makes circles.
    this.#ancestors.set(id, all);
    for (const parent of parents) for (const it of [...this.#ancestorsOf(parent)]) all.add(it);
    return all;
  }

  #note(dot: string, id: string): void {
    const [otherId, otherDot] = [this.#idOf.get(dot), this.#dotOf.get(id)];
    if (otherId !== undefined && otherId !== id) this.faults.push(`A7: dot ${dot} is of ${otherId} and of ${id}`);
    if (otherDot !== undefined && otherDot !== dot) this.faults.push(`A7: ${id} has dots ${otherDot} and ${dot}`);
    this.#idOf.set(dot, id);
    this.#dotOf.set(id, dot);
  }
}

export function dotOf({ actor, counter }: NaiveSibling): string {
  return `${actor} ${counter}`;
}

/** Stamps of one coordinator are never equal, and later than all that it had seen. */
export function newestOf(siblings: readonly NaiveSibling[]): NaiveSibling | undefined {
  return siblings.reduce<NaiveSibling | undefined>(
    (newest, it) => (newest !== undefined && newest.stamp > it.stamp ? newest : it),
    undefined,
  );
}

/** Ids have no spaces. */
function isDot(name: string): boolean {
  return name.includes(' ');
}
