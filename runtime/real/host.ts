/** What a process can learn of the machine. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

export function coreCount(): number {
  return availableParallelism();
}

/** Whether listeners of several threads can share a port, which Node can from 22.12 and 23.1 on, where the system has SO_REUSEPORT. */
export function canSharePorts(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return process.platform === 'linux' && (major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12));
}

/** The first `bytes` (at most 32) of the SHA-256 of a text. */
export function digestOf(text: string, bytes: number): Uint8Array {
  return new Uint8Array(createHash('sha256').update(text).digest().subarray(0, bytes));
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
