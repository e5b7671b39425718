/**
 * A contest: the same work done by us and by others, in turns within one process, so that whatever disturbs the machine disturbs
 * all of them. Each contest runs in a process of its own, whose compiler has seen nothing else.
 */
import { type Row, rowOf } from './report.ts';

/** Figures of one run, by metric. */
export type Figures = Readonly<Record<string, number>>;

export interface Contender {
  readonly label: string;
  /** Works for about `ms` milliseconds. */
  run(ms: number): Promise<Figures>;
}

export interface Metric {
  /** Key in `Figures`. */
  readonly key: string;
  /** Name of the row. */
  readonly name: string;
  readonly unit: string;
}

export interface Contest {
  readonly metrics: readonly Metric[];
  readonly ours: Contender;
  readonly peers: readonly Contender[];
  /** Figures of others that can't be measured here, by metric. */
  readonly published?: readonly { readonly label: string; readonly figures: Figures }[];
  close(): Promise<void>;
}

export interface ContestOptions {
  readonly runs: number;
  readonly runMs: number;
}

/** One row per metric and peer. The first run of each contender is warm-up and not counted. */
export async function holdContest(contest: Contest, options: ContestOptions): Promise<Row[]> {
  const contenders = [contest.ours, ...contest.peers];
  const samples = contenders.map((): Figures[] => []);
  for (let run = -1; run < options.runs; run++) {
    for (const [index, contender] of contenders.entries()) {
      globalThis.gc?.();
      const figures = await contender.run(options.runMs);
      if (run >= 0) (samples[index] as Figures[]).push(figures);
    }
  }
  const [ours = [], ...theirs] = samples;
  const rows: Row[] = [];
  for (const { key, name, unit } of contest.metrics) {
    const values = valuesOf(ours, key);
    const peers = [
      ...contest.peers.map(({ label }, index) => ({ label, values: valuesOf(theirs[index] ?? [], key) })),
      ...(contest.published ?? []).map(({ label, figures }) => ({ label: `${label} (published)`, values: valuesOf([figures], key) })),
    ].filter((peer) => peer.values.length > 0);
    if (peers.length === 0) rows.push(rowOf(name, unit, values));
    for (const peer of peers) rows.push(rowOf(name, unit, values, peer.label, peer.values));
  }
  return rows;
}

/** A contender whose figure `rate` is how many times per second `step(chunk)` gets `chunk` things done. */
export function rateOf(label: string, chunk: number, step: (chunk: number) => Promise<void>): Contender {
  return {
    label,
    run: async (ms) => {
      let done = 0;
      const begun = performance.now();
      let now = begun;
      while (now - begun < ms) {
        await step(chunk);
        done += chunk;
        now = performance.now();
      }
      return { rate: (done / (now - begun)) * 1000 };
    },
  };
}

function valuesOf(figures: readonly Figures[], key: string): number[] {
  return figures.map((f) => f[key]).filter((value) => value !== undefined);
}
