/** What the RESP gateways of a node's shards have done, as metrics. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { RespFigures } from '../../resp/resp-gateway.ts';
import { setTotal } from './totals.ts';

const NOW = [
  ['connections', 'open', 'Connections of Redis clients that are open'],
  ['requests_under_way', 'requests', 'Requests of Redis clients that the store has not answered yet'],
] as const satisfies readonly (readonly [string, keyof RespFigures, string])[];
const TOTALS = [
  ['connections_total', 'connections', 'Connections that Redis clients have made, refused ones among them'],
  ['connections_refused_total', 'connectionsRefused', 'Connections refused, since there were too many'],
  ['commands_total', 'commands', 'Commands of Redis clients'],
  ['errors_total', 'errors', 'Replies that are errors'],
] as const satisfies readonly (readonly [string, keyof RespFigures, string])[];

export class RespMetrics {
  readonly #now: readonly Gauge[];
  readonly #totals: readonly Counter[];
  readonly #bytes: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    const labelNames = ['shard'];
    this.#now = NOW.map(([name, , help]) => new Gauge({ name: `dynactor_resp_${name}`, help, labelNames, registers }));
    this.#totals = TOTALS.map(([name, , help]) => new Counter({ name: `dynactor_resp_${name}`, help, labelNames, registers }));
    this.#bytes = new Counter({
      name: 'dynactor_resp_bytes_total',
      help: 'Bytes from and to Redis clients',
      labelNames: ['shard', 'dir'],
      registers,
    });
  }

  /** Of the shards that listen, in order; null for one that does not answer. */
  set(figures: readonly (RespFigures | null)[]): void {
    figures.forEach((all, index) => {
      if (all === null) return;
      const shard = String(index);
      for (const [place, [, field]] of NOW.entries()) this.#now[place]!.set({ shard }, all[field]);
      for (const [place, [, field]] of TOTALS.entries()) setTotal(this.#totals[place]!, { shard }, all[field]);
      setTotal(this.#bytes, { shard, dir: 'in' }, all.bytesIn);
      setTotal(this.#bytes, { shard, dir: 'out' }, all.bytesOut);
    });
  }
}
