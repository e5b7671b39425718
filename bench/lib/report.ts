/** What a benchmark reports: a table on the terminal, and with `--json FILE` the same rows for machines. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { medianOf } from './stats.ts';

/** One figure beside its baseline, both from the same run. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** What it is compared with; empty: nothing. */
  readonly peer: string;
  /** Median of the peer, in the same unit; null without a peer. */
  readonly peerMedian: number | null;
  /** `median / peerMedian`: above 1 is better for rates, below 1 for times and sizes. */
  readonly ratio: number | null;
  readonly better: Better;
}

/** Which figures are the good ones. */
export type Better = 'higher' | 'lower';

export type Setup = Readonly<Record<string, unknown>>;

/** `better`: by default rates are better when higher, all else when lower. */
export function rowOf(
  name: string,
  unit: string,
  samples: readonly number[],
  peer = '',
  peerSamples: readonly number[] = [],
  better: Better = unit.endsWith('/s') ? 'higher' : 'lower',
): Row {
  const median = medianOf(samples);
  const peerMedian = peerSamples.length === 0 ? null : medianOf(peerSamples);
  return {
    name,
    unit,
    median,
    min: Math.min(...samples),
    max: Math.max(...samples),
    peer,
    peerMedian,
    ratio: peerMedian === null ? null : median / peerMedian,
    better,
  };
}

/** The machine and the conditions. `more`: options of the run. */
export function setupOf(more: Setup): Setup {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: [process.version, ...process.execArgv].join(' '),
    commit: commit(),
    date: new Date().toISOString(),
    loadBefore: loadavg()[0],
    durability: 'none (messages in memory)',
    ...more,
  };
}

export function printSetup(setup: Setup): void {
  console.log(
    Object.entries(setup)
      .map(([key, value]) => `${key}: ${typeof value === 'number' ? Number(value.toFixed(2)) : String(value)}`)
      .join(', '),
  );
}

export function printRows(rows: readonly Row[]): void {
  const table = [['', 'unit', 'median', 'min', 'max', 'peer', 'peer median', 'ratio', 'better'], ...rows.map(cellsOf)];
  const isText = (column: number): boolean => column < 2 || column === 5 || column === 8;
  for (const line of linesOf(table, isText)) console.log(line);
}

/** Columns as wide as their widest cell: texts to the left, numbers to the right. Requires: rows of equal length, the first with the headings. */
export function linesOf(table: readonly (readonly string[])[], isText: (column: number) => boolean): string[] {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((cells) => cells[column]!.length)));
  return table.map((cells) =>
    cells
      .map((cell, column) => (isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}

export function writeReport(file: string | undefined, setup: Setup, rows: readonly Row[]): void {
  if (file !== undefined) writeFileSync(file, `${JSON.stringify({ setup, rows }, null, 2)}\n`);
}

/** Four digits that count, with k and M. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toPrecision(3)} M`;
  if (size >= 1e4) return `${(value / 1e3).toPrecision(3)} k`;
  return size >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function cellsOf(row: Row): string[] {
  const { name, unit, median, min, max, peer, peerMedian, ratio } = row;
  return [
    name,
    unit,
    short(median),
    short(min),
    short(max),
    peer,
    peerMedian === null ? '' : short(peerMedian),
    ratio === null ? '' : ratio.toFixed(2),
    row.better,
  ];
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown: no git, or no commit yet';
  }
}
