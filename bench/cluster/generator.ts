/** The generator: holds the channel to one target and the records it wrote there, and does one run after the other. */
import type { RecordableHistogram } from 'node:perf_hooks';
import { unreachable } from '../../runtime/errors.ts';
import { SeededRandom } from '../../runtime/random.ts';
import type { Channel } from './channel.ts';
import { Chooser, HotKeys } from './chooser.ts';
import { ClientChannel } from './client-channel.ts';
import { EtcdChannel } from './etcd-channel.ts';
import { Load, type Loaded, type Next, type Troubles } from './load.ts';
import { ValueFormat } from './pair-format.ts';
import { Records } from './records.ts';
import { RespChannel } from './resp-channel.ts';
import { type ServerUsage, usageOf } from './server-usage.ts';
import type { Address, CurvePoint, GeneratorOutcome, GeneratorSettings, Task } from './task.ts';
import { workloadOf } from './workload.ts';

/** Points of the curve: shares whose rest halves from one to the next, down to one in a million. */
const CURVE_POINTS = 20;

export class Generator {
  readonly #records: Records;
  readonly #load: Load;
  readonly #hot: HotKeys;
  readonly #random: SeededRandom;
  readonly #channel: Channel;

  static async open(settings: GeneratorSettings): Promise<Generator> {
    const format = new ValueFormat(settings.valueBytes);
    const records = new Records(format, settings.isStrict);
    const load = new Load(records);
    const channel = await openChannel(settings.address, format, load);
    load.attach(channel);
    return new Generator(settings, records, load, channel);
  }

  private constructor(settings: GeneratorSettings, records: Records, load: Load, channel: Channel) {
    this.#records = records;
    this.#load = load;
    this.#channel = channel;
    this.#random = new SeededRandom(settings.seed);
    this.#hot = new HotKeys(settings.records, this.#random.fork('places'));
  }

  async run(task: Task): Promise<GeneratorOutcome> {
    const before = { ...this.#load.troubles };
    this.#load.troubles.first = '';
    let usage: readonly [ServerUsage | null, ServerUsage | null] = [null, null];
    let cpu = process.cpuUsage();
    const marks = {
      begin: () => {
        usage = [usageOf(task.pids), null];
        cpu = process.cpuUsage();
      },
      end: () => {
        cpu = process.cpuUsage(cpu);
        usage = [usage[0], usageOf(task.pids)];
      },
    };
    const { loop } = task;
    const next = this.#nextOf(task);
    const loaded = loop.kind === 'closed' ? await this.#load.closed(loop, next, marks) : await this.#load.open(loop, next, marks);
    return {
      figures: {
        ...figuresOf(loaded),
        ...usedPerOperation(usage, loaded.operations),
        generatorUs: (cpu.user + cpu.system) / loaded.operations,
      },
      curve: curveOf(loaded.latencies),
      troubles: differenceOf(this.#load.troubles, before),
    };
  }

  close(): Promise<void> {
    return this.#channel.close();
  }

  #nextOf({ workload, distribution, loop }: Task): Next {
    const chooser = new Chooser(workloadOf(workload), distribution, { records: this.#records, hot: this.#hot, random: this.#random });
    let left = (loop.kind === 'closed' ? loop.operations : undefined) ?? Number.POSITIVE_INFINITY;
    return (operation) => {
      if (left-- <= 0) return false;
      chooser.next(operation);
      return true;
    };
  }
}

function openChannel(address: Address, format: ValueFormat, sink: Load): Promise<Channel> {
  switch (address.protocol) {
    case 'resp': {
      const { ports, connections, waitReplicas } = address;
      return RespChannel.open(ports, connections, { format, sink, waitReplicas });
    }
    case 'client':
      return ClientChannel.open(address.settings, format, sink);
    case 'etcd':
      return Promise.resolve(new EtcdChannel(address.ports, address.connections, format, sink));
    default:
      return unreachable(address);
  }
}

function figuresOf({ operations, ms, latencies, lateP99Ms }: Loaded) {
  const at = (percent: number): number => latencies.percentile(percent) / 1e6;
  return {
    operations,
    perSecond: (operations / ms) * 1000,
    p50Ms: at(50),
    p95Ms: at(95),
    p99Ms: at(99),
    p999Ms: at(99.9),
    maxMs: latencies.max / 1e6,
    lateP99Ms,
  };
}

function curveOf(latencies: RecordableHistogram): CurvePoint[] {
  return Array.from({ length: CURVE_POINTS }, (_, i): CurvePoint => {
    const share = 1 - 2 ** -i;
    return [share, latencies.percentile(share === 0 ? 0.001 : share * 100) / 1e6];
  });
}

function usedPerOperation([begun, ended]: readonly [ServerUsage | null, ServerUsage | null], operations: number) {
  if (begun === null || ended === null) return { serverUs: null, bytesWritten: null };
  return {
    serverUs: (ended.cpuUs - begun.cpuUs) / operations,
    bytesWritten: (ended.bytesWritten - begun.bytesWritten) / operations,
  };
}

function differenceOf(now: Troubles, before: Troubles): Troubles {
  return {
    wrong: now.wrong - before.wrong,
    missing: now.missing - before.missing,
    stale: now.stale - before.stale,
    failed: now.failed - before.failed,
    first: now.first,
  };
}
