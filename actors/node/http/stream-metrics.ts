/** What the shards of a node copy from others when owners change, as metrics. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { StreamFigures } from '../../streaming/stream-figures.ts';
import { setTotal } from './totals.ts';

const NOW = [
  ['moves', 'moves', 'Ranges that a shard copies for the transition under way, a partition of a keyspace from one replica each'],
  ['moves_left', 'movesLeft', 'Of these, those that have yet to be copied'],
] as const satisfies readonly (readonly [string, keyof StreamFigures, string])[];
const TOTALS = [
  ['records_total', 'records', 'Records that came from old replicas'],
  ['bytes_total', 'bytes', 'Bytes of keys and records that came from old replicas'],
  ['retries_total', 'retries', 'Pages that failed, and were asked for again'],
] as const satisfies readonly (readonly [string, keyof StreamFigures, string])[];

export class StreamMetrics {
  readonly #now: readonly Gauge[];
  readonly #totals: readonly Counter[];

  constructor(registry: Registry) {
    const registers = [registry];
    const labelNames = ['shard'];
    this.#now = NOW.map(([name, , help]) => new Gauge({ name: `dynactor_stream_${name}`, help, labelNames, registers }));
    this.#totals = TOTALS.map(([name, , help]) => new Counter({ name: `dynactor_stream_${name}`, help, labelNames, registers }));
  }

  /** In the order of the shards; null for one that does not answer. */
  set(figures: readonly (StreamFigures | null)[]): void {
    figures.forEach((all, index) => {
      if (all === null) return;
      const shard = String(index);
      for (const [place, [, field]] of NOW.entries()) this.#now[place]!.set({ shard }, all[field]);
      for (const [place, [, field]] of TOTALS.entries()) setTotal(this.#totals[place]!, { shard }, all[field]);
    });
  }
}
