/** A commit log over a fake disk, with as little of a memtable as it needs. */
import { SeededRandom } from '../../../runtime/random.ts';
import type { Durability } from '../../../storage/engine/api.ts';
import type { StorageError } from '../../../storage/errors.ts';
import { InlinePolicy } from '../../../storage/inline-policy.ts';
import { CommitLog } from '../../../storage/log/commit-log.ts';
import type { CommitLogOptions } from '../../../storage/log/commit-log-options.ts';
import { InlineWrites } from '../../../storage/log/inline-writes.ts';
import type { LogArena } from '../../../storage/log/log-arena.ts';
import { type LogReading, readLog, type SegmentBytes } from '../../../storage/log/log-reader.ts';
import { parseFileName } from '../../../storage/manifest/file-names.ts';
import { PUT, RECORD_HEADER_BYTES, recordBytes } from '../../../storage/record.ts';
import { FakeFiles, FakeTimers } from '../fake-files.ts';

export const DIR = '/db';
export const DB_UID = Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex');

export class TestMemtable implements LogArena {
  readonly arena: { readonly bytes: Buffer };
  readonly base: number;
  length = 0;

  constructor(bytes: number, base: number) {
    this.arena = { bytes: Buffer.alloc(bytes, 0xee) };
    this.base = base;
  }

  reserve(bytes: number): number {
    const at = this.length;
    if (at + bytes > this.arena.bytes.length) return -1;
    this.arena.bytes.fill(0, at, at + bytes);
    this.length += bytes;
    return at;
  }

  /** Returns false when there is no room. */
  put(sequence: number, key: string, value: string): boolean {
    const at = this.reserve(recordBytes(key.length, value.length));
    if (at < 0) return false;
    const { bytes } = this.arena;
    bytes.writeUInt32LE(sequence - this.base, at + 4);
    bytes.writeUInt32LE(PUT | (key.length << 4), at + 8);
    bytes.writeUInt32LE(value.length, at + 12);
    bytes.write(key + value, at + RECORD_HEADER_BYTES, 'latin1');
    return true;
  }
}

export interface LogWorldOptions {
  readonly files?: FakeFiles;
  readonly mutants?: readonly string[];
  readonly arenaBytes?: number;
  readonly recycledMax?: number;
  readonly previous?: CommitLogOptions['previous'];
  readonly sequence?: number;
  readonly number?: number;
  readonly seed?: number;
  /** Writes that nobody waits for are inline, and take so long; undefined: none are. */
  readonly inlineWriteMs?: number;
}

export class LogWorld {
  readonly files: FakeFiles;
  readonly timers = new FakeTimers();
  readonly log: CommitLog;
  readonly arenaBytes: number;
  memtable: TestMemtable;
  /** Of the last record. */
  sequence: number;
  /** `key` acknowledged, `key!CODE` failed. */
  readonly acks: string[] = [];
  readonly spares: (StorageError | undefined)[] = [];
  readonly poisons: StorageError[] = [];
  #number: number;

  constructor(options: LogWorldOptions = {}) {
    this.files = options.files ?? new FakeFiles();
    this.arenaBytes = options.arenaBytes ?? 2_048;
    this.sequence = options.sequence ?? 0;
    this.#number = options.number ?? 1;
    this.log = new CommitLog({
      inline: options.inlineWriteMs === undefined ? undefined : this.#inlineWrites(options.inlineWriteMs),
      files: this.files,
      timers: this.timers,
      random: new SeededRandom(options.seed ?? 1),
      dir: DIR,
      dbUid: DB_UID,
      arenaBytes: this.arenaBytes,
      recycledMax: options.recycledMax ?? 0,
      nextNumber: () => this.#number++,
      periodMs: 100,
      idleMs: 1_000,
      retryMs: 500,
      previous: options.previous,
      onSpare: (error) => this.spares.push(error),
      onPoisoned: (error) => this.poisons.push(error),
      mutants: new Set(options.mutants),
    });
    this.memtable = new TestMemtable(this.arenaBytes, this.sequence);
    this.settle();
    this.rotate();
    this.settle();
    this.files.history.length = 0;
  }

  /** Its clock moves with each second look: the writes of the log look before and after. */
  #inlineWrites(tookMs: number): InlineWrites {
    let looks = 0;
    return new InlineWrites(new InlinePolicy({ allowanceMs: 1 }), { now: () => Math.floor(++looks / 2) * tookMs, wall: () => 0 });
  }

  rotate(): number {
    this.memtable = new TestMemtable(this.arenaBytes, this.sequence);
    return this.log.rotate(this.memtable, this.sequence, this.sequence + 1);
  }

  /** One write of one record. Returns false when the arena is full. */
  put(key: string, durability: Durability = 'sync', value = 'value'): boolean {
    if (!this.memtable.put(this.sequence + 1, key, value)) return false;
    this.sequence++;
    this.log.enqueue(1, durability, (error) => this.acks.push(error === undefined ? key : `${key}!${error.code}`));
    return true;
  }

  /** Runs until nothing is left to do now. */
  settle(): void {
    while (this.timers.runSoon() || this.files.step());
  }

  /** As `settle`, of `calls` calls to the file system at most. */
  steps(calls: number): void {
    while (this.timers.runSoon());
    for (let i = 0; i < calls; i++) {
      this.files.step();
      while (this.timers.runSoon());
    }
  }

  close(): (StorageError | undefined)[] {
    const outcome: (StorageError | undefined)[] = [];
    this.log.close((error) => outcome.push(error));
    this.settle();
    return outcome;
  }
}

export function segmentsOf(files: FakeFiles, logNumber = 1): SegmentBytes[] {
  return files.names().flatMap((file) => {
    const name = parseFileName(file);
    if (name.kind !== 'log' || name.number < logNumber) return [];
    return [{ number: name.number, file, bytes: Buffer.from(files.content(`${DIR}/${file}`)) }];
  });
}

export function recover(files: FakeFiles, logNumber = 1, mutants: readonly string[] = []): LogReading {
  return readLog(segmentsOf(files, logNumber), logNumber, DB_UID, new Set(mutants));
}

/** Keys of all records, in order. */
export function keysOf(reading: LogReading): string[] {
  return reading.segments.flatMap(({ source: { bytes }, reading: { groups } }) =>
    groups.flatMap((group) => {
      const keys: string[] = [];
      let at = group.offset + 36;
      for (let i = 0; i < group.count; i++) {
        const keyBytes = bytes.readUInt32LE(at + 8) >>> 4;
        keys.push(bytes.toString('latin1', at + RECORD_HEADER_BYTES, at + RECORD_HEADER_BYTES + keyBytes));
        at += recordBytes(keyBytes, bytes.readUInt32LE(at + 12));
      }
      return keys;
    }),
  );
}
