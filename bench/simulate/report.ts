/** What comes of some seeds of the whole-cluster workload: counted, put together, and said to a person. */
import { STATUSES } from '../../test/actors/store/cluster-clients.ts';
import type { SeedResult } from '../../test/actors/store/cluster-hunt.ts';
import { FAULT_CLASSES } from '../../test/actors/store/fault-classes.ts';

export interface FailedSeed {
  readonly seed: number;
  readonly what: string;
  readonly detail: string;
  readonly atMs: number;
}

export type Counts = Readonly<Record<string, number>>;

/** Plain data: it goes from process to process. */
export interface Report {
  readonly seeds: number;
  readonly events: number;
  readonly formed: number;
  /** By kind and status. */
  readonly answers: Counts;
  /** By class: faults, and seeds that had any. */
  readonly faults: Counts;
  readonly seedsWith: Counts;
  /** Answers with the help of stand-ins; hints handed back, at shards that were not started since. */
  readonly sloppy: number;
  readonly handedOver: number;
  readonly failed: readonly FailedSeed[];
}

export const NO_REPORT: Report = {
  seeds: 0,
  events: 0,
  formed: 0,
  answers: {},
  faults: {},
  seedsWith: {},
  sloppy: 0,
  handedOver: 0,
  failed: [],
};

export function reportOf(seed: number, { failure, events, isFormed, counts, faults, sloppy, handedOver }: SeedResult): Report {
  const found = Object.fromEntries(faults);
  return {
    ...{ seeds: 1, events, formed: isFormed ? 1 : 0, answers: Object.fromEntries(counts), faults: found },
    seedsWith: Object.fromEntries(Object.keys(found).map((name) => [name, 1])),
    ...{ sloppy, handedOver },
    failed: failure === null ? [] : [{ seed, ...failure }],
  };
}

export function sumOf(reports: readonly Report[]): Report {
  return reports.reduce(
    (a, b): Report => ({
      ...{ seeds: a.seeds + b.seeds, events: a.events + b.events, formed: a.formed + b.formed },
      ...{ answers: added(a.answers, b.answers), faults: added(a.faults, b.faults), seedsWith: added(a.seedsWith, b.seedsWith) },
      ...{ sloppy: a.sloppy + b.sloppy, handedOver: a.handedOver + b.handedOver },
      failed: [...a.failed, ...b.failed],
    }),
    NO_REPORT,
  );
}

function added(a: Counts, b: Counts): Counts {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** Lines for a person; the violations come in lines of their own. `seconds`: of the wall clock. */
export function linesOf(
  { seeds, events, formed, answers, faults, seedsWith, sloppy, handedOver }: Report,
  seconds: number,
  jobs: number,
): readonly string[] {
  const perHour = Math.round((seeds / seconds) * 3_600);
  const total = Object.values(answers).reduce((sum, count) => sum + count, 0);
  return [
    `${seeds} seeds in ${seconds.toFixed(0)} s with ${jobs} jobs: ${perHour} seeds per hour; ${Math.round(events / Math.max(1, seeds))} events and ` +
      `${Math.round(total / Math.max(1, seeds))} answers per seed; ${formed} clusters formed in time`,
    'faults, by class, and seeds that had any:',
    ...FAULT_CLASSES.filter((name) => faults[name] !== undefined).map(
      (name) => `  ${name.padEnd(12)} ${String(faults[name]).padStart(8)} ${String(seedsWith[name]).padStart(8)}`,
    ),
    `answers with the help of stand-ins: ${sloppy}; hints handed back, at shards that were not started since: ${handedOver}`,
    'answers, by kind and status:',
    ...Object.entries(answers)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([what, count]) => `  ${nameOf(what).padEnd(24)} ${String(count).padStart(8)}`),
  ];
}

/** `get 5` by name. */
function nameOf(what: string): string {
  const [kind, status] = what.split(' ');
  return `${kind} ${STATUSES[Number(status)] ?? status}`;
}
