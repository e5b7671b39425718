/** What nodes tell of themselves at /metrics: how they were while a row was measured. */
import type { NodeFigures } from './task.ts';

/** One look at all nodes; sums, and of what the last look began anew the worst. */
export interface NodesLook {
  readonly cpuSeconds: number;
  readonly gcSeconds: number;
  readonly gcPauseMaxMs: number;
  readonly mainDelayP99Ms: number;
  readonly mainDelayMaxMs: number;
  readonly requests: number;
  readonly flushes: number;
  readonly merges: number;
  readonly fileReads: number;
}

const LINE = /^([a-z_0-9]+)(?:\{([^}]*)\})? (\S+)$/;

/** `ports`: of HTTP; null when there are none. Errors: a node does not answer. */
export async function lookAtNodes(ports: readonly number[]): Promise<NodesLook | null> {
  if (ports.length === 0) return null;
  const texts = await Promise.all(
    ports.map(async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      if (!response.ok) throw new Error(`/metrics of port ${port}: HTTP ${response.status}`);
      return response.text();
    }),
  );
  return lookOf(texts);
}

/** `texts`: in the format of Prometheus, one of each node. */
export function lookOf(texts: readonly string[]): NodesLook {
  const samples = texts.flatMap((text) => text.split('\n')).map((line) => LINE.exec(line));
  const valuesOf = (name: string, labels = ''): number[] =>
    samples.flatMap((found) => (found?.[1] === name && (found[2] ?? '').includes(labels) ? [Number(found[3])] : []));
  const sum = (name: string, labels?: string): number => valuesOf(name, labels).reduce((total, value) => total + value, 0);
  const worst = (name: string, labels?: string): number => Math.max(0, ...valuesOf(name, labels));
  return {
    cpuSeconds: sum('process_cpu_seconds_total'),
    gcSeconds: sum('dynactor_gc_seconds_total'),
    gcPauseMaxMs: worst('dynactor_gc_pause_max_seconds') * 1000,
    mainDelayP99Ms: worst('nodejs_eventloop_lag_p99_seconds', 'shard="main"') * 1000,
    mainDelayMaxMs: worst('nodejs_eventloop_lag_max_seconds', 'shard="main"') * 1000,
    requests: sum('dynactor_requests_total'),
    flushes: sum('dynactor_replicas', 'figure="flushes"'),
    merges: sum('dynactor_replicas', 'figure="merges"'),
    fileReads: sum('dynactor_replicas', 'figure="inlineReads"') + sum('dynactor_replicas', 'figure="asyncReads"'),
  };
}

/** Between two looks, and how late a thread was meanwhile that has nothing to do. Null: of no nodes. */
export function figuresBetween(begun: NodesLook | null, ended: NodesLook | null, idleDelayP99Ms: number): NodeFigures {
  if (begun === null || ended === null) return NO_FIGURES;
  const requests = ended.requests - begun.requests;
  return {
    gcShare: (ended.gcSeconds - begun.gcSeconds) / (ended.cpuSeconds - begun.cpuSeconds),
    gcPauseMaxMs: ended.gcPauseMaxMs,
    mainDelayP99Ms: ended.mainDelayP99Ms,
    mainDelayMaxMs: ended.mainDelayMaxMs,
    idleDelayP99Ms,
    flushes: ended.flushes - begun.flushes,
    merges: ended.merges - begun.merges,
    fileReads: requests === 0 ? 0 : (ended.fileReads - begun.fileReads) / requests,
  };
}

const NO_FIGURES: NodeFigures = {
  ...{
    gcShare: null,
    gcPauseMaxMs: null,
    mainDelayP99Ms: null,
    mainDelayMaxMs: null,
    idleDelayP99Ms: null,
    flushes: null,
    merges: null,
    fileReads: null,
  },
};
