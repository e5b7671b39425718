/** One process of a soak: a node with shards that send and check, introduced to the other one, which asks and counts on its main thread. */
import { defineActor } from '../../../runtime/actor.ts';
import type { LogLevel } from '../../../runtime/doors.ts';
import { RuntimeError } from '../../../runtime/errors.ts';
import { CONTROL } from '../../../runtime/lanes.ts';
import type { Ref } from '../../../runtime/ref.ts';
import { ActorSystem } from '../../../runtime/system.ts';
import { type AskCounts, collectorKey, type NodeReport, type Report, type SinkMessage, senderKey, sinkKey, targetKey } from './protocol.ts';

export interface SoakNodeOptions {
  readonly node: string;
  /** Main thread's port; the shards' follow. */
  readonly port: number;
  readonly other: { readonly node: string; readonly port: number };
  readonly shards: number;
  readonly logLevel: LogLevel | 'silent';
  readonly plant: string;
}

const HOST = '127.0.0.1';
const SCOUT_EVERY_MS = 100;
const FIND_TIMEOUT_MS = 1000;
const ASK_EVERY_MS = 5;
const ASK_TIMEOUT_MS = 500;
const MIB = 2 ** 20;

export class SoakNode {
  readonly system: ActorSystem;
  readonly #options: SoakNodeOptions;
  /** Latest of each incarnation of each sink and sender. */
  readonly #reports = new Map<string, Report>();
  #timers: NodeJS.Timeout[] = [];
  #targets: readonly Ref<SinkMessage>[] = [];
  #asked = 0;
  #answered = 0;
  readonly #failed: Record<string, number> = {};
  #latestMs = Number.NEGATIVE_INFINITY;
  #isScouting = false;

  static async start(options: SoakNodeOptions): Promise<SoakNode> {
    const module = new URL('./shard-actors.js', import.meta.url);
    if (options.plant !== '') module.searchParams.set('plant', options.plant);
    const system = await ActorSystem.start({
      node: options.node,
      cluster: 'soak',
      shards: options.shards,
      modules: [module],
      listen: { host: HOST, port: options.port },
      logLevel: options.logLevel,
    });
    return new SoakNode(system, options);
  }

  private constructor(system: ActorSystem, options: SoakNodeOptions) {
    this.system = system;
    this.#options = options;
    const reports = this.#reports;
    const collector = defineActor<Report>('soak.collector', () => ({
      receive(report: Report): void {
        reports.set(`${report.type} ${report.place}@${report.boot}`, report);
      },
    }));
    system.register(collectorKey, system.spawn(collector));
    this.#timers = [setInterval(() => void this.#scout(), SCOUT_EVERY_MS), setInterval(() => this.#ask(), ASK_EVERY_MS)];
  }

  async introduce(): Promise<void> {
    const { node, port } = this.#options.other;
    const ports = Array.from({ length: this.#options.shards + 1 }, (_, index) => port + index);
    await this.system.introduce({ node, host: HOST, ports });
  }

  report(): NodeReport {
    const { rss, heapUsed } = process.memoryUsage();
    return {
      node: this.#options.node,
      reports: [...this.#reports.values()],
      asks: this.#asks(),
      memory: { rssMiB: rss / MIB, heapMiB: heapUsed / MIB },
    };
  }

  /** Nothing more is sent or asked; what is under way ends. */
  async halt(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    for (const sender of await this.system.find(senderKey, { timeoutMs: FIND_TIMEOUT_MS }))
      sender.tell({ type: 'halt' }, { lane: CONTROL });
  }

  /** Makes the other node's sinks known to the senders of this one. */
  async #scout(): Promise<void> {
    if (this.#isScouting) return;
    this.#isScouting = true;
    try {
      const theirs = await this.system.find(sinkKey, { node: this.#options.other.node, timeoutMs: FIND_TIMEOUT_MS });
      for (const ref of theirs) this.system.register(targetKey, ref);
      this.#targets = await this.system.find(targetKey, { timeoutMs: FIND_TIMEOUT_MS });
    } catch (error) {
      // The other process is being killed and restarted; anything but that is a finding of its own.
      if (!(error instanceof RuntimeError)) throw error;
    } finally {
      this.#isScouting = false;
    }
  }

  #ask(): void {
    const target = this.#targets[this.#asked % Math.max(1, this.#targets.length)];
    if (target === undefined) return;
    this.#asked++;
    const deadline = performance.now() + ASK_TIMEOUT_MS;
    const settled = (): void => {
      this.#latestMs = Math.max(this.#latestMs, performance.now() - deadline);
    };
    target
      .ask<number>((replyTo) => ({ type: 'question', n: this.#asked, replyTo }), { timeoutMs: ASK_TIMEOUT_MS })
      .then(
        () => {
          settled();
          this.#answered++;
        },
        (error: unknown) => {
          settled();
          const code = error instanceof RuntimeError ? error.code : String(error);
          this.#failed[code] = (this.#failed[code] ?? 0) + 1;
        },
      );
  }

  #asks(): AskCounts {
    return { asked: this.#asked, answered: this.#answered, failed: this.#failed, latestMs: this.#latestMs };
  }
}
