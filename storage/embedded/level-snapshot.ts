/** An explicit snapshot of a `DynactorLevel`. */
import { AbstractSnapshot } from 'abstract-level';
import type { Snapshot } from '../engine/api.ts';

/** The constructor is not in the types. */
const Base = AbstractSnapshot as unknown as new (options: SnapshotOptions) => AbstractSnapshot;

export interface SnapshotOptions {
  /** The database that closes it when it is closed itself. */
  readonly owner: unknown;
}

export class LevelSnapshot extends Base {
  readonly taken: Snapshot;

  constructor(options: SnapshotOptions, taken: Snapshot) {
    super(options);
    this.taken = taken;
  }

  /** Called when nothing reads from it any more. */
  _close(): void {
    this.taken.release();
  }
}

/** The engine's snapshot under the one of an operation, if it has one. */
export function takenOf(options: { readonly snapshot?: AbstractSnapshot | null | undefined }): Snapshot | undefined {
  return (options.snapshot as LevelSnapshot | null | undefined)?.taken;
}

/** As `takenOf`, before an iterator is made of it. Errors: LEVEL_SNAPSHOT_NOT_OPEN. */
export function openTakenOf(options: { readonly snapshot?: AbstractSnapshot | null | undefined }): Snapshot | undefined {
  const { snapshot } = options;
  snapshot?.ref();
  snapshot?.unref();
  return takenOf(options);
}
