/** Errors of the storage engine: faults of the environment or of the caller, with a stable code. A bug is a `BugError` of the runtime. */

export type StorageErrorCode =
  /** Bytes on disk are not what was written. `file`, `offset`, `expected` and `found` say where. */
  | 'CORRUPTION'
  /** A file is of a newer format than this version reads. */
  | 'UNKNOWN_FORMAT'
  /** The directory is open already, here or in another process. */
  | 'LOCKED'
  /** There is no database in the directory, and none was to be made. */
  | 'NOT_FOUND'
  /** There is a database in the directory, and it was to be new (`errorIfExists`). */
  | 'EXISTS'
  /** The directory holds what is no database. */
  | 'NOT_A_DATABASE'
  /** The engine was opened for reading only. */
  | 'READ_ONLY'
  /** The engine is closing or closed. */
  | 'CLOSED'
  /** A key, value, batch or option is not of the stated form or size. */
  | 'INVALID_ARGUMENT'
  /** A call to the file system failed; `cause` is its FileError. What was asked for did not take effect, or (a write) may or may not survive a restart. */
  | 'IO'
  /** Writers are faster than flush and compaction, and the queue of waiting writes is full. Nothing was executed. */
  | 'OVERLOADED'
  /** A call was given up, since the engine was closed or the work cancelled. */
  | 'CANCELLED';

/** Where bytes are wrong. */
export interface CorruptionPlace {
  readonly file: string;
  /** Bytes from the beginning of the file. */
  readonly offset: number;
  readonly expected: string;
  readonly found: string;
}

export class StorageError extends Error {
  readonly code: StorageErrorCode;
  /** Of CORRUPTION. */
  readonly place: CorruptionPlace | undefined;

  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions & { readonly place?: CorruptionPlace }) {
    super(message, options);
    this.name = 'StorageError';
    this.code = code;
    this.place = options?.place;
  }
}

export function corruption(place: CorruptionPlace): StorageError {
  const { file, offset, expected, found } = place;
  return new StorageError('CORRUPTION', `${file} at ${offset}: expected ${expected}, found ${found}`, { place });
}

/** Outcome of a call that can fail. */
export type StorageResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: StorageError };
/** Called once, later, never within the call that it was given to, unless that call says otherwise; must not throw. */
export type StorageDone<T> = (result: StorageResult<T>) => void;
