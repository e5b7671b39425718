/** What a run of the bench has found, as its JSON file has it. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Setup } from '../lib/report.ts';
import { medianOf } from '../lib/stats.ts';
import type { Troubles } from './load.ts';
import type { Row } from './plan.ts';
import type { Durability, TargetName } from './target.ts';
import type { CurvePoint, Figures, Outcome } from './task.ts';

/** Under what a row was measured. */
export interface Conditions {
  readonly durability: Durability;
  readonly valueBytes: number;
  readonly target: TargetName;
  /** What durability, replicas and quorums mean for this target. */
  readonly described: string;
}

export type LoopKind = 'closed' | 'open';

/** One row of one target; figures are medians of its runs. */
export interface Result extends Conditions {
  readonly row: string;
  readonly loop: LoopKind;
  readonly figures: Figures;
  readonly samples: readonly Figures[];
  /** Of the last run. */
  readonly curve: readonly CurvePoint[];
  /** Of all runs. */
  readonly troubles: Troubles;
}

export interface ResultFile {
  readonly setup: Setup;
  readonly results: readonly Result[];
}

/** Gathers runs by what they are of. */
export class ResultBook {
  readonly #results = new Map<string, Result>();

  add(conditions: Conditions, row: Row, loop: LoopKind, { figures, curve, troubles }: Outcome): void {
    const id = idOf({ ...conditions, row: row.label, loop });
    const before = this.#results.get(id);
    const samples = [...(before?.samples ?? []), figures];
    const all = before === undefined ? troubles : sumOf(before.troubles, troubles);
    this.#results.set(id, { ...conditions, row: row.label, loop, figures: mediansOf(samples), samples, curve, troubles: all });
  }

  get all(): readonly Result[] {
    return [...this.#results.values()];
  }
}

/** Equal for what may be compared. */
export function idOf({
  durability,
  valueBytes,
  target,
  row,
  loop,
}: Omit<Result, 'described' | 'figures' | 'samples' | 'curve' | 'troubles'>): string {
  return [durability, valueBytes, row, loop, target].join(' | ');
}

export function badOf({ wrong, missing, stale, failed }: Troubles): number {
  return wrong + missing + stale + failed;
}

export function writeResults(file: string, content: ResultFile): void {
  writeFileSync(file, `${JSON.stringify(content, null, 1)}\n`);
}

/** Errors: not a file of this bench. */
export function readResults(file: string): ResultFile {
  const content = JSON.parse(readFileSync(file, 'utf8')) as Partial<ResultFile> | null;
  if (!Array.isArray(content?.results) || content.setup === undefined)
    throw new Error('expected the JSON of bench:cluster, with setup and results');
  return content as ResultFile;
}

function mediansOf(samples: readonly Figures[]): Figures {
  const keys = Object.keys(samples[0]!) as (keyof Figures)[];
  const medians = keys.map((key) => {
    const values = samples.map((figures) => figures[key]).filter((value) => value !== null);
    return [key, values.length === 0 ? null : medianOf(values)] as const;
  });
  return Object.fromEntries(medians) as unknown as Figures;
}

function sumOf(a: Troubles, b: Troubles): Troubles {
  return {
    wrong: a.wrong + b.wrong,
    missing: a.missing + b.missing,
    stale: a.stale + b.stale,
    failed: a.failed + b.failed,
    first: a.first === '' ? b.first : a.first,
  };
}
