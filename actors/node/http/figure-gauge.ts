/** Figures of each shard, whatever their names are, as one gauge. */
import { Gauge, type Registry } from 'prom-client';

export class FigureGauge {
  readonly #gauge: Gauge;

  constructor(registry: Registry, name: string, help: string) {
    this.#gauge = new Gauge({ name, help, labelNames: ['shard', 'figure'], registers: [registry] });
  }

  /** In the order of the shards, all of them; null for one that has none to tell. */
  set(shards: readonly (Readonly<Record<string, number>> | null)[]): void {
    this.#gauge.reset();
    for (const [shard, figures] of shards.entries())
      for (const [figure, value] of Object.entries(figures ?? {})) this.#gauge.set({ shard: String(shard), figure }, value);
  }
}
