/**
 * NodeDirectory: the data directory of a node, held against other processes while it is open, and the record in it. NODE is replaced whole: written
 * beside, synced, renamed, and the directory synced, so a crash leaves the old one or the new one.
 */
import type { FileDone, FileLock, FileSystem, OpenFile } from '../../runtime/files.ts';
import { FileError } from '../../runtime/files.ts';
import { NodeError } from './node-error.ts';
import { decodeRecord, encodeRecord, type NodeRecord, RECORD_BYTES_MAX } from './node-record.ts';

export const NODE_FILE = 'NODE';
const NEW_FILE = 'NODE.new';
/** What an empty directory may hold: the lock and its helpers, a first record that a crash left unfinished, and what a file system puts there. */
const NOTHING = /^(LOCK(\..*)?|NODE\.new|lost\+found)$/;

export class NodeDirectory {
  readonly path: string;
  readonly #files: FileSystem;
  readonly #lock: FileLock;
  #record: NodeRecord | null = null;

  /**
   * Makes the directory when there is none, takes it, and reads its record. `path`: absolute.
   * Errors: IN_USE, NOT_A_NODE, DAMAGED, NEWER_FORMAT, IO.
   */
  static async open(files: FileSystem, path: string): Promise<NodeDirectory> {
    try {
      await makeDirectory(files, path);
      const directory = new NodeDirectory(files, path, await takeLock(files, path));
      try {
        directory.#record = await directory.#read();
      } catch (error) {
        await directory.close();
        throw error;
      }
      return directory;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw new NodeError('IO', `data directory ${path}: ${error.message}`, { cause: error });
    }
  }

  private constructor(files: FileSystem, path: string, lock: FileLock) {
    this.#files = files;
    this.path = path;
    this.#lock = lock;
  }

  /** Null: the directory is nobody's yet. */
  get record(): NodeRecord | null {
    return this.#record;
  }

  /** Durability: on disk when it resolves. Errors: IO. */
  async write(record: NodeRecord): Promise<void> {
    const files = this.#files;
    const beside = `${this.path}/${NEW_FILE}`;
    try {
      const file = await settled<OpenFile>((done) => files.open(beside, 'create', done));
      try {
        const bytes = encodeRecord(record);
        await settled<void>((done) => file.truncate(0, done));
        await settled<void>((done) => file.pwrite([bytes], 0, done));
        await settled<void>((done) => file.datasync(done));
      } finally {
        await settled<void>((done) => file.close(done));
      }
      await settled<void>((done) => files.rename(beside, `${this.path}/${NODE_FILE}`, done));
      await settled<void>((done) => files.syncDir(this.path, done));
    } catch (error) {
      throw new NodeError('IO', `data directory ${this.path}: the record of the node can't be written: ${(error as Error).message}`, {
        cause: error,
      });
    }
    this.#record = record;
  }

  /** Requires: a record. As `write`, with `changes`. */
  async change(changes: Partial<NodeRecord>): Promise<NodeRecord> {
    const record = { ...(this.#record as NodeRecord), ...changes };
    await this.write(record);
    return record;
  }

  /** Lets go of the directory. */
  close(): Promise<void> {
    return settled<void>((done) => this.#lock.release(done));
  }

  async #read(): Promise<NodeRecord | null> {
    const names = await settled<readonly string[]>((done) => this.#files.readdir(this.path, done));
    if (names.includes(NODE_FILE)) {
      const file = `${this.path}/${NODE_FILE}`;
      return decodeRecord(await readFile(this.#files, file), file);
    }
    const strangers = names.filter((name) => !NOTHING.test(name));
    if (strangers.length === 0) return null;
    const shown = strangers.slice(0, 3).join(', ');
    throw new NodeError(
      'NOT_A_NODE',
      `data directory ${this.path}: expected an empty directory or one of a node, with a file ${NODE_FILE}; found ${shown}`,
    );
  }
}

async function takeLock(files: FileSystem, path: string): Promise<FileLock> {
  try {
    return await settled<FileLock>((done) => files.lock(`${path}/LOCK`, done));
  } catch (error) {
    if (!(error instanceof FileError && error.code === 'ELOCKED')) throw error;
    throw new NodeError('IN_USE', `data directory ${path} is in use by another process; each node needs a directory of its own (--data)`);
  }
}

/** `isAboveMade`: what is above is there, or can't be made: in /proc, or behind a link to nowhere. */
async function makeDirectory(files: FileSystem, path: string, isAboveMade = false): Promise<void> {
  try {
    await settled<void>((done) => files.mkdir(path, done));
  } catch (error) {
    const code = error instanceof FileError ? error.code : '';
    if (code === 'EEXIST') return;
    const above = path.slice(0, path.lastIndexOf('/'));
    if (code !== 'ENOENT' || above === '' || isAboveMade) throw error;
    await makeDirectory(files, above);
    await makeDirectory(files, path, true);
    return;
  }
  await settled<void>((done) => files.syncDir(path.slice(0, path.lastIndexOf('/')) || '/', done));
}

async function readFile(files: FileSystem, path: string): Promise<Uint8Array> {
  const file = await settled<OpenFile>((done) => files.open(path, 'read', done));
  try {
    const into = new Uint8Array(RECORD_BYTES_MAX);
    const length = await settled<number>((done) => file.pread(into, 0, done));
    return into.subarray(0, length);
  } finally {
    await settled<void>((done) => file.close(done));
  }
}

function settled<T>(call: (done: FileDone<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((result) => {
      if (result.ok) resolve(result.value);
      else reject(result.error);
    });
  });
}
