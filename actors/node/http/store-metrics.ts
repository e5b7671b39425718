/** What the coordinators and replicas of a node's shards have done, as metrics. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { StoreFigures } from '../../store/coordinator-actor.ts';
import type { CoordinatorFigures, KindFigures } from '../../store/coordinator-figures.ts';
import { LATENCY_BOUNDS_MS } from '../../store/latency-buckets.ts';
import { FigureGauge } from './figure-gauge.ts';
import { setTotal } from './totals.ts';

/** Of store-request.ts, in their order. */
const STATUSES = [
  'ok',
  'not_found',
  'quorum_not_met',
  'indeterminate',
  'overloaded',
  'timed_out',
  'invalid',
  'loading',
  'storage_failed',
  'stale_ring',
  'no_keyspace',
] as const;
const KINDS = ['get', 'put', 'delete'] as const;
const REPAIRS = [
  ['digest_mismatches', 'digestMismatches', 'Reads in which replicas differed'],
  ['reads_asked_again', 'readsAskedAgain', 'Times that a read asked once more, as one replica had what another had not'],
  ['repairs', 'repairs', 'Records sent to replicas that lacked something'],
  ['forwarded', 'forwarded', 'Writes sent on to another coordinator'],
  ['speculative_reads', 'speculativeReads', 'Replicas asked since another one was slower than mostly'],
  ['read_retries', 'readRetries', 'Replicas asked since another one had failed or said nothing'],
  ['write_retries', 'writeRetries', 'Records sent again to who had not confirmed them'],
  ['stale_rings', 'staleRings', 'Requests begun again, since rings differed'],
  ['stand_ins', 'standIns', 'Members asked in the place of primaries that could not be reached'],
  ['minted_by_stand_in', 'mintedByStandIn', 'Writes made in the place of primaries, none of which could be reached'],
] as const satisfies readonly (readonly [string, keyof CoordinatorFigures, string])[];

export class StoreMetrics {
  readonly #answered: Counter;
  readonly #duration: Counter;
  readonly #within: Counter;
  readonly #underWay: Gauge;
  readonly #counters: readonly Counter[];
  readonly #replicas: FigureGauge;

  constructor(registry: Registry) {
    const registers = [registry];
    const labelled = (...more: string[]): string[] => ['shard', ...more];
    this.#answered = new Counter({
      name: 'dynactor_requests_total',
      help: 'Requests answered by the coordinators of this node',
      labelNames: labelled('kind', 'status'),
      registers,
    });
    this.#duration = new Counter({
      name: 'dynactor_request_seconds_total',
      help: 'Time from the beginning of requests to their answers, summed',
      labelNames: labelled('kind'),
      registers,
    });
    this.#within = new Counter({
      name: 'dynactor_requests_within_total',
      help: 'Requests answered within le seconds, those that were refused at once left out',
      labelNames: labelled('kind', 'le'),
      registers,
    });
    this.#underWay = new Gauge({
      name: 'dynactor_requests_under_way',
      help: 'Requests that have no answer yet',
      labelNames: labelled(),
      registers,
    });
    this.#counters = REPAIRS.map(
      ([name, , help]) => new Counter({ name: `dynactor_store_${name}_total`, help, labelNames: labelled(), registers }),
    );
    this.#replicas = new FigureGauge(registry, 'dynactor_replicas', 'Figures of the replicas of a shard since they were opened');
  }

  /** In the order of the shards; null for one that does not answer. */
  set(figures: readonly (StoreFigures | null)[]): void {
    this.#replicas.set(figures.map((all) => all?.replicas ?? null));
    figures.forEach((all, index) => {
      if (all === null) return;
      const shard = String(index);
      const { coordinator } = all;
      this.#underWay.set({ shard }, coordinator.underWay);
      for (const kind of KINDS) this.#setKind(shard, kind, coordinator[kind]);
      for (const [place, [, field]] of REPAIRS.entries()) setTotal(this.#counters[place]!, { shard }, coordinator[field]);
    });
  }

  #setKind(shard: string, kind: string, { answered, latency, latencyMs }: KindFigures): void {
    for (const [status, count] of answered.entries())
      setTotal(this.#answered, { shard, kind, status: STATUSES[status] ?? String(status) }, count);
    setTotal(this.#duration, { shard, kind }, latencyMs / 1000);
    let within = 0;
    latency.forEach((count, bucket) => {
      within += count;
      const bound = LATENCY_BOUNDS_MS[bucket];
      setTotal(this.#within, { shard, kind, le: bound === undefined ? '+Inf' : String(bound / 1000) }, within);
    });
  }
}
