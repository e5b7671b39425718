/** A simulated disk under its synchronous door, with the shorthands that its tests share. */
import type { SyncFile } from '../../../runtime/files.ts';
import { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import { SimSyncFiles } from '../../../runtime/simulation/sim-sync-files.ts';

export class DiskRig {
  readonly disk: SimDisk;
  readonly files: SimSyncFiles;

  constructor(disk = new SimDisk()) {
    this.disk = disk;
    this.files = new SimSyncFiles(disk);
  }

  write(file: SyncFile, text: string, at = 0): void {
    file.pwrite([Buffer.from(text, 'latin1')], at);
  }

  /** A file whose name and content are durable. */
  durable(path: string, text: string): SyncFile {
    const file = this.files.open(path, 'createNew');
    this.write(file, text);
    file.datasync();
    this.files.syncDir(path.slice(0, path.lastIndexOf('/')) || '/');
    return file;
  }

  text(path: string): string {
    const into = Buffer.alloc(10_000);
    return into.toString('latin1', 0, this.files.open(path, 'read').pread(into, 0));
  }

  /** All files of the root and what they hold. */
  state(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.files.readdir('/').map((name) => [name, this.text(`/${name}`)]));
  }
}
