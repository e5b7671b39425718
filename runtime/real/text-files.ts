/** Small text files: for people and for the commands, not for data. */
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';

/** Null: there is no such file. Errors: those of the system, with the path. */
export async function readTextIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** With those above it. It may be there. Errors: those of the system, with the path. */
export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
}

/** All or nothing for those who read it, and for a process that is killed; not synced. Errors: those of the system, with the path. */
export async function replaceText(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

/** The last lines of a file, at most `lines` of them and of its last `bytes` bytes; none when there is no such file. */
export async function lastLines(path: string, lines: number, bytes: number): Promise<readonly string[]> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch {
    return [];
  }
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - bytes);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const found = buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n');
    // The first may have lost its beginning.
    return found.slice(from > 0 ? 1 : 0).slice(-lines);
  } finally {
    await file.close();
  }
}
