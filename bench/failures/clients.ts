/** Clients of a load: groups of them, each of one node by RESP, or by our own client library of all nodes. They go on when what they are connected to is gone. */
import type { Channel, ChannelSink } from '../cluster/channel.ts';
import { ClientChannel } from '../cluster/client-channel.ts';
import type { Operation } from '../cluster/operation.ts';
import type { ValueFormat } from '../cluster/pair-format.ts';
import { RespConnection } from '../cluster/resp-connection.ts';

export type ClientsSettings = {
  /** As it is shown. */
  readonly name: string;
  /** There is one of that name. */
  readonly keyspace: string;
} & (
  | { readonly protocol: 'resp'; readonly port: number; readonly connections: number }
  /** `seeds`: host:port of any nodes. */
  | { readonly protocol: 'client'; readonly seeds: readonly string[] }
);

/** What an operation of a client fails with that has no connection at the time. */
export const UNCONNECTED = 'UNCONNECTED';
/** ... whose connection ended before it was answered. */
export const DISCONNECTED = 'DISCONNECTED';
const RETRY_MS = 100;

export function openClients(settings: ClientsSettings, format: ValueFormat, sink: ChannelSink): Promise<Channel> {
  if (settings.protocol === 'resp') return RespClients.open(settings, format, sink);
  const { seeds, keyspace } = settings;
  return ClientChannel.open({ seeds, inFlight: 1, n: 3, r: 2, w: 2, durability: 'none', keyspace }, format, sink);
}

interface Lane {
  connection: RespConnection | null;
  readonly pending: Set<Operation>;
}

/** Connections to one node that are made again when they are lost. */
class RespClients implements Channel {
  readonly #settings: ClientsSettings & { readonly protocol: 'resp' };
  readonly #format: ValueFormat;
  readonly #sink: ChannelSink;
  readonly #lanes: readonly Lane[];
  #isClosed = false;

  static async open(
    settings: ClientsSettings & { readonly protocol: 'resp' },
    format: ValueFormat,
    sink: ChannelSink,
  ): Promise<RespClients> {
    const clients = new RespClients(settings, format, sink);
    await Promise.all(clients.#lanes.map((lane) => clients.#connect(lane)));
    return clients;
  }

  private constructor(settings: ClientsSettings & { readonly protocol: 'resp' }, format: ValueFormat, sink: ChannelSink) {
    this.#settings = settings;
    this.#format = format;
    this.#sink = sink;
    this.#lanes = Array.from({ length: settings.connections }, () => ({ connection: null, pending: new Set<Operation>() }));
  }

  get lanes(): number {
    return this.#lanes.length;
  }

  begin(operation: Operation): void {
    const { connection, pending } = this.#lanes[operation.lane]!;
    if (connection === null) return void setImmediate(() => this.#sink.ended(operation, UNCONNECTED));
    pending.add(operation);
    connection.begin(operation);
  }

  flush(lane: number): void {
    this.#lanes[lane]!.connection?.flush();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    for (const { connection } of this.#lanes) connection?.close();
    return Promise.resolve();
  }

  async #connect(lane: Lane): Promise<void> {
    const { port, keyspace } = this.#settings;
    const sink: ChannelSink = {
      found: (operation, key, bytes, from, to) => this.#sink.found(operation, key, bytes, from, to),
      ended: (operation, failure) => {
        lane.pending.delete(operation);
        this.#sink.ended(operation, failure);
      },
      broken: () => this.#lost(lane),
    };
    lane.connection = await RespConnection.open(port, { format: this.#format, sink, waitReplicas: 0, keyspace });
  }

  #lost(lane: Lane): void {
    lane.connection = null;
    const lost = [...lane.pending];
    lane.pending.clear();
    for (const operation of lost) this.#sink.ended(operation, DISCONNECTED);
    this.#reconnect(lane);
  }

  #reconnect(lane: Lane): void {
    if (this.#isClosed) return;
    setTimeout(() => {
      if (!this.#isClosed) this.#connect(lane).catch(() => this.#reconnect(lane));
    }, RETRY_MS);
  }
}
