/** What can be wrong with a directory before anything in it is read. */
import { StorageError } from '../errors.ts';
import { CURRENT_NAME } from '../manifest/file-names.ts';

export function notFound(dir: string): StorageError {
  return new StorageError('NOT_FOUND', `${dir} has no database`);
}

/** `table`: name of a table that is there. */
export function currentLost(dir: string, table: string): StorageError {
  return new StorageError('CORRUPTION', `${dir} has tables (${table}), but no ${CURRENT_NAME}: it was lost; repair makes a new one`, {
    place: { file: `${dir}/${CURRENT_NAME}`, offset: 0, expected: 'the name of a manifest', found: 'no file' },
  });
}

export function manifestLost(currentPath: string, number: number): StorageError {
  return new StorageError('CORRUPTION', `${currentPath} names manifest ${number}, which is not there`, {
    place: { file: currentPath, offset: 0, expected: 'the name of a manifest that exists', found: `number ${number}` },
  });
}
