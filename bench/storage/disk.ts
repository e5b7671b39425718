/** The directories of the benchmark, and the disk they are on. */
import { closeSync, fdatasyncSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { medianOf } from '../lib/stats.ts';

const SYNCS = 50;
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  2435016766: 'btrfs',
  1481003842: 'xfs',
  16914836: 'tmpfs: a sync costs nothing',
  2035054128: 'overlayfs',
};

/** Bytes of disk that the files of a directory take, those below it included. */
export function bytesOf(dir: string): number {
  let sum = 0;
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    // Blocks, not length: files may be prefilled, and sparse.
    const { size, blocks } = statSync(join(entry.parentPath, entry.name));
    sum += blocks === undefined ? size : blocks * 512;
  }
  return sum;
}

/** Reads all files, so that the page cache has them. */
export function warm(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) readFileSync(join(entry.parentPath, entry.name));
  }
}

export function emptyDir(dir: string): string {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  return dir;
}

export function fileSystemOf(dir: string): string {
  const { type } = statfsSync(dir);
  return FILE_SYSTEMS[type] ?? `type 0x${type.toString(16)}`;
}

/** Median time of a write of 4 KiB and its fdatasync, in ms: what a synced write costs at least, unless several share one. */
export function syncMs(dir: string): number {
  const file = join(dir, 'sync-probe');
  const fd = openSync(file, 'w');
  const block = Buffer.alloc(4096, 1);
  const samples: number[] = [];
  for (let i = 0; i < SYNCS; i++) {
    const begun = performance.now();
    writeSync(fd, block, 0, block.length, i * block.length);
    fdatasyncSync(fd);
    samples.push(performance.now() - begun);
  }
  closeSync(fd);
  rmSync(file);
  return medianOf(samples);
}
