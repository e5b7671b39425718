/** DiskHandle: a file of a simulated disk, opened in some mode, in one life of the machine. */
import type { OpenMode } from '../files.ts';
import { FileError } from '../files.ts';
import type { DiskFault } from './disk-faults.ts';
import type { SimDisk } from './sim-disk.ts';
import { diskCall, endSync } from './sim-disk-call.ts';
import type { SimFile } from './sim-inode.ts';

export class DiskHandle {
  readonly path: string;
  readonly #disk: SimDisk;
  readonly #generation: number;
  readonly #file: SimFile;
  readonly #mode: OpenMode;

  constructor(disk: SimDisk, path: string, file: SimFile, mode: OpenMode) {
    this.path = path;
    this.#disk = disk;
    this.#generation = disk.generation;
    this.#file = file;
    this.#mode = mode;
  }

  pread(into: Uint8Array, position: number): number {
    return diskCall(this.#disk, this.#generation, 'pread', this.path, position, into.length, (fault) => {
      if (fault?.kind === 'misdirected') return this.#elsewhere(fault)?.now.read(into, fault.offset) ?? 0;
      if (fault?.kind !== 'flip') return this.#file.now.read(into, position);
      const byte = fault.bit >> 3;
      if (fault.stored === true && position + byte < this.#file.now.length) this.#file.flip(position + byte, fault.bit & 7);
      const count = this.#file.now.read(into, position);
      if (fault.stored !== true && byte < count) into[byte] = (into[byte] as number) ^ (1 << (fault.bit & 7));
      return count;
    });
  }

  pwrite(buffers: readonly Uint8Array[], position: number): void {
    const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    diskCall(this.#disk, this.#generation, 'pwrite', this.path, position, length, (fault) => {
      if (this.#mode === 'read') throw new FileError('EBADF', 'pwrite', this.path);
      this.#write(Buffer.concat(buffers), position, fault);
    });
    if (this.#mode === 'readWriteSynced') this.#sync(this.#disk.counter.edits, 'pwrite');
  }

  /** Returns what ends the sync. What becomes durable is what was there when the sync began. */
  beginSync(): () => void {
    const until = this.#disk.counter.edits;
    return () => this.#sync(until, 'datasync');
  }

  truncate(length: number): void {
    diskCall(this.#disk, this.#generation, 'truncate', this.path, length, 0, (fault) => {
      if (this.#mode === 'read') throw new FileError('EINVAL', 'truncate', this.path);
      if (fault?.kind === 'lost') return;
      if (this.#roomFor(length) < length) throw new FileError('ENOSPC', 'truncate', this.path);
      this.#file.truncate(length);
    });
  }

  /** Meets no faults and isn't counted. */
  close(): void {
    this.#disk.checkPower(this.#generation);
  }

  /** `operation`: that which fails when it does. */
  #sync(until: number, operation: string): void {
    diskCall(this.#disk, this.#generation, 'datasync', this.path, 0, 0, (fault) => endSync(this.#file, until, fault, operation, this.path));
  }

  #write(bytes: Buffer, position: number, fault: DiskFault | undefined): void {
    if (fault?.kind === 'lost') return;
    if (fault?.kind === 'misdirected') {
      this.#elsewhere(fault)?.write([bytes], fault.offset);
      return;
    }
    if (fault?.kind === 'error') {
      this.#file.write([bytes.subarray(0, fault.written)], position);
      throw new FileError(fault.code, 'pwrite', this.path);
    }
    if (fault?.kind === 'flip' && fault.bit >> 3 < bytes.length) {
      const byte = fault.bit >> 3;
      bytes[byte] = (bytes[byte] as number) ^ (1 << (fault.bit & 7));
    }
    const room = this.#roomFor(position + bytes.length) - position;
    if (room < bytes.length) {
      if (room > 0) this.#file.write([bytes.subarray(0, room)], position);
      throw new FileError('ENOSPC', 'pwrite', this.path);
    }
    this.#file.write([bytes], position);
  }

  #elsewhere(fault: DiskFault & { readonly kind: 'misdirected' }): SimFile | undefined {
    if (fault.path === undefined) return this.#file;
    const { node } = this.#disk.entry('misdirected', fault.path);
    return node?.kind === 'file' ? node : undefined;
  }

  /** How long the file may be, at most `wanted`. */
  #roomFor(wanted: number): number {
    const { budgetBytes } = this.#disk;
    const { length } = this.#file.now;
    if (wanted <= length || budgetBytes === Infinity) return wanted;
    return Math.max(length, Math.min(wanted, length + budgetBytes - this.#disk.usedBytes()));
  }
}
