/** KEYSPACE: lists, creates, alters and drops keyspaces, and chooses the one that this connection's commands work on. */
import { newKeyspace } from '../ring/keyspace-defaults.ts';
import { KEYSPACE_NAME } from '../ring/limits.ts';
import type { Operation, OperationOutcome } from '../ring/operation.ts';
import { type Command, NO_KEYS } from './command.ts';
import { wordAt } from './command-arguments.ts';
import { keyspaceOptions } from './keyspace-options.ts';
import type { RespSession } from './resp-session.ts';

export const KEYSPACE_COMMANDS: readonly Command[] = [
  {
    name: 'KEYSPACE',
    arity: -2,
    flags: [],
    keys: NO_KEYS,
    group: 'keyspaces',
    syntax: 'KEYSPACE LIST | INFO name | USE name | CREATE name [option value ...] | ALTER name [option value ...] | DROP name',
    summary:
      'Options: N, R, W (a number, one, quorum, all), PR, PW (of R and W, primaries: the same; 0: no matter), MODE ap|cp, CONFLICT siblings|lww (CREATE only), DURABILITY sync|periodic|none, TTL ms, KEYBYTES, VALUEBYTES. DROP has to be allowed by the settings.',
    run: runKeyspace,
  },
];

function runKeyspace(session: RespSession): void {
  const { reader } = session;
  const word = wordAt(reader, 1);
  if (word === 'LIST' && reader.count === 2) return list(session);
  if (reader.count < 3) return session.error('ERR KEYSPACE: expected LIST, or INFO, USE, CREATE, ALTER or DROP and a name');
  const name = reader.text(2);
  if (!KEYSPACE_NAME.test(name)) return session.error('ERR keyspace: expected a name of 1 to 64 of [A-Za-z0-9_-]');
  if (word === 'CREATE' || word === 'ALTER') return change(session, word, name);
  if (reader.count > 3) return session.error(`ERR KEYSPACE ${word.slice(0, 16)}: expected a name and nothing else`);
  switch (word) {
    case 'INFO':
      return info(session, name);
    case 'USE':
      return use(session, name);
    case 'DROP':
      if (!session.host.settings.allowsDrop)
        return session.error('ERR KEYSPACE DROP is switched off: it has to be allowed by the settings of the node');
      return propose(session, { type: 'dropKeyspace', name });
    default:
      return session.error(`ERR KEYSPACE: expected LIST, INFO, USE, CREATE, ALTER or DROP, got ${word.slice(0, 16)}`);
  }
}

function list(session: RespSession): void {
  const keyspaces = session.host.keyspaces();
  const writer = session.beginReply();
  writer.array(keyspaces.length);
  for (const { name } of keyspaces) writer.bulkText(name);
  session.endReply();
}

function info(session: RespSession, name: string): void {
  const keyspace = session.host.keyspaces().find((other) => other.name === name);
  if (keyspace === undefined) return session.error(`ERR no such keyspace: ${name}`);
  const fields = Object.entries(keyspace) as [string, string | number][];
  const writer = session.beginReply();
  writer.map(fields.length);
  for (const [field, value] of fields) {
    writer.bulkText(field);
    if (typeof value === 'number') writer.integer(value);
    else writer.bulkText(value);
  }
  session.endReply();
}

function use(session: RespSession, name: string): void {
  if (!session.host.keyspaces().some((other) => other.name === name)) return session.error(`ERR no such keyspace: ${name}`);
  session.keyspaceName = name;
  session.forgetKeyspace();
  session.ok();
}

function change(session: RespSession, word: 'CREATE' | 'ALTER', name: string): void {
  const options = keyspaceOptions(session.reader, 3);
  if (typeof options === 'string') return session.error(`ERR KEYSPACE ${word}: ${options}`);
  if (word === 'CREATE') return propose(session, { type: 'createKeyspace', keyspace: newKeyspace(name, options) });
  const { conflict, ...changes } = options;
  if (conflict !== undefined) return session.error('ERR KEYSPACE ALTER: CONFLICT is fixed when the keyspace is created');
  propose(session, { type: 'alterKeyspace', name, changes });
}

function propose(session: RespSession, operation: Operation): void {
  const slot = session.openBarrier();
  session.host.propose(operation, (outcome) => session.finish(slot, failureOf(outcome), (writer) => writer.ok()));
}

function failureOf(outcome: OperationOutcome): string {
  if (outcome.ok) return '';
  switch (outcome.code) {
    case 'NO_MAJORITY':
      return `CLUSTERDOWN ${outcome.message}`;
    case 'INDETERMINATE':
      return `INDETERMINATE ${outcome.message}`;
    case 'STALE':
      return `TRYAGAIN ${outcome.message}`;
    default:
      return `ERR ${outcome.message}`;
  }
}
