/** What the kernel counts of this process (Linux; undefined elsewhere). */
import { readFileSync } from 'node:fs';

/** Bytes handed to write calls since the process began. Not `write_bytes`: that counts pages when they get dirty, and a page written twice once. */
export function bytesWritten(): number | undefined {
  return fieldOf('/proc/self/io', 'wchar');
}

/** Bytes of resident memory that no file backs: mapped files are the page cache's, whoever maps them. */
export function anonymousBytes(): number | undefined {
  const kib = fieldOf('/proc/self/status', 'RssAnon');
  return kib === undefined ? undefined : kib * 1024;
}

/** The number after `name:` in a file of /proc; undefined where there is none. */
export function fieldOf(file: string, name: string): number | undefined {
  try {
    const found = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(readFileSync(file, 'utf8'));
    return found === null ? undefined : Number(found[1]);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
