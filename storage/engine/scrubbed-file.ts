/** What a scrub says of one file. */
import { FileError } from '../../runtime/files.ts';
import { type CorruptionPlace, StorageError } from '../errors.ts';

export interface ScrubbedFile {
  readonly file: string;
  readonly bytes: number;
  /** The first place that is wrong; undefined: the file is as it was written. A file that can't be read, or is of a newer format, counts as wrong too. */
  readonly damage: CorruptionPlace | undefined;
}

/** Of what went wrong with `file`. Throws what is a bug. */
export function placeOf(error: unknown, file: string): CorruptionPlace {
  if (error instanceof StorageError) {
    if (error.place !== undefined) return error.place;
    const cause = error.cause instanceof FileError ? error.cause.code : undefined;
    return { file, offset: 0, expected: 'a file that can be read', found: cause === 'ENOENT' ? 'no such file' : error.message };
  }
  if (error instanceof FileError) {
    return { file, offset: 0, expected: 'a file that can be read', found: error.code === 'ENOENT' ? 'no such file' : error.code };
  }
  throw error;
}
