/** The parts of an open engine, and what concerns more than one of them: rotation, slowing writers down, a broken log, the end. */
import type { FileLock } from '../../runtime/files.ts';
import { type CompactionScheduler, JobScheduler } from '../compaction/scheduler.ts';
import { gradeStall, STALL_DEFAULTS, type StallOptions } from '../compaction/write-stall.ts';
import { StorageError } from '../errors.ts';
import { type FileName, isObsolete, logName, tableName } from '../manifest/file-names.ts';
import type { ManifestWriter } from '../manifest/manifest-writer.ts';
import type { VersionState } from '../manifest/version-state.ts';
import { Memtable } from '../memtable/memtable.ts';
import type { EngineStats, WriteDone } from './api.ts';
import type { Arenas } from './arenas.ts';
import { Compactor } from './compactor.ts';
import { Edits } from './edits.ts';
import { engineStats } from './engine-stats.ts';
import { ioError } from './file-steps.ts';
import { Flusher } from './flusher.ts';
import type { LogPort } from './log-port.ts';
import { LoggedMemtable, type Memory } from './memory.ts';
import { closeTables, type EngineTableContext, type OpenTable } from './open-table.ts';
import { type CheckedOptions, type EngineDoors, MEMTABLE_SLACK_BYTES } from './options.ts';
import { PointReads } from './point-reads.ts';
import { Removals } from './removals.ts';
import { Snapshots } from './snapshots.ts';
import { Versions } from './versions.ts';
import { Writes } from './writes.ts';

const REPORT_MS = 1_000;

export interface OpenedParts {
  readonly dir: string;
  readonly options: CheckedOptions;
  readonly doors: EngineDoors;
  readonly lock: FileLock | undefined;
  readonly context: EngineTableContext;
  readonly state: VersionState;
  readonly tables: readonly OpenTable[];
  readonly arenas: Arenas;
  readonly memory: Memory;
  readonly log: LogPort;
  readonly manifest: ManifestWriter;
  readonly dbUid: Uint8Array;
  /** Of `Recovered.numbers`. */
  readonly replayed: ReadonlySet<number>;
}

export interface FoundFile {
  readonly path: string;
  readonly parsed: FileName;
}

export class EngineParts {
  readonly dir: string;
  readonly options: CheckedOptions;
  readonly doors: EngineDoors;
  readonly context: EngineTableContext;
  readonly memory: Memory;
  readonly log: LogPort;
  readonly manifest: ManifestWriter;
  readonly dbUid: Uint8Array;
  readonly versions: Versions;
  readonly snapshots = new Snapshots();
  readonly reads: PointReads;
  readonly writes: Writes;
  readonly edits: Edits;
  readonly flusher: Flusher;
  readonly compactor: Compactor;
  readonly scheduler: CompactionScheduler;
  /** Of a batch: what an empty memtable has room for. */
  readonly batchBytesMax: number;
  isClosing = false;
  /** Ends each scrub that is under way. */
  readonly scrubs = new Set<() => void>();
  readonly #lock: FileLock | undefined;
  readonly #arenas: Arenas;
  readonly #stallOptions: StallOptions;
  /** Segments whose records are in tables, but which the log still has open. */
  #unreleased: number[] = [];
  /** Segments from before this start that are still needed: the log doesn't know them. */
  readonly #replayed: Set<number>;
  /** Tables being closed and removed. */
  #goingTables = 0;
  readonly #onTablesGone: (() => void)[] = [];
  #cancelReport: (() => void) | undefined;
  readonly #removals: Removals;
  #work = 0;
  #onIdle: (() => void) | undefined;
  /** Why there is no spare segment. */
  #spareError: StorageError | undefined;

  constructor(opened: OpenedParts) {
    const { doors, options, memory, context } = opened;
    this.dir = opened.dir;
    this.options = options;
    this.doors = doors;
    this.context = context;
    this.memory = memory;
    this.log = opened.log;
    this.manifest = opened.manifest;
    this.dbUid = opened.dbUid;
    this.#lock = opened.lock;
    this.#arenas = opened.arenas;
    this.#removals = new Removals({
      files: doors.files,
      dir: opened.dir,
      log: doors.log,
      begin: () => this.beginWork(),
      end: () => this.endWork(),
    });
    this.#replayed = new Set(opened.replayed);
    this.versions = new Versions(opened.state, opened.tables, (table) => this.#removeTable(table), options.mutants);
    this.reads = new PointReads(memory, this.versions, context.policy, context.runs, options.mutants);
    this.scheduler = doors.scheduler ?? new JobScheduler({ jobs: doors.jobs, soon: (task) => doors.timers.soon(task) });
    this.edits = new Edits({
      manifest: this.manifest,
      versions: this.versions,
      timers: doors.timers,
      log: doors.log,
      onFailed: (error) => this.onEditFailed(error),
      mutants: options.mutants,
    });
    this.flusher = new Flusher(this);
    this.compactor = new Compactor(this);
    this.batchBytesMax = memory.active.table.arena.bytes.length - MEMTABLE_SLACK_BYTES;
    this.writes = new Writes({
      memory,
      log: this.log,
      timers: doors.timers,
      clock: doors.clock,
      waitingBytesMax: options.waitingBytesMax,
      writeBytesMax: this.batchBytesMax,
      rotate: () => this.rotate(),
    });
    this.#stallOptions = { ...STALL_DEFAULTS, immutableMemtables: { slow: options.memtablesMax - 1, stop: options.memtablesMax } };
  }

  /** Begins the work in the background, and removes files that a crash left behind. `found`: what was in the directory. */
  begin(found: readonly FoundFile[]): void {
    if (this.options.readOnly) return;
    const { state } = this.versions.current;
    const live = { tables: state.tableNumbers(), logNumber: state.logNumber, manifestNumber: this.manifest.number };
    const leftOut: { readonly path: string; readonly number: number }[] = [];
    for (const { path, parsed } of found) {
      if (isObsolete(parsed, live)) this.#removals.remove(path);
      else if (parsed.kind === 'log' && !this.#replayed.has(parsed.number)) leftOut.push({ path, number: parsed.number });
    }
    this.#removals.removeInTurn(leftOut.sort((a, b) => b.number - a.number).map(({ path }) => path));
    this.flusher.pump();
    this.compactor.pump();
    this.#grade();
    if (this.doors.scheduler !== undefined) this.#report(0);
  }

  /** Tells whoever shares the threads how busy this engine is, every second. */
  #report(loggedBefore: number): void {
    const logged = this.log.stats.bytes;
    const foregroundBytesPerSecond = ((logged - loggedBefore) * 1000) / REPORT_MS;
    this.scheduler.report(this.dir, { foregroundBytesPerSecond, debtBytes: this.compactor.debtBytes, latencyMs: 0 });
    this.#cancelReport = this.doors.timers.after(REPORT_MS, () => this.#report(logged));
  }

  /** See `WritesContext.rotate`. */
  rotate(): true | false | StorageError {
    const { memory, log, options } = this;
    if (this.isClosing || log.poisoned !== undefined) return log.poisoned ?? closed();
    if (memory.immutables.length >= options.memtablesMax || this.#isStopped()) return this.flusher.error ?? this.edits.error ?? false;
    if (!log.ready) return this.#spareError ?? false;
    const table = this.#freshTable();
    memory.rotate(new LoggedMemtable(table, log.rotate(table, memory.sequence, memory.sequence + 1)));
    this.#releaseSegments();
    this.flusher.pump();
    this.#grade();
    return true;
  }

  #freshTable(): Memtable {
    this.memory.makeRoom();
    return new Memtable(this.#arenas.take(), this.memory.sequence);
  }

  onFlushed({ segment }: LoggedMemtable): void {
    // The next start removes what is below the log number.
    if (this.isClosing) return;
    if (this.#replayed.has(segment)) this.#removeReplayed(segment);
    else if (segment !== 0) this.#unreleased.push(segment);
    this.#releaseSegments();
    this.#advance();
    this.compactor.pump();
  }

  onFlushFailed(error: StorageError): void {
    // Writes that would wait for this flush are told.
    if (this.memory.immutables.length >= this.options.memtablesMax) this.writes.failWaiting(error);
  }

  onEditFailed(error: StorageError): void {
    this.flusher.failAll(error);
    this.compactor.failManual(error);
    this.onFlushFailed(error);
  }

  /** A planted bug: the inputs of a merge go before the manifest says so. */
  removeEarly(removed: readonly { readonly number: number }[], added: readonly { readonly number: number }[]): void {
    for (const { number } of removed) {
      if (!added.some((table) => table.number === number)) this.#removals.remove(`${this.dir}/${tableName(number)}`);
    }
  }

  onCompacted(): void {
    this.#advance();
    // A flush that was asked for may have had to wait with the writers.
    this.flusher.advance();
  }

  onSpareSegment(error: StorageError | undefined): void {
    this.#spareError = error;
    if (error !== undefined) {
      this.writes.failWaiting(error);
      this.flusher.failUnplaced(error);
    }
    this.#advance();
    this.flusher.advance();
  }

  /**
   * Nothing is acknowledged any more on the strength of the log: what is in memory goes into tables, by which the log is not needed, and then a
   * fresh segment begins.
   */
  onLogFailure(error: StorageError): void {
    if (this.isClosing) return;
    this.doors.log.error('commitLogFailed', { error });
    this.writes.refuse(error);
    const { memory } = this;
    if (memory.active.table.recordCount > 0) memory.rotate(new LoggedMemtable(this.#freshTable(), 0));
    this.flusher.pump();
    this.#advance();
  }

  stats(): EngineStats {
    return engineStats(this);
  }

  /** A job of this engine runs, or its outputs are being opened, or files removed: the directory changes, so that the lock can't be given up. */
  beginWork(): void {
    this.#work++;
  }

  endWork(): void {
    this.#work--;
    if (this.#work > 0) return;
    const onIdle = this.#onIdle;
    this.#onIdle = undefined;
    onIdle?.();
  }

  /** Ends what is under way. The log keeps what is in memory only. */
  close(done: WriteDone): void {
    this.isClosing = true;
    this.#cancelReport?.();
    this.writes.refuse(closed());
    this.#removals.close();
    this.flusher.close();
    this.compactor.close();
    for (const cancel of this.scrubs) cancel();
    if (this.#work === 0) this.#end(done);
    else this.#onIdle = () => this.#end(done);
  }

  #end(done: WriteDone): void {
    this.scheduler.forget(this.dir);
    if (this.options.readOnly) {
      closeTables(this.versions.tables, done);
      return;
    }
    this.log.close((logError) => {
      this.edits.close(() => {
        closeTables(this.versions.tables, (tableError) => {
          const error = this.log.poisoned ?? logError ?? tableError;
          if (this.#lock === undefined) done(error);
          else this.#lock.release((released) => done(error ?? (released.ok ? undefined : ioError('close', released.error))));
        });
      });
    });
  }

  /** Runs the task, later, when no table is being removed: what nobody reads any more takes no space then. */
  whenTablesGone(task: () => void): void {
    if (this.#goingTables === 0) this.doors.timers.soon(task);
    else this.#onTablesGone.push(task);
  }

  /** Something that writers may have waited for is there. */
  #advance(): void {
    if (this.isClosing) return;
    this.#maybeRenewLog();
    this.#grade();
    this.writes.resume();
  }

  #maybeRenewLog(): void {
    const { memory, log } = this;
    if (log.poisoned === undefined || memory.immutables.length > 0 || memory.active.table.recordCount > 0 || !log.ready) return;
    const { active } = memory;
    const table = active.table.length === 0 ? active.table : this.#freshTable();
    memory.active = new LoggedMemtable(table, log.rotate(table, memory.sequence, memory.sequence + 1));
    this.#releaseSegments();
    this.writes.allow();
    this.doors.log.info('commitLogRenewed', { segment: memory.active.segment });
  }

  #isStopped(): boolean {
    return gradeStall(this.#pressure(), this.#stallOptions).kind === 'stop';
  }

  #grade(): void {
    const grade = gradeStall(this.#pressure(), this.#stallOptions);
    this.writes.pace(grade.kind === 'slow' ? grade.bytesPerMs : Number.POSITIVE_INFINITY);
    // Merges that writers wait for are not held back.
    const limit = grade.kind === 'free' ? Math.ceil(this.options.compactionBytesPerSecond / 1024) : 0;
    Atomics.store(this.scheduler.throttle, 0, Math.min(limit, 0x7fff_ffff));
  }

  #pressure(): { readonly immutableMemtables: number; readonly level0Tables: number; readonly pendingBytes: number } {
    return {
      immutableMemtables: this.memory.immutables.length,
      level0Tables: this.versions.current.levels[0]!.length,
      pendingBytes: this.compactor.debtBytes,
    };
  }

  /** And those before it: they hold nothing that is not in tables. */
  #removeReplayed(segment: number): void {
    for (const number of this.#replayed) {
      if (number > segment) continue;
      this.#replayed.delete(number);
      this.#removals.remove(`${this.dir}/${logName(number)}`);
    }
  }

  /** The log lets a segment go only after it has begun the next. */
  #releaseSegments(): void {
    const current = this.log.segmentNumber;
    this.#unreleased = this.#unreleased.filter((number) => {
      if (number === current) return true;
      this.log.release(number);
      return false;
    });
  }

  #removeTable({ meta, reader }: OpenTable): void {
    // Also while the engine closes, which waits for it: what a compaction made obsolete is not left on disk.
    this.beginWork();
    this.#goingTables++;
    reader.close(() => {
      const gone = (): void => {
        this.#goingTables--;
        if (this.#goingTables === 0) for (const each of this.#onTablesGone.splice(0)) each();
      };
      // A table that went to another level is still there.
      if (this.versions.table(meta.number) === undefined) this.#removals.remove(`${this.dir}/${tableName(meta.number)}`, gone);
      else gone();
      this.endWork();
    });
  }
}

function closed(): StorageError {
  return new StorageError('CLOSED', 'the database is closed');
}
