/**
 * RegisterHistory: what clients wrote and read of one key, each write with the versions that it had read itself (CONTEXT_READ). A value names its write; a tombstone is known by its dot,
 * and one of a delete that nobody was told of is taken for any such delete.
 */
import type { NaiveSibling } from '../version/naive-record.ts';
import { NOTHING_YET, type RegisterRead, type RegisterWrite, regularFaults } from './register-checker.ts';
import { dotOf, newestOf } from './store-history.ts';

const UNHEARD = 'unheard';

export class RegisterHistory {
  readonly #writes = new Map<string, RegisterWrite>();
  readonly #reads: { readonly begunAt: number; readonly endedAt: number; readonly siblings: readonly NaiveSibling[] }[] = [];
  /** By dot: the delete whose tombstone it is. */
  readonly #tombstones = new Map<string, string>();
  #moment = 0;
  deletes = 0;

  /** The moment at which a read begins. */
  begin(): number {
    return ++this.#moment;
  }

  read(begunAt: number, siblings: readonly NaiveSibling[]): void {
    this.#reads.push({ begunAt, endedAt: ++this.#moment, siblings });
  }

  write(id: string, isDelete: boolean): RegisterWrite {
    const write = { id, begunAt: ++this.#moment, endedAt: Number.POSITIVE_INFINITY };
    this.#writes.set(id, write);
    if (isDelete) this.deletes++;
    return write;
  }

  /** `siblings`: as the answer shows them. Of all that it had seen it is the newest. */
  acknowledged(write: RegisterWrite, isDelete: boolean, siblings: readonly NaiveSibling[]): void {
    write.endedAt = ++this.#moment;
    if (isDelete) this.#tombstones.set(dotOf(newestOf(siblings)!), write.id);
  }

  get writes(): ReadonlyMap<string, RegisterWrite> {
    const writes = new Map(this.#writes);
    if (this.deletes > 0) writes.set(UNHEARD, { id: UNHEARD, begunAt: 0, endedAt: Number.POSITIVE_INFINITY });
    return writes;
  }

  get reads(): readonly RegisterRead[] {
    return this.#reads.map(({ begunAt, endedAt, siblings }) => {
      const newest = newestOf(siblings);
      return {
        begunAt,
        endedAt,
        ids: siblings.map((it) => this.#idOf(it)),
        newest: newest === undefined ? NOTHING_YET : this.#idOf(newest),
      };
    });
  }

  /** That it is no regular register; dots that two writes have, or writes that have two (A7). */
  faults(): string[] {
    return [...regularFaults(this.writes, this.reads), ...this.#dotFaults()];
  }

  #idOf(sibling: NaiveSibling): string {
    return sibling.isTombstone ? (this.#tombstones.get(dotOf(sibling)) ?? UNHEARD) : sibling.value;
  }

  #dotFaults(): string[] {
    const faults = new Set<string>();
    const idOfDot = new Map<string, string>();
    const dotOfId = new Map<string, string>();
    for (const sibling of this.#reads.flatMap(({ siblings }) => siblings)) {
      const [dot, id] = [dotOf(sibling), this.#idOf(sibling)];
      if ((idOfDot.get(dot) ?? id) !== id) faults.add(`dot ${dot} is of ${idOfDot.get(dot)} and of ${id}`);
      if (id !== UNHEARD && (dotOfId.get(id) ?? dot) !== dot) faults.add(`${id} has dots ${dotOfId.get(id)} and ${dot}`);
      idOfDot.set(dot, id);
      dotOfId.set(id, dot);
    }
    return [...faults];
  }
}
