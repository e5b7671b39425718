/** The entry of a shard's worker thread: opens its doors and serves the control plane. Everything else comes from there. */
import type { MessagePort } from 'node:worker_threads';
import { workerData } from 'node:worker_threads';
import { MAIN_SHARD, RECEPTIONIST_SLOT } from '../address.ts';
import { DefinitionTable } from '../definitions.ts';
import type { LogLevel } from '../doors.ts';
import { CONTROL } from '../lanes.ts';
import { RemoteJobRunner } from '../pool-remote.ts';
import { realClock } from '../real/clock.ts';
import { openLog } from '../real/log.ts';
import type { ReceptionistMessage } from '../receptionist-protocol.ts';
import type { Ref } from '../ref.ts';
import type { RuntimeTuning } from '../runtime-options.ts';
import type { TcpLimits } from '../wire/tcp-limits.ts';
import { type Outcome, outcomeOf, outcomeOfAsync, type ShardControl, serveControl } from './control.ts';
import { NodeThread } from './node-thread.ts';
import type { ThreadChannelEnd } from './thread-channel.ts';

export interface ShardWorkerData {
  readonly cluster: string;
  readonly node: string;
  readonly shard: number;
  readonly shards: number;
  readonly boot: number;
  readonly mainBoot: number;
  /** URLs. */
  readonly modules: readonly string[];
  readonly tuning: RuntimeTuning | undefined;
  readonly wire: Partial<TcpLimits> | undefined;
  /** Null: this node takes no connections. */
  readonly listen: { readonly host: string; readonly port: number } | null;
  readonly logLevel: LogLevel | 'silent';
  readonly settings: unknown;
  readonly control: MessagePort;
  readonly jobs: MessagePort;
}

const PENDING_JOBS_MAX = 1024;

const data = workerData as ShardWorkerData;
const log = openLog({ clock: realClock(), level: data.logLevel });
const thread = new NodeThread({
  cluster: data.cluster,
  place: { node: data.node, shard: data.shard },
  boot: data.boot,
  log,
  jobs: new RemoteJobRunner(data.jobs, PENDING_JOBS_MAX),
  tuning: data.tuning,
  wire: data.wire,
  keepAlive: true,
});
const { runtime } = thread;
const definitions = new DefinitionTable();

const control: ShardControl = {
  prepare: () =>
    outcomeOfAsync(async () => {
      for (const url of data.modules) definitions.add((await import(url)) as Record<string, unknown>);
      const port = data.listen === null ? 0 : await thread.listen(data.listen.host, data.listen.port);
      return { port, recorder: runtime.recorder.buffer };
    }),
  attach: (shard, boot, channel) => nothing(() => thread.threads.attach({ shard, boot }, channel as ThreadChannelEnd)),
  detach: (shard, boot) => nothing(() => thread.threads.detach(shard, boot)),
  begin: () =>
    nothing(() =>
      definitions.start({
        node: data.node,
        shard: data.shard,
        shards: data.shards,
        spawn: (definition, args, options) => runtime.spawn(definition, args, options),
        spawnWellKnown: (slot, definition, args) => runtime.spawnWellKnown(slot, definition, args),
        settings: data.settings,
        wellKnown: <M>(slot: number, node = data.node, shard = MAIN_SHARD) => runtime.wellKnown(slot, { node, shard }) as unknown as Ref<M>,
        introduce: (address) => thread.tcp.introduce(address),
        register: (key, ref) => {
          const receptionist = runtime.wellKnown(RECEPTIONIST_SLOT) as Ref<ReceptionistMessage>;
          receptionist.tell({ type: 'register', key: key.id, ref }, { lane: CONTROL });
        },
      }),
    ),
  introduce: (address) => nothing(() => thread.tcp.introduce(address)),
  spawn: (name, args, options) =>
    outcomeOf(() => {
      const definition = definitions.get(name);
      const bytes = Buffer.from(args.buffer, args.byteOffset, args.length);
      const from = { place: { node: data.node, shard: MAIN_SHARD }, boot: data.mainBoot };
      const values = runtime.codec.decode(bytes, 0, bytes.length, from, true) as readonly unknown[];
      return runtime.spawn(definition, values, options).address;
    }),
  stats: () => outcomeOf(() => thread.stats()),
  stop: (drainMs) =>
    outcomeOfAsync(async () => {
      await thread.close(drainMs);
      log.flush();
      // After the answer has left. The port is all that still keeps the thread alive.
      setImmediate(() => {
        data.control.close();
        data.jobs.close();
      });
      return null;
    }),
  crash: () =>
    nothing(() => {
      setImmediate(() => {
        throw new Error('crashed on request');
      });
    }),
};

serveControl(data.control, control);

function nothing(body: () => void): Outcome<null> {
  return outcomeOf(() => {
    body();
    return null;
  });
}
