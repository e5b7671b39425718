/**
 * The bytes of one memtable, which are at the same time the content of its commit-log segment. Shared memory, so that the flush job reads it
 * where it is; used again by the next memtable once nobody reads it.
 */
import { StorageError } from '../errors.ts';
import { RECORD_ALIGNMENT } from '../record.ts';

export const ARENA_BYTES_DEFAULT = 32 << 20;
export const ARENA_BYTES_MIN = 1_024;
export const ARENA_BYTES_MAX = 1 << 30;

export class Arena {
  /** Its length is the capacity. */
  readonly bytes: Buffer;
  /** The same memory. */
  readonly words: Uint32Array;

  /** `memory`: another arena's, to read it in a job. Errors: INVALID_ARGUMENT. */
  constructor(capacityBytes: number = ARENA_BYTES_DEFAULT, memory?: SharedArrayBuffer) {
    if (
      !(Number.isInteger(capacityBytes) && capacityBytes >= ARENA_BYTES_MIN && capacityBytes <= ARENA_BYTES_MAX) ||
      capacityBytes % RECORD_ALIGNMENT !== 0
    ) {
      throw new StorageError(
        'INVALID_ARGUMENT',
        `arena: expected a multiple of ${RECORD_ALIGNMENT} from ${ARENA_BYTES_MIN} to ${ARENA_BYTES_MAX} bytes, got ${capacityBytes}`,
      );
    }
    const buffer = memory ?? new SharedArrayBuffer(capacityBytes);
    this.bytes = Buffer.from(buffer, 0, capacityBytes);
    this.words = new Uint32Array(buffer, 0, capacityBytes >>> 2);
  }
}
