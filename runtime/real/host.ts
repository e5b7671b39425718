/** What a process can learn of the machine and the package that it runs from. */
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

export function coreCount(): number {
  return availableParallelism();
}

/** As the file system door takes it: absolute, '/'-separated, normalised. */
export function absolutePath(path: string): string {
  return resolve(path).replaceAll(sep, '/');
}

export function fileUrl(path: string): URL {
  return pathToFileURL(path);
}

/** Errors: those of the system, with the path. */
export function readTextFile(path: string): Promise<string> {
  return readFile(path, 'utf8');
}

/** Random, for identities: not the seeded source of actors. Returns two hexadecimal digits for each byte. */
export function randomHex(bytes: number): string {
  return Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');
}

/** Of this package, compiled or not. */
export function packageVersion(): string {
  for (const up of ['../../package.json', '../../../package.json']) {
    const file = new URL(up, import.meta.url);
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
  }
  return '0.0.0';
}
