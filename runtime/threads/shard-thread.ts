/**
 * The main thread's view of one shard: its worker thread, over and over. When the thread dies, everybody is told, and it is started again
 * under a higher boot, after a delay that grows with each death.
 *
 * ```
 * starting -> up -> dead -> (backoff) -> starting ...      up -> stopping -> stopped      dead too often -> failed
 * ```
 */
import { MessageChannel, type TransferListItem, Worker } from 'node:worker_threads';
import { transfer } from 'comlink';
import type { SpawnOptions } from '../actor.ts';
import type { Address } from '../address.ts';
import type { Log, Random } from '../doors.ts';
import { errorMessage, RuntimeError } from '../errors.ts';
import { type FlightRecord, readFlightRecords } from '../flight-recorder.ts';
import type { JobRunner } from '../jobs.ts';
import type { NodeAddress } from '../node-address.ts';
import { serveJobs } from '../pool-remote.ts';
import { moduleUrl } from '../real/modules.ts';
import type { ThreadStats } from '../thread-stats.ts';
import { backoffDelayMs } from '../wire/backoff.ts';
import { ControlClient } from './control.ts';
import type { ShardWorkerData } from './shard-worker.ts';
import type { ThreadChannelEnd } from './thread-channel.ts';

export type ShardState = 'starting' | 'up' | 'dead' | 'failed' | 'stopping' | 'stopped';

export interface ShardThreadEvents {
  /** The thread is up and in nobody's mesh yet: the owner attaches it to the others, introduces the nodes it knows, and lets it begin. */
  onStarted(shard: ShardThread): Promise<void>;
  /** The thread has died under `boot`. `records`: its last messages. */
  onDied(shard: ShardThread, boot: number, reason: string, records: readonly FlightRecord[]): void;
}

export interface ShardThreadOptions {
  readonly data: Omit<ShardWorkerData, 'boot' | 'control' | 'jobs'>;
  /** Each start has the next one: more starts than one in a ms there can't be, so boots that are times stay behind the time. */
  readonly firstBoot: number;
  readonly jobs: JobRunner;
  readonly log: Log;
  readonly random: Random;
  readonly events: ShardThreadEvents;
}

export const START_TIMEOUT_MS = 30_000;
export const CALL_TIMEOUT_MS = 10_000;
const RESTART_BACKOFF = { minMs: 50, maxMs: 10_000, factor: 2, jitterRatio: 0.2 };
/** Deaths within this time count together. */
const DEATHS_WINDOW_MS = 60_000;
const DEATHS_MAX = 10;
const EXIT_GRACE_MS = 1_000;

export class ShardThread {
  readonly shard: number;
  state: ShardState = 'starting';
  boot = 0;
  /** Port its listener is bound to; 0 without one. Kept over restarts. */
  port = 0;
  readonly #options: ShardThreadOptions;
  #worker: Worker | null = null;
  #control: ControlClient | null = null;
  #recorder: SharedArrayBuffer | null = null;
  #deaths: number[] = [];
  #restart: NodeJS.Timeout | undefined;
  #exited: Promise<void> = Promise.resolve();
  #hasExited = false;

  constructor(options: ShardThreadOptions) {
    this.#options = options;
    this.shard = options.data.shard;
    this.port = options.data.listen?.port ?? 0;
  }

  /** Resolves when the shard is up and has begun. Errors: what kept it from starting. */
  async start(): Promise<void> {
    const { data, jobs } = this.#options;
    this.state = 'starting';
    this.boot = Math.max(this.boot + 1, this.#options.firstBoot);
    const control = new MessageChannel();
    const jobChannel = new MessageChannel();
    const workerData: ShardWorkerData = {
      ...data,
      boot: this.boot,
      listen: data.listen === null ? null : { host: data.listen.host, port: this.port },
      control: control.port2,
      jobs: jobChannel.port2,
    };
    const worker = new Worker(moduleUrl('runtime/threads/shard-worker'), {
      workerData,
      transferList: [control.port2, jobChannel.port2],
      name: `dynactor-shard-${this.shard}`,
    });
    this.#worker = worker;
    this.#recorder = null;
    this.#hasExited = false;
    this.#control = new ControlClient(control.port1, `shard ${this.shard}`);
    serveJobs(jobChannel.port1, jobs);
    let failure = 'its thread ended';
    worker.on('error', (error: unknown) => {
      failure = errorMessage(error);
    });
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#hasExited = true;
        this.#onExit(worker, failure);
        jobChannel.port1.close();
        resolve();
      });
    });
    const { port, recorder } = await this.#control.call('prepare', START_TIMEOUT_MS, (remote) => remote.prepare());
    this.port = port;
    this.#recorder = recorder;
    await this.#options.events.onStarted(this);
    await this.#control.call('begin', CALL_TIMEOUT_MS, (remote) => remote.begin());
    this.state = 'up';
  }

  attach(shard: number, boot: number, channel: ThreadChannelEnd, transferList: readonly TransferListItem[]): Promise<null> {
    return this.#call('attach', CALL_TIMEOUT_MS, (remote) =>
      remote.attach(shard, boot, transfer(channel, [...transferList] as Parameters<typeof transfer>[1])),
    );
  }

  detach(shard: number, boot: number): Promise<null> {
    return this.#call('detach', CALL_TIMEOUT_MS, (remote) => remote.detach(shard, boot));
  }

  introduce(address: NodeAddress): Promise<null> {
    return this.#call('introduce', CALL_TIMEOUT_MS, (remote) => remote.introduce(address));
  }

  spawn(name: string, args: Uint8Array, options: SpawnOptions): Promise<Address> {
    return this.#call('spawn', CALL_TIMEOUT_MS, (remote) => remote.spawn(name, args, options));
  }

  stats(): Promise<ThreadStats> {
    return this.#call('stats', CALL_TIMEOUT_MS, (remote) => remote.stats());
  }

  /** For chaos tests: throws in the thread, outside of any actor. */
  crash(): Promise<null> {
    return this.#call('crash', CALL_TIMEOUT_MS, (remote) => remote.crash());
  }

  /** For chaos tests: ends the thread where it stands. */
  async terminate(): Promise<void> {
    await this.#worker?.terminate();
  }

  async stop(drainMs: number): Promise<void> {
    clearTimeout(this.#restart);
    const wasUp = this.state === 'up' || this.state === 'starting';
    this.state = 'stopping';
    if (wasUp) {
      // The thread's end may be noticed before its answer is: either will do.
      const answered = this.#call('stop', drainMs + EXIT_GRACE_MS, (remote) => remote.stop(drainMs)).catch((error: unknown) => {
        if (!this.#hasExited)
          this.#options.log.warn('shard did not stop in time and is ended', { shard: this.shard, error: errorMessage(error) });
      });
      await Promise.race([answered, this.#exited]);
    }
    const timer = setTimeout(() => void this.#worker?.terminate(), EXIT_GRACE_MS);
    await this.#exited;
    clearTimeout(timer);
    this.state = 'stopped';
  }

  #call<T>(what: string, timeoutMs: number, body: Parameters<ControlClient['call']>[2]): Promise<T> {
    if (this.state === 'failed')
      return Promise.reject(new RuntimeError('SHARD_FAILED', `shard ${this.shard} died too often and stays down`));
    if (this.#control === null || this.state === 'dead' || this.state === 'stopped') {
      return Promise.reject(new RuntimeError('UNREACHABLE', `shard ${this.shard} is ${this.state}`));
    }
    return this.#control.call(what, timeoutMs, body) as Promise<T>;
  }

  #onExit(worker: Worker, reason: string): void {
    if (worker !== this.#worker) return;
    this.#control?.close(reason);
    if (this.state === 'stopping' || this.state === 'stopped') return;
    const { log, events } = this.#options;
    const records = this.#recorder === null ? [] : readFlightRecords(this.#recorder);
    // Never up: whoever called `start` hears of it, and there is nothing to be started again.
    const wasUp = this.state === 'up' || this.#deaths.length > 0;
    this.state = 'dead';
    log.error('shard died', { shard: this.shard, boot: this.boot, reason, last: records.slice(-20) });
    events.onDied(this, this.boot, reason, records);
    if (wasUp) this.#startAgain();
  }

  #startAgain(): void {
    const { log, random } = this.#options;
    const now = Date.now();
    this.#deaths = this.#deaths.filter((time) => now - time < DEATHS_WINDOW_MS);
    if (this.#deaths.length >= DEATHS_MAX) {
      this.state = 'failed';
      log.error('shard died too often and is not started again', {
        shard: this.shard,
        deaths: this.#deaths.length,
        withinMs: DEATHS_WINDOW_MS,
      });
      return;
    }
    const delayMs = backoffDelayMs(this.#deaths.length, RESTART_BACKOFF, random);
    this.#deaths.push(now);
    this.#restart = setTimeout(() => {
      this.start().then(
        () => log.info('shard is up again', { shard: this.shard, boot: this.boot }),
        (error: unknown) => {
          log.error('shard could not be started again', { shard: this.shard, error: errorMessage(error) });
          // A thread that ended has been counted by its exit; one that hangs is ended, which counts it.
          if (this.state === 'starting') void this.#worker?.terminate();
        },
      );
    }, delayMs);
  }
}
