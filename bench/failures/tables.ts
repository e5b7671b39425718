/** What a run shows on the terminal. */
import { linesOf, short } from '../lib/report.ts';
import { isMet, type Report } from './scenario.ts';
import type { WindowFigures } from './windows.ts';

const HEADINGS = [
  '',
  'clients',
  'phase',
  's',
  'op/s',
  'p50 ms',
  'p99 ms',
  'p99.9 ms',
  'slowest ms',
  'late p99 ms',
  'p99 x before',
  'stale',
  'errors',
];

export function tableOf(reports: readonly Report[]): readonly string[] {
  const rows = reports.flatMap(({ scenario, rows: all }) =>
    all.map(({ clients, phase, figures, timesBefore }) => [
      ...[scenario, clients, phase, figures.seconds.toFixed(1), (figures.operations / figures.seconds).toFixed(0)],
      ...[figures.p50Ms, figures.p99Ms, figures.p999Ms, figures.slowestMs, figures.lateP99Ms].map((ms) => ms.toFixed(ms < 100 ? 2 : 0)),
      ...[timesBefore === null ? '' : timesBefore.toFixed(2), String(figures.stale), errorsOf(figures)],
    ]),
  );
  return linesOf([HEADINGS, ...rows], (column) => column < 3 || column === HEADINGS.length - 1);
}

export function claimsOf(reports: readonly Report[]): readonly string[] {
  const rows = reports.flatMap(({ scenario, claims }) =>
    claims.map((claim) => [
      ...[scenario, claim.what, `${short(claim.value)} ${claim.unit}`.trim()],
      claim.aim === null ? '' : `<= ${claim.aim}`,
      claim.aim === null ? '' : isMet(claim) ? 'met' : 'missed',
    ]),
  );
  return linesOf([['', 'figure', 'value', 'aim', ''], ...rows], (column) => column !== 2);
}

function errorsOf({ errors }: WindowFigures): string {
  return Object.entries(errors)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ');
}
