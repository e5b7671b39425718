/** `/metrics` in the text format of Prometheus: one look at the node per scrape. Names begin with dynactor_, units are base units, counters end in _total. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { ThreadStats } from '../../../runtime/thread-stats.ts';
import type { Admin } from '../admin.ts';
import { FigureGauge } from './figure-gauge.ts';
import { RespMetrics } from './resp-metrics.ts';
import { statusOf } from './status.ts';
import { StoreMetrics } from './store-metrics.ts';
import { StreamMetrics } from './stream-metrics.ts';
import { setTotal } from './totals.ts';

const STATES = ['UP', 'DOWN', 'JOINING', 'LEAVING'] as const;
/** Of the main thread alone; ours have a label for the thread. */
const LAG_OF_MAIN = /^nodejs_eventloop_lag_/;

export class NodeMetrics {
  readonly #admin: Admin;
  readonly #registry = new Registry();
  readonly #gauges: Readonly<Record<'members' | 'epoch' | 'generation' | 'confirmed' | 'transition' | 'partitions', Gauge>>;
  readonly #depth: Gauge;
  readonly #backlog: Gauge;
  readonly #actors: Gauge;
  readonly #lag: readonly Gauge[];
  readonly #gcPauses: Counter;
  readonly #gcSeconds: Counter;
  readonly #gcMax: Gauge;
  readonly #rounds: Counter;
  readonly #handled: Counter;
  readonly #restarts: Counter;
  readonly #deadLetters: Counter;
  readonly #bytesIn: Counter;
  readonly #store: StoreMetrics;
  readonly #resp: RespMetrics;
  readonly #streams: StreamMetrics;
  readonly #repair: FigureGauge;
  readonly #purge: FigureGauge;

  constructor(admin: Admin) {
    this.#admin = admin;
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    for (const { name } of this.#registry.getMetricsAsArray()) if (LAG_OF_MAIN.test(name)) this.#registry.removeSingleMetric(name);
    const gauge = (name: string, help: string, ...labelNames: string[]): Gauge => new Gauge({ name, help, labelNames, registers });
    const counter = (name: string, help: string, ...labelNames: string[]): Counter => new Counter({ name, help, labelNames, registers });
    gauge('dynactor_build_info', 'Always 1', 'version', 'node_version', 'name').set(
      { version: admin.version, node_version: process.version, name: admin.self.name },
      1,
    );
    this.#gauges = {
      members: gauge('dynactor_gossip_members', 'Members of the ring by state, as this node sees them', 'state'),
      epoch: gauge('dynactor_ring_epoch', 'Epoch of the newest ring that this node has'),
      generation: gauge('dynactor_ring_generation', 'Generation of that ring'),
      confirmed: gauge('dynactor_ring_confirmed', '1 when this node may vote and serve'),
      transition: gauge('dynactor_ring_partitions_moving', 'Partitions that change their owner in the transition under way'),
      partitions: gauge('dynactor_ring_partitions_owned', 'Partitions that this node owns'),
    };
    this.#store = new StoreMetrics(this.#registry);
    this.#resp = new RespMetrics(this.#registry);
    this.#streams = new StreamMetrics(this.#registry);
    this.#repair = new FigureGauge(this.#registry, 'dynactor_repair', 'Figures of the repair of a shard since it started');
    this.#purge = new FigureGauge(this.#registry, 'dynactor_purge', 'Figures of the purging of what is dead by a shard since it started');
    this.#rounds = counter('dynactor_gossip_rounds_total', 'Intervals of gossip of this node since it started');
    this.#depth = gauge('dynactor_actor_mailbox_depth', 'Messages that wait, of the busiest actors', 'shard', 'actor');
    this.#backlog = gauge('dynactor_shard_backlog', 'Messages that wait in a thread', 'shard');
    this.#actors = gauge('dynactor_shard_actors', 'Actors of a thread', 'shard');
    this.#handled = counter('dynactor_messages_handled_total', 'Messages handled by a thread', 'shard');
    this.#restarts = counter('dynactor_actor_restarts_total', 'Actors started again after a failure', 'shard');
    this.#deadLetters = counter('dynactor_dead_letters_total', 'Messages that reached nobody', 'shard', 'reason');
    this.#bytesIn = counter('dynactor_net_bytes_total', 'Bytes of frames from other threads and nodes', 'shard', 'dir');
    this.#gcPauses = counter('dynactor_gc_pauses_total', 'Times that a thread stood still for garbage collection', 'shard');
    this.#gcSeconds = counter('dynactor_gc_seconds_total', 'Time that a thread stood still for garbage collection', 'shard');
    this.#gcMax = gauge('dynactor_gc_pause_max_seconds', 'Longest such pause of a thread since the last scrape', 'shard');
    this.#lag = ['p50', 'p99', 'max'].map((which) =>
      gauge(`nodejs_eventloop_lag_${which}_seconds`, `Delay of a thread's event loop since the last scrape, ${which}`, 'shard'),
    );
  }

  async text(): Promise<{ readonly type: string; readonly text: string }> {
    const admin = this.#admin;
    const figures = [admin.storeFigures(), admin.respFigures(), admin.streamFigures(), admin.repairFigures(), admin.purgeStates()] as const;
    const [look, stats, store, resp, streams, repair, purge] = await Promise.all([admin.look(), admin.stats(), ...figures]);
    this.#store.set(store);
    this.#resp.set(resp);
    this.#streams.set(streams);
    this.#repair.set(repair.map((all) => all?.figures ?? null));
    this.#purge.set(purge.map((all) => all?.figures ?? null));
    const status = statusOf(this.#admin, look);
    const self = status.members.find(({ id }) => id === this.#admin.self.id);
    const { members, epoch, generation, confirmed, transition, partitions } = this.#gauges;
    for (const state of STATES) members.set({ state }, status.members.filter((member) => member.state === state).length);
    epoch.set(status.epoch);
    generation.set(status.generation);
    confirmed.set(status.isConfirmed ? 1 : 0);
    transition.set(status.transition?.partitionsMoving ?? 0);
    partitions.set(Math.round((self?.share ?? 0) * status.partitions));
    // Its own heartbeat is raised once per interval.
    setTotal(this.#rounds, {}, look.view?.members.find(({ id }) => id === this.#admin.self.id)?.heartbeat ?? 0);
    this.#depth.reset();
    this.#addThread('main', stats.main);
    stats.shards.forEach((thread, shard) => {
      if (thread !== null) this.#addThread(String(shard), thread);
    });
    return { type: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  #addThread(shard: string, thread: ThreadStats): void {
    const { p50, p99, max } = thread.eventLoopDelayMs;
    for (const [index, ms] of [p50, p99, max].entries()) this.#lag[index]!.set({ shard }, Number.isFinite(ms) ? ms / 1000 : 0);
    setTotal(this.#gcPauses, { shard }, thread.gc.pauses);
    setTotal(this.#gcSeconds, { shard }, thread.gc.totalMs / 1000);
    this.#gcMax.set({ shard }, thread.gc.maxMs / 1000);
    this.#backlog.set({ shard }, thread.backlog);
    this.#actors.set({ shard }, thread.actors);
    setTotal(this.#handled, { shard }, thread.handled);
    setTotal(this.#restarts, { shard }, thread.restarts);
    setTotal(this.#bytesIn, { shard, dir: 'in' }, thread.bytesIn);
    for (const [reason, count] of Object.entries(thread.deadLetters)) setTotal(this.#deadLetters, { shard, reason }, count);
    // Names are few; instances of one are summed.
    for (const { name, queued } of thread.busiest) this.#depth.inc({ shard, actor: name.replace(/[-#/]?\d+$/, '') }, queued);
  }
}
