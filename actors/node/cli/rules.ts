/** The rules of a keyspace as options of commands. */
import { type Command, Option } from 'commander';
import { KEYSPACE_DEFAULTS } from '../../ring/keyspace-defaults.ts';
import type { ReplicaCount } from '../../ring/ring-state.ts';
import { wholeNumber } from './numbers.ts';

export type Rules = Readonly<Record<string, string | number>>;

const NAMES = Object.keys(KEYSPACE_DEFAULTS);
const REPLICAS_MAX = 16;

/** n, r, w, mode and durability. `shown`: the defaults that help names; null: none, since what is not said stays. */
export function withReplication(command: Command, shown: Readonly<Record<string, unknown>> | null = KEYSPACE_DEFAULTS): Command {
  const about = (name: keyof typeof KEYSPACE_DEFAULTS, text: string): string =>
    `${text}${shown === null ? '' : ` (default: ${String(shown[name] ?? KEYSPACE_DEFAULTS[name])})`}`;
  return command
    .addOption(new Option('-n, --n <count>', about('n', 'replicas')).argParser(wholeNumber(1, REPLICAS_MAX)))
    .addOption(replicasOption('r', about('r', 'replicas that a read waits for: a number, one, quorum or all')))
    .addOption(replicasOption('w', about('w', 'replicas that a write waits for: the same')))
    .addOption(
      new Option(
        '--mode <mode>',
        about(
          'mode',
          'cp: reads are repaired before they answer, and plain writes follow what a quorum has seen; ap: neither is waited for',
        ),
      ).choices(['ap', 'cp']),
    )
    .addOption(durabilityOption(about('durability', 'when a write counts')));
}

/** pr and pw. */
export function withPrimaries(command: Command, isNew: boolean): Command {
  const byDefault = isNew ? ` (default: ${KEYSPACE_DEFAULTS.pr})` : '';
  const option = (name: 'pr' | 'pw', about: string): Option =>
    new Option(`--${name} <count>`, `${about}${byDefault}`).argParser((text) => (text === '0' ? 0 : replicas(text)));
  return command
    .addOption(option('pr', 'of those that answer a read, so many are primaries of the key: a number, one, quorum or all; 0: no matter'))
    .addOption(option('pw', 'of those that confirm a write: the same'));
}

export function withLimits(command: Command, isNew: boolean): Command {
  const { ttlMs, keyBytesMax, valueBytesMax } = KEYSPACE_DEFAULTS;
  const about = (text: string, byDefault: number): string => `${text}${isNew ? ` (default: ${byDefault})` : ''}`;
  return command
    .addOption(new Option('--ttl-ms <ms>', about('expiry of values that come without one; 0: none', ttlMs)).argParser(number))
    .addOption(new Option('--key-bytes-max <bytes>', about('longest key', keyBytesMax)).argParser(number))
    .addOption(new Option('--value-bytes-max <bytes>', about('longest value', valueBytesMax)).argParser(number));
}

export function conflictOption(): Option {
  return new Option('--conflict <way>', `what becomes of concurrent writes, for ever (default: ${KEYSPACE_DEFAULTS.conflict})`).choices([
    'siblings',
    'lww',
  ]);
}

/** Of those that answer or confirm, primaries. */
export function primariesOption(name: 'pr' | 'pw', about: string): Option {
  return new Option(`--${name} <count>`, about).argParser(replicas);
}

export function replicasOption(name: 'r' | 'w', about: string): Option {
  return new Option(`-${name}, --${name} <count>`, about).argParser(replicas);
}

export function durabilityOption(about: string): Option {
  return new Option('--durability <level>', about).choices(['sync', 'periodic', 'none']);
}

/** Only what is said: the rest is the node's to fill in. */
export function rulesOf(command: Command): Rules {
  const options = command.opts<Rules>();
  return Object.fromEntries(Object.entries(options).filter(([key]) => NAMES.includes(key)));
}

function replicas(text: string): ReplicaCount {
  return text === 'one' || text === 'quorum' || text === 'all' ? text : wholeNumber(1, REPLICAS_MAX)(text);
}

const number = wholeNumber(0, Number.MAX_SAFE_INTEGER);
