/** Runs a script on an engine and on the model, and compares whatever the engine says. */
import {
  type EngineIterator,
  type Entry,
  type Found,
  type IteratorOptions,
  type KeyRange,
  LATER,
  type Snapshot,
  type WriteDone,
} from '../../../storage/engine/api.ts';
import { Engine } from '../../../storage/engine/engine.ts';
import type { EngineOptions } from '../../../storage/engine/options.ts';
import type { StorageDone, StorageError, StorageErrorCode, StorageResult } from '../../../storage/errors.ts';
import { KEY_BYTES_MAX } from '../../../storage/key.ts';
import { WriteBatch } from '../../../storage/write-batch.ts';
import { FILL_KEYS, KEYS, type RangeIndexes, type Script, type ScriptOptions, type Step, VALUE_BYTES_MAX } from './model-script.ts';
import { type Change, isIn, type ModelEntry, ModelState } from './sorted-model.ts';
import type { World } from './worlds.ts';

interface HeldSnapshot {
  readonly snapshot: Snapshot;
  readonly state: ModelState;
}

interface HeldIterator {
  readonly iterator: EngineIterator;
  readonly all: readonly ModelEntry[];
  readonly reverse: boolean;
  readonly values: boolean;
  left: readonly ModelEntry[];
  busy: boolean;
}

/** Values that `get` gave, with what they were then. */
interface View {
  readonly value: Uint8Array;
  readonly expected: Buffer;
  readonly what: string;
}

const VIEWS_MAX = 200;

/** Rejects when engine and model differ; the message says where. */
export async function runScript(world: World, { options, steps }: Script, mutants: ReadonlySet<string> = new Set()): Promise<void> {
  const run = new ScriptRun(world, mutants);
  await run.open(options);
  for (const [i, step] of steps.entries()) {
    run.at = `step ${i} ${step.op}`;
    await run.step(step);
  }
  run.at = 'end';
  await run.finish();
}

class ScriptRun {
  at = 'start';
  readonly #world: World;
  readonly #mutants: ReadonlySet<string>;
  #dir: string;
  #engine!: Engine;
  #options!: ScriptOptions;
  #state = ModelState.empty;
  #snapshots: HeldSnapshot[] = [];
  #iterators: HeldIterator[] = [];
  #views: View[] = [];
  #underWay = 0;
  #failure: Error | undefined;
  #values = 0;
  #copies = 0;
  /** The engine is being closed with work under way: reads and merges may be given up. */
  #givesUp = false;

  constructor(world: World, mutants: ReadonlySet<string>) {
    this.#world = world;
    this.#mutants = mutants;
    this.#dir = `${world.root}/db`;
  }

  async open(options: ScriptOptions): Promise<void> {
    this.#options = options;
    this.#engine = await this.#openAt(this.#dir, {});
  }

  async step(step: Step): Promise<void> {
    switch (step.op) {
      case 'put':
        return this.#write([{ kind: 'put', key: keyAt(step.key), value: this.#value(step.bytes) }], step.wait, ([change], done) => {
          const { key, value } = change as Extract<Change, { kind: 'put' }>;
          this.#engine.put(key, value, step.durability, done);
        });
      case 'delete':
        return this.#write([{ kind: 'delete', key: keyAt(step.key) }], step.wait, ([change], done) =>
          this.#engine.delete(change!.key, undefined, done),
        );
      case 'deleteRange':
        // Two of the longest keys are more than this memtable holds.
        if (keyAt(step.key).length + keyAt(step.end).length > VALUE_BYTES_MAX + KEY_BYTES_MAX) return;
        return this.#write([{ kind: 'deleteRange', key: keyAt(step.key), end: keyAt(step.end) }], step.wait, (_, done) =>
          this.#engine.deleteRange(keyAt(step.key), keyAt(step.end), undefined, done),
        );
      case 'batch': {
        const changes = step.changes.map(({ kind, key, end, bytes }): Change => {
          if (kind === 'put') return { kind, key: keyAt(key), value: this.#value(bytes) };
          return kind === 'delete' ? { kind, key: keyAt(key) } : { kind, key: keyAt(key), end: keyAt(end) };
        });
        // Long keys make batches that no memtable holds.
        if (batchOf(changes).length > VALUE_BYTES_MAX) return;
        return this.#write(changes, step.wait, (all, done) => this.#engine.write(batchOf(all), undefined, done));
      }
      case 'fill': {
        const changes = Array.from(
          { length: step.count },
          (_, i): Change => ({ kind: 'put', key: KEYS[(step.from + i) % FILL_KEYS]!, value: this.#value(step.bytes) }),
        );
        return this.#write(changes, true, (all, done) => this.#engine.write(batchOf(all), 'none', done));
      }
      case 'get':
        return this.#get(keyAt(step.key), this.#snapshotAt(step.snapshot), step.wait);
      case 'getMany':
        return this.#getMany(step.keys.map(keyAt), this.#snapshotAt(step.snapshot), step.wait);
      case 'iterator':
        return this.#iterate(rangeOf(step.range), step.reverse, step.values, this.#snapshotAt(step.snapshot));
      case 'next':
        return this.#next(elementAt(this.#iterators, step.iterator), step.count, step.bytes, step.wait);
      case 'seek':
        return this.#seek(elementAt(this.#iterators, step.iterator), keyAt(step.key));
      case 'closeIterator': {
        const held = elementAt(this.#iterators, step.iterator);
        if (held === undefined) return;
        await this.#until(() => !held.busy);
        held.iterator.close();
        held.iterator.close();
        this.#iterators = this.#iterators.filter((each) => each !== held);
        return;
      }
      case 'snapshot':
        this.#snapshots.push({ snapshot: this.#engine.snapshot(), state: this.#state });
        return;
      case 'release': {
        const held = elementAt(this.#snapshots, step.snapshot);
        if (held === undefined) return;
        // What reads it goes first: a released snapshot is not to be read.
        await this.#settle();
        held.snapshot.release();
        held.snapshot.release();
        this.#snapshots = this.#snapshots.filter((each) => each !== held);
        return;
      }
      case 'flush':
        return this.#work('flush', step.wait, (done) => this.#engine.flush(done));
      case 'compact':
        return this.#work('compact', step.wait, (done) => this.#engine.compact(rangeOf(step.range), done));
      case 'scan':
        return this.#scan(this.#engine, this.#state, step.reverse);
      case 'reopen':
        return this.#reopen(step.how, step.options);
      case 'readOnly':
        return this.#readOnly();
      case 'checkpoint':
        return this.#checkpoint(step.readOnly);
      case 'settle':
        return this.#settle();
    }
  }

  async finish(): Promise<void> {
    await this.#settle();
    await this.#scan(this.#engine, this.#state, false);
    await this.#scan(this.#engine, this.#state, true);
    for (const key of KEYS) await this.#get(key, undefined, true);
    this.#checkViews();
    await this.#close();
    await this.open(this.#options);
    await this.#scan(this.#engine, this.#state, false);
    await this.#close();
    this.#checkViews();
    const { openFiles = [] } = this.#world;
    if (openFiles.length > 0) throw new Error(`expected no open files after close, got ${openFiles.join(', ')}`);
  }

  /** The model has it at the call, as the engine, unless the write has to wait. */
  async #write(changes: readonly Change[], wait: boolean, start: (changes: readonly Change[], done: WriteDone) => void): Promise<void> {
    let isDone = false;
    let isWithin = true;
    const { at } = this;
    this.#underWay++;
    start(changes, (error) => {
      isDone = true;
      this.#underWay--;
      if (isWithin) this.#fail(`${at}: done was called within the call`);
      if (error !== undefined) this.#fail(`${at}: ${error.message}`);
    });
    isWithin = false;
    const waits = this.#engine.stats().waitingWrites! > 0;
    if (waits) await this.#until(() => this.#engine.stats().waitingWrites === 0);
    this.#state = this.#state.with(changes);
    if (wait) await this.#until(() => isDone);
  }

  async #get(key: Buffer, held: HeldSnapshot | undefined, wait: boolean): Promise<void> {
    const expected = (held?.state ?? this.#state).get(key);
    const { at } = this;
    const check = (value: Uint8Array | undefined): void => this.#checkValue(`${at} of ${show(key)}`, value, expected);
    const start = (done: StorageDone<Uint8Array | undefined>): Uint8Array | undefined | typeof LATER =>
      held === undefined ? looked(this.#engine, key, done) : this.#engine.get(key, held.snapshot, done);
    await this.#read(wait, start, check);
  }

  async #getMany(keys: readonly Buffer[], held: HeldSnapshot | undefined, wait: boolean): Promise<void> {
    const expected = keys.map((key) => (held?.state ?? this.#state).get(key));
    const { at } = this;
    await this.#read(
      wait,
      (done) => this.#engine.getMany(keys, held?.snapshot, done),
      (values: readonly (Uint8Array | undefined)[]) => {
        if (values.length !== keys.length) this.#fail(`${at}: expected ${keys.length} values, got ${values.length}`);
        for (const [i, key] of keys.entries()) this.#checkValue(`${at} of ${show(key)}`, values[i], expected[i]);
      },
    );
  }

  async #read<T>(wait: boolean, start: (done: StorageDone<T>) => T | typeof LATER, check: (value: T) => void): Promise<void> {
    let isDone = false;
    let isWithin = true;
    const { at } = this;
    const answer = start((result) => {
      isDone = true;
      this.#underWay--;
      if (isWithin) this.#fail(`${at}: done was called within the call`);
      if (result.ok) check(result.value);
      else if (!this.#mayGiveUp(result.error)) this.#fail(`${at}: ${result.error.message}`);
    });
    isWithin = false;
    if (answer !== LATER) {
      check(answer);
      return;
    }
    this.#underWay++;
    if (wait) await this.#until(() => isDone);
  }

  async #iterate(range: KeyRange, reverse: boolean, values: boolean, held: HeldSnapshot | undefined): Promise<void> {
    const options: IteratorOptions = { ...range, reverse, values, ...(held === undefined ? {} : { snapshot: held.snapshot }) };
    const all = (held?.state ?? this.#state).entries(range, reverse);
    this.#iterators.push({ iterator: this.#engine.iterator(options), all, left: all, reverse, values, busy: false });
  }

  async #next(held: HeldIterator | undefined, count: number, bytes: number, wait: boolean): Promise<void> {
    if (held === undefined) return;
    await this.#until(() => !held.busy);
    const { at } = this;
    held.busy = true;
    await this.#read(
      wait,
      (done: StorageDone<readonly Entry[]>) =>
        held.iterator.next(count, bytes, (result) => {
          held.busy = false;
          done(result);
        }),
      (entries) => {
        held.busy = false;
        this.#checkEntries(at, entries, held, count, bytes);
      },
    );
  }

  #checkEntries(at: string, entries: readonly Entry[], held: HeldIterator, count: number, bytes: number): void {
    let size = 0;
    if (entries.length > count) this.#fail(`${at}: expected at most ${count} entries, got ${entries.length}`);
    if (entries.length === 0 && held.left.length > 0) this.#fail(`${at}: ended before ${show(held.left[0]!.key)}`);
    for (const [i, entry] of entries.entries()) {
      const expected = held.left[i];
      if (expected === undefined || Buffer.compare(entry.key, expected.key) !== 0) {
        this.#fail(`${at}: entry ${i}: expected ${expected === undefined ? 'the end' : show(expected.key)}, got ${show(entry.key)}`);
        return;
      }
      this.#checkValue(`${at} at ${show(entry.key)}`, entry.value, held.values ? expected.value : Buffer.alloc(0));
      size += entry.key.length + entry.value.length;
      if (i > 0 && size > bytes) this.#fail(`${at}: expected at most ${bytes} bytes, got ${size}`);
    }
    held.left = held.left.slice(entries.length);
  }

  async #seek(held: HeldIterator | undefined, target: Buffer): Promise<void> {
    if (held === undefined) return;
    await this.#until(() => !held.busy);
    held.iterator.seek(target);
    held.left = held.all.filter(({ key }) => isIn(key, held.reverse ? { lte: target } : { gte: target }));
  }

  async #work(what: string, wait: boolean, start: (done: WriteDone) => void): Promise<void> {
    let isDone = false;
    const { at } = this;
    this.#underWay++;
    start((error) => {
      isDone = true;
      this.#underWay--;
      if (error !== undefined && !this.#mayGiveUp(error)) this.#fail(`${at}: ${what}: ${error.message}`);
    });
    if (wait) await this.#until(() => isDone);
  }

  async #scan(engine: Engine, state: ModelState, reverse: boolean): Promise<void> {
    const all = state.entries({}, reverse);
    const held: HeldIterator = { iterator: engine.iterator({ reverse }), all, left: all, reverse, values: true, busy: false };
    let isGoing = true;
    while (isGoing) {
      isGoing = held.left.length > 0;
      await this.#next(held, 100, 1 << 16, true);
    }
    held.iterator.close();
  }

  async #reopen(how: 'close' | 'closeBusy' | 'kill', options: ScriptOptions): Promise<void> {
    if (how !== 'closeBusy') await this.#settle();
    if (how === 'kill' && this.#world.kill !== undefined) {
      this.#checkViews();
      this.#world.kill();
      this.#forget();
    } else await this.#close();
    await this.open(options);
    await this.#scan(this.#engine, this.#state, false);
  }

  async #close(): Promise<void> {
    this.#givesUp = true;
    await this.#called<undefined>('close', (done) => this.#engine.close((error) => done(resultOf(error))));
    await this.#settle();
    this.#givesUp = false;
    this.#checkViews();
    this.#forget();
  }

  #forget(): void {
    this.#snapshots = [];
    this.#iterators = [];
  }

  async #readOnly(): Promise<void> {
    await this.#settle();
    await this.#close();
    this.#engine = await this.#openAt(this.#dir, { readOnly: true });
    await this.#scan(this.#engine, this.#state, false);
    for (const key of KEYS.slice(FILL_KEYS)) await this.#get(key, undefined, false);
    await this.#settle();
    await this.#called<undefined>('put', (done) =>
      this.#engine.put(KEYS[0]!, KEYS[0]!, undefined, (error) => {
        if (error?.code !== 'READ_ONLY') this.#fail(`${this.at}: expected READ_ONLY, got ${error?.code}`);
        done({ ok: true, value: undefined });
      }),
    );
    await this.#close();
    await this.open(this.#options);
  }

  async #checkpoint(readOnly: boolean): Promise<void> {
    const dir = `${this.#world.root}/copy${this.#copies++}`;
    await this.#called<undefined>('checkpoint', (done) => this.#engine.checkpoint(dir, (error) => done(resultOf(error))));
    const copy = await this.#openAt(dir, { readOnly });
    await this.#scan(copy, this.#state, false);
    await this.#scan(copy, this.#state, true);
    await this.#called<undefined>('close', (done) => copy.close((error) => done(resultOf(error))));
  }

  async #openAt(dir: string, more: EngineOptions): Promise<Engine> {
    const options: EngineOptions = {
      ...this.#options,
      inlineWrites: this.#options.inlineReads,
      ...more,
      durability: 'periodic',
      memtableBytes: 128 * 1_024,
      tableBytes: 16 * 1_024,
      levelBytes: 64 * 1_024,
      blockBytes: 256,
      mutants: this.#mutants,
    };
    return this.#called<Engine>('open', (done) => Engine.open(dir, options, this.#world.doors, done));
  }

  /** What must succeed, and is waited for. */
  async #called<T>(what: string, start: (done: StorageDone<T>) => void): Promise<T> {
    let result: StorageResult<T> | undefined;
    start((ended) => {
      result = ended;
    });
    await this.#until(() => result !== undefined);
    if (result?.ok === true) return result.value;
    throw new Error(`${this.at}: ${what}: ${result?.error.message}`);
  }

  async #until(isSo: () => boolean): Promise<void> {
    try {
      await this.#world.until(() => isSo() || this.#failure !== undefined);
    } catch (error) {
      throw new Error(`${this.at}: ${(error as Error).message}; ${JSON.stringify(this.#engine?.stats())}`, { cause: error });
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #settle(): Promise<void> {
    await this.#until(() => this.#underWay === 0);
    this.#checkViews();
  }

  #mayGiveUp({ code }: StorageError): boolean {
    return this.#givesUp && (['CANCELLED', 'CLOSED'] satisfies StorageErrorCode[] as string[]).includes(code);
  }

  #checkValue(what: string, value: Uint8Array | undefined, expected: Buffer | undefined): void {
    if (value === undefined || expected === undefined) {
      if (value !== expected) this.#fail(`${what}: expected ${show(expected)}, got ${show(value)}`);
      return;
    }
    if (Buffer.compare(value, expected) !== 0) this.#fail(`${what}: expected ${show(expected)}, got ${show(value)}`);
    if (this.#views.length < VIEWS_MAX) this.#views.push({ value, expected, what });
    else this.#views[this.#values++ % VIEWS_MAX] = { value, expected, what };
  }

  #checkViews(): void {
    for (const { value, expected, what } of this.#views) {
      if (Buffer.compare(value, expected) !== 0) throw new Error(`${this.at}: the value that ${what} gave has changed to ${show(value)}`);
    }
  }

  #fail(message: string): void {
    this.#failure ??= new Error(message);
  }

  /** Different from all others, as far as its length allows. */
  #value(bytes: number): Buffer {
    return bytes === 0 ? Buffer.alloc(0) : Buffer.alloc(bytes, `${this.#values++}.`);
  }

  #snapshotAt(index: number | undefined): HeldSnapshot | undefined {
    return index === undefined ? undefined : elementAt(this.#snapshots, index);
  }
}

function elementAt<T>(list: readonly T[], index: number): T | undefined {
  return list[index % Math.max(1, list.length)];
}

function keyAt(index: number): Buffer {
  return KEYS[index]!;
}

function rangeOf(range: RangeIndexes): KeyRange {
  const bounds = Object.entries(range).flatMap(([bound, index]) => (index === undefined ? [] : [[bound, keyAt(index)] as const]));
  return Object.fromEntries(bounds);
}

function batchOf(changes: readonly Change[]): WriteBatch {
  const batch = new WriteBatch();
  for (const change of changes) {
    if (change.kind === 'put') batch.put(change.key, change.value);
    else if (change.kind === 'delete') batch.delete(change.key);
    else batch.deleteRange(change.key, change.end);
  }
  return batch;
}

function resultOf(error: StorageError | undefined): StorageResult<undefined> {
  return error === undefined ? { ok: true, value: undefined } : { ok: false, error };
}

function show(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return 'nothing';
  const text = JSON.stringify(Buffer.from(bytes.subarray(0, 24)).toString('latin1'));
  return bytes.length > 24 ? `${text} and more, ${bytes.length} bytes` : text;
}

/** As `get`, by `look`. */
function looked(engine: Engine, key: Buffer, done: StorageDone<Uint8Array | undefined>): Uint8Array | undefined | typeof LATER {
  const found: Found = { bytes: key, start: 0, end: 0 };
  const isThere = engine.look(key, found, done);
  if (isThere === LATER) return LATER;
  return isThere ? Buffer.from(found.bytes.subarray(found.start, found.end)) : undefined;
}
