/** The rules of a keyspace as options of commands. */
import { type Command, Option } from 'commander';
import { KEYSPACE_DEFAULTS } from '../../ring/keyspace-defaults.ts';
import type { ReplicaCount } from '../../ring/ring-state.ts';
import { wholeNumber } from './numbers.ts';

export type Rules = Readonly<Record<string, string | number>>;

const REPLICAS_MAX = 16;

type Shown = Readonly<Partial<Record<keyof typeof KEYSPACE_DEFAULTS, string | number>>>;

/** n, r, w, mode and durability. `shown`: the defaults that help names; null: none, since what is not said stays. Not commander's own, which would be sent. */
export function withReplication(command: Command, shown: Shown | null = KEYSPACE_DEFAULTS): Command {
  const about = (name: keyof Shown, text: string): string =>
    shown === null ? text : `${text} (default: ${shown[name] ?? KEYSPACE_DEFAULTS[name]})`;
  return command
    .addOption(new Option('-n, --n <count>', about('n', 'replicas')).argParser(wholeNumber(1, REPLICAS_MAX)))
    .addOption(replicasOption('r', about('r', 'replicas that a read waits for: a number, one, quorum or all')))
    .addOption(replicasOption('w', about('w', 'replicas that a write waits for: the same')))
    .addOption(
      new Option('--mode <mode>', about('mode', 'ap: always take writes; cp: only with a quorum of the owners')).choices(['ap', 'cp']),
    )
    .addOption(durabilityOption(about('durability', 'when a write counts')));
}

export function withLimits(command: Command, isNew: boolean): Command {
  const about = (name: keyof Shown, text: string): string => `${text}${isNew ? ` (default: ${KEYSPACE_DEFAULTS[name]})` : ''}`;
  return command
    .addOption(new Option('--ttl-ms <ms>', about('ttlMs', 'expiry of values that come without one; 0: none')).argParser(number))
    .addOption(new Option('--key-bytes-max <bytes>', about('keyBytesMax', 'longest key')).argParser(number))
    .addOption(new Option('--value-bytes-max <bytes>', about('valueBytesMax', 'longest value')).argParser(number));
}

export function conflictOption(): Option {
  return new Option('--conflict <way>', `what becomes of concurrent writes, for ever (default: ${KEYSPACE_DEFAULTS.conflict})`).choices([
    'siblings',
    'lww',
  ]);
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
  return Object.fromEntries(Object.entries(options).filter(([key]) => key in KEYSPACE_DEFAULTS));
}

function replicas(text: string): ReplicaCount {
  return text === 'one' || text === 'quorum' || text === 'all' ? text : wholeNumber(1, REPLICAS_MAX)(text);
}

const number = wholeNumber(0, Number.MAX_SAFE_INTEGER);
