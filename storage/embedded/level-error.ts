/** Errors as programs of the `level` ecosystem know them: `LEVEL_...` codes. */
import { StorageError, type StorageErrorCode } from '../errors.ts';

/** Where the ecosystem has a name of its own; others are LEVEL_ and the engine's code. */
const CODES: Partial<Record<StorageErrorCode, string>> = {
  IO: 'LEVEL_IO_ERROR',
  CLOSED: 'LEVEL_DATABASE_NOT_OPEN',
  CANCELLED: 'LEVEL_ABORTED',
};

export class LevelError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LevelError';
    this.code = code;
  }
}

/** `cause` is the StorageError. */
export function levelError(error: StorageError): LevelError {
  return new LevelError(CODES[error.code] ?? `LEVEL_${error.code}`, error.message, { cause: error });
}

/** Of an open that failed, in the words of the ecosystem, which programs look for. */
export function openError(thrown: unknown, location: string): unknown {
  const code = thrown instanceof StorageError ? thrown.code : undefined;
  const cause = { cause: thrown };
  if (code === 'NOT_FOUND') return new LevelError('LEVEL_NOT_FOUND', `${location} does not exist (createIfMissing is false)`, cause);
  if (code === 'EXISTS') return new LevelError('LEVEL_EXISTS', `${location} exists (errorIfExists is true)`, cause);
  return asLevelError(thrown);
}

/** As abstract-level makes it, whose own is not exported: a scan was given up by its signal. */
export function abortError(cause: unknown): LevelError {
  const error = new LevelError('LEVEL_ABORTED', 'Operation has been aborted', { cause });
  error.name = 'AbortError';
  return error;
}

/** A thrown value, as the ecosystem knows it. */
export function asLevelError(thrown: unknown): unknown {
  return thrown instanceof StorageError ? levelError(thrown) : thrown;
}
