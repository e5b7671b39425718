/**
 * InlineWrites: writes of the log on the shard's own thread, as long as that is quick (`InlinePolicy`): they go to the page cache. By another thread each costs two switches of threads,
 * and its end is seen only when this thread gets its core again. Only for groups in which somebody needs no disk: the sync of the others is no part of it.
 */
import type { Clock } from '../../runtime/doors.ts';
import { FileError, type FileResult, type OpenFile } from '../../runtime/files.ts';
import type { InlinePolicy } from '../inline-policy.ts';

/** Of longer ones the copy itself takes longer than the detour. */
const INLINE_BYTES_MAX = 64 * 1_024;
const DONE: Readonly<FileResult<void>> = { ok: true, value: undefined };

export class InlineWrites {
  readonly #policy: InlinePolicy;
  readonly #clock: Clock;

  constructor(policy: InlinePolicy, clock: Clock) {
    this.#policy = policy;
    this.#clock = clock;
  }

  /** Begun, since the start. */
  get count(): number {
    return this.#policy.inlineCount;
  }

  /** Undefined: it is not written, and to be written in the other way. */
  write(file: OpenFile, bytes: Uint8Array, position: number): FileResult<void> | undefined {
    const startMs = this.#clock.now();
    this.#policy.startRun();
    if (bytes.length > INLINE_BYTES_MAX || !this.#policy.mayGoInline(startMs)) return undefined;
    try {
      file.pwriteNow(bytes, position);
    } catch (error) {
      if (error instanceof FileError) return { ok: false, error };
      throw error;
    }
    this.#policy.tookInline(startMs, this.#clock.now());
    return DONE;
  }
}
