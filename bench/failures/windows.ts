/** What clients saw between two moments: pure, from the samples of a load. */
import { createHistogram } from 'node:perf_hooks';
import { OK, type SampleSet } from './samples.ts';

/** Operations that were to begin within it; milliseconds since 1970. */
export interface Window {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface WindowFigures {
  readonly seconds: number;
  readonly operations: number;
  /** Of those that were done, by HdrHistogram to three digits, from the intended start. 0: none was. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Of all, until they were done or said to have failed. */
  readonly slowestMs: number;
  /** The worst 1 % of what the generator itself began late. */
  readonly lateP99Ms: number;
  /** By kind. */
  readonly errors: Readonly<Record<string, number>>;
  /** Reads of what was replaced before they began. */
  readonly stale: number;
}

export interface CoursePoint extends Pick<WindowFigures, 'operations' | 'p50Ms' | 'p99Ms' | 'slowestMs' | 'lateP99Ms' | 'errors'> {
  /** When it begins: below 0 before the event. */
  readonly atSeconds: number;
}

const MS_MAX = 120_000;

/** `groups`: whose operations. */
export function figuresIn(samples: SampleSet, window: Window, groups: readonly number[]): WindowFigures {
  const latencies = createHistogram({ lowest: 1, highest: MS_MAX * 1e6, figures: 3 });
  const lateness = createHistogram({ lowest: 1, highest: MS_MAX * 1e6, figures: 3 });
  const errors: Record<string, number> = {};
  let operations = 0;
  let slowestMs = 0;
  let stale = 0;
  for (const i of within(samples, window, groups)) {
    const tookMs = samples.tookMs[i]!;
    const outcome = samples.outcomes[samples.outcome[i]!]!;
    operations++;
    slowestMs = Math.max(slowestMs, tookMs);
    stale += samples.isStale[i]!;
    lateness.record(nanoseconds(samples.lateMs[i]!));
    if (outcome === OK) latencies.record(nanoseconds(tookMs));
    else errors[outcome] = (errors[outcome] ?? 0) + 1;
  }
  const at = (percent: number): number => (latencies.count === 0 ? 0 : latencies.percentile(percent) / 1e6);
  return {
    ...{ seconds: (window.untilMs - window.fromMs) / 1_000, operations, p50Ms: at(50), p99Ms: at(99), p999Ms: at(99.9), slowestMs },
    ...{ lateP99Ms: operations === 0 ? 0 : lateness.percentile(99) / 1e6, errors, stale },
  };
}

/**
 * How long clients saw that something was wrong: from when the first operation began that failed or took longer than `timeoutMs`, to when the last of them was over. 0: there was none.
 * An operation that was only slow counts up to the moment when it was answered.
 */
export function troubledMs(samples: SampleSet, window: Window, groups: readonly number[], timeoutMs: number): number {
  let fromMs = Number.POSITIVE_INFINITY;
  let untilMs = Number.NEGATIVE_INFINITY;
  for (const i of within(samples, window, groups)) {
    const [beganMs, tookMs] = [samples.beganMs[i]!, samples.tookMs[i]!];
    if (samples.outcome[i] === 0 && tookMs <= timeoutMs) continue;
    fromMs = Math.min(fromMs, beganMs);
    untilMs = Math.max(untilMs, beganMs + tookMs);
  }
  return Math.max(0, untilMs - fromMs);
}

/** All clients' windows of `everyMs`, from the first operation on. `sinceMs`: what their seconds count from. */
export function courseOf(samples: SampleSet, everyMs: number, sinceMs: number): readonly CoursePoint[] {
  const groups = [...new Set(samples.group)];
  let [fromMs, lastMs] = [Number.POSITIVE_INFINITY, 0];
  for (const beganMs of samples.beganMs) {
    fromMs = Math.min(fromMs, beganMs);
    lastMs = Math.max(lastMs, beganMs);
  }
  const points: CoursePoint[] = [];
  for (let at = fromMs; at <= lastMs; at += everyMs) {
    const { operations, p50Ms, p99Ms, slowestMs, lateP99Ms, errors } = figuresIn(samples, { fromMs: at, untilMs: at + everyMs }, groups);
    points.push({ atSeconds: (at - sinceMs) / 1_000, operations, p50Ms, p99Ms, slowestMs, lateP99Ms, errors });
  }
  return points;
}

function* within({ count, beganMs, group }: SampleSet, { fromMs, untilMs }: Window, groups: readonly number[]): Iterable<number> {
  const isAsked = new Uint8Array(256);
  for (const index of groups) isAsked[index] = 1;
  for (let i = 0; i < count; i++) if (beganMs[i]! >= fromMs && beganMs[i]! < untilMs && isAsked[group[i]!] === 1) yield i;
}

function nanoseconds(ms: number): number {
  return Math.min(MS_MAX * 1e6, Math.max(1, Math.round(ms * 1e6)));
}
