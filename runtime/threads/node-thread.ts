/** Opens the real doors of one thread of a node, main or worker, and starts its runtime on them. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Place } from '../address.ts';
import { placeName } from '../address.ts';
import type { Doors, Log } from '../doors.ts';
import type { JobRunner } from '../jobs.ts';
import { SeededRandom } from '../random.ts';
import { realClock } from '../real/clock.ts';
import { RealFiles } from '../real/files.ts';
import { GcWatch } from '../real/gc-watch.ts';
import { RealLoop } from '../real/loop.ts';
import { TcpNetwork } from '../real/tcp-network.ts';
import { RoutingTransport } from '../routing-transport.ts';
import type { RuntimeTuning, ShardRuntimeOptions } from '../runtime-options.ts';
import { ShardRuntime } from '../shard-runtime.ts';
import type { ThreadStats } from '../thread-stats.ts';
import type { Refusal } from '../wire/handshake.ts';
import type { TcpLimits } from '../wire/tcp-limits.ts';
import { TcpTransport } from '../wire/tcp-transport.ts';
import { ThreadTransport } from './thread-transport.ts';

export interface NodeThreadOptions {
  readonly cluster: string;
  readonly place: Place;
  readonly boot: number;
  readonly log: Log;
  readonly jobs: JobRunner;
  readonly tuning: RuntimeTuning | undefined;
  readonly wire: Partial<TcpLimits> | undefined;
  /** Called when a place that was dialled has refused this one in the handshake. */
  readonly onRefused?: ((place: Place, refusal: Refusal) => void) | undefined;
  /** False: an idle thread does not keep its process alive. */
  readonly keepAlive: boolean;
}

/** Why not less: each look wakes an idle thread. Every 10 ms cost 0.25 % of a core a thread, more than all else that an idle node does. */
export const DELAY_RESOLUTION_MS = 50;

export class NodeThread {
  readonly runtime: ShardRuntime;
  readonly threads: ThreadTransport;
  readonly tcp: TcpTransport;
  readonly #loop: RealLoop;
  readonly #delay: IntervalHistogram;
  readonly #gc = new GcWatch();

  constructor(options: NodeThreadOptions) {
    const { place, boot, log, cluster } = options;
    const clock = realClock();
    this.#loop = new RealLoop({ clock, keepAlive: options.keepAlive, run: () => this.runtime.run() });
    const random = new SeededRandom(globalThis.crypto.getRandomValues(new Uint32Array(4)).join('.'));
    const network = new TcpNetwork({ log: log.child({ node: place.node, place: placeName(place) }), clock });
    const doors: Doors = { clock, random, log, loop: this.#loop, files: new RealFiles(), jobs: options.jobs, network };
    const runtime = this.#openRuntime({ place, boot, doors, tuning: options.tuning });
    this.runtime = runtime;
    const common = { node: place.node, shard: place.shard, boot, events: runtime.receiver, tasks: runtime.tasks, log: runtime.log };
    this.threads = new ThreadTransport({ ...common, onWoken: () => this.#loop.runWaiting() });
    this.tcp = new TcpTransport({
      ...common,
      cluster,
      onRefused: options.onRefused,
      network,
      random: runtime.random.fork('tcp'),
      ...(options.wire === undefined ? {} : { limits: options.wire }),
    });
    runtime.useTransport(new RoutingTransport(place.node, this.threads, this.tcp));
    this.#delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
    this.#delay.enable();
  }

  /** A loop that was made for nothing would keep the process alive. */
  #openRuntime(options: ShardRuntimeOptions): ShardRuntime {
    try {
      return new ShardRuntime(options);
    } catch (error) {
      this.#loop.close();
      this.#gc.close();
      throw error;
    }
  }

  /** Resolves with the port really bound. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.tcp.listen(host, port, (result) => {
        if (result instanceof Error) reject(result);
        else resolve(result.port);
      });
    });
  }

  stats(): ThreadStats {
    const delay = this.#delay;
    const ms = (ns: number): number => Math.max(0, ns / 1e6 - DELAY_RESOLUTION_MS);
    const stats: ThreadStats = {
      ...this.runtime.stats(),
      eventLoopDelayMs: { p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max) },
      gc: this.#gc.figures(),
    };
    delay.reset();
    return stats;
  }

  /** Stops the actors, sends what they had to say, closes the connections; at the latest after `drainMs`. */
  async close(drainMs: number): Promise<void> {
    this.runtime.stopAll();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.runtime.log.warn('thread was closed before all was sent', { place: placeName(this.runtime.place), drainMs });
        resolve();
      }, drainMs);
    });
    const closed = new Promise<void>((resolve) => {
      this.runtime.holds.whenNone(() => this.runtime.closeTransport(resolve));
    });
    await Promise.race([closed, late]);
    clearTimeout(timer);
    this.#delay.disable();
    this.#gc.close();
    this.#loop.close();
  }
}
