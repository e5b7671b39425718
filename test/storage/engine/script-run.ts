/** Runs a script on a simulated engine and keeps what its callbacks said. */
import type { CostRange } from '../../../runtime/simulation/schedule.ts';
import type { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import type { WriteDone } from '../../../storage/engine/api.ts';
import type { Engine } from '../../../storage/engine/engine.ts';
import type { EngineOptions } from '../../../storage/engine/options.ts';
import type { StorageError } from '../../../storage/errors.ts';
import { batchOf, type Script, valueBytes } from './script.ts';
import { SimLife } from './sim-engine.ts';

/** After such a wait, `periodic` writes are on disk. */
const PERIOD_MS = 200;

export interface Checkpoint {
  readonly dir: string;
  /** Writes that were begun before it. */
  readonly writes: number;
}

export class ScriptRun {
  readonly script: Script;
  readonly disk: SimDisk;
  /** Writes that were begun. */
  begun = 0;
  /** The last write, by number, that was acknowledged, and that was as on disk. */
  acked = 0;
  synced = 0;
  /** The last `periodic` write whose period is over: on disk, unless the disk fails. */
  settled = 0;
  /** Of all writes that ended, by number; undefined: acknowledged. */
  readonly outcomes = new Map<number, StorageError | undefined>();
  readonly checkpoints: Checkpoint[] = [];
  /** What other calls failed with. */
  readonly failures: string[] = [];
  /** Of opening: the script ended there. */
  openError: StorageError | undefined;
  life: SimLife;
  engine: Engine | undefined;
  readonly #options: EngineOptions;
  readonly #seed: string;
  readonly #cost: CostRange | undefined;
  /** The last `periodic` write that was acknowledged. */
  #periodic = 0;
  #pending = 0;
  #lives = 0;

  constructor(script: Script, disk: SimDisk, options: EngineOptions, seed: number | string, cost?: CostRange) {
    this.script = script;
    this.disk = disk;
    this.#options = options;
    this.#seed = `${seed}`;
    this.#cost = cost;
    this.life = new SimLife(disk, `${seed}/0`, cost);
  }

  /** Throws HangError, PowerLossError. */
  runAll(): void {
    if (!this.#open()) return;
    for (const step of this.script.steps) {
      const { engine } = this;
      if (engine === undefined) return;
      switch (step.kind) {
        case 'write': {
          const { number, durability, changes } = step.write;
          this.begun = number;
          const done = this.#done((error) => {
            if (this.outcomes.has(number)) this.failures.push(`write ${number} called back twice`);
            this.outcomes.set(number, error);
            if (error !== undefined) return;
            this.acked = Math.max(this.acked, number);
            if (durability === 'periodic') this.#periodic = number;
            if (durability === 'sync') this.synced = Math.max(this.synced, number);
          });
          const [change] = changes;
          // One change alone goes by the calls for one.
          if (changes.length > 1 || change === undefined) engine.write(batchOf(step.write), durability, done);
          else if (change.kind === 'put')
            engine.put(Buffer.from(change.key), valueBytes(number, change.key, change.bytes), durability, done);
          else if (change.kind === 'delete') engine.delete(Buffer.from(change.key), durability, done);
          else engine.deleteRange(Buffer.from(change.start), Buffer.from(change.end), durability, done);
          break;
        }
        case 'flush':
          engine.flush(this.#told('flush'));
          break;
        case 'compact':
          engine.compact({}, this.#told('compact'));
          break;
        case 'checkpoint': {
          const { dir } = step;
          const writes = this.begun;
          engine.checkpoint(
            dir,
            this.#done((error) => {
              if (error === undefined) this.checkpoints.push({ dir, writes });
              else this.failures.push(`checkpoint: ${error.message}`);
            }),
          );
          break;
        }
        case 'await':
          this.awaitAll();
          break;
        case 'wait':
          this.life.run(step.ms);
          if (step.ms >= PERIOD_MS) this.settled = this.#periodic;
          break;
        case 'reopen':
          if (!this.#reopen(engine)) return;
          break;
      }
    }
    this.awaitAll();
  }

  awaitAll(): void {
    this.life.until(() => this.#pending === 0, `${this.#pending} callbacks`);
  }

  /** Gives up the engine, and closes it. */
  close(): void {
    const { engine } = this;
    this.engine = undefined;
    if (engine === undefined) return;
    const error = this.life.call('close', (done) => engine.close(done));
    if (error !== undefined) this.failures.push(`close: ${error.message}`);
  }

  #open(): boolean {
    const opened = this.life.tryOpen(this.#options);
    if (opened.ok) this.engine = opened.value;
    else this.openError = opened.error;
    return opened.ok;
  }

  #reopen(engine: Engine): boolean {
    this.awaitAll();
    const error = this.life.call('close', (done) => engine.close(done));
    if (error !== undefined) this.failures.push(`close: ${error.message}`);
    this.engine = undefined;
    this.life = new SimLife(this.disk, `${this.#seed}/${++this.#lives}`, this.#cost);
    return this.#open();
  }

  #told(what: string): WriteDone {
    return this.#done((error) => {
      if (error !== undefined) this.failures.push(`${what}: ${error.message}`);
    });
  }

  #done(then: WriteDone): WriteDone {
    this.#pending++;
    return (error) => {
      this.#pending--;
      then(error);
    };
  }
}
