/**
 * WriteMix: whether the writes of late all asked for the disk. Then a group is written and synced by one call, with zeros on disk ahead of it (prefill.ts), which is the quickest; and whoever comes meanwhile
 * waits for both. Writes that need not be on disk never do, but the first of them.
 */
import type { WriteGroup } from './ack-queue.ts';

/** Groups without a write that needs no disk, after which none is expected. The marks of a store that are synced come in twos and threes, among writes that are not. */
const SYNCED_IN_ROW = 16;

export class WriteMix {
  #syncedInRow = SYNCED_IN_ROW;

  /** To be asked of each group, as it is written. Returns whether the disk may be waited for in its call. */
  mayTakeLong(group: WriteGroup): boolean {
    this.#syncedInRow = group.dones.length > 0 ? 0 : this.#syncedInRow + 1;
    return group.sync && this.#syncedInRow > SYNCED_IN_ROW;
  }
}
