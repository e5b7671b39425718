/** All commands by name, in capitals, and the table of them for README. */
import type { Command, CommandGroup } from './command.ts';
import { CONNECTION_COMMANDS } from './connection-commands.ts';
import { KEY_COMMANDS } from './key-commands.ts';
import { KEYSPACE_COMMANDS } from './keyspace-commands.ts';
import type { RespReader } from './resp-reader.ts';
import { SCAN_COMMANDS } from './scan-commands.ts';
import { serverCommands } from './server-commands.ts';
import { SIBLING_COMMANDS } from './sibling-commands.ts';
import { STRING_COMMANDS } from './string-commands.ts';
import { REFUSED } from './unknown-command.ts';

export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  [
    ...CONNECTION_COMMANDS,
    ...serverCommands(() => COMMANDS),
    ...STRING_COMMANDS,
    ...KEY_COMMANDS,
    ...SCAN_COMMANDS,
    ...SIBLING_COMMANDS,
    ...KEYSPACE_COMMANDS,
  ].map((command) => [command.name, command]),
);

/** The command that a reader has found; undefined: there is none of that name. The two that matter are found without a string. */
export function commandAt(reader: RespReader): Command | undefined {
  const { bytes } = reader;
  const start = reader.start(0);
  if (reader.end(0) - start === 3) {
    const word = ((bytes[start]! | 32) << 16) | ((bytes[start + 1]! | 32) << 8) | bytes[start + 2]! | 32;
    if (word === GET_WORD) return GET_COMMAND;
    if (word === SET_WORD) return SET_COMMAND;
  }
  return COMMANDS.get(reader.text(0).toUpperCase());
}

const GET_WORD = 0x67_65_74;
const SET_WORD = 0x73_65_74;
const GET_COMMAND = COMMANDS.get('GET');
const SET_COMMAND = COMMANDS.get('SET');

const TITLES: Readonly<Record<CommandGroup, string>> = {
  connection: 'Connection',
  server: 'Node',
  string: 'Values',
  generic: 'Keys',
  siblings: 'Siblings and contexts',
  keyspaces: 'Keyspaces',
};

/** The tables of README: what there is, and what is refused and why. Markdown. */
export function commandTables(): string {
  const groups = (Object.keys(TITLES) as CommandGroup[]).map((group) => {
    const rows = [...COMMANDS.values()].filter((command) => command.group === group);
    const lines = rows.map(({ syntax, summary }) => `| \`${syntax.replaceAll('|', '\\|')}\` | ${summary.replaceAll('|', '\\|')} |`);
    return `| ${TITLES[group]} | |\n|---|---|\n${lines.join('\n')}\n`;
  });
  const byReason = new Map<string, string[]>();
  for (const [name, reason] of REFUSED) byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  const refused = [...byReason].map(([reason, names]) => `| ${names.join(' ')} | ${reason} |`);
  return `${groups.join('\n')}\n| Refused | why |\n|---|---|\n${refused.join('\n')}\n`;
}
