/** Closes files one after the other, whatever comes of it. */
import type { OpenFile } from '../runtime/files.ts';

/** `undefined` where there is none. */
export function closeAll(files: readonly (OpenFile | undefined)[], done: () => void): void {
  const [file, ...others] = files;
  if (file !== undefined) file.close(() => closeAll(others, done));
  else if (others.length > 0) closeAll(others, done);
  else done();
}
