/**
 * Makes each call to the disk fail, in a run of a script of its own: once, or from then on. Nothing may hang, nothing may be acknowledged that is not
 * so, and when the fault is over the engine works again, in the same life and in the next.
 */
import { LOSE_ALL } from '../../../runtime/simulation/crash-models.ts';
import { type DiskFault, type DiskOperation, faultPlan } from '../../../runtime/simulation/disk-faults.ts';
import type { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import type { EngineOptions } from '../../../storage/engine/options.ts';
import { checkLeftovers } from './crash-search.ts';
import { type Script, type State, stateOf, textOf, touches, type Write } from './script.ts';
import { ScriptRun } from './script-run.ts';
import { emptyDisk, SimLife } from './sim-engine.ts';

interface FaultKind {
  readonly name: string;
  /** Undefined: all. */
  readonly operations?: readonly DiskOperation[];
  readonly fault: DiskFault;
  /** Meets so few calls that a sample has all of them. */
  readonly isRare?: boolean;
}

const KINDS: readonly FaultKind[] = [
  { name: 'EIO', fault: { kind: 'error', code: 'EIO' } },
  {
    name: 'ENOSPC',
    operations: ['open', 'pwrite', 'truncate', 'mkdir', 'link', 'rename', 'datasync'],
    fault: { kind: 'error', code: 'ENOSPC' },
  },
  { name: 'EMFILE', operations: ['open', 'lock', 'readdir'], fault: { kind: 'error', code: 'EMFILE' } },
  { name: 'short write', operations: ['pwrite'], fault: { kind: 'error', code: 'ENOSPC', written: 30 } },
  // Not of a directory: whoever journals its names takes no more of them once that has failed.
  { name: 'sync that marks clean', operations: ['datasync'], fault: { kind: 'error', code: 'EIO', marksClean: true }, isRare: true },
];

/** After the fault is over, the engine has so long to take writes again. */
const HEAL_MS = 5_000;

export interface SweepOptions {
  readonly engine?: EngineOptions;
  /** Of the runs, each so manieth. */
  readonly every: number;
  readonly violationsMax?: number;
}

export class FaultSweep {
  readonly counts = { runs: 0, reopened: 0, failedWrites: 0, failedOpens: 0 };
  readonly violations: string[] = [];
  readonly #script: Script;
  readonly #options: SweepOptions;

  constructor(script: Script, options: SweepOptions) {
    this.#script = script;
    this.#options = options;
  }

  run(): void {
    const operations = this.#operations();
    let index = 0;
    for (const [i, operation] of operations.entries()) {
      for (const kind of KINDS) {
        if (kind.operations?.includes(operation) === false) continue;
        for (const lasting of [false, true]) {
          if (++index % this.#options.every !== 0 && kind.isRare !== true) continue;
          this.#sweep(i + 1, kind, lasting);
          if (this.violations.length >= (this.#options.violationsMax ?? 1)) return;
        }
      }
    }
  }

  /** Of the calls of a run without faults. A run with one makes the same calls before it. */
  #operations(): readonly DiskOperation[] {
    const operations: DiskOperation[] = [];
    const run = this.#scriptRun(emptyDisk());
    run.disk.onCall = ({ operation }) => {
      operations.push(operation);
      return undefined;
    };
    run.runAll();
    run.close();
    return operations;
  }

  #scriptRun(disk: SimDisk): ScriptRun {
    return new ScriptRun(this.#script, disk, this.#options.engine ?? {}, 'script');
  }

  #sweep(call: number, { name, operations, fault }: FaultKind, lasting: boolean): void {
    this.counts.runs++;
    const disk = emptyDisk();
    const run = this.#scriptRun(disk);
    disk.onCall = faultPlan([{ ...(operations === undefined ? {} : { operations }), fromCall: call, lasting, fault }]);
    const what = `${name} at call ${call}${lasting ? ' and all after it' : ''}`;
    const check = (where: string, step: () => void): void => {
      try {
        step();
      } catch (error) {
        const { name: script, lines } = this.#script;
        const complaint = error instanceof Error ? (error.stack ?? error.message) : String(error);
        this.violations.push(`${script}: ${what}, ${where}: ${complaint}\n  ${lines.join('; ')}`);
      }
    };
    check('the run', () => {
      run.runAll();
      const twice = run.failures.find((failure) => failure.includes('twice'));
      if (twice !== undefined) throw new Error(twice);
    });
    const killed = disk.clone();
    const dead = disk.clone();
    dead.crash(LOSE_ALL);
    disk.onCall = undefined;
    const { acked, synced } = required(run);
    check('the process dies', () => this.#reopen(killed, acked));
    check('power loss', () => this.#reopen(dead, synced));
    check('after the fault', () => this.#heal(run));
    check('closed', () => {
      const hadEngine = run.engine !== undefined;
      run.close();
      if (hadEngine) run.life.run(100);
      this.#reopen(disk, acked);
    });
    this.counts.failedWrites += [...run.outcomes.values()].filter((error) => error !== undefined).length;
    if (run.openError !== undefined) this.counts.failedOpens++;
  }

  /** Writes are taken again, without a restart. */
  #heal({ engine, life }: ScriptRun): void {
    if (engine === undefined) return;
    const until = life.nowMs + HEAL_MS;
    for (;;) {
      const error = life.call('put', (done) => engine.put(Buffer.from('~healed'), Buffer.from('1'), 'sync', done));
      if (error === undefined) return;
      if (life.nowMs > until) throw error;
      life.run(50);
    }
  }

  #reopen(disk: SimDisk, must: ReadonlySet<number>): void {
    this.counts.reopened++;
    const life = new SimLife(disk, 'reopened');
    const engine = life.open(this.#options.engine);
    const entries = life.entries(engine).filter(({ key }) => Buffer.from(key).toString() !== '~healed');
    const complaint = complaintOf(stateOf(entries, this.#script.writes), this.#script.writes, must);
    if (complaint !== undefined) throw new Error(complaint);
    life.run(200);
    const { tables } = engine.stats();
    const error = life.call('close', (done) => engine.close(done));
    if (error !== undefined) throw error;
    life.run(100);
    checkLeftovers(life, tables ?? 0);
  }
}

/** Writes that must be there: after the end of the process, and after a loss of power. */
function required(run: ScriptRun): { readonly acked: ReadonlySet<number>; readonly synced: ReadonlySet<number> } {
  const acked = [...run.outcomes].flatMap(([number, error]) => (error === undefined ? [number] : []));
  // The log is synced in order.
  return { acked: new Set(acked), synced: new Set(acked.filter((number) => number <= run.synced)) };
}

/** Whether the state is that of some of the writes, in order, with all of `must`. What is wrong, or undefined. */
export function complaintOf(state: State, writes: readonly Write[], must: ReadonlySet<number>): string | undefined {
  // A write of which one change is there must be there whole.
  const there = new Set([...must, ...state.values()]);
  const keys = new Set([
    ...state.keys(),
    ...writes.flatMap(({ changes }) => changes.flatMap((each) => (each.kind === 'put' ? [each.key] : []))),
  ]);
  for (const key of keys) {
    let allowed: (number | undefined)[] = [undefined];
    for (const { number, changes } of writes) {
      let isTouched = false;
      let result: number | undefined;
      for (const change of changes) {
        if (!touches(change, key)) continue;
        isTouched = true;
        result = change.kind === 'put' ? number : undefined;
      }
      if (isTouched) allowed = there.has(number) ? [result] : [...allowed, result];
    }
    if (!allowed.includes(state.get(key))) {
      return `key ${key}: expected write ${allowed.join(' or ')}, found ${state.get(key)}; ${textOf(state)}, of which ${[...must].join(' ')} must be there`;
    }
  }
  return undefined;
}
