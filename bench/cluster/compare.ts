/** Two result files beside each other. */
import { linesOf, short } from '../lib/report.ts';
import { idOf, type Result, type ResultFile } from './result.ts';
import { OURS } from './target.ts';

/** Changes below are noise on a machine with other work. */
const NOISE = 0.1;
const CONDITIONS = [
  'cpu',
  'cores',
  'node',
  'commit',
  'records',
  'connections',
  'memoryMiB',
  'openLoop',
  'n',
  'r',
  'w',
  'runs',
  'runMs',
  'settleMs',
] as const;

export function compareFiles(a: ResultFile, b: ResultFile): string[] {
  const before = new Map(a.results.map((result) => [idOf(result), result]));
  const pairs = b.results.flatMap((result) => {
    const other = before.get(idOf(result));
    return other === undefined ? [] : [[other, result] as const];
  });
  const differing = CONDITIONS.filter((key) => a.setup[key] !== b.setup[key]).map(
    (key) => `${key}: ${String(a.setup[key])} -> ${String(b.setup[key])}`,
  );
  const table = [
    [
      'durability',
      'bytes',
      'loop',
      'row',
      'target',
      'ops/s',
      '->',
      'ratio',
      '',
      'p99 ms',
      '->',
      'ratio',
      '',
      'server us/op',
      '->',
      'ratio',
      '',
    ],
    ...pairs.map(([one, two]) => cellsOf(one, two)),
  ];
  return [
    ...(differing.length === 0 ? [] : [`differing: ${differing.join(', ')}`]),
    ...linesOf(table, (column) => column < 5 || column === 8 || column === 12 || column === 16),
    `${pairs.length} rows in both, ${a.results.length - pairs.length} only in the first, ${b.results.length - pairs.length} only in the second`,
    ...peersText(pairs),
  ];
}

function cellsOf(one: Result, two: Result): string[] {
  const { durability, valueBytes, loop, row, target } = two;
  // The rate of an open loop was asked for, not reached.
  const rate = loop === 'closed' ? changeOf(one.figures.perSecond, two.figures.perSecond, true) : ['', '', '', ''];
  return [
    ...[durability, String(valueBytes), loop, row, target],
    ...rate,
    ...changeOf(one.figures.p99Ms, two.figures.p99Ms, false),
    ...changeOf(one.figures.serverUs, two.figures.serverUs, false),
  ];
}

function changeOf(a: number | null, b: number | null, isHigherBetter: boolean): string[] {
  if (a === null || b === null) return ['', '', '', ''];
  const ratio = b / a;
  const isBetter = ratio > 1 === isHigherBetter;
  const word = Math.abs(ratio - 1) <= NOISE || !Number.isFinite(ratio) ? '' : isBetter ? 'better' : 'worse';
  return [short(a), short(b), ratio.toFixed(2), word];
}

/** Peers don't change from commit to commit: what they do says how the machine has. */
function peersText(pairs: readonly (readonly [Result, Result])[]): string[] {
  const logs = pairs
    .filter(([{ target, loop }]) => loop === 'closed' && !OURS.includes(target))
    .map(([one, two]) => Math.log(two.figures.perSecond / one.figures.perSecond));
  if (logs.length === 0) return [];
  const mean = Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  return [`peers do ${mean.toFixed(2)} times the operations per second of the first file: so much is the machine`];
}
