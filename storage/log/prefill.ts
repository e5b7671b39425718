/**
 * Zeros on disk ahead of where a synced segment is written: a write that syncs then changes data only, not the file's allocation, which costs the
 * file system's journal and up to three times as much (bench:storage, put synced). Segments without synced writes stay sparse.
 *
 * ```
 * [groups written | group being written |    |  zeros on disk  |  zeros under way  |  hole ...
 *                                             ^ a write that reached here would wait
 * ```
 */
import type { OpenFile } from '../../runtime/files.ts';
import type { LogSegment } from './log-segment.ts';

/** Filled at once, and ahead at least. */
const PIECE_BYTES = 1 << 20;

export interface PrefillOptions {
  /** A piece has ended: writes that were in its way can go on. */
  readonly onEnded: () => void;
  /** A sync failed: what else it would have brought to disk is unknown. */
  readonly onSyncFailed: (segment: LogSegment, error: Error) => void;
}

export class Prefill {
  readonly #options: PrefillOptions;
  /** The segment that is being filled from `#from` on. */
  #segment: LogSegment | undefined;
  #from = 0;

  constructor(options: PrefillOptions) {
    this.#options = options;
  }

  /** Whether a write of the segment up to `end` has to wait: zeros must not come after it. */
  blocks(segment: LogSegment, end: number): boolean {
    return this.#segment === segment && end > this.#from;
  }

  /** Called when a group that syncs and ends at `end` is being written. */
  ahead(segment: LogSegment, end: number): void {
    const { fileBytes, file } = segment.prepared;
    const from = Math.max(segment.filled, end);
    if (this.#segment !== undefined || from - end >= PIECE_BYTES || from >= fileBytes) return;
    const to = Math.min(fileBytes, from + PIECE_BYTES);
    this.#segment = segment;
    this.#from = from;
    file.pwrite([Buffer.alloc(to - from)], from, (written) => {
      // No room for zeros, or none any more for this file: the groups themselves will find out.
      if (written.ok) this.#sync(file, segment, to);
      else this.#end(segment, fileBytes);
    });
  }

  #sync(file: OpenFile, segment: LogSegment, to: number): void {
    file.datasync((synced) => {
      if (!synced.ok) this.#options.onSyncFailed(segment, synced.error);
      this.#end(segment, to);
    });
  }

  #end(segment: LogSegment, filled: number): void {
    segment.filled = filled;
    this.#segment = undefined;
    this.#options.onEnded();
  }
}
