/**
 * Opens a database: takes the lock, reads CURRENT and the manifest, opens the tables, replays the commit log into memtables, begins a new segment.
 * Nothing that was there is changed before all of it has been understood.
 */
import type { FileLock } from '../../runtime/files.ts';
import { type StorageDone, StorageError, type StorageResult } from '../errors.ts';
import { InlinePolicy } from '../inline-policy.ts';
import { CommitLog } from '../log/commit-log.ts';
import type { PreviousSegment } from '../log/group.ts';
import { InlineWrites } from '../log/inline-writes.ts';
import { decodeSegmentHeader } from '../log/segment-header.ts';
import { CURRENT_NAME, type FileName, LOCK_NAME, manifestName, parseFileName } from '../manifest/file-names.ts';
import { decodeCurrent, readManifest } from '../manifest/manifest-reader.ts';
import { ManifestWriter } from '../manifest/manifest-writer.ts';
import type { TableMeta } from '../manifest/version-edit.ts';
import { VersionState } from '../manifest/version-state.ts';
import { ARENA_BYTES_MAX, ARENA_BYTES_MIN } from '../memtable/arena.ts';
import { Memtable } from '../memtable/memtable.ts';
import type { WriteDone } from './api.ts';
import { Arenas } from './arenas.ts';
import { EngineParts } from './engine-parts.ts';
import { forEach, ioError, parentOf, readWhole, syncFile } from './file-steps.ts';
import { type LogPort, NO_LOG } from './log-port.ts';
import { LoggedMemtable, Memory } from './memory.ts';
import { randomUid } from './merge-run.ts';
import { closeTables, type EngineTableContext, type OpenTable, openTableFile, tableContextOf } from './open-table.ts';
import { currentLost, manifestLost, notFound } from './opening-errors.ts';
import { type CheckedOptions, checkOptions, type EngineDoors, type EngineOptions } from './options.ts';
import { type Recovered, recoverLog } from './recovery.ts';

const MANIFEST_BYTES_MAX = 1 << 30;
const CURRENT_BYTES_MAX = 4_096;
const FILES_AT_ONCE = 8;
const SEGMENT_RETRY_MS = 200;
const LOG_IDLE_MS = 50;
const SEGMENTS_RECYCLED_MAX = 1;

/** Errors: as `StorageErrorCode` says. `dir` is absolute, with '/'; the directory above it exists. */
export function openParts(dir: string, given: EngineOptions, doors: EngineDoors, done: StorageDone<EngineParts>): void {
  let options: CheckedOptions;
  try {
    options = checkOptions(given);
  } catch (error) {
    doors.timers.soon(() => done({ ok: false, error: error as StorageError }));
    return;
  }
  new Opening(dir, options, doors, done).start();
}

interface Found {
  readonly name: string;
  readonly parsed: FileName;
}

class Opening {
  readonly #dir: string;
  readonly #options: CheckedOptions;
  readonly #doors: EngineDoors;
  readonly #done: StorageDone<EngineParts>;
  readonly #context: EngineTableContext;
  #lock: FileLock | undefined;
  #found: readonly Found[] = [];
  #dbUid: Uint8Array = new Uint8Array(0);
  #manifestNumber: number | undefined;
  #state = VersionState.empty;
  readonly #tables: OpenTable[] = [];

  constructor(dir: string, options: CheckedOptions, doors: EngineDoors, done: StorageDone<EngineParts>) {
    this.#dir = dir;
    this.#options = options;
    this.#doors = doors;
    this.#done = done;
    this.#context = tableContextOf(options, doors);
  }

  start(): void {
    const { createIfMissing, readOnly } = this.#options;
    if (readOnly || !createIfMissing) {
      this.#takeLock();
      return;
    }
    this.#doors.files.mkdir(this.#dir, (made) => {
      if (made.ok || made.error.code === 'EEXIST') this.#takeLock();
      else this.#fail(ioError('open', made.error));
    });
  }

  #takeLock(): void {
    const { files } = this.#doors;
    if (this.#options.readOnly) {
      this.#list();
      return;
    }
    files.lock(`${this.#dir}/${LOCK_NAME}`, (locked) => {
      if (locked.ok) {
        this.#lock = locked.value;
        this.#list();
      } else if (locked.error.code === 'ELOCKED') {
        this.#fail(new StorageError('LOCKED', `${this.#dir} is open already, here or in another process`, { cause: locked.error }));
      } else if (locked.error.code === 'ENOENT') this.#fail(notFound(this.#dir));
      else this.#fail(ioError('open', locked.error));
    });
  }

  #list(): void {
    this.#doors.files.readdir(this.#dir, (listed) => {
      if (!listed.ok) {
        const { error } = listed;
        this.#fail(error.code === 'ENOENT' || error.code === 'ENOTDIR' ? notFound(this.#dir) : ioError('open', error));
        return;
      }
      this.#found = listed.value.map((name) => ({ name, parsed: parseFileName(name) }));
      const exists = this.#found.some(({ parsed }) => parsed.kind === 'current');
      if (exists) this.#openOld();
      else this.#openNew();
    });
  }

  #openNew(): void {
    const orphan = this.#found.find(({ parsed }) => parsed.kind === 'table');
    if (orphan !== undefined) {
      this.#fail(currentLost(this.#dir, orphan.name));
      return;
    }
    if (!this.#options.createIfMissing || this.#options.readOnly) {
      this.#fail(notFound(this.#dir));
      return;
    }
    // The directory may be new, or left by a crash: its own name has to be on disk before anything in it counts.
    this.#doors.files.syncDir(parentOf(this.#dir), (synced) => {
      if (synced.ok) this.#nameNew();
      else this.#fail(ioError('open', synced.error));
    });
  }

  #nameNew(): void {
    const left = this.#found.find(({ parsed }) => parsed.kind === 'log');
    if (left !== undefined) {
      this.#adoptUid(`${this.#dir}/${left.name}`);
      return;
    }
    this.#dbUid = randomUid(this.#doors.random);
    this.#replayLog();
  }

  /** A crash has left a segment of a database that was being made: the one made now is the same. */
  #adoptUid(file: string): void {
    readWhole(this.#doors.files, file, ARENA_BYTES_MAX, (read) => {
      this.#decode(
        read,
        (bytes) => decodeSegmentHeader(bytes, file).dbUid,
        (dbUid) => {
          this.#dbUid = dbUid;
          this.#replayLog();
        },
      );
    });
  }

  #openOld(): void {
    if (this.#options.errorIfExists) {
      this.#fail(new StorageError('EXISTS', `${this.#dir} has a database already`));
      return;
    }
    const { files } = this.#doors;
    const path = `${this.#dir}/${CURRENT_NAME}`;
    readWhole(files, path, CURRENT_BYTES_MAX, (current) => {
      this.#decode(
        current,
        (bytes) => this.#manifestPath(bytes, path),
        (manifest) => {
          readWhole(files, manifest, MANIFEST_BYTES_MAX, (read) => {
            this.#decode(
              read,
              (content) => readManifest(content, manifest, this.#options.mutants),
              ({ header, state }) => {
                this.#dbUid = header.dbUid;
                this.#state = state;
                this.#openTables();
              },
            );
          });
        },
      );
    });
  }

  /** Of the manifest that CURRENT, at `path`, names. Throws CORRUPTION. */
  #manifestPath(current: Buffer, path: string): string {
    const number = decodeCurrent(current, path);
    this.#manifestNumber = number;
    const name = this.#found.find(({ parsed }) => parsed.kind === 'manifest' && parsed.number === number)?.name;
    if (name !== undefined) return `${this.#dir}/${name}`;
    throw manifestLost(path, number);
  }

  #openTables(): void {
    const { files } = this.#doors;
    forEach<TableMeta, OpenTable>(
      this.#state.levels.flat(),
      FILES_AT_ONCE,
      (meta, done) =>
        openTableFile(files, this.#dir, meta, this.#context, (opened) => {
          // Also when another one fails: this one is closed then.
          if (opened.ok) this.#tables.push(opened.value);
          done(opened);
        }),
      (opened) => {
        if (opened.ok) this.#replayLog();
        else this.#fail(opened.error);
      },
    );
  }

  #replayLog(): void {
    const { logNumber, lastSequence } = this.#state;
    const numbers = this.#found.flatMap(({ parsed }) => (parsed.kind === 'log' && parsed.number >= logNumber ? [parsed.number] : []));
    numbers.sort((a, b) => a - b);
    recoverLog(
      { files: this.#doors.files, dir: this.#dir, numbers, logNumber, dbUid: this.#dbUid, lastSequence, mutants: this.#options.mutants },
      (recovered) => {
        if (!recovered.ok) {
          this.#fail(recovered.error);
          return;
        }
        const log = recovered.value;
        if (this.#options.readOnly) {
          this.#finish(log, NO_LOG, this.#manifestWriter());
          return;
        }
        if (log.end?.kind === 'tornTail' && log.end.remains)
          this.#doors.log.warn('commitLogTail', { file: log.end.file, offset: log.end.offset });
        this.#syncRecovered(log);
      },
    );
  }

  /**
   * What was read may be in the page cache only, after the end of a process: what is acknowledged from now on stands on it, and what it says is
   * obsolete is removed.
   */
  #syncRecovered(log: Recovered): void {
    const { files } = this.#doors;
    const next = (): void => this.#beginLog(log, log.last === undefined ? undefined : { ...log.last, synced: log.last.end });
    if (this.#options.mutants.has('recoveredNotSynced')) {
      next();
      return;
    }
    const manifest = this.#manifestNumber === undefined ? [] : [`${this.#dir}/${manifestName(this.#manifestNumber)}`];
    forEach<string, undefined>(
      [...manifest, ...log.paths],
      1,
      (path, done) => syncFile(files, path, (error) => done(error === undefined ? { ok: true, value: undefined } : { ok: false, error })),
      (synced) => {
        if (!synced.ok) {
          this.#fail(synced.error);
          return;
        }
        files.syncDir(this.#dir, (result) => {
          if (result.ok) next();
          else this.#fail(ioError('open', result.error));
        });
      },
    );
  }

  #beginLog(recovered: Recovered, previous: PreviousSegment | undefined): void {
    const { files, random, timers, clock } = this.#doors;
    const { memtableBytes, periodMs, inlineWrites, mutants } = this.#options;
    const manifest = this.#manifestWriter();
    for (const { parsed } of this.#found) if ('number' in parsed && parsed.number !== undefined) manifest.reserveNumber(parsed.number);
    let first = true;
    let parts: EngineParts | undefined;
    const log: CommitLog = new CommitLog({
      files,
      random,
      timers,
      dir: this.#dir,
      dbUid: this.#dbUid,
      arenaBytes: roundUp(memtableBytes),
      periodMs,
      inline: new InlineWrites(new InlinePolicy({ inline: inlineWrites }), clock),
      idleMs: LOG_IDLE_MS,
      retryMs: SEGMENT_RETRY_MS,
      recycledMax: SEGMENTS_RECYCLED_MAX,
      nextNumber: manifest.nextNumber,
      previous,
      mutants,
      onPoisoned: (error) => parts?.onLogFailure(error),
      onSpare: (error) => {
        if (!first) {
          parts?.onSpareSegment(error);
          return;
        }
        first = false;
        if (error !== undefined) {
          log.close(() => this.#fail(error));
          return;
        }
        this.#begin(
          manifest,
          () => {
            parts = this.#finish(recovered, log, manifest);
          },
          log,
        );
      },
    });
  }

  /** Writes nothing before its first edit. */
  #manifestWriter(): ManifestWriter {
    const { files, random } = this.#doors;
    return new ManifestWriter({
      files,
      random,
      dir: this.#dir,
      dbUid: this.#dbUid,
      state: this.#state,
      oldNumber: this.#manifestNumber,
      bytesMax: this.#options.manifestBytes,
      mutants: this.#options.mutants,
    });
  }

  /** A new database exists from its first manifest on. */
  #begin(manifest: ManifestWriter, next: () => void, log: CommitLog): void {
    if (this.#manifestNumber !== undefined) {
      next();
      return;
    }
    manifest.append({ kind: 'change', logNumber: 0, lastSequence: 0, removed: [], added: [], options: '' }, (result) => {
      if (result.ok) next();
      else log.close(() => this.#fail(result.error));
    });
  }

  #finish(recovered: Recovered, log: LogPort, manifest: ManifestWriter): EngineParts {
    const { readOnly, memtableBytes, memtablesMax, keepFlushed, mutants } = this.#options;
    // Planted bug: sequences of replayed records are given again.
    const replayed = mutants.has('sequenceReused') ? 0 : recovered.lastSequence;
    const sequence = Math.max(this.#state.lastSequence, replayed);
    const arenas = new Arenas(readOnly ? ARENA_BYTES_MIN : roundUp(memtableBytes));
    const table = new Memtable(arenas.take(), sequence);
    const segment = readOnly ? 0 : log.rotate(table, sequence, sequence + 1);
    const parts = new EngineParts({
      dir: this.#dir,
      options: this.#options,
      doors: this.#doors,
      lock: this.#lock,
      context: this.#context,
      state: manifest.state,
      tables: this.#tables,
      arenas,
      memory: new Memory(
        new LoggedMemtable(table, segment),
        recovered.memtables,
        sequence,
        arenas,
        keepFlushed ? memtablesMax : 0,
        mutants,
      ),
      log,
      manifest,
      dbUid: this.#dbUid,
      replayed: recovered.numbers,
    });
    parts.begin(this.#found.map(({ name, parsed }) => ({ path: `${this.#dir}/${name}`, parsed })));
    this.#done({ ok: true, value: parts });
    return parts;
  }

  /** Fails with what went wrong or `decode` throws, else goes on. What `next` throws is no error of the database. */
  #decode<T, R>(result: StorageResult<T>, decode: (value: T) => R, next: (value: R) => void): void {
    let decoded: R;
    try {
      if (!result.ok) throw result.error;
      decoded = decode(result.value);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#fail(error);
      return;
    }
    next(decoded);
  }

  #fail(error: StorageError): void {
    const closing: WriteDone = () => {
      if (this.#lock === undefined) this.#done({ ok: false, error });
      else this.#lock.release(() => this.#done({ ok: false, error }));
    };
    closeTables(this.#tables, closing);
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
