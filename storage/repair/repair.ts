/**
 * Repair of a database that doesn't open, or that a scrub finds damaged. Synchronous; the caller holds the database's lock.
 *
 * What says which tables there are decides how much is known:
 * - the manifest is whole: tables stay where it has them; of a damaged one what is readable takes its place, of a damaged log a new table of level 0;
 * - it is not: all tables that are there count, and all records of the log. Those that share keys are merged, since sequences say which of two versions is
 *   newer, but no order of whole tables would. What was deleted is back where the deletion is gone and the table with the old value is not.
 *
 * Nothing is deleted: what is taken out goes into `lost/`. Order: new tables, links in `lost/`, manifest, CURRENT, old names. A crash between leaves the
 * database as it was, or repaired.
 */
import type { Clock, Random } from '../../runtime/doors.ts';
import type { SyncFileSystem } from '../../runtime/files.ts';
import { Codecs } from '../codec.ts';
import type { MergedTable } from '../compaction/output-tables.ts';
import type { ScrubbedFile } from '../engine/scrubbed-file.ts';
import type { CorruptionPlace } from '../errors.ts';
import { CURRENT_NAME, logName, manifestName, tableName } from '../manifest/file-names.ts';
import type { TableMeta } from '../manifest/version-edit.ts';
import { VersionState } from '../manifest/version-state.ts';
import { type Cluster, clustersOf } from './clusters.ts';
import { LOST_NAME, LostFiles } from './lost-files.ts';
import type { RepairLine, RepairResult } from './repair-report.ts';
import { type RewriteDoors, randomUid, rewrite } from './rewrite.ts';
import { type SalvagedSegment, salvageLog } from './salvage-log.ts';
import { type Survey, type SurveyedTable, survey } from './survey.ts';
import { writeManifest } from './write-manifest.ts';

export interface RepairOptions {
  readonly files: SyncFileSystem;
  readonly clock: Clock;
  readonly random: Random;
  /** Absolute. */
  readonly dir: string;
  /** Says what would be done, and does nothing. */
  readonly dryRun: boolean;
  readonly report: (line: RepairLine) => void;
}

/** The last level that an engine uses: nothing there is merged for its level's sake. */
const LAST_LEVEL = 6;

/** Errors: NOT_FOUND, UNKNOWN_FORMAT, IO. After an error the database is as it was. Idempotent. */
export function repair(options: RepairOptions): RepairResult {
  return new Repair(options).run();
}

class Repair {
  readonly #options: RepairOptions;
  readonly #survey: Survey;
  readonly #doors: RewriteDoors;
  /** Names of files that are taken out. */
  readonly #out: string[] = [];
  readonly #tables: TableMeta[] = [];
  #nextNumber: number;
  #lossy = false;

  constructor(options: RepairOptions) {
    const { files, clock, random, dir } = options;
    const codecs = new Codecs();
    this.#options = options;
    this.#survey = survey(files, dir, codecs);
    const numbers = this.#survey.found.flatMap(({ parsed }) => ('number' in parsed ? [parsed.number] : []));
    this.#nextNumber = Math.max(this.#survey.known?.state.nextFileNumber ?? 1, ...numbers.map((number) => number + 1));
    this.#doors = { files, clock, random, dir, codecs, nextNumber: () => this.#nextNumber++ };
  }

  run(): RepairResult {
    const { known, manifestDamages, tables, missing, logDamage } = this.#survey;
    for (const file of manifestDamages) this.#sayManifest(file);
    for (const number of missing) this.#say('lost', tableName(number), 'the manifest has it, the directory has not');
    if (missing.length > 0) this.#lossy = true;
    const isWhole =
      known !== undefined && missing.length === 0 && logDamage === undefined && tables.every(({ damaged }) => damaged === undefined);
    if (isWhole && manifestDamages.length === 0) {
      this.#say('note', '', 'nothing is damaged');
      return { changed: false, lossy: false };
    }
    if (known === undefined) this.#rebuild();
    else this.#mend(logDamage);
    return { changed: true, lossy: this.#lossy };
  }

  /** The state is known. */
  #mend(logDamage: CorruptionPlace | undefined): void {
    const { tables, known } = this.#survey;
    const state = known?.state ?? VersionState.empty;
    for (const table of tables) this.#mendTable(table);
    let { logNumber, lastSequence } = state;
    if (logDamage !== undefined) {
      const { file, offset, expected, found } = logDamage;
      this.#say('note', '', `commit log: ${file} at ${offset}: expected ${expected}, found ${found}`);
      const segments = this.#salvageLog();
      const memtables = segments.flatMap(({ table }) => (table === undefined ? [] : [table])).toReversed();
      if (memtables.length > 0) this.#rewrite({ memtables, tables: [], keepsDeletions: true }, 0);
      logNumber = Math.max(logNumber, ...segments.map(({ source }) => source.number + 1));
      lastSequence = Math.max(lastSequence, ...segments.map((segment) => segment.lastSequence));
    }
    this.#finish(logNumber, lastSequence);
  }

  #mendTable(table: SurveyedTable): void {
    const { meta, damaged } = table;
    if (meta === undefined) return;
    if (damaged === undefined) {
      this.#tables.push(meta);
      return;
    }
    this.#sayDamaged(table);
    if (damaged.salvaged !== undefined) this.#rewrite({ memtables: [], tables: [table], keepsDeletions: true }, meta.level);
  }

  /** Nothing says which tables make up the database: all do. */
  #rebuild(): void {
    const { tables, segments } = this.#survey;
    this.#lossy = true;
    this.#say(
      'note',
      '',
      'no manifest can be read: the database is built from the tables and log segments that are there. What was deleted is back',
    );
    this.#say('note', '', 'where the deletion, or the table that had it, is gone; what was in tables that are gone is missing');
    for (const table of tables) if (table.damaged !== undefined) this.#sayDamaged(table);
    const salvaged = this.#salvageLog();
    for (const cluster of clustersOf(tables, salvaged)) this.#mergeCluster(cluster);
    const sequences = [
      ...this.#tables.map(({ largestSequence }) => largestSequence),
      ...salvaged.map(({ lastSequence }) => lastSequence),
      0,
    ];
    const tableSequences = tables.map(({ meta }) => meta?.largestSequence ?? 0);
    const logNumber = Math.max(0, ...segments.map(({ number }) => number + 1));
    this.#finish(
      logNumber,
      sequences.concat(tableSequences).reduce((a, b) => Math.max(a, b)),
    );
  }

  #mergeCluster({ tables, memtables }: Cluster): void {
    const [only] = tables;
    if (memtables.length === 0 && tables.length === 1 && only?.meta !== undefined && only.damaged === undefined) {
      this.#tables.push({ ...only.meta, level: LAST_LEVEL });
      this.#say('kept', tableName(only.number), `${only.meta.entries} entries; no other table has its keys`);
      return;
    }
    for (const { number, damaged, meta } of tables) {
      if (damaged !== undefined) continue;
      this.#out.push(tableName(number));
      this.#say('merged', tableName(number), `${meta?.entries ?? 0} entries, with what has the same keys`);
    }
    this.#rewrite({ memtables, tables, keepsDeletions: false }, LAST_LEVEL);
  }

  #rewrite(inputs: Parameters<typeof rewrite>[1], level: number): void {
    if (this.#options.dryRun) return;
    for (const made of rewrite(this.#doors, inputs)) {
      this.#tables.push(metaOf(made, level));
      this.#say('made', tableName(made.number), `${made.entries} entries, ${made.bytes} bytes`);
    }
  }

  #salvageLog(): readonly SalvagedSegment[] {
    const salvaged = salvageLog(this.#survey.segments);
    for (const { source, records, holes, lastSequence } of salvaged) {
      const name = logName(source.number);
      this.#out.push(name);
      const lost = holes.map(({ offset, end }) => `${end - offset} bytes at ${offset}`).join(', ');
      if (holes.length > 0) this.#lossy = true;
      if (records > 0)
        this.#say('salvaged', name, `${records} records up to sequence ${lastSequence}${lost === '' ? '' : `; lost: ${lost}`}`);
      else this.#say('lost', name, 'it has no record that can be read');
    }
    if (this.#survey.logDamage !== undefined) this.#lossy = true;
    return salvaged;
  }

  #sayManifest({ file, damage }: ScrubbedFile): void {
    const name = file.slice(this.#options.dir.length + 1);
    if (damage === undefined) return;
    this.#say('lost', name, `at ${damage.offset}: expected ${damage.expected}, found ${damage.found}`);
    if (this.#survey.found.some((each) => each.name === name)) this.#out.push(name);
  }

  #sayDamaged({ number, damaged }: SurveyedTable): void {
    if (damaged === undefined) return;
    const name = tableName(number);
    const { salvaged, check } = damaged;
    this.#out.push(name);
    if (salvaged?.complete !== true) this.#lossy = true;
    if (salvaged === undefined) {
      this.#say(
        'lost',
        name,
        `nothing of it can be read: at ${check.damage?.offset ?? 0} expected ${check.damage?.expected ?? ''}, found ${check.damage?.found ?? ''}`,
      );
      return;
    }
    const { blocks, index, damages } = salvaged;
    this.#say('salvaged', name, `${blocks.length} of ${index.count} blocks`);
    for (const { offset, expected, found } of damages) this.#say('note', name, `at ${offset}: expected ${expected}, found ${found}`);
  }

  #finish(logNumber: number, lastSequence: number): void {
    const { dryRun, files, dir, random } = this.#options;
    const { known, found } = this.#survey;
    const names = [...new Set(this.#out)];
    if (dryRun) {
      this.#say('note', '', `nothing was changed; ${names.length} files would go to ${LOST_NAME}/`);
      return;
    }
    for (const { name, parsed } of found) {
      // Manifests that don't count any more, also those that can be read.
      if ((parsed.kind === 'manifest' || name === CURRENT_NAME) && !names.includes(name)) names.push(name);
    }
    const number = this.#doors.nextNumber();
    const state = VersionState.empty.apply({
      kind: 'snapshot',
      nextFileNumber: this.#nextNumber,
      logNumber,
      lastSequence,
      removed: [],
      added: this.#tables,
      options: known?.state.options ?? '',
    });
    const lost = new LostFiles(files, dir);
    lost.link(names);
    writeManifest(files, dir, { number, uid: randomUid(random), dbUid: known?.header.dbUid ?? randomUid(random) }, state);
    lost.unlink();
    this.#say('made', manifestName(number), `${this.#tables.length} tables; ${names.length} files are in ${LOST_NAME}/ now`);
  }

  #say(verdict: RepairLine['verdict'], file: string, text: string): void {
    this.#options.report({ verdict, file, text });
  }
}

function metaOf(made: MergedTable, level: number): TableMeta {
  const { number, uid, bytes, entries, rangeDeletes, smallest, largest, smallestSequence, largestSequence, createdMs } = made;
  return { level, number, uid, bytes, entries, rangeDeletes, smallest, largest, smallestSequence, largestSequence, createdMs };
}
