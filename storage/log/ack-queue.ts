/** Groups that are written and wait for their acknowledgement, in order; and the arrays they are made of, used again. */
import type { Timers } from '../../runtime/doors.ts';
import type { WriteDone } from '../engine/api.ts';
import type { StorageError } from '../errors.ts';
import type { LogSegment } from './log-segment.ts';

/** The writes of one group. */
export class WriteGroup {
  segment: LogSegment | undefined;
  /** Where it ends in the segment. */
  end = 0;
  sync = false;
  periodic = false;
  readonly dones: WriteDone[] = [];
}

const SPARES_MAX = 4;

export class AckQueue {
  readonly #timers: Timers;
  readonly #waiting: WriteGroup[] = [];
  readonly #spares: WriteGroup[] = [];
  readonly #failing: WriteDone[] = [];
  readonly #errors: StorageError[] = [];
  #syncGroups = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Whether a group waits for a sync. */
  get syncWanted(): boolean {
    return this.#syncGroups > 0;
  }

  /** Writes that wait. */
  get count(): number {
    return this.#waiting.reduce((sum, { dones }) => sum + dones.length, 0);
  }

  /** An empty group. */
  spare(): WriteGroup {
    return this.#spares.pop() ?? new WriteGroup();
  }

  /** A group that is written. */
  push(group: WriteGroup): void {
    this.#waiting.push(group);
    if (group.sync) this.#syncGroups++;
  }

  /** Acknowledges from the front, up to a group that wants to be on disk and isn't. */
  acknowledge(covered: (segment: LogSegment, end: number) => boolean): void {
    for (;;) {
      const group = this.#waiting[0];
      if (group?.segment === undefined) return;
      if (group.sync) {
        if (!covered(group.segment, group.end)) return;
        this.#syncGroups--;
      }
      this.#waiting.shift();
      this.#tell(group, undefined);
    }
  }

  /** A planted bug: acknowledges what is not written. */
  early(group: WriteGroup): void {
    for (const done of group.dones.splice(0)) done(undefined);
  }

  /** Fails all that waits, and then `later`, in order. */
  failAll(later: readonly WriteGroup[], error: StorageError): void {
    this.#syncGroups = 0;
    for (const group of [...this.#waiting.splice(0), ...later]) {
      for (const done of group.dones.splice(0)) done(error);
    }
  }

  /** Fails one write, soon. */
  fail(done: WriteDone, error: StorageError): void {
    if (this.#failing.length === 0) this.#timers.soon(this.#failSoon);
    this.#failing.push(done);
    this.#errors.push(error);
  }

  readonly #failSoon = (): void => {
    const errors = this.#errors.splice(0);
    for (const [i, done] of this.#failing.splice(0).entries()) done(errors[i]);
  };

  #tell(group: WriteGroup, error: StorageError | undefined): void {
    const { dones } = group;
    for (let i = 0; i < dones.length; i++) dones[i]!(error);
    dones.length = 0;
    group.segment = undefined;
    group.sync = false;
    group.periodic = false;
    if (this.#spares.length < SPARES_MAX) this.#spares.push(group);
  }
}
