/** `dynactor keyspace list|create|alter|drop`. */
import { type Command, Option } from 'commander';
import { KEYSPACE_DEFAULTS } from '../../ring/keyspace-defaults.ts';
import type { RingAnswer } from '../http/ring-routes.ts';
import { wholeNumber } from './numbers.ts';
import { keyspaceTable } from './ring-command.ts';
import { sessionOf, withTarget } from './target.ts';

interface Done {
  readonly name: string;
  readonly epoch: number;
}

type Rules = Readonly<Record<string, string | number>>;

export function addKeyspaceCommand(program: Command): void {
  const keyspace = program.command('keyspace').description('keyspaces: what is stored under which rules');
  withTarget(keyspace.command('list'))
    .description('all keyspaces')
    .action(async (_options: unknown, command: Command) => {
      const session = sessionOf(command);
      const { keyspaces } = await session.call<Pick<RingAnswer, 'keyspaces'>>('GET', '/v1/keyspaces');
      session.print(keyspaces, keyspaceTable);
    });
  withRules(withTarget(keyspace.command('create')))
    .argument('<name>', '1 to 64 of [A-Za-z0-9_-]')
    .addOption(new Option('--conflict <way>', said('what becomes of concurrent writes, for ever', 'conflict')).choices(['siblings', 'lww']))
    .description('make a keyspace')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = sessionOf(command);
      const body = { name, ...rulesOf(command) };
      session.print(
        await session.call<Done>('POST', '/v1/keyspaces', body),
        ({ epoch }) => `keyspace ${name} is there, since epoch ${epoch}`,
      );
    });
  withRules(withTarget(keyspace.command('alter')))
    .argument('<name>')
    .description('change the rules of a keyspace')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = sessionOf(command);
      const done = await session.call<Done>('PATCH', `/v1/keyspaces/${encodeURIComponent(name)}`, rulesOf(command));
      session.print(done, ({ epoch }) => `keyspace ${name} is changed, since epoch ${epoch}`);
    });
  withTarget(keyspace.command('drop'))
    .argument('<name>')
    .requiredOption('--yes', 'that all in it is to be lost')
    .description('drop a keyspace and all that is in it')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = sessionOf(command);
      const done = await session.call<Done>('DELETE', `/v1/keyspaces/${encodeURIComponent(name)}`);
      session.print(done, ({ epoch }) => `keyspace ${name} is gone, since epoch ${epoch}`);
    });
}

const RULES = Object.keys(KEYSPACE_DEFAULTS);

/** Only what is said: the rest is the node's to fill in. */
function withRules(command: Command): Command {
  return command
    .addOption(new Option('--n <count>', said('replicas', 'n')).argParser(number))
    .addOption(new Option('--r <count>', said('replicas that a read waits for: a number, one, quorum or all', 'r')).argParser(replicas))
    .addOption(new Option('--w <count>', said('replicas that a write waits for', 'w')).argParser(replicas))
    .addOption(
      new Option('--mode <mode>', said('ap: always take writes; cp: only with a quorum of the owners', 'mode')).choices(['ap', 'cp']),
    )
    .addOption(new Option('--durability <level>', said('when a write counts', 'durability')).choices(['sync', 'periodic', 'none']))
    .addOption(new Option('--ttl-ms <ms>', said('expiry of values that come without one; 0: none', 'ttlMs')).argParser(number))
    .addOption(new Option('--key-bytes-max <bytes>', said('longest key', 'keyBytesMax')).argParser(number))
    .addOption(new Option('--value-bytes-max <bytes>', said('longest value', 'valueBytesMax')).argParser(number));
}

/** Not commander's own default, which would be sent. */
function said(text: string, rule: keyof typeof KEYSPACE_DEFAULTS): string {
  return `${text} (default: ${KEYSPACE_DEFAULTS[rule]})`;
}

function rulesOf(command: Command): Rules {
  const options = command.opts<Rules>();
  return Object.fromEntries(Object.entries(options).filter(([key]) => RULES.includes(key)));
}

function replicas(text: string): string | number {
  return ['one', 'quorum', 'all'].includes(text) ? text : number(text);
}

const number = wholeNumber(0, Number.MAX_SAFE_INTEGER);
