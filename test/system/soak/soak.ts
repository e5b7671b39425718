/**
 * A soak: two processes with two shards each, all sending to all, while threads and a process are killed and restarted. It ends when so many
 * messages were received, everything that was killed is back, and all is quiet; then it says what was wrong.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { LogLevel } from '../../../runtime/doors.ts';
import { freePort } from '../other-process.ts';
import { type AskCounts, type NodeReport, outcomesOf, type Report } from './protocol.ts';
import { SoakChild } from './soak-child.ts';
import { SoakNode, type SoakNodeOptions } from './soak-node.ts';
import {
  askViolations,
  living,
  lossViolations,
  type MemoryTrend,
  memoryTrend,
  nameOf,
  orderViolations,
  receivedIn,
  sendersOf,
  silentPairs,
  sinksOf,
} from './verdict.ts';

export type Disruption =
  | { readonly at: number; readonly kind: 'shard'; readonly node: 'a' | 'b'; readonly shard: number; readonly how: 'crash' | 'terminate' }
  /** Node b, with SIGKILL. */
  | { readonly at: number; readonly kind: 'process' };

export interface SoakOptions {
  /** Received by all sinks together. */
  readonly messages: number;
  /** In rising order of `at`, the share of `messages` after which it comes; each waits until the one before is overcome. */
  readonly disruptions: readonly Disruption[];
  readonly logLevel?: LogLevel | 'silent';
  /** See `shard-actors.ts`. */
  readonly plant?: '' | 'duplicate' | 'reorder';
  readonly onProgress?: (received: number, last: string) => void;
}

export interface SoakResult {
  readonly received: number;
  readonly seconds: number;
  readonly missing: number;
  readonly asks: {
    readonly asked: number;
    readonly answered: number;
    readonly failed: Readonly<Record<string, number>>;
    readonly latestMs: number;
  };
  readonly recoveries: readonly { readonly what: string; readonly ms: number }[];
  readonly memory: readonly MemoryTrend[];
  readonly violations: readonly string[];
}

const SHARDS = 2;
const POLL_MS = 50;
const STALL_MS = 20_000;
const RECOVERY_TIMEOUT_MS = 40_000;
const GAP_GRACE_MS = 15_000;
const QUIET_TIMEOUT_MS = 15_000;
const QUIET_POLLS = 8;
const STOP_TIMEOUT_MS = 10_000;

export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const port = await freePort(2 * SHARDS + 1);
  const other = port + SHARDS + 1;
  const common = { shards: SHARDS, logLevel: options.logLevel ?? 'silent', plant: options.plant ?? '' };
  const optionsOfB: SoakNodeOptions = { ...common, node: 'b', port: other, other: { node: 'a', port } };
  const a = await SoakNode.start({ ...common, node: 'a', port, other: { node: 'b', port: other } });
  const b = new SoakChild(optionsOfB);
  try {
    await Promise.all([a.introduce(), b.start()]);
    return await new Soak(a, b, options).run();
  } finally {
    await b.kill();
    await a.system.stop({ drainMs: 0 });
  }
}

class Soak {
  readonly #a: SoakNode;
  readonly #b: SoakChild;
  readonly #options: SoakOptions;
  readonly #places = ['a/0', 'a/1', 'b/0', 'b/1'];
  readonly #begun = performance.now();
  readonly #memory = new Map<string, number[]>();
  readonly #kills: number[] = [];
  readonly #recoveries: { what: string; ms: number }[] = [];
  readonly #violations: string[] = [];
  #last = 'start';

  constructor(a: SoakNode, b: SoakChild, options: SoakOptions) {
    this.#a = a;
    this.#b = b;
    this.#options = options;
  }

  async run(): Promise<SoakResult> {
    if (await this.#until('all shards heard of each other', () => this.#isWhole(new Map()), RECOVERY_TIMEOUT_MS)) {
      for (const disruption of this.#options.disruptions) {
        if (!(await this.#until('enough was received', () => this.#received() >= this.#options.messages * disruption.at))) break;
        if (!(await this.#disrupt(disruption))) break;
      }
      await this.#until('all was received', () => this.#received() >= this.#options.messages);
    }
    const seconds = (performance.now() - this.#begun) / 1000;
    const received = this.#received();
    await this.#halt();
    return this.#judge(received, seconds);
  }

  async #disrupt(disruption: Disruption): Promise<boolean> {
    const before = new Map(living(sinksOf(this.#reports())).map(({ place, boot }) => [place, boot]));
    const killed = disruption.kind === 'process' ? ['b/0', 'b/1'] : [`${disruption.node}/${disruption.shard}`];
    this.#last =
      disruption.kind === 'process' ? 'SIGKILL of process b' : `${disruption.how} of shard ${disruption.node}/${disruption.shard}`;
    this.#kills.push(Date.now());
    const begun = performance.now();
    if (disruption.kind === 'process') {
      await this.#b.kill();
      await this.#b.start();
    } else if (disruption.node === 'a') await this.#a.system.killShard(disruption.shard, disruption.how);
    else this.#b.tell({ type: 'kill', shard: disruption.shard, how: disruption.how });
    const old = new Map(killed.map((place) => [place, before.get(place) ?? 0]));
    const isBack = await this.#until(`${this.#last}: all shards hear of each other again`, () => this.#isWhole(old), RECOVERY_TIMEOUT_MS);
    this.#recoveries.push({ what: this.#last, ms: performance.now() - begun });
    return isBack;
  }

  /** Every shard has received from every other, and those that were killed have newer boots. */
  #isWhole(old: ReadonlyMap<string, number>): boolean {
    const reports = this.#reports();
    const sinks = living(sinksOf(reports));
    const isNew = [...old].every(([place, boot]) => sinks.some((sink) => sink.place === place && sink.boot > boot));
    return isNew && silentPairs(reports, this.#places).length === 0;
  }

  /** Waits, and takes samples meanwhile. False, and a violation: it took too long, or nothing was received any more. */
  async #until(what: string, isDone: () => boolean, timeoutMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    let progress = this.#received();
    let since = performance.now();
    const begun = since;
    for (;;) {
      if (isDone()) return true;
      await delay(POLL_MS);
      const received = this.#received();
      const now = performance.now();
      if (received > progress) {
        progress = received;
        since = now;
      }
      this.#sample();
      this.#options.onProgress?.(received, this.#last);
      if (now - since > STALL_MS || now - begun > timeoutMs) {
        const silent = silentPairs(this.#reports(), this.#places).join(', ') || 'none';
        this.#violations.push(`waited in vain until ${what}; received ${received}; silent pairs: ${silent}`);
        return false;
      }
    }
  }

  /** Stops sending, and waits until nothing arrives and no ask is open any more. */
  async #halt(): Promise<void> {
    await this.#a.halt();
    this.#b.tell({ type: 'halt' });
    const begun = performance.now();
    let polls = 0;
    let before = -1;
    while (polls < QUIET_POLLS && performance.now() - begun < QUIET_TIMEOUT_MS) {
      await delay(POLL_MS);
      const reports = this.#reports();
      const received = receivedIn(reports);
      const isSettled =
        living(sendersOf(reports)).every(({ asks, isHalted }) => isHalted && asks.asked === outcomesOf(asks)) &&
        [this.#a.report(), this.#b.reports.at(-1)].every((report) => report !== undefined && report.asks.asked === outcomesOf(report.asks));
      polls = isSettled && received === before ? polls + 1 : 0;
      before = received;
    }
    const code = await this.#b.stop(STOP_TIMEOUT_MS);
    if (code !== 0) this.#violations.push(`process b was to stop, and ended with ${code}`);
  }

  #judge(received: number, seconds: number): SoakResult {
    const reports = this.#reports();
    const nodes = [this.#a.report(), ...this.#b.reports];
    const last = new Set([nodes[0], nodes.at(-1)]);
    const alive = new Set(living(sendersOf(reports)).map(nameOf));
    const memory = [...this.#memory].map(([what, samples]) => memoryTrend(what, samples));
    const asks: AskCounts[] = [...nodes.map((node) => node.asks), ...sendersOf(reports).map((sender) => sender.asks)];
    const failed: Record<string, number> = {};
    for (const count of asks) for (const [code, times] of Object.entries(count.failed)) failed[code] = (failed[code] ?? 0) + times;
    return {
      received,
      seconds,
      missing: sinksOf(reports).reduce((sum, sink) => sum + sink.pairs.reduce((missing, pair) => missing + pair.missing, 0), 0),
      asks: {
        asked: asks.reduce((sum, count) => sum + count.asked, 0),
        answered: asks.reduce((sum, count) => sum + count.answered, 0),
        failed,
        latestMs: Math.max(...asks.map((count) => count.latestMs ?? Number.NEGATIVE_INFINITY)),
      },
      recoveries: this.#recoveries,
      memory,
      violations: [
        ...this.#violations,
        ...orderViolations(reports, this.#kills, GAP_GRACE_MS),
        ...lossViolations(reports),
        ...nodes.flatMap((node) => askViolations(`main thread of ${node.node}`, node.asks, last.has(node))),
        ...sendersOf(reports).flatMap((sender) => askViolations(`sender of ${nameOf(sender)}`, sender.asks, alive.has(nameOf(sender)))),
        ...memory.filter((trend) => trend.isJudged && !trend.isFlat).map(memorySentence),
      ],
    };
  }

  #sample(): void {
    const starts: (readonly [string, NodeReport | undefined])[] = [
      ['a', this.#a.report()],
      [`b, start ${this.#b.reports.length}`, this.#b.reports.at(-1)],
    ];
    for (const [node, report] of starts) {
      if (report === undefined) continue;
      for (const [what, value] of [['RSS', report.memory.rssMiB] as const, ['heap of the main thread', report.memory.heapMiB] as const]) {
        const key = `${what} of process ${node}`;
        const samples = this.#memory.get(key) ?? [];
        samples.push(value);
        this.#memory.set(key, samples);
      }
    }
  }

  #received(): number {
    return receivedIn(this.#reports());
  }

  #reports(): Report[] {
    return [...this.#a.report().reports, ...this.#b.reports.flatMap((report) => report.reports)];
  }
}

export function memorySentence(trend: MemoryTrend): string {
  const { what, firstHalfMiB, secondHalfMiB, maxMiB, samples } = trend;
  return `${what}: median ${firstHalfMiB.toFixed(0)} MiB in the first half, ${secondHalfMiB.toFixed(0)} in the second, at most ${maxMiB.toFixed(0)} (${samples} samples)`;
}
