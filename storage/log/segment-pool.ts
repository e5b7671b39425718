/**
 * Segment files ahead of need: one spare, new or recycled from a released segment, so that a write to it changes no size. A new one is a hole
 * behind its first bytes, and filled as it is written to (`Prefill`).
 *
 * ```
 * new:       create NUMBER.log.new -> header -> size -> datasync -> rename NUMBER.log -> syncDir -> spare
 * recycled:  OLD.log -> header of NUMBER -> datasync -> rename NUMBER.log -> syncDir -> spare
 * ```
 * So whatever has a segment's name has a whole header: one that is not is damaged. A crash half-way leaves a temporary file, or OLD.log with a newer
 * header, which is below the log number and never read.
 */
import type { Random } from '../../runtime/doors.ts';
import type { FileError, FileResult, FileSystem, OpenFile } from '../../runtime/files.ts';
import { StorageError } from '../errors.ts';
import { logName, temporaryName } from '../manifest/file-names.ts';
import { SEGMENT_HEAD_BYTES, SEGMENT_HEADER_BYTES, UID_BYTES } from './log-format.ts';
import type { PreparedSegment } from './log-segment.ts';
import { encodeSegmentHeader } from './segment-header.ts';

export interface SegmentPoolOptions {
  readonly files: FileSystem;
  readonly random: Random;
  readonly dir: string;
  readonly dbUid: Uint8Array;
  /** Size of each segment file, a multiple of 4. */
  readonly fileBytes: number;
  /** Released segments kept to be used again. */
  readonly recycledMax: number;
  /** The next free file number. */
  readonly nextNumber: () => number;
  /** After each attempt; undefined: the spare is there. */
  readonly onPrepared: (error: StorageError | undefined) => void;
  readonly mutants: ReadonlySet<string>;
}

interface Recycled {
  readonly path: string;
  /** See `PreparedSegment`. */
  readonly filled: number;
}

export class SegmentPool {
  readonly #options: SegmentPoolOptions;
  readonly #recycled: Recycled[] = [];
  #spare: PreparedSegment | undefined;
  #preparing = false;
  #closed: (() => void) | undefined;

  constructor(options: SegmentPoolOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return this.#spare !== undefined;
  }

  take(): PreparedSegment | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare;
  }

  /** Begins to make a spare, unless there is one or one is being made. */
  prepare(): void {
    if (this.#preparing || this.#spare !== undefined || this.#closed !== undefined) return;
    this.#preparing = true;
    const { random, dbUid, fileBytes, dir } = this.#options;
    const number = this.#options.nextNumber();
    const uid = Buffer.alloc(UID_BYTES);
    for (let i = 0; i < UID_BYTES; i += 4) uid.writeUInt32LE(random.u32(), i);
    // No group's tag is zero, as what was never written is.
    if (uid.readUInt32LE(0) === 0) uid[0] = 1;
    const header = encodeSegmentHeader({ number, uid, dbUid, fileBytes });
    const path = `${dir}/${logName(number)}`;
    const recycled = this.#recycled.pop();
    new Preparation(
      this.#options,
      { number, uid, header, path, fileBytes, filled: recycled?.filled ?? SEGMENT_HEAD_BYTES },
      recycled?.path,
      (result) => this.#onPrepared(result),
    ).start();
  }

  /** Of a released segment, whose handles are closed. */
  recycle(path: string, filled: number): void {
    if (this.#closed === undefined && this.#recycled.length < this.#options.recycledMax) this.#recycled.push({ path, filled });
    else this.discard(path, () => undefined);
  }

  discard(path: string, done: () => void): void {
    // A file that can't be removed is below the log number: the next start removes it.
    this.#options.files.unlink(path, done);
  }

  /** Removes spare and recycled files. `done` is called once, maybe at once. */
  close(done: () => void): void {
    this.#closed = done;
    if (!this.#preparing) this.#removeAll();
  }

  #onPrepared(result: PreparedSegment | StorageError): void {
    this.#preparing = false;
    const error = result instanceof StorageError ? result : undefined;
    if (!(result instanceof StorageError)) this.#spare = result;
    if (this.#closed !== undefined) this.#removeAll();
    else this.#options.onPrepared(error);
  }

  #removeAll(): void {
    const paths = this.#recycled.splice(0).map(({ path }) => path);
    const spare = this.take();
    const next = (): void => {
      const path = paths.pop();
      if (path === undefined) this.#closed?.();
      else this.discard(path, next);
    };
    if (spare === undefined) next();
    else {
      paths.push(spare.path);
      spare.syncedFile.close(() => spare.file.close(next));
    }
  }
}

type Outline = Omit<PreparedSegment, 'file' | 'syncedFile'>;

class Preparation {
  readonly #options: SegmentPoolOptions;
  readonly #outline: Outline;
  readonly #from: string;
  readonly #isNew: boolean;
  readonly #done: (result: PreparedSegment | StorageError) => void;
  #file: OpenFile | undefined;

  constructor(
    options: SegmentPoolOptions,
    outline: Outline,
    recycled: string | undefined,
    done: (result: PreparedSegment | StorageError) => void,
  ) {
    this.#options = options;
    this.#outline = outline;
    this.#isNew = recycled === undefined;
    this.#from = recycled ?? temporaryName(outline.path);
    this.#done = done;
  }

  start(): void {
    this.#options.files.open(this.#from, this.#isNew ? 'createNew' : 'readWrite', (result) => {
      if (!result.ok) return this.#fail(result.error);
      this.#file = result.value;
      this.#begin();
    });
  }

  #begin(): void {
    const { fileBytes } = this.#options;
    const head = [this.#outline.header, Buffer.alloc(Math.min(SEGMENT_HEAD_BYTES, fileBytes) - SEGMENT_HEADER_BYTES)];
    const sync = (): void =>
      this.#step(
        (done) => this.#file?.datasync(done),
        () => this.#rename(),
      );
    this.#step(
      (done) => this.#file?.pwrite(head, 0, done),
      () => {
        if (this.#isNew) this.#step((done) => this.#file?.truncate(fileBytes, done), sync);
        else sync();
      },
    );
  }

  #rename(): void {
    const { files, dir, mutants } = this.#options;
    const { path } = this.#outline;
    this.#step(
      (done) => files.rename(this.#from, path, done),
      () => {
        if (mutants.has('skipDirSync')) this.#openSynced();
        else
          this.#step(
            (done) => files.syncDir(dir, done),
            () => this.#openSynced(),
          );
      },
    );
  }

  #openSynced(): void {
    this.#options.files.open(this.#outline.path, 'readWriteSynced', (result) => {
      const file = this.#file;
      if (!result.ok || file === undefined) return this.#fail(result.ok ? undefined : result.error);
      this.#done({ ...this.#outline, file, syncedFile: result.value });
    });
  }

  #step(call: (done: (result: FileResult<void>) => void) => void, next: () => void): void {
    call((result) => {
      if (result.ok) next();
      else this.#fail(result.error);
    });
  }

  #fail(cause: FileError | undefined): void {
    const error = new StorageError('IO', `commit log: no new segment: ${cause?.message ?? 'no file'}`, { cause });
    const { files } = this.#options;
    const finish = (): void => files.unlink(this.#from, () => files.unlink(this.#outline.path, () => this.#done(error)));
    // Whichever name the file has by now: it is given up, and its space given back.
    if (this.#file === undefined) finish();
    else this.#file.close(finish);
  }
}
