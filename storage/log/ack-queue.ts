/** Groups that are written and wait for their acknowledgement; and the arrays they are made of, used again. */
import type { Timers } from '../../runtime/doors.ts';
import type { WriteDone } from '../engine/api.ts';
import type { StorageError } from '../errors.ts';
import type { LogSegment } from './log-segment.ts';

/** The writes of one group, in two lists, each in the order in which they came. */
export class WriteGroup {
  segment: LogSegment | undefined;
  /** Where it ends in the segment. */
  end = 0;
  /** It is to be on disk: for the writes that asked for it, or for its own sake. */
  sync = false;
  periodic = false;
  /** Those that need only be written. */
  readonly dones: WriteDone[] = [];
  readonly syncDones: WriteDone[] = [];

  get count(): number {
    return this.dones.length + this.syncDones.length;
  }
}

const SPARES_MAX = 4;

export class AckQueue {
  readonly #timers: Timers;
  /** Their writes that need only be written have yet to be told. */
  readonly #written: WriteGroup[] = [];
  /** Of these and of earlier ones: some wait for the disk, in order. */
  readonly #syncing: WriteGroup[] = [];
  readonly #spares: WriteGroup[] = [];
  readonly #failing: WriteDone[] = [];
  readonly #errors: StorageError[] = [];
  #isTelling = false;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Whether a group waits for a sync. */
  get syncWanted(): boolean {
    return this.#syncing.length > 0;
  }

  /** Writes that wait. */
  get count(): number {
    const written = this.#written.reduce((sum, { dones }) => sum + dones.length, 0);
    return this.#syncing.reduce((sum, { syncDones }) => sum + syncDones.length, written);
  }

  /** An empty group. */
  spare(): WriteGroup {
    return this.#spares.pop() ?? new WriteGroup();
  }

  /** A group that is written. */
  push(group: WriteGroup): void {
    this.#written.push(group);
    if (group.sync) this.#syncing.push(group);
  }

  /**
   * Acknowledges what is as durable as it asked for: what need only be written at once, whoever waits for the disk before it; the rest in order, from the front. May be called from within an
   * acknowledgement.
   *
   * Why not all in order: a node secures clocks and dots on disk, hints and moving data too, and each time all other writes, which asked for no disk, would wait for it. With a disk that takes 0.7 s
   * for a sync they waited 0.7 s.
   */
  acknowledge(covered: (segment: LogSegment, end: number) => boolean): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      while (this.#tellWritten() || this.#tellSynced(covered));
    } finally {
      this.#isTelling = false;
    }
  }

  /** A planted bug: acknowledges what is not written. */
  early(group: WriteGroup): void {
    for (const done of [...group.dones.splice(0), ...group.syncDones.splice(0)]) done(undefined);
  }

  /** Fails all that waits, and then `later`. */
  failAll(later: readonly WriteGroup[], error: StorageError): void {
    for (const group of [...this.#syncing.splice(0), ...this.#written.splice(0), ...later]) {
      for (const done of [...group.dones.splice(0), ...group.syncDones.splice(0)]) done(error);
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

  /** Of the next group that was written. Returns whether there was one. */
  #tellWritten(): boolean {
    const group = this.#written.shift();
    if (group === undefined) return false;
    tell(group.dones);
    if (!group.sync) this.#end(group);
    return true;
  }

  /** Of the first group that waits for the disk. Returns whether it waits no more. Requires: all that is written was told. */
  #tellSynced(covered: (segment: LogSegment, end: number) => boolean): boolean {
    const group = this.#syncing[0];
    if (group?.segment === undefined || !covered(group.segment, group.end)) return false;
    this.#syncing.shift();
    tell(group.syncDones);
    this.#end(group);
    return true;
  }

  #end(group: WriteGroup): void {
    group.segment = undefined;
    group.sync = false;
    group.periodic = false;
    if (this.#spares.length < SPARES_MAX) this.#spares.push(group);
  }
}

function tell(dones: WriteDone[]): void {
  for (let i = 0; i < dones.length; i++) dones[i]!(undefined);
  dones.length = 0;
}
