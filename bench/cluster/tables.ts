/** The results as text: a table per durability, size of values and kind of loop, every target of a row beside the others. */
import { linesOf, short } from '../lib/report.ts';
import { badOf, type LoopKind, type Result } from './result.ts';
import { OURS, type TargetName } from './target.ts';
import type { Figures } from './task.ts';

const HEADINGS = [
  'row',
  'target',
  'ops/s',
  'p50 ms',
  'p95',
  'p99',
  'p99.9',
  'max',
  'server us/op',
  'generator us/op',
  'written B/op',
  'bad',
];
/** Of our nodes, from what they tell of themselves. */
const NODE_HEADINGS = [
  ...['row', 'target', 'main thread late, p99 ms', 'max', 'an idle one, p99 ms', 'collection % of CPU', 'longest pause ms'],
  ...['flushes', 'compactions', 'file reads/op', 'resident MiB at rest', 'peak', 'more by'],
];
const NOT_OFFERED = 'not offered';

/** Of `rows`, all that were asked for. Ratios: closed loop, operations per second of the target by those of the peer; open loop, its p99 by the peer's. */
export function tablesOf(results: readonly Result[], rows: readonly string[], targets: readonly TargetName[]): string[] {
  const lines: string[] = [];
  for (const group of groupsOf(results)) {
    const [{ durability, valueBytes, loop } = group[0]!] = group;
    lines.push('', `durability ${durability}, values of ${valueBytes} B, ${loopText(loop)}`);
    const present = targets.filter((target) => group.some((result) => result.target === target));
    for (const target of present) lines.push(`  ${target}: ${group.find((result) => result.target === target)!.described}`);
    lines.push(...linesOf(tableOf(group, rows, present), (column) => column < 2));
    const nodes = nodeRowsOf(group, rows, present);
    if (nodes.length > 0) lines.push('  our nodes meanwhile', ...linesOf([NODE_HEADINGS, ...nodes], (column) => column < 2));
  }
  return lines;
}

/** A line for each result that has any: how many operations were bad in which way, and what the first was told. */
export function troublesOf(results: readonly Result[]): string[] {
  return results
    .filter(({ troubles }) => badOf(troubles) > 0)
    .map(({ row, loop, target, durability, valueBytes, troubles }) => {
      const { first, ...counts } = troubles;
      const kinds = Object.entries(counts).flatMap(([kind, count]) => (count === 0 ? [] : [`${count} ${kind}`]));
      return `${target}, ${row}, ${loop} loop, durability ${durability}, ${valueBytes} B: ${kinds.join(', ')}; the first: ${first}`;
    });
}

/** Results of one table each, in the order in which they came. */
export function groupsOf(results: readonly Result[]): readonly (readonly Result[])[] {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const key = `${result.durability} ${result.valueBytes} ${result.loop}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [result]);
    else group.push(result);
  }
  return [...groups.values()];
}

function tableOf(group: readonly Result[], rows: readonly string[], targets: readonly TargetName[]): string[][] {
  const peers = targets.filter((target) => !OURS.includes(target));
  const table = [[...HEADINGS, ...peers.map((peer) => `x ${peer}`)]];
  for (const row of rows) {
    const found = group.filter((result) => result.row === row);
    if (found.length === 0) continue;
    for (const target of targets) {
      const result = found.find((candidate) => candidate.target === target);
      if (result === undefined) table.push([row, target, NOT_OFFERED, ...new Array<string>(HEADINGS.length - 3 + peers.length).fill('')]);
      else table.push([row, ...cellsOf(result), ...peers.map((peer) => ratioText(result, found, peer))]);
    }
  }
  return table;
}

function cellsOf({ target, figures, troubles }: Result): string[] {
  const { perSecond, p50Ms, p95Ms, p99Ms, p999Ms, maxMs, serverUs, generatorUs, bytesWritten } = figures;
  return [
    target,
    short(perSecond),
    ...[p50Ms, p95Ms, p99Ms, p999Ms, maxMs].map(short),
    serverUs === null ? '' : short(serverUs),
    short(generatorUs),
    bytesWritten === null ? '' : short(bytesWritten),
    String(badOf(troubles)),
  ];
}

function nodeRowsOf(group: readonly Result[], rows: readonly string[], targets: readonly TargetName[]): string[][] {
  return rows.flatMap((row) =>
    targets
      .flatMap((target) => group.filter((result) => result.row === row && result.target === target))
      .filter(({ figures }) => (figures.gcShare ?? null) !== null)
      .map(({ target, figures }) => [row, target, ...nodeCellsOf(figures)]),
  );
}

function nodeCellsOf(figures: Figures): string[] {
  const { mainDelayP99Ms, mainDelayMaxMs, idleDelayP99Ms, gcShare, gcPauseMaxMs, flushes, merges, fileReads, restMiB, peakMiB } = figures;
  const cell = (value: number | null): string => (value === null ? '' : short(value));
  const growthMiB = peakMiB === null || restMiB === null ? null : peakMiB - restMiB;
  return [
    ...[mainDelayP99Ms, mainDelayMaxMs, idleDelayP99Ms, gcShare === null ? null : gcShare * 100, gcPauseMaxMs].map(cell),
    ...[flushes, merges].map((count) => (count === null ? '' : count.toFixed(0))),
    ...[fileReads, restMiB, peakMiB, growthMiB].map(cell),
  ];
}

function ratioText(result: Result, found: readonly Result[], peer: TargetName): string {
  const other = found.find(({ target }) => target === peer);
  if (other === undefined || other === result) return '';
  const figure = result.loop === 'closed' ? 'perSecond' : 'p99Ms';
  return (result.figures[figure] / other.figures[figure]).toFixed(2);
}

function loopText(loop: LoopKind): string {
  return loop === 'closed'
    ? 'closed loop; x: operations per second by those of the peer, above 1 is better'
    : 'open loop, timed from the intended start; x: p99 by that of the peer, below 1 is better';
}
