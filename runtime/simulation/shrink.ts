/**
 * Shrinking: from a run that fails to a smaller one that fails in the same way. Tries, in this order: an earlier end, fewer faults (delta
 * debugging: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002), milder faults, a calmer
 * network, and the plainest scheduler; and again from the start while anything helps.
 */
import { PERFECT_QUALITY } from './conditions.ts';
import { milderItems, type PlanItem } from './plan.ts';
import type { RunPlan } from './plan-file.ts';
import type { WorldSettings } from './settings.ts';
import type { Failure } from './world.ts';

export interface ShrinkOptions {
  /** Default 300. */
  readonly runsMax?: number;
}

export interface ShrinkResult {
  readonly run: RunPlan;
  readonly failure: Failure;
  /** Runs that were made. */
  readonly runs: number;
}

const RUNS_MAX = 300;

/** Requires: `attempt(start)` fails, with `failure`; and gives the same for the same run. `attempt` returns the first failure, or null. */
export function shrink(
  start: RunPlan,
  failure: Failure,
  attempt: (run: RunPlan) => Failure | null,
  options: ShrinkOptions = {},
): ShrinkResult {
  const search = new Search(start, failure, attempt, options.runsMax ?? RUNS_MAX);
  for (let before = -1; before !== search.successes && search.isOpen; ) {
    before = search.successes;
    search.stopEarlier();
    search.dropItems();
    search.soften();
    search.calm();
  }
  return { run: search.best, failure: search.failure, runs: search.runs };
}

class Search {
  best: RunPlan;
  failure: Failure;
  runs = 0;
  successes = 0;
  readonly #attempt: (run: RunPlan) => Failure | null;
  readonly #runsMax: number;

  constructor(start: RunPlan, failure: Failure, attempt: (run: RunPlan) => Failure | null, runsMax: number) {
    this.best = start;
    this.failure = failure;
    this.#attempt = attempt;
    this.#runsMax = runsMax;
  }

  get isOpen(): boolean {
    return this.runs < this.#runsMax;
  }

  /** What comes after the failure had no part in it. */
  stopEarlier(): void {
    const stopMs = Math.ceil(this.failure.atMs) + 1;
    if (stopMs < this.best.stopMs) this.#try({ ...this.best, stopMs });
    const plan = this.best.plan.filter((item) => item.atMs <= stopMs);
    if (plan.length < this.best.plan.length) this.#try({ ...this.best, plan });
  }

  dropItems(): void {
    if (this.best.plan.length === 0 || this.#try({ ...this.best, plan: [] })) return;
    let parts = 2;
    while (this.best.plan.length > 1 && this.isOpen) {
      const { plan } = this.best;
      const size = Math.ceil(plan.length / parts);
      let isSmaller = false;
      for (let at = 0; at < plan.length && !isSmaller; at += size) {
        isSmaller = this.#try({ ...this.best, plan: [...plan.slice(0, at), ...plan.slice(at + size)] });
      }
      if (isSmaller) parts = Math.max(2, parts - 1);
      else if (size === 1) return;
      else parts = Math.min(plan.length, parts * 2);
    }
  }

  soften(): void {
    for (let index = 0; index < this.best.plan.length; index++) {
      for (const milder of milderItems(this.best.plan[index]!)) {
        if (this.#try({ ...this.best, plan: replaced(this.best.plan, index, milder) })) break;
      }
    }
  }

  calm(): void {
    // Computed anew each time: a change is made to the settings as the one before has left them.
    for (let index = 0; index < calmer(this.best.settings).length; index++) {
      const settings = { ...this.best.settings, ...calmer(this.best.settings)[index] };
      if (JSON.stringify(settings) !== JSON.stringify(this.best.settings)) this.#try({ ...this.best, settings });
    }
  }

  /** Keeps `run` when it fails in the same way. */
  #try(run: RunPlan): boolean {
    if (!this.isOpen) return false;
    this.runs++;
    const failure = this.#attempt(run);
    if (failure?.what !== this.failure.what) return false;
    this.best = run;
    this.failure = failure;
    this.successes++;
    return true;
  }
}

function calmer(settings: WorldSettings): Partial<WorldSettings>[] {
  const changes: Partial<WorldSettings>[] = [];
  const { network } = settings;
  if (network !== undefined) {
    changes.push(
      { network: { ...network, quality: PERFECT_QUALITY, ports: PERFECT_QUALITY } },
      { network: { ...network, quality: PERFECT_QUALITY } },
    );
    if (network.fidelity === 'bytes') changes.push({ network: { ...network, fidelity: 'frames' } });
  }
  const { policy } = settings.scheduling ?? { policy: 'fifo' };
  if (policy !== 'fifo') changes.push({ scheduling: { policy: 'fifo' } });
  if (policy === 'pct')
    changes.push({ scheduling: { policy: 'pct', changePoints: 0 } }, { scheduling: { policy: 'pct', changePoints: 1 } });
  return changes;
}

function replaced(plan: readonly PlanItem[], index: number, item: PlanItem): PlanItem[] {
  return [...plan.slice(0, index), item, ...plan.slice(index + 1)];
}
