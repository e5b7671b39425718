/** RegisterLog: what clients did to one key of a `cp` keyspace by RESP, where tombstones are only counted; checked by the simulator's checker of regular registers. */
import { NOTHING_YET, type RegisterRead, type RegisterWrite, regularFaults } from '../actors/store/register-checker.ts';

interface LoggedWrite extends RegisterWrite {
  readonly isDelete: boolean;
  isRefused: boolean;
}

interface LoggedRead {
  readonly begunAt: number;
  readonly endedAt: number;
  readonly values: readonly string[];
  readonly tombstones: number;
}

export class RegisterLog {
  readonly #writes = new Map<string, LoggedWrite>();
  readonly #reads: LoggedRead[] = [];

  write(id: string, isDelete: boolean, begunAt: number): LoggedWrite {
    const write = { id, isDelete, begunAt, endedAt: Number.POSITIVE_INFINITY, isRefused: false };
    this.#writes.set(id, write);
    return write;
  }

  read(read: LoggedRead): void {
    this.#reads.push(read);
  }

  faults(): string[] {
    const refused = [...this.#writes.values()].filter(({ isRefused }) => isRefused).map(({ id }) => id);
    const seen = new Set(this.#reads.flatMap(({ values }) => values));
    return [
      ...regularFaults(
        this.#writes,
        this.#reads.map((read) => this.#shown(read)),
      ),
      ...refused.filter((id) => seen.has(id)).map((id) => `${id} was said not to be written, and is read`),
    ];
  }

  /** A tombstone is taken for that of a delete by which it can be explained, if there is one. */
  #shown({ begunAt, endedAt, values, tombstones }: LoggedRead): RegisterRead {
    const deletes = [...this.#writes.values()].filter((write) => write.isDelete && !write.isRefused);
    const later = [...this.#writes.values()].filter((write) => write.endedAt < begunAt);
    const fitting = deletes.find((it) => it.begunAt < endedAt && !later.some((write) => write.begunAt > it.endedAt));
    const tombstone = fitting?.id ?? deletes[0]?.id ?? 'a tombstone';
    return { begunAt, endedAt, ids: tombstones > 0 ? [...values, tombstone] : values, newest: NOTHING_YET };
  }
}
