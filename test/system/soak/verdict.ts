/** What a soak's reports prove: pure functions from what was seen to sentences about what is wrong. */
import { type AskCounts, type Incarnation, outcomesOf, type Report, type SenderReport, type SinkReport } from './protocol.ts';

/** An outcome may come this much after its deadline: the load is far more than the machine's cores, and timers wait their turn. */
export const LATE_MAX_MS = 1000;
/** Of the second half of a run over the first, after warm-up. */
export const MEMORY_GROWTH_MAX = 1.25;
export const MEMORY_SLACK_MIB = 48;
const WARM_UP_SHARE = 0.2;
const SAMPLES_MIN = 40;

export interface MemoryTrend {
  readonly what: string;
  readonly samples: number;
  readonly firstHalfMiB: number;
  readonly secondHalfMiB: number;
  readonly maxMiB: number;
  /** Too few samples say nothing. */
  readonly isJudged: boolean;
  readonly isFlat: boolean;
}

export function sinksOf(reports: readonly Report[]): SinkReport[] {
  return reports.filter((report) => report.type === 'sink');
}

export function sendersOf(reports: readonly Report[]): SenderReport[] {
  return reports.filter((report) => report.type === 'sender');
}

/** The latest start of each place. */
export function living<T extends Incarnation>(reports: readonly T[]): T[] {
  const latest = new Map<string, T>();
  for (const report of reports) if ((latest.get(report.place)?.boot ?? -1) < report.boot) latest.set(report.place, report);
  return [...latest.values()];
}

export function receivedIn(reports: readonly Report[]): number {
  return sinksOf(reports).reduce((sum, sink) => sum + sink.received, 0);
}

/** Pairs of living shards between which no message has arrived, as `from -> to`. */
export function silentPairs(reports: readonly Report[], places: readonly string[]): string[] {
  const sinks = living(sinksOf(reports));
  const senders = living(sendersOf(reports));
  const silent: string[] = [];
  for (const to of places) {
    for (const from of places) {
      if (from === to) continue;
      const sender = senders.find((report) => report.place === from);
      const sink = sinks.find((report) => report.place === to);
      const pair = sink?.pairs.find((state) => state.from === sender?.from);
      if (pair === undefined) silent.push(`${from} -> ${to}`);
    }
  }
  return silent;
}

/** Order, duplicates, and gaps that no kill explains. `kills`: times of disruptions; a gap within `graceMs` after one is only counted. */
export function orderViolations(reports: readonly Report[], kills: readonly number[], graceMs: number): string[] {
  return sinksOf(reports).flatMap((sink) => [
    ...sink.violations.map((violation) => `sink ${nameOf(sink)}: ${violation}`),
    ...(sink.violationCount > sink.violations.length ? [`sink ${nameOf(sink)}: ${sink.violationCount} violations in all`] : []),
    ...sink.gaps
      .filter(({ at }) => !kills.some((kill) => at >= kill && at <= kill + graceMs))
      .map(
        ({ from, first, last }) =>
          `sink ${nameOf(sink)}: messages ${first} to ${last} of sender ${from} are missing, and nothing was killed`,
      ),
  ]);
}

/** Between shards that both live to the end, all that was sent has arrived. Requires: senders are halted and everything is delivered. */
export function lossViolations(reports: readonly Report[]): string[] {
  const sinks = living(sinksOf(reports));
  const violations: string[] = [];
  for (const sender of living(sendersOf(reports))) {
    for (const { to, count } of sender.sent) {
      const sink = sinks.find((report) => report.place === to.place && report.boot === to.boot);
      if (sink === undefined || count === 0) continue;
      const pair = sink.pairs.find(({ from }) => from === sender.from);
      if (pair?.last !== count || pair.missing !== 0) {
        violations.push(
          `${nameOf(sender)} -> ${nameOf(sink)}: sent ${count}, arrived up to ${pair?.last ?? 0}, missing ${pair?.missing ?? 0}`,
        );
      }
    }
  }
  return violations;
}

/** `isOver`: whoever asked has lived on, so that every ask must have its outcome by now. */
export function askViolations(who: string, asks: AskCounts, isOver: boolean): string[] {
  const violations: string[] = [];
  const outcomes = outcomesOf(asks);
  if (isOver && outcomes !== asks.asked) violations.push(`${who}: ${asks.asked} asks and ${outcomes} outcomes`);
  if (asks.latestMs > LATE_MAX_MS)
    violations.push(`${who}: an outcome came ${Math.round(asks.latestMs)} ms after its deadline, at most ${LATE_MAX_MS} are allowed`);
  return violations;
}

export function memoryTrend(what: string, samplesMiB: readonly number[]): MemoryTrend {
  const warm = samplesMiB.slice(Math.floor(samplesMiB.length * WARM_UP_SHARE));
  const half = warm.length >> 1;
  const firstHalfMiB = median(warm.slice(0, half));
  const secondHalfMiB = median(warm.slice(half));
  return {
    what,
    samples: samplesMiB.length,
    firstHalfMiB,
    secondHalfMiB,
    maxMiB: Math.max(0, ...samplesMiB),
    isJudged: samplesMiB.length >= SAMPLES_MIN,
    isFlat: secondHalfMiB <= firstHalfMiB * MEMORY_GROWTH_MAX + MEMORY_SLACK_MIB,
  };
}

export function nameOf({ place, boot }: Incarnation): string {
  return `${place}@${boot}`;
}

function median(values: readonly number[]): number {
  return Float64Array.from(values).sort()[values.length >> 1] ?? 0;
}
