/** Our own client: `lanes` calls in flight, each with its promise. It runs in the generator's thread, and its work counts there. */

import type { Client } from '../../actors/client/client.ts';
import { ClientError } from '../../actors/client/client-error.ts';
import { bytes } from '../../actors/client/codecs.ts';
import { connect } from '../../actors/client/connect.ts';
import type { Keyspace } from '../../actors/client/keyspace.ts';
import type { Durability } from '../../actors/client/options.ts';
import type { Channel, ChannelSink } from './channel.ts';
import type { Operation } from './operation.ts';
import { keyText, type ValueFormat } from './pair-format.ts';

export interface ClientSettings {
  readonly seeds: readonly string[];
  readonly inFlight: number;
  readonly n: number;
  readonly r: number;
  readonly w: number;
  readonly durability: Durability;
  /** Made, if there is none of that name. Default: `bench`. */
  readonly keyspace?: string;
}

/** Where an update without a context takes the place of what is there, as a SET does, and makes no sibling. */
const KEYSPACE = 'bench';

export class ClientChannel implements Channel {
  readonly lanes: number;
  readonly #client: Client;
  readonly #keyspace: Keyspace<string, Uint8Array>;
  readonly #format: ValueFormat;
  readonly #sink: ChannelSink;

  static async open(settings: ClientSettings, format: ValueFormat, sink: ChannelSink): Promise<ClientChannel> {
    const { seeds, n, r, w, durability, keyspace = KEYSPACE } = settings;
    const client = await connect(seeds);
    if (!client.keyspaces.list().some(({ name }) => name === keyspace)) {
      await client.keyspaces.create(keyspace, { n, r, w, durability, conflict: 'lww' });
    }
    return new ClientChannel({ inFlight: settings.inFlight, keyspace }, client, format, sink);
  }

  private constructor(
    { inFlight, keyspace }: { readonly inFlight: number; readonly keyspace: string },
    client: Client,
    format: ValueFormat,
    sink: ChannelSink,
  ) {
    this.lanes = inFlight;
    this.#client = client;
    this.#keyspace = client.keyspace(keyspace, { value: bytes });
    this.#format = format;
    this.#sink = sink;
  }

  begin(operation: Operation): void {
    const { key, stamp, step } = operation;
    const fail = (error: unknown): void => this.#sink.ended(operation, failureOf(error));
    if (step === 'put') {
      const value = Buffer.allocUnsafe(this.#format.bytes);
      this.#format.write(value, 0, key, stamp);
      this.#keyspace.put(keyText(key), value).then(() => this.#sink.ended(operation, undefined), fail);
      return;
    }
    this.#keyspace.get(keyText(key)).then((value) => {
      const found = value === undefined ? undefined : Buffer.from(value.buffer, value.byteOffset, value.length);
      this.#sink.found(operation, key, found, 0, value?.length ?? 0);
      this.#sink.ended(operation, undefined);
    }, fail);
  }

  /** The client gathers what is begun in one go by itself. */
  flush(): void {}

  close(): Promise<void> {
    return this.#client.close();
  }
}

function failureOf(error: unknown): string {
  return error instanceof ClientError ? `${error.code} ${error.message}` : String(error);
}
