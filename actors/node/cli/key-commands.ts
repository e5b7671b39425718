/** `dynactor get|put|del`. */
import { type Command, Option } from 'commander';
import { readInput } from '../../../runtime/real/terminal.ts';
import type { Durability } from '../../client/options.ts';
import type { ReplicaCount } from '../../ring/ring-state.ts';
import { deleteKey, putKey, reading, shownKey, siblingsNote, writtenText } from './key-operations.ts';
import { duration } from './numbers.ts';
import { render } from './output.ts';
import { durabilityOption, primariesOption, replicasOption } from './rules.ts';
import { EXIT_NOT_FOUND, type StoreOptions, withOutput, withSeeds, withStore } from './store-session.ts';

interface Reading extends StoreOptions {
  readonly r?: ReplicaCount;
  readonly pr?: ReplicaCount;
  readonly monotonic?: boolean;
}

interface Writing extends Reading {
  readonly w?: ReplicaCount;
  readonly pw?: ReplicaCount;
  readonly durability?: Durability;
  readonly context?: string;
}

/** More than any keyspace takes by default, and less than what a process has. */
const INPUT_BYTES_MAX = 64 * 1024 * 1024;
const NEW_LINE = 10;

export function addKeyCommands(program: Command): void {
  withReading(program.command('get'), READ_BY)
    .argument('<key>')
    .option('--raw', 'the bytes of the newest value and nothing else, without a new line behind them', false)
    .description('the value of a key; all siblings, if there are several, newest first. Exit code 3: there is none')
    .action(get);
  withWriting(program.command('put'))
    .argument('<key>')
    .argument('<value>', 'text; - takes the bytes of the standard input, as they are')
    .option('--ttl <time>', 'gone after so long, such as 500ms, 30s, 15m, 12h or 7d; 0s: never (default: as the keyspace says)', duration)
    .description('write a value in the place of what is there')
    .action(put);
  withWriting(program.command('del')).argument('<key>').description('delete a key. Exit code 3: there is none').action(del);
}

const READ_BY = 'replicas that the read waits for: a number, one, quorum or all (default: as the keyspace says)';

function withReading(command: Command, about: string): Command {
  return withOutput(withSeeds(command))
    .addOption(replicasOption('r', about))
    .addOption(primariesOption('pr', 'of those, so many are primaries of the key: the same (default: no matter)'))
    .option('--monotonic', 'the read is never older than what another monotonic one was answered before it began');
}

function withWriting(command: Command): Command {
  return withReading(command, `${READ_BY}; it finds out what is there`)
    .addOption(replicasOption('w', 'replicas that the write waits for: the same'))
    .addOption(primariesOption('pw', 'of those, so many are primaries of the key: the same (default: no matter)'))
    .addOption(durabilityOption('when it counts (default: as the keyspace says)'))
    .addOption(
      new Option(
        '--context <text>',
        'of an earlier `get -o json`: takes the place of what that has seen; empty: of nothing, so that siblings may come',
      ),
    );
}

async function get(key: string, options: Reading & { readonly raw: boolean }): Promise<void> {
  await withStore(options, async ({ values }) => {
    const found = await values.getWithContext(key, reading(options));
    const { siblings } = found;
    if (options.output !== 'table') process.stdout.write(render(shownKey(options.keyspace, key, found), options.output, () => ''));
    else if (options.raw) process.stdout.write(siblings[0]?.value ?? '');
    else for (const { value } of siblings) process.stdout.write(Buffer.concat([value, Buffer.of(NEW_LINE)]));
    if (siblings.length === 0) notFound(key, options);
    else if (siblings.length > 1) say(siblingsNote(siblings.length));
  });
}

async function put(key: string, value: string, options: Writing & { readonly ttl?: number }): Promise<void> {
  const bytes = value === '-' ? await readInput(INPUT_BYTES_MAX) : Buffer.from(value);
  await withStore(options, async ({ values }) => {
    const { ttl } = options;
    const written = await putKey(values, key, bytes, { ...writing(options), ...(ttl === undefined ? {} : { ttlMs: ttl }) });
    process.stdout.write(render(written, options.output, writtenText));
  });
}

async function del(key: string, options: Writing): Promise<void> {
  await withStore(options, async ({ values }) => {
    const written = await deleteKey(values, key, writing(options));
    if (written === null) notFound(key, options);
    else process.stdout.write(render(written, options.output, writtenText));
  });
}

/** Only what is said. */
function writing({ w, pw, durability, context, ...options }: Writing): Omit<Writing, keyof StoreOptions> {
  return {
    ...reading(options),
    ...(w === undefined ? {} : { w }),
    ...(pw === undefined ? {} : { pw }),
    ...(durability === undefined ? {} : { durability }),
    ...(context === undefined ? {} : { context }),
  };
}

function notFound(key: string, { keyspace }: StoreOptions): void {
  say(`no key ${JSON.stringify(key)} in keyspace ${keyspace}`);
  process.exitCode = EXIT_NOT_FOUND;
}

function say(text: string): void {
  process.stderr.write(`dynactor: ${text}\n`);
}
