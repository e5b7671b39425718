/** A small closed database in memory, damage to it, and what an engine makes of that. */
import { SeededRandom } from '../../../runtime/random.ts';
import type { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import { type Entry, LATER } from '../../../storage/engine/api.ts';
import type { Engine } from '../../../storage/engine/engine.ts';
import type { EngineOptions } from '../../../storage/engine/options.ts';
import { type StorageDone, StorageError } from '../../../storage/errors.ts';
import { readSegment } from '../../../storage/log/segment-reader.ts';
import { WriteBatch } from '../../../storage/write-batch.ts';
import { type Change, ModelState } from './sorted-model.ts';
import { SimWorld } from './worlds.ts';

const DIR = '/data/db';
const NO_COST = { minUs: 0, maxUs: 0 };
const OPTIONS: EngineOptions = {
  memtableBytes: 128 * 1_024,
  tableBytes: 16 * 1_024,
  levelBytes: 64 * 1_024,
  blockBytes: 1_024,
  cacheBytes: 1 << 20,
};

export interface StoredFile {
  readonly path: string;
  readonly kind: 'table' | 'log' | 'manifest' | 'current';
  readonly bytes: number;
  /** Of a segment: where what it holds ends; damage before it must be reported. Of others: all. */
  readonly usedBytes: number;
}

export interface Sample {
  readonly disk: SimDisk;
  readonly files: readonly StoredFile[];
  readonly state: ModelState;
  /** What it was after each write, oldest first. */
  readonly states: readonly ModelState[];
  /** Keys that are there, and such as are not. */
  readonly keys: readonly Buffer[];
}

export type Verdict =
  /** All answers are right. */
  { readonly kind: 'right' } | { readonly kind: 'reported'; readonly code: string } | { readonly kind: 'wrong'; readonly what: string };

/** Tables at two levels, compressed and not, with deletes and a range delete; and a segment of the log. Some 64 KiB. */
export function makeSample(mutants: ReadonlySet<string> = new Set()): Sample {
  const world = new SimWorld('sample', { cost: NO_COST });
  const random = new SeededRandom('damage');
  let state = ModelState.empty;
  const states = [state];
  const key = (i: number): Buffer => Buffer.from(`key/${String(i).padStart(4, '0')}`);
  const value = (): Buffer => Buffer.from(Array.from({ length: 100 + random.below(200) }, () => random.below(256)));
  const write = (engine: Engine, changes: readonly Change[]): void => {
    for (const change of changes) {
      const done = (error: StorageError | undefined): void => {
        if (error !== undefined) throw error;
      };
      if (change.kind === 'put') engine.put(change.key, change.value, 'sync', done);
      else if (change.kind === 'delete') engine.delete(change.key, 'sync', done);
      else engine.deleteRange(change.key, change.end, 'sync', done);
      state = state.with([change]);
      states.push(state);
    }
    call(world, (done) => engine.write(new WriteBatch().delete(key(999)), 'sync', done));
  };
  const some = (from: number, to: number, step: number): Change[] =>
    Array.from({ length: Math.floor((to - from) / step) }, (_, i): Change => ({ kind: 'put', key: key(from + i * step), value: value() }));

  let engine = opened(world, { ...OPTIONS, mutants });
  write(engine, some(0, 400, 2));
  call(world, (done) => engine.compact({}, done));
  write(engine, [...some(1, 150, 3), { kind: 'deleteRange', key: key(350), end: key(360) }]);
  call(world, (done) => engine.flush(done));
  call(world, (done) => engine.close(done));
  engine = opened(world, { ...OPTIONS, codec: 'deflate', mutants });
  write(engine, [
    { kind: 'delete', key: key(10) },
    ...some(200, 300, 1).map((change): Change => ({ ...change, kind: 'put', value: Buffer.alloc(120, change.key) })),
  ]);
  call(world, (done) => engine.flush(done));
  write(engine, [...some(100, 130, 1), { kind: 'delete', key: key(20) }]);
  write(engine, some(300, 330, 1));
  call(world, (done) => engine.close(done));
  return { disk: world.disk, files: filesOf(world.disk), state, states, keys: Array.from({ length: 410 }, (_, i) => key(i)) };
}

export interface ExamineOptions {
  /** Opens it for writing, on a clone, and merges all of it, too. */
  readonly rewrite?: boolean;
  /** Which keys are read singly: those of `keys` whose index modulo `of` is `part`. Default: all. */
  readonly part?: { readonly part: number; readonly of: number };
  readonly mutants?: ReadonlySet<string>;
}

/** Reads all there is, by key and in order both ways. */
export function examine(sample: Sample, disk: SimDisk, options: ExamineOptions = {}): Verdict {
  const { rewrite = false, mutants = new Set<string>(), part = { part: 0, of: 1 } } = options;
  const world = new SimWorld('examine', { disk: rewrite ? disk.clone() : disk, cost: NO_COST });
  const wrong: string[] = [];
  let reported: string | undefined;
  const result = world.open(DIR, { ...OPTIONS, mutants, createIfMissing: false, readOnly: !rewrite });
  const keys = sample.keys.filter((_, i) => i % part.of === part.part);
  if (result.ok) {
    const engine = result.value;
    const read = (): void => {
      reported = readAll(world, engine, { ...sample, keys }, wrong) ?? reported;
    };
    read();
    if (rewrite) {
      const error = call(world, (done) => engine.compact({}, done));
      reported = error?.code ?? reported;
      read();
    }
    const error = call(world, (done) => engine.close(done));
    reported = error?.code ?? reported;
  } else reported = result.error.code;
  if (world.openFiles.length > 0) wrong.push(`left open: ${world.openFiles.join(', ')}`);
  if (reported === 'IO' || reported === 'CLOSED' || reported === 'CANCELLED') wrong.push(`reported as ${reported}`);
  if (wrong.length > 0) return { kind: 'wrong', what: wrong[0]! };
  return reported === undefined ? { kind: 'right' } : { kind: 'reported', code: reported };
}

/** The code of what was reported. */
function readAll(world: SimWorld, engine: Engine, { state, keys }: Sample, wrong: string[]): string | undefined {
  let reported: string | undefined;
  for (const key of keys) {
    const value = read<Uint8Array | undefined>(world, (done) => engine.get(key, undefined, done));
    if (value instanceof StorageError) reported = value.code;
    else if (!same(value, state.get(key))) wrong.push(`get ${key.toString()}: got ${value === undefined ? 'nothing' : 'another value'}`);
  }
  for (const reverse of [false, true]) {
    const expected = state.entries({}, reverse);
    const iterator = engine.iterator({ reverse });
    for (let at = 0; ; ) {
      const entries = read<readonly Entry[]>(world, (done) => iterator.next(64, 1 << 20, done));
      if (entries instanceof StorageError) {
        reported = entries.code;
        break;
      }
      const bad = entries.findIndex((entry, i) => !same(entry.key, expected[at + i]?.key) || !same(entry.value, expected[at + i]?.value));
      at += entries.length;
      if (bad >= 0) wrong.push(`scan: a wrong entry at ${at - entries.length + bad}`);
      else if (entries.length === 0 && at < expected.length) wrong.push(`scan: ended after ${at} of ${expected.length} entries`);
      if (entries.length === 0 || bad >= 0) break;
    }
    iterator.close();
  }
  return reported;
}

function read<T>(world: SimWorld, start: (done: StorageDone<T>) => T | typeof LATER): T | StorageError {
  let answer: { readonly value: T | StorageError } | undefined;
  try {
    const now = start((result) => {
      answer = { value: result.ok ? result.value : result.error };
    });
    if (now !== LATER) return now;
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
  world.run(() => answer !== undefined);
  return answer!.value;
}

function call(world: SimWorld, start: (done: (error: StorageError | undefined) => void) => void): StorageError | undefined {
  let answer: { readonly error: StorageError | undefined } | undefined;
  start((error) => {
    answer = { error };
  });
  world.run(() => answer !== undefined);
  return answer!.error;
}

function opened(world: SimWorld, options: EngineOptions): Engine {
  const result = world.open(DIR, options);
  if (!result.ok) throw result.error;
  return result.value;
}

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
}

export function contentOf(disk: SimDisk, path: string): Buffer {
  const node = disk.find('read', path);
  if (node.kind === 'directory') throw new Error(`${path}: expected a file`);
  const content = Buffer.alloc(node.now.length);
  node.now.read(content, 0);
  return content;
}

/** Replaces what the file holds, durably. */
export function overwrite(disk: SimDisk, path: string, content: Buffer): void {
  const node = disk.find('write', path);
  if (node.kind === 'directory') throw new Error(`${path}: expected a file`);
  node.truncate(0);
  node.write([content], 0);
  node.sync(Number.POSITIVE_INFINITY);
}

function filesOf(disk: SimDisk): StoredFile[] {
  const node = disk.find('readdir', DIR);
  if (node.kind !== 'directory') throw new Error('expected a directory');
  return [...node.now.keys()].sort().flatMap((name): StoredFile[] => {
    const path = `${DIR}/${name}`;
    const content = contentOf(disk, path);
    const bytes = content.length;
    if (name === 'LOCK') return [];
    if (name === 'CURRENT') return [{ path, kind: 'current', bytes, usedBytes: bytes }];
    if (name.endsWith('.sst')) return [{ path, kind: 'table', bytes, usedBytes: bytes }];
    if (name.startsWith('MANIFEST')) return [{ path, kind: 'manifest', bytes, usedBytes: bytes }];
    const { end, groups } = readSegment(content, path);
    // Unused ones hold nothing.
    return [{ path, kind: 'log', bytes, usedBytes: groups.length === 0 || end.kind === 'corruption' ? 0 : end.offset }];
  });
}

/** Whether the database is as it was after one of the writes: what a damaged end of the log, with nothing behind it that vouches for it, may lose. */
export function isEarlier(sample: Sample, disk: SimDisk): boolean {
  return sample.states.toReversed().some((state) => examine({ ...sample, state }, disk).kind === 'right');
}

/** As `makeSample`, of one table whose blocks are all of one length: keys 0 to 299 with values of 50 bytes. */
export function makeUniformSample(mutants: ReadonlySet<string>): Sample {
  const world = new SimWorld('uniform', { cost: NO_COST });
  const engine = opened(world, { ...OPTIONS, mutants });
  const keys = Array.from({ length: 300 }, (_, i) => Buffer.from(`key/${String(i).padStart(4, '0')}`));
  const changes = keys.map((key): Change => ({ kind: 'put', key, value: Buffer.alloc(50, key) }));
  const batch = new WriteBatch();
  for (const key of keys) batch.put(key, Buffer.alloc(50, key));
  call(world, (done) => engine.write(batch, 'sync', done));
  call(world, (done) => engine.flush(done));
  call(world, (done) => engine.close(done));
  const state = ModelState.empty.with(changes);
  return { disk: world.disk, files: filesOf(world.disk), state, states: [state], keys };
}

/** Verdicts by file kind; `what` of the first wrong ones. */
export class Tally {
  readonly counts = new Map<string, number>();
  readonly wrong: string[] = [];
  /** Damage in what a segment holds that was not reported. */
  unreported = 0;
  runs = 0;

  add(file: StoredFile, offset: number, where: string, verdict: Verdict): void {
    this.runs++;
    const key = `${file.kind} ${verdict.kind === 'reported' ? verdict.code : verdict.kind}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    if (verdict.kind === 'wrong') this.wrong.push(`${file.path} ${where}: ${verdict.what}`);
    if (verdict.kind === 'right' && file.kind === 'log' && offset < file.usedBytes) this.unreported++;
  }
}

/** Flips bit number `bit` of the file, looks, and flips it back. Keys are read by eighths, the next one with each bit. */
export function tryFlip(sample: Sample, file: StoredFile, bit: number, tally: Tally, mutants?: ReadonlySet<string>): void {
  const { disk } = sample;
  const byte = bit >>> 3;
  disk.flipBit(file.path, byte, bit & 7);
  const verdict = attempt(() => examine(sample, disk, { part: { part: bit & 7, of: 8 }, ...(mutants === undefined ? {} : { mutants }) }));
  disk.flipBit(file.path, byte, bit & 7);
  tally.add(file, byte, `bit ${bit}`, verdict);
}

/** What is thrown, by the engine or for want of an answer, is wrong. */
export function attempt(examination: () => Verdict): Verdict {
  try {
    return examination();
  } catch (error) {
    return { kind: 'wrong', what: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}

/** The largest piece of memory that was asked for by `work`, in bytes. */
export function largestAllocation(work: () => void): number {
  let largest = 0;
  const alloc = Buffer.alloc.bind(Buffer);
  const allocUnsafe = Buffer.allocUnsafe.bind(Buffer);
  const allocUnsafeSlow = Buffer.allocUnsafeSlow.bind(Buffer);
  const Shared = SharedArrayBuffer;
  const note = (size: number): number => {
    largest = Math.max(largest, size);
    return size;
  };
  Buffer.alloc = (size: number, ...rest: []) => alloc(note(size), ...rest);
  Buffer.allocUnsafe = (size) => allocUnsafe(note(size));
  Buffer.allocUnsafeSlow = (size) => allocUnsafeSlow(note(size));
  globalThis.SharedArrayBuffer = class extends Shared {
    constructor(size: number) {
      super(note(size));
    }
  } as SharedArrayBufferConstructor;
  try {
    work();
  } finally {
    Object.assign(Buffer, { alloc, allocUnsafe, allocUnsafeSlow });
    globalThis.SharedArrayBuffer = Shared;
  }
  return largest;
}
