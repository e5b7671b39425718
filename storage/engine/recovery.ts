/** Replays the commit log: each segment becomes a full memtable, its file's content the arena. */
import type { FileSystem } from '../../runtime/files.ts';
import { type StorageDone, StorageError } from '../errors.ts';
import type { PreviousSegment } from '../log/group.ts';
import { GROUP_HEADER_BYTES } from '../log/log-format.ts';
import { type LogReading, readLog, type SegmentBytes } from '../log/log-reader.ts';
import { logName } from '../manifest/file-names.ts';
import { ARENA_BYTES_MAX, ARENA_BYTES_MIN, Arena } from '../memtable/arena.ts';
import { Memtable } from '../memtable/memtable.ts';
import { forEach, ioError, readInto } from './file-steps.ts';
import { LoggedMemtable } from './memory.ts';

export interface RecoveryOptions {
  readonly files: FileSystem;
  readonly dir: string;
  /** Of segments, ascending. */
  readonly numbers: readonly number[];
  readonly logNumber: number;
  readonly dbUid: Uint8Array;
  /** Of any record in a table. */
  readonly lastSequence: number;
  readonly mutants: ReadonlySet<string>;
}

export interface Recovered {
  /** Newest first; without those that hold nothing. */
  readonly memtables: readonly LoggedMemtable[];
  /** Of the newest record; 0: none. */
  readonly lastSequence: number;
  readonly end: LogReading['end'];
  /** The last segment with records: what the next one follows. Those behind it hold nothing, and go. Undefined: there is none. */
  readonly last: PreviousSegment | undefined;
  /** Segments that the log needs until their records are in tables, those without records among them too: each names the one before it. */
  readonly numbers: ReadonlySet<number>;
  /** Of the segments that were replayed. */
  readonly paths: readonly string[];
}

interface Loaded extends SegmentBytes {
  readonly arena: Arena;
}

/** Errors: IO, CORRUPTION, UNKNOWN_FORMAT. Cost: a read and a pass over each segment. */
export function recoverLog(options: RecoveryOptions, done: StorageDone<Recovered>): void {
  forEach<number, Loaded>(
    options.numbers,
    1,
    (number, loaded) => load(options, number, loaded),
    (result) => {
      if (!result.ok) return done(result);
      try {
        done({ ok: true, value: replay(options, result.value) });
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        done({ ok: false, error });
      }
    },
  );
}

function load({ files, dir }: RecoveryOptions, number: number, done: StorageDone<Loaded>): void {
  const file = `${dir}/${logName(number)}`;
  files.stat(file, (stat) => {
    if (!stat.ok) return done({ ok: false, error: ioError('recover', stat.error) });
    const { size } = stat.value;
    if (size > ARENA_BYTES_MAX) {
      const place = { file, offset: ARENA_BYTES_MAX, expected: `a segment of at most ${ARENA_BYTES_MAX} bytes`, found: `${size} bytes` };
      return done({ ok: false, error: new StorageError('CORRUPTION', `${file}: expected ${place.expected}, found ${size}`, { place }) });
    }
    const arena = new Arena(Math.max(ARENA_BYTES_MIN, Math.ceil(size / 4) * 4));
    readInto(files, file, arena.bytes.subarray(0, size), (read) => {
      if (read.ok) done({ ok: true, value: { number, file, bytes: read.value, arena } });
      else done(read);
    });
  });
}

function replay(options: RecoveryOptions, sources: readonly Loaded[]): Recovered {
  const reading = readLog(sources, options.logNumber, options.dbUid, options.mutants);
  const memtables: LoggedMemtable[] = [];
  let lastSequence = 0;
  let last: PreviousSegment | undefined;
  for (const { source, reading: segment } of reading.segments) {
    const { arena, number, file } = source as Loaded;
    if (segment.opening === undefined || segment.groups.length === 0) continue;
    const table = new Memtable(arena, segment.opening.baseSequence);
    for (const group of segment.groups) {
      let at = group.offset + GROUP_HEADER_BYTES;
      while (at < group.end) at = table.indexRecord(at, group.end, file);
      lastSequence = group.firstSequence + group.count - 1;
    }
    memtables.unshift(new LoggedMemtable(table, number));
    if (segment.end.kind !== 'corruption') last = { number, uid: segment.header.uid, end: segment.end.offset, synced: segment.synced };
  }
  const lastNumber = last?.number ?? 0;
  const numbers = reading.segments.map(({ source }) => source.number).filter((number) => number <= lastNumber);
  return {
    memtables,
    lastSequence,
    end: reading.end,
    last,
    numbers: new Set(numbers),
    paths: reading.segments.map(({ source }) => source.file),
  };
}
