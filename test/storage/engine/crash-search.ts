/**
 * Goes through the crashes of a script: at each call to the disk, for each choice of what of the unsynced survives, and again within the recovery from
 * it. After each the database must open with the state after some prefix of the writes, with all that was acknowledged as on disk.
 *
 * Crashes that leave the same bytes are recovered from once.
 */
import { createHash } from 'node:crypto';
import { allCrashModels, type CrashModel, KEEP_ALL, LOSE_ALL } from '../../../runtime/simulation/crash-models.ts';
import type { CostRange } from '../../../runtime/simulation/schedule.ts';
import type { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import { walkTree } from '../../../runtime/simulation/sim-tree.ts';
import type { Engine } from '../../../storage/engine/engine.ts';
import type { EngineOptions } from '../../../storage/engine/options.ts';
import { StorageError } from '../../../storage/errors.ts';
import { parseFileName } from '../../../storage/manifest/file-names.ts';
import { type Script, stateOf, statesOf, textOf } from './script.ts';
import { ScriptRun } from './script-run.ts';
import { DIR, HangError, SimLife } from './sim-engine.ts';

export interface CrashOptions {
  readonly engine?: EngineOptions;
  /** Another one, another order of what happens. Default 1. */
  readonly seed?: number;
  /** Of the calls to the disk in the script. Default QUICK. */
  readonly cost?: CostRange;
  /** Writes are torn at each multiple of it. */
  readonly tearBytes: number;
  /** Random subsets per call. */
  readonly randomCount: number;
  /** Of the crashes of the script, each so manieth is run. */
  readonly every: number;
  /** Of the calls of a recovery, each so manieth is crashed at, with one crash; 1: at all, with three. 0: none. */
  readonly everyAgain: number;
  /** The search ends when it has found so many violations. Default 1. */
  readonly violationsMax?: number;
}

export interface CrashCounts {
  /** Crashes gone through. */
  states: number;
  /** Of these, within a recovery. */
  again: number;
  /** Recoveries run: of crashes that left different bytes. */
  recoveries: number;
}

/** The disk as it is before a call takes effect. */
interface CrashPoint {
  readonly call: string;
  readonly disk: SimDisk;
  readonly begun: number;
  readonly acked: number;
  readonly synced: number;
  readonly copies: readonly { readonly dir: string; readonly writes: number }[];
}

/** A recovery: what it found, or what was wrong with it. */
type Found = { readonly state: string } | { readonly wrong: string };

const AFTER = '~after';
const LOGS_MAX = 4;

export class CrashSearch {
  readonly counts: CrashCounts = { states: 0, again: 0, recoveries: 0 };
  /** Each with the script, the call and the crash, by which it can be run again. */
  readonly violations: string[] = [];
  readonly #script: Script;
  readonly #options: CrashOptions;
  /** Text of a state to the prefixes that have it. */
  readonly #prefixes = new Map<string, number[]>();
  readonly #known = new Map<string, Found>();
  readonly #knownAgain = new Map<string, Found>();
  #index = 0;
  #indexAgain = 0;

  constructor(script: Script, options: CrashOptions) {
    this.#script = script;
    this.#options = options;
    statesOf(script.writes).forEach((state, m) => {
      const text = textOf(state);
      this.#prefixes.set(text, [...(this.#prefixes.get(text) ?? []), m]);
    });
  }

  /** `disk`: empty. */
  run(disk: SimDisk): void {
    for (const point of this.#points(disk)) {
      for (const model of this.#models(point.disk)) {
        if (++this.#index % this.#options.every !== 0) continue;
        this.#crash(point, model);
        if (this.#isOver) return;
      }
    }
  }

  get #isOver(): boolean {
    return this.violations.length >= (this.#options.violationsMax ?? 1);
  }

  /** Runs the script once, without a crash. */
  #points(disk: SimDisk): readonly CrashPoint[] {
    const points: CrashPoint[] = [];
    const run = new ScriptRun(this.#script, disk, this.#options.engine ?? {}, `script ${this.#options.seed ?? 1}`, this.#options.cost);
    const add = (call: string): void => {
      const { begun, acked, synced, settled, checkpoints } = run;
      points.push({ call, disk: disk.clone(), begun, acked, synced: Math.max(synced, settled), copies: [...checkpoints] });
    };
    disk.onCall = ({ number, operation, path }) => {
      add(`call ${number} (${operation} ${path})`);
      return undefined;
    };
    try {
      run.runAll();
      add('the end');
      run.close();
      add('the close');
    } catch (error) {
      if (!(error instanceof HangError)) throw error;
      this.#violation('the run', error.message);
    }
    for (const failure of run.failures) this.#violation('the run', failure);
    for (const [number, error] of run.outcomes) if (error !== undefined) this.#violation('the run', `write ${number}: ${error.message}`);
    if (run.openError !== undefined) this.#violation('the run', run.openError.message);
    return points;
  }

  /** Undefined: the process dies, and the machine goes on. */
  #models(disk: SimDisk): readonly (CrashModel | undefined)[] {
    const { tearBytes, randomCount } = this.#options;
    return [undefined, ...allCrashModels(disk.pending(), { tearBytes, randomCount, seed: this.#index })];
  }

  #crash(point: CrashPoint, model: CrashModel | undefined): void {
    this.counts.states++;
    const disk = point.disk.clone();
    const what = `${point.call}, ${model?.name ?? 'the process dies'}`;
    let found: Found | undefined;
    if (model === undefined) {
      found = this.#recover(disk, what, point);
    } else {
      disk.crash(model);
      const digest = digestOf(disk);
      found = this.#known.get(digest);
      if (found === undefined) {
        found = this.#recover(disk, what, undefined);
        this.#known.set(digest, found);
      }
    }
    const least = model === undefined ? point.acked : point.synced;
    const complaint = this.#complaint(found, least, point.begun);
    if (complaint !== undefined) this.#violation(what, complaint);
    for (const { dir, writes } of point.copies) this.#checkCopy(point, model, dir, writes, what);
  }

  /** `killed`: nothing was lost, but all that was not synced still can be. */
  #recover(disk: SimDisk, what: string, killed: CrashPoint | undefined): Found {
    this.counts.recoveries++;
    const life = new SimLife(disk, 'recovery');
    const again: { readonly call: string; readonly disk: SimDisk; readonly after: 'none' | 'begun' | 'acked' }[] = [];
    let after: 'none' | 'begun' | 'acked' = 'none';
    const { everyAgain } = this.#options;
    const add = (call: string): void => {
      if (everyAgain > 0 && ++this.#indexAgain % everyAgain === 0) again.push({ call, disk: disk.clone(), after });
    };
    disk.onCall = ({ number, operation, path }) => {
      add(`call ${number} (${operation} ${path})`);
      return undefined;
    };
    const found = attempt(() => {
      const engine = life.open(this.#options.engine);
      const state = this.#read(life, engine, AFTER);
      after = 'begun';
      const error = life.call('put', (done) => engine.put(Buffer.from(AFTER), Buffer.from('1'), 'sync', done));
      if (error !== undefined) throw error;
      after = 'acked';
      disk.onCall = undefined;
      const call = 'the first write after it';
      // What matters most where nothing was lost yet: that is never left out.
      if (killed === undefined) add(call);
      else if (everyAgain > 0) again.push({ call, disk: disk.clone(), after });
      this.#goOn(life, engine, state);
      return state;
    });
    disk.onCall = undefined;
    if ('wrong' in found) return found;
    for (const point of again) {
      for (const model of this.#modelsAgain(point.disk, killed !== undefined && point.after === 'acked')) {
        this.counts.states++;
        this.counts.again++;
        const copy = point.disk.clone();
        copy.crash(model);
        const digest = digestOf(copy);
        let second = this.#knownAgain.get(digest);
        if (second === undefined) {
          second = this.#recoverAgain(copy);
          this.#knownAgain.set(digest, second);
        }
        const complaint = this.#complaintAgain(second, found, point.after, killed);
        if (complaint !== undefined) this.#violation(`${what}, then ${point.call} of the recovery, ${model.name}`, complaint);
        if (this.#isOver) return found;
      }
    }
    return found;
  }

  /** None survives, all survive, and one more, another each time; in a sample only that one. */
  #modelsAgain(disk: SimDisk, isMain: boolean): readonly CrashModel[] {
    const models = allCrashModels(disk.pending(), { tearBytes: this.#options.tearBytes, randomCount: 1, seed: this.#indexAgain });
    const other = models[this.counts.again % models.length] as CrashModel;
    return this.#options.everyAgain > 1 && !isMain ? [other] : [...new Set([LOSE_ALL, KEEP_ALL, other])];
  }

  #recoverAgain(disk: SimDisk): Found {
    this.counts.recoveries++;
    const life = new SimLife(disk, 'second recovery');
    return attempt(() => {
      const engine = life.open(this.#options.engine);
      const state = textOf(stateOf(life.entries(engine), this.#script.writes));
      const error = life.call('close', (done) => engine.close(done));
      if (error !== undefined) throw error;
      return state;
    });
  }

  /** The recovered engine works: it flushes, and opens again with the same state and nothing left over. */
  #goOn(life: SimLife, engine: Engine, state: string): void {
    let error = life.call('flush', (done) => engine.flush(done));
    if (error !== undefined) throw error;
    error = life.call('close', (done) => engine.close(done));
    if (error !== undefined) throw error;
    life.run(100);
    const next = new SimLife(life.disk, 'after');
    const reopened = next.open(this.#options.engine);
    const found = this.#read(next, reopened, AFTER);
    if (found !== state) throw new Error(`reopened: expected ${state}, got ${found}`);
    if (next.get(reopened, AFTER) === undefined) throw new Error('reopened: a write after the recovery is gone');
    next.run(100);
    const { tables } = reopened.stats();
    error = next.call('close', (done) => reopened.close(done));
    if (error !== undefined) throw error;
    next.run(100);
    checkLeftovers(next, tables ?? 0);
  }

  #checkCopy(point: CrashPoint, model: CrashModel | undefined, dir: string, writes: number, what: string): void {
    const disk = point.disk.clone();
    if (model !== undefined) disk.crash(model);
    this.counts.recoveries++;
    const life = new SimLife(disk, 'copy');
    const found = attempt(() => {
      const engine = life.open({ ...this.#options.engine, createIfMissing: false }, dir);
      const state = this.#read(life, engine, AFTER);
      const error = life.call('close', (done) => engine.close(done));
      if (error !== undefined) throw error;
      return state;
    });
    const complaint = this.#complaint(found, writes, point.begun);
    if (complaint !== undefined) this.#violation(`${what}, checkpoint ${dir}`, complaint);
  }

  /** By scan and by key; `except` one. Throws where the two differ. */
  #read(life: SimLife, engine: Engine, except: string): string {
    const entries = life.entries(engine).filter(({ key }) => Buffer.from(key).toString() !== except);
    const state = stateOf(entries, this.#script.writes);
    for (const key of keysOf(this.#script)) {
      const value = life.get(engine, key);
      const number = value === undefined ? undefined : stateOf([{ key: Buffer.from(key), value }], this.#script.writes).get(key);
      if (number !== state.get(key)) throw new Error(`key ${key}: scan finds ${state.get(key)}, get finds ${number}`);
    }
    return textOf(state);
  }

  #complaint(found: Found, least: number, most: number): string | undefined {
    if ('wrong' in found) return found.wrong;
    const prefixes = this.#prefixes.get(found.state);
    if (prefixes === undefined) return `the state is no prefix: ${found.state}`;
    if (prefixes.some((m) => m >= least && m <= most)) return undefined;
    return `expected the first ${least} to ${most} writes, found the first ${prefixes.join(' or ')}: ${found.state}`;
  }

  #complaintAgain(
    second: Found,
    first: Found & { readonly state: string },
    after: string,
    killed: CrashPoint | undefined,
  ): string | undefined {
    if ('wrong' in second) return second.wrong;
    const state = second.state.replace(/ ?~after=-1/, '');
    const hasAfter = state !== second.state;
    if (after === 'acked' && !hasAfter) return 'the write after the first recovery was acknowledged and is gone';
    if (after === 'none' && hasAfter) return 'a write that was not made yet is there';
    // What the process that died had not synced may go only as long as nothing was acknowledged on top of it.
    if (killed !== undefined && !hasAfter) return this.#complaint({ state }, killed.synced, killed.begun);
    return state === first.state ? undefined : `the first recovery found ${first.state}, the second ${second.state}`;
  }

  #violation(what: string, complaint: string): void {
    const { name, lines } = this.#script;
    this.violations.push(`${name}: ${what}: ${complaint}\n  ${lines.join('; ')}`);
  }
}

function attempt(recover: () => string): Found {
  try {
    return { state: recover() };
  } catch (error) {
    if (error instanceof StorageError) return { wrong: `${error.code}: ${error.message}` };
    if (error instanceof Error) return { wrong: error instanceof HangError ? error.message : `${error.stack}` };
    throw error;
  }
}

function keysOf(script: Script): readonly string[] {
  const keys = script.writes.flatMap(({ changes }) => changes.flatMap((change) => (change.kind === 'put' ? [change.key] : [])));
  return [...new Set(keys)];
}

/** Requires: the database is closed. Throws where files are left that it doesn't need. */
export function checkLeftovers({ disk }: SimLife, tables: number, dir = DIR): void {
  const entry = disk.find('test', dir);
  const names = entry.kind === 'directory' ? [...entry.now.keys()] : [];
  const count = (kind: string): number => names.filter((name) => parseFileName(name).kind === kind).length;
  const isWrong =
    count('temporary') > 0 ||
    count('unknown') > 0 ||
    count('lock') > 0 ||
    count('manifest') !== 1 ||
    count('table') !== tables ||
    count('log') > LOGS_MAX;
  if (isWrong) throw new Error(`left over: ${names.sort().join(' ')}, with ${tables} tables`);
}

/** Of all names and bytes. */
function digestOf(disk: SimDisk): string {
  const hash = createHash('sha1');
  walkTree(disk.root, (node, path) => {
    hash.update(`${node.kind} ${path}\n`);
    if (node.kind === 'directory') return;
    const bytes = Buffer.allocUnsafe(node.now.length);
    node.now.read(bytes, 0);
    hash.update(`${bytes.length}\n`).update(bytes);
  });
  return hash.digest('base64');
}
