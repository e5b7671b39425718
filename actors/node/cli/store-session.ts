/** The options of the commands that read and write, and their client. */
import { type Command, Option } from 'commander';
import type { Client } from '../../client/client.ts';
import { ClientError } from '../../client/client-error.ts';
import { bytes } from '../../client/codecs.ts';
import type { Keyspace } from '../../client/keyspace.ts';
import { DEFAULT_KEYSPACE } from '../../ring/keyspace-defaults.ts';
import { wholeNumber } from './numbers.ts';
import { FORMATS, type Format } from './output.ts';

/** The first nodes of `dynactor cluster`: so that any of them may be down. */
const SEEDS_DEFAULT = '127.0.0.1:7000,127.0.0.1:7010,127.0.0.1:7020';
const TIMEOUT_MS_DEFAULT = 5_000;

/** A keyspace as commands see it: keys are text, values are bytes. */
export type Values = Keyspace<string, Uint8Array>;

export interface StoreOptions {
  readonly seeds: string;
  readonly keyspace: string;
  readonly timeout: number;
  readonly output: Format;
}

export interface StoreSession {
  readonly client: Client;
  readonly values: Values;
}

/** Exit code: asked and answered, there is nothing of that key. The code for what is asked and answered, and not as one would wish. */
export const EXIT_NOT_FOUND = 3;

export function withSeeds(command: Command): Command {
  return command
    .addOption(
      new Option('--seeds <host:port,...>', 'ports for nodes of some nodes of the cluster; one that answers is enough')
        .env('DYNACTOR_SEEDS')
        .default(SEEDS_DEFAULT),
    )
    .addOption(new Option('--keyspace <name>', 'where the key is').default(DEFAULT_KEYSPACE))
    .addOption(
      new Option('--timeout <ms>', 'for connecting, and for each operation')
        .argParser(wholeNumber(1, 3_600_000))
        .default(TIMEOUT_MS_DEFAULT),
    );
}

export function withOutput(command: Command): Command {
  return command.addOption(new Option('-o, --output <format>', 'how to print').choices([...FORMATS]).default('table'));
}

export function valuesOf(client: Pick<Client, 'keyspace'>, name: string): Values {
  return client.keyspace(name, { value: bytes });
}

/** Connects, and is gone when `use` has settled. Errors: with the code that README names. */
export async function withStore(options: Omit<StoreOptions, 'output'>, use: (session: StoreSession) => Promise<void>): Promise<void> {
  // Why: the other commands don't wait for all that a client loads.
  const { connect } = await import('../../client/connect.ts');
  try {
    await using client = await connect(options.seeds, { timeoutMs: options.timeout, connectTimeoutMs: options.timeout });
    await use({ client, values: valuesOf(client, options.keyspace) });
  } catch (error) {
    throw error instanceof ClientError ? new Error(describe(error), { cause: error }) : error;
  }
}

export function describe({ code, message, mayBeDone }: ClientError): string {
  return `${code}: ${message}${mayBeDone ? ' (it may have been done)' : ''}`;
}
