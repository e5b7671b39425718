/** Commands about the node: what tools ask when they connect. */
import { type Command, NO_KEYS } from './command.ts';
import { wordAt } from './command-arguments.ts';
import type { RespSession } from './resp-session.ts';
import type { RespWriter } from './resp-writer.ts';

/** Of Redis, whose commands this understands; clients choose by it what they send. */
export const COMPATIBLE_VERSION = '7.2.0';

export function serverCommands(all: () => ReadonlyMap<string, Command>): readonly Command[] {
  return [
    {
      name: 'COMMAND',
      arity: -1,
      flags: ['fast'],
      keys: NO_KEYS,
      group: 'server',
      syntax: 'COMMAND [COUNT | LIST | INFO name ... | DOCS name ...]',
      summary: '',
      run: (session) => runCommand(session, all()),
    },
    {
      name: 'INFO',
      arity: -1,
      flags: [],
      keys: NO_KEYS,
      group: 'server',
      syntax: 'INFO [section ...]',
      summary: 'Of this shard. loading:1 until the node may serve.',
      run: runInfo,
    },
    {
      name: 'CONFIG',
      arity: -2,
      flags: [],
      keys: NO_KEYS,
      group: 'server',
      syntax: 'CONFIG GET pattern ...',
      summary: 'What tools ask for. CONFIG SET is refused.',
      run: runConfig,
    },
    {
      name: 'TIME',
      arity: 1,
      flags: ['fast'],
      keys: NO_KEYS,
      group: 'server',
      syntax: 'TIME',
      summary: 'Of the node that is asked.',
      run: runTime,
    },
  ];
}

function runCommand(session: RespSession, all: ReadonlyMap<string, Command>): void {
  const { reader } = session;
  const word = reader.count === 1 ? 'INFO' : wordAt(reader, 1);
  const names: string[] = [];
  for (let i = 2; i < reader.count; i++) names.push(wordAt(reader, i));
  if (!['COUNT', 'LIST', 'INFO', 'DOCS'].includes(word)) return session.error('ERR COMMAND: expected COUNT, LIST, INFO or DOCS');
  const writer = session.beginReply();
  if (word === 'COUNT') writer.integer(all.size);
  else if (word === 'LIST') writeNames(writer, [...all.keys()]);
  else if (word === 'DOCS') writeDocs(writer, names.length === 0 ? [...all.values()] : names.flatMap((name) => all.get(name) ?? []));
  else writeInfos(writer, names.length === 0 ? [...all.values()] : names.map((name) => all.get(name)));
  session.endReply();
}

function writeNames(writer: RespWriter, names: readonly string[]): void {
  writer.array(names.length);
  for (const name of names) writer.bulkText(name.toLowerCase());
}

function writeInfos(writer: RespWriter, commands: readonly (Command | undefined)[]): void {
  writer.array(commands.length);
  for (const command of commands) {
    if (command === undefined) {
      writer.null();
      continue;
    }
    const flags = command.flags
      .map((flag) => (flag === 'noAuth' ? 'no_auth' : flag))
      .filter((flag) => flag !== 'keyspace' && flag !== 'settled');
    writer.array(6);
    writer.bulkText(command.name.toLowerCase());
    writer.integer(command.arity);
    writer.set(flags.length);
    for (const flag of flags) writer.simple(flag);
    for (const index of command.keys) writer.integer(index);
  }
}

function writeDocs(writer: RespWriter, commands: readonly Command[]): void {
  writer.map(commands.length);
  for (const { name, syntax, summary, group } of commands) {
    writer.bulkText(name.toLowerCase());
    writer.map(2);
    writer.bulkText('summary');
    writer.bulkText(summary === '' ? syntax : summary);
    writer.bulkText('group');
    writer.bulkText(group);
  }
}

function runInfo(session: RespSession): void {
  const { reader } = session;
  const asked: string[] = [];
  for (let i = 1; i < reader.count; i++) asked.push(wordAt(reader, i));
  const isAll = asked.length === 0 || ['ALL', 'DEFAULT', 'EVERYTHING'].some((word) => asked.includes(word));
  const sections = infoOf(session).filter(([title]) => isAll || asked.includes(title.toUpperCase()));
  const text = sections.map(
    ([title, fields]) =>
      `# ${title}\r\n${Object.entries(fields)
        .map(([field, value]) => `${field}:${value}\r\n`)
        .join('')}`,
  );
  session.beginReply().bulkText(text.join('\r\n'));
  session.endReply();
}

function infoOf({ host }: RespSession): readonly (readonly [string, Readonly<Record<string, string | number>>])[] {
  const { stats, settings } = host;
  const upSeconds = Math.floor((host.nowMs() - host.startedAtMs) / 1_000);
  let clients = 0;
  for (const _ of host.sessions()) clients++;
  return [
    [
      'Server',
      {
        redis_version: COMPATIBLE_VERSION,
        redis_mode: 'standalone',
        server_name: 'dynactor',
        node: host.node,
        uptime_in_seconds: upSeconds,
      },
    ],
    ['Clients', { connected_clients: clients, maxclients: settings.connectionsMax }],
    ['Persistence', { loading: host.isLoading() ? 1 : 0, rdb_bgsave_in_progress: 0, aof_enabled: 1 }],
    [
      'Stats',
      {
        total_connections_received: stats.connections,
        rejected_connections: stats.connectionsRefused,
        total_commands_processed: stats.commands,
        total_error_replies: stats.errors,
        total_net_input_bytes: stats.bytesIn,
        total_net_output_bytes: stats.bytesOut,
      },
    ],
    // Every node takes reads and writes.
    ['Replication', { role: 'master', connected_slaves: 0 }],
    ['Cluster', { cluster_enabled: 0 }],
    ['Keyspaces', Object.fromEntries(host.keyspaces().map(({ name, n, r, w, mode }) => [name, `n=${n},r=${r},w=${w},mode=${mode}`]))],
  ];
}

function runConfig(session: RespSession): void {
  const { reader, host } = session;
  const word = wordAt(reader, 1);
  if (word !== 'GET' || reader.count < 3)
    return session.error(
      `ERR CONFIG ${word.slice(0, 32)} is not supported: expected CONFIG GET pattern; settings are given to the node at its start`,
    );
  const { settings } = host;
  const all: readonly (readonly [string, string])[] = [
    ['save', ''],
    ['appendonly', 'yes'],
    ['databases', '1'],
    ['maxmemory', '0'],
    ['maxclients', `${settings.connectionsMax}`],
    ['timeout', `${Math.floor(settings.idleMs / 1_000)}`],
    ['proto-max-bulk-len', `${settings.bulkBytesMax}`],
  ];
  const patterns: string[] = [];
  for (let i = 2; i < reader.count; i++) patterns.push(reader.text(i).toLowerCase());
  const found = all.filter(([name]) => patterns.some((pattern) => matches(pattern, name)));
  const writer = session.beginReply();
  writer.map(found.length);
  for (const [name, value] of found) {
    writer.bulkText(name);
    writer.bulkText(value);
  }
  session.endReply();
}

/** Patterns of `*` and letters. Cost: O(pattern * name). */
function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*');
  const first = parts[0]!;
  const last = parts.at(-1)!;
  if (parts.length === 1) return pattern === name;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}

function runTime(session: RespSession): void {
  const ms = session.host.wallMs();
  const writer = session.beginReply();
  writer.array(2);
  writer.bulkText(`${Math.floor(ms / 1_000)}`);
  writer.bulkText(`${(ms % 1_000) * 1_000}`);
  session.endReply();
}
