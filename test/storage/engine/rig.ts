/** An engine in a simulated world, for tests of a few lines. */
import type { JobOptions, JobOutcome, JobRunner, RunningJob } from '../../../runtime/jobs.ts';
import { type Entry, type IteratorOptions, LATER, type Snapshot, type WriteDone } from '../../../storage/engine/api.ts';
import type { Engine } from '../../../storage/engine/engine.ts';
import type { EngineDoors, EngineOptions } from '../../../storage/engine/options.ts';
import { type StorageDone, StorageError } from '../../../storage/errors.ts';
import { SimWorld } from './worlds.ts';

export const MEMTABLE_BYTES = 128 * 1_024;
/** What was flushed is read from its table: `keepFlushed` has tests of its own. */
const OPTIONS: EngineOptions = {
  keepFlushed: false,
  memtableBytes: MEMTABLE_BYTES,
  tableBytes: 16 * 1_024,
  levelBytes: 64 * 1_024,
  blockBytes: 256,
};

export class Rig {
  readonly world: SimWorld;
  readonly dir = '/data/db';
  /** Jobs for which it is true wait until `go`. */
  holds: (input: unknown) => boolean = () => false;
  #held: (() => void)[] = [];
  #engine: Engine | undefined;

  constructor(seed = 'rig') {
    this.world = new SimWorld(seed);
    const { jobs } = this.world.doors;
    (this.world.doors as { -readonly [door in keyof EngineDoors]: EngineDoors[door] }).jobs = this.#holding(jobs);
  }

  get engine(): Engine {
    if (this.#engine === undefined) throw new Error('nothing is open');
    return this.#engine;
  }

  open(options: EngineOptions = {}): this {
    const result = this.tryOpen(options);
    if (result instanceof StorageError) throw result;
    return this;
  }

  tryOpen(options: EngineOptions = {}, dir = this.dir): Engine | StorageError {
    const result = this.world.open(dir, { ...OPTIONS, ...options });
    if (!result.ok) return result.error;
    this.#engine = result.value;
    return result.value;
  }

  put(key: string | Buffer, value: string | Buffer = 'value'): StorageError | undefined {
    return this.done((done) => this.engine.put(Buffer.from(key), Buffer.from(value), 'none', done));
  }

  flush(): StorageError | undefined {
    return this.done((done) => this.engine.flush(done));
  }

  close(): StorageError | undefined {
    return this.done((done) => this.engine.close(done));
  }

  get(key: string | Buffer, snapshot?: Snapshot): Buffer | undefined {
    const value = this.value<Uint8Array | undefined>((done) => this.engine.get(Buffer.from(key), snapshot, done));
    return value === undefined ? undefined : Buffer.from(value);
  }

  keys(options: IteratorOptions = {}): string[] {
    const iterator = this.engine.iterator(options);
    const keys: string[] = [];
    for (;;) {
      const entries = this.value<readonly Entry[]>((done) => iterator.next(100, 1 << 20, done));
      if (entries.length === 0) break;
      keys.push(...entries.map(({ key }) => Buffer.from(key).toString('latin1')));
    }
    iterator.close();
    return keys;
  }

  done(start: (done: WriteDone) => void): StorageError | undefined {
    let answer: { readonly error: StorageError | undefined } | undefined;
    start((error) => {
      answer = { error };
    });
    this.world.run(() => answer !== undefined);
    return answer!.error;
  }

  value<T>(start: (done: StorageDone<T>) => T | typeof LATER): T {
    let answer: { readonly value: T } | { readonly error: StorageError } | undefined;
    const now = start((result) => {
      answer = result.ok ? { value: result.value } : { error: result.error };
    });
    if (now !== LATER) return now;
    this.world.run(() => answer !== undefined);
    if ('error' in answer!) throw answer.error;
    return answer!.value;
  }

  /** Held jobs begin. */
  go(): void {
    this.holds = () => false;
    const held = this.#held;
    this.#held = [];
    for (const begin of held) begin();
  }

  #holding(jobs: JobRunner): JobRunner {
    return {
      run: (name: string, input: unknown, options: JobOptions, done: (outcome: JobOutcome) => void): RunningJob => {
        if (!this.holds(input)) return jobs.run(name, input, options, done);
        let running: RunningJob | undefined;
        let over = false;
        this.#held.push(() => {
          if (!over) running = jobs.run(name, input, options, done);
        });
        return {
          cancel: () => {
            if (running !== undefined) running.cancel();
            else {
              over = true;
              this.world.doors.timers.soon(() => done({ ok: false, code: 'JOB_CANCELLED', message: 'cancelled' }));
            }
          },
        };
      },
    };
  }
}

/** Of the input of a job: whether it is no flush. */
export function isMerge(input: unknown): boolean {
  return (input as { readonly runs: readonly unknown[] }).runs.length > 0;
}
