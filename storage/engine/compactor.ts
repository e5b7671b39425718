/** Merges tables as the picker chooses, one choice at a time; asked-for compactions of a range go first. */
import type { JobOutcome } from '../../runtime/jobs.ts';
import { type Choice, choiceSpan, inputTables, type MergeChoice, NO_CHOICE } from '../compaction/choice.ts';
import { type KeySpan, spanOf } from '../compaction/key-ranges.ts';
import { compactionDebt } from '../compaction/level-targets.ts';
import type { RunningMerge } from '../compaction/levels.ts';
import { type PlannedTable, planMerge } from '../compaction/merge-plan.ts';
import { choose, chooseManual, PICKER_DEFAULTS, type PickerOptions } from '../compaction/picker.ts';
import { LEVEL_0, OTHER, type ScheduledJob, type WorkTicket } from '../compaction/scheduler.ts';
import { StorageError } from '../errors.ts';
import { compareWhole, KEY_BYTES_MAX } from '../key.ts';
import type { TableMeta } from '../manifest/version-edit.ts';
import type { WriteDone } from './api.ts';
import type { EngineParts } from './engine-parts.ts';
import { mergedOf, mergeInput, openOutputs } from './merge-run.ts';
import type { OpenTable } from './open-table.ts';

const RETRY_MS = 1_000;
/** Tables of the next level that a table may overlap, of its own size. */
const OVERLAP_TABLES = 10;

interface ManualCompaction {
  readonly span: KeySpan;
  /** Its merge was chosen. One takes all that is in the span; what a snapshot then still needs would be merged for ever. */
  begun: boolean;
  readonly done: WriteDone;
}

export class Compactor {
  readonly #parts: EngineParts;
  #running: RunningMerge | undefined;
  #ticket: WorkTicket | undefined;
  #cancelRetry: (() => void) | undefined;
  #manual: ManualCompaction[] = [];
  merges = 0;
  moves = 0;
  readBytes = 0;
  writtenBytes = 0;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** Begins what is due, unless something is under way. */
  pump(): void {
    if (this.#running !== undefined || this.#ticket !== undefined || this.#parts.isClosing || this.#cancelRetry !== undefined) return;
    const choice = this.#choose();
    if (choice.kind === 'none') return;
    const workClass = choice.kind === 'merge' && choice.inputs[0]!.level > 0 ? OTHER : LEVEL_0;
    let chosen: MergeChoice | undefined;
    this.#ticket = this.#parts.scheduler.submit(workClass, choice.kind === 'merge' ? choice.score : 1, {
      begin: () => {
        // By its turn something else may be due.
        const now = this.#choose();
        if (now.kind === 'merge' && !this.#parts.isClosing) {
          chosen = now;
          const [manual] = this.#manual;
          if (manual !== undefined) manual.begun = true;
          this.#parts.beginWork();
          return this.#job(now);
        }
        this.#ticket = undefined;
        if (!this.#parts.isClosing) this.#edit(now);
        return undefined;
      },
      ended: (outcome) => {
        this.#ticket = undefined;
        if (chosen !== undefined) this.#ended(chosen, outcome);
      },
    });
  }

  /** Merges all that has keys in [lower, upper) into the last level. Errors: CANCELLED, IO, CORRUPTION. */
  compactRange(lower: Uint8Array | undefined, upper: Uint8Array | undefined, done: WriteDone): void {
    if (this.#parts.isClosing) {
      this.#parts.doors.timers.soon(() => done(closedBefore()));
      return;
    }
    const smallest = lower ?? new Uint8Array(0);
    const largest = upper ?? new Uint8Array(KEY_BYTES_MAX).fill(0xff);
    if (compareWhole(smallest, largest) > 0) {
      this.#parts.doors.timers.soon(() => done(undefined));
      return;
    }
    this.#manual.push({ span: { smallest, largest }, begun: false, done });
    this.pump();
  }

  /** Bytes that merges would read until nothing is due. */
  get debtBytes(): number {
    return compactionDebt(this.#levels(), this.#pickerOptions());
  }

  close(): void {
    this.#cancelRetry?.();
    this.#ticket?.cancel();
    this.failManual(closedBefore());
  }

  #choose(): Choice {
    const levels = this.#levels();
    for (;;) {
      const manual = this.#manual[0];
      if (manual === undefined) return choose(levels, this.#pickerOptions());
      const choice = manual.begun ? NO_CHOICE : chooseManual(levels, manual.span);
      if (choice.kind !== 'none') return choice;
      this.#manual.shift();
      this.#parts.whenTablesGone(() => manual.done(undefined));
    }
  }

  #pickerOptions(): PickerOptions {
    const { options, snapshots, versions } = this.#parts;
    return {
      ...PICKER_DEFAULTS,
      baseBytes: options.levelBytes,
      grandparentBytesMax: OVERLAP_TABLES * options.tableBytes,
      oldestSnapshot: snapshots.list()[0] ?? Number.POSITIVE_INFINITY,
      rangeDeletes: versions.current.rangeDeletes,
      filterDrops: undefined,
    };
  }

  #levels(): { readonly levels: readonly (readonly PlannedTable[])[]; readonly running: readonly RunningMerge[] } {
    const levels = this.#parts.versions.current.levels.map((level) => level.map(plannedTable));
    return { levels, running: this.#running === undefined ? [] : [this.#running] };
  }

  #job(choice: MergeChoice): ScheduledJob {
    const { options, scheduler } = this.#parts;
    const { placeCount, ...plan } = planMerge(this.#levels(), choice, {
      targetBytes: options.tableBytes,
      boundaries: [],
      grandparentBytesMax: OVERLAP_TABLES * options.tableBytes,
    });
    this.#running = { tables: inputTables(choice).map(({ number }) => number), outputLevel: choice.outputLevel, span: choiceSpan(choice) };
    return mergeInput(this.#parts, { ...plan, memtables: [], throttle: scheduler.throttle, placeCount, note: choice.reason });
  }

  #ended(choice: MergeChoice, outcome: JobOutcome): void {
    openOutputs(this.#parts, outcome, choice.outputLevel, (opened) => {
      this.#parts.endWork();
      if (!opened.ok) {
        this.#failed(opened.error);
        return;
      }
      const merged = mergedOf(outcome);
      if (merged.ok) {
        this.merges++;
        this.writtenBytes += merged.value.writtenBytes;
        this.readBytes += inputTables(choice).reduce((sum, { bytes }) => sum + bytes, 0);
      }
      const removed = choice.inputs.flatMap(({ level, tables }) => tables.map(({ number }) => ({ level, number })));
      this.#change(removed, opened.value);
    });
  }

  /** What needs no merge. */
  #edit(choice: Choice): void {
    if (choice.kind === 'move') {
      const { table, from, to } = choice;
      const { reader } = this.#open(table.number);
      const moved: OpenTable = { meta: { ...this.#meta(table.number), level: to }, reader };
      this.#running = { tables: [table.number], outputLevel: to, span: table };
      this.moves++;
      this.#change([{ level: from, number: table.number }], [moved]);
    } else if (choice.kind === 'drop') {
      const tables = choice.tables.map(({ table }) => table);
      this.#running = { tables: tables.map(({ number }) => number), outputLevel: 0, span: spanOf(tables) };
      this.#change(
        choice.tables.map(({ level, table }) => ({ level, number: table.number })),
        [],
      );
    }
  }

  #change(removed: readonly { readonly level: number; readonly number: number }[], opened: readonly OpenTable[]): void {
    const { edits, versions } = this.#parts;
    const added = opened.map(({ meta }) => meta);
    if (this.#parts.options.mutants.has('unlinkBeforeEdit')) this.#parts.removeEarly(removed, added);
    edits.add(
      () => {
        const { logNumber, lastSequence } = versions.current.state;
        return { logNumber, lastSequence, removed, added };
      },
      opened,
      () => {
        this.#running = undefined;
        this.#parts.onCompacted();
        this.pump();
      },
    );
  }

  #failed(error: StorageError): void {
    this.#running = undefined;
    if (this.#parts.isClosing) return;
    this.#parts.doors.log.error('compactionFailed', { error });
    this.failManual(error);
    this.#cancelRetry = this.#parts.doors.timers.after(RETRY_MS, () => {
      this.#cancelRetry = undefined;
      this.pump();
    });
  }

  /** Tells those who asked for a compaction. */
  failManual(error: StorageError): void {
    const manual = this.#manual;
    this.#manual = [];
    for (const { done } of manual) this.#parts.doors.timers.soon(() => done(error));
  }

  #meta(number: number): TableMeta {
    return this.#open(number).meta;
  }

  #open(number: number): OpenTable {
    return this.#parts.versions.table(number)!;
  }
}

function closedBefore(): StorageError {
  return new StorageError('CANCELLED', 'the database was closed before the compaction ended');
}

function plannedTable({ meta, reader }: OpenTable): PlannedTable {
  return { ...meta, deletes: reader.properties.deletes };
}
