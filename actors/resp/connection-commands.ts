/** Commands about the connection itself: what clients send when they connect, and what people type. */

import { clientLine } from './client-line.ts';
import { type Command, type CommandFlag, NO_KEYS } from './command.ts';
import { integerAt, isWord, wordAt } from './command-arguments.ts';
import type { RespSession } from './resp-session.ts';
import { COMPATIBLE_VERSION } from './server-commands.ts';

const WRONG_PASSWORD = 'WRONGPASS invalid username-password pair or user is disabled.';
const NAME_BYTES_MAX = 256;

export const CONNECTION_COMMANDS: readonly Command[] = [
  row('PING', -1, ['fast'], 'PING [message]', '', runPing),
  row('ECHO', 2, ['fast'], 'ECHO message', '', (session) => replyArgument(session, 1)),
  row('QUIT', -1, ['fast', 'noAuth'], 'QUIT', 'Closes the connection once all is answered.', (session) => {
    session.ok();
    session.isEnding = true;
  }),
  row('RESET', 1, ['fast', 'noAuth'], 'RESET', '', runReset),
  row('HELLO', -1, ['fast', 'noAuth'], 'HELLO [2 | 3 [AUTH user password] [SETNAME name]]', 'RESP3 after HELLO 3.', runHello),
  row('AUTH', -2, ['fast', 'noAuth'], 'AUTH [user] password', 'The only user is `default`.', runAuth),
  row('SELECT', 2, ['fast'], 'SELECT 0', 'Only 0; keyspaces are chosen by KEYSPACE USE.', runSelect),
  row(
    'CLIENT',
    -2,
    [],
    'CLIENT ID | SETNAME name | GETNAME | SETINFO LIB-NAME|LIB-VER value | LIST | INFO | NO-EVICT on|off | NO-TOUCH on|off | REPLY ON|OFF|SKIP',
    'LIST: the connections of this shard.',
    runClient,
  ),
];

function row(
  name: string,
  arity: number,
  flags: readonly CommandFlag[],
  syntax: string,
  summary: string,
  run: (session: RespSession) => void,
): Command {
  return { name, arity, flags, keys: NO_KEYS, group: 'connection', syntax, summary, run };
}

function runPing(session: RespSession): void {
  const { reader } = session;
  if (reader.count > 2) return session.error("ERR wrong number of arguments for 'ping' command");
  if (reader.count === 2) return replyArgument(session, 1);
  session.beginReply().simple('PONG');
  session.endReply();
}

function replyArgument(session: RespSession, i: number): void {
  const { reader } = session;
  session.beginReply().bulk(reader.bytes, reader.start(i), reader.end(i));
  session.endReply();
}

function runReset(session: RespSession): void {
  session.protocol = 2;
  session.isMuted = false;
  session.name = '';
  session.keyspaceName = session.host.settings.keyspace;
  session.forgetKeyspace();
  session.setKnown(session.host.settings.password === '');
  session.beginReply().simple('RESET');
  session.endReply();
}

function runHello(session: RespSession): void {
  const { reader, host } = session;
  let protocol = session.protocol;
  let isKnown = session.isKnown;
  let name: string | undefined;
  if (reader.count > 1) {
    const asked = integerAt(reader, 1);
    if (asked !== 2 && asked !== 3) return session.error('NOPROTO unsupported protocol version: expected 2 or 3');
    protocol = asked;
  }
  for (let i = 2; i < reader.count; ) {
    if (isWord(reader, i, 'AUTH') && i + 2 < reader.count) {
      if (!isPassword(session, i + 1, i + 2)) return session.error(WRONG_PASSWORD);
      isKnown = true;
      i += 3;
    } else if (isWord(reader, i, 'SETNAME') && i + 1 < reader.count) {
      name = reader.text(i + 1);
      if (!isName(name)) return session.error(BAD_NAME);
      i += 2;
    } else return session.error('ERR Syntax error in HELLO: expected AUTH user password or SETNAME name');
  }
  if (!isKnown)
    return session.error(
      'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used',
    );
  session.protocol = protocol;
  session.setKnown(true);
  if (name !== undefined) session.name = name;
  const writer = session.beginReply();
  writer.map(8);
  for (const [field, value] of [
    ['server', 'redis'],
    ['version', COMPATIBLE_VERSION],
    ['proto', protocol],
    ['id', session.id],
    ['mode', 'standalone'],
    ['role', 'master'],
    ['node', host.node],
  ] as const) {
    writer.bulkText(field);
    if (typeof value === 'number') writer.integer(value);
    else writer.bulkText(value);
  }
  writer.bulkText('modules');
  writer.array(0);
  session.endReply();
}

function runAuth(session: RespSession): void {
  const { count } = session.reader;
  if (count > 3) return session.error('ERR syntax error: expected AUTH [user] password');
  if (session.host.settings.password === '' && count === 2)
    return session.error(
      'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
    );
  const isRight = isPassword(session, count === 3 ? 1 : -1, count - 1);
  if (!isRight) return session.error(WRONG_PASSWORD);
  session.setKnown(true);
  session.ok();
}

/** Whether argument `passwordIndex` is the password, compared in a time that does not depend on where it differs; and `userIndex`, if not -1, the user. */
function isPassword({ reader, host }: RespSession, userIndex: number, passwordIndex: number): boolean {
  const isUser = userIndex < 0 || reader.text(userIndex) === 'default';
  const password = Buffer.from(host.settings.password);
  const start = reader.start(passwordIndex);
  const length = reader.end(passwordIndex) - start;
  let difference = length ^ password.length;
  for (let i = 0; i < length; i++) difference |= reader.bytes[start + i]! ^ (password[i] ?? 0);
  return isUser && (host.settings.password === '' || difference === 0);
}

function runSelect(session: RespSession): void {
  const index = integerAt(session.reader, 1);
  if (Number.isNaN(index)) return session.error('ERR value is not an integer or out of range');
  if (index !== 0) return session.error('ERR DB index is out of range: there is only 0; keyspaces are chosen by KEYSPACE USE');
  session.ok();
}

const BAD_NAME = 'ERR Client names cannot contain spaces, newlines or special characters.';

function isName(text: string): boolean {
  return /^[!-~]*$/.test(text) && text.length <= NAME_BYTES_MAX;
}

function runClient(session: RespSession): void {
  const { reader, host } = session;
  const word = wordAt(reader, 1);
  const value = reader.count === 3 ? reader.text(2) : '';
  switch (`${word}/${reader.count}`) {
    case 'ID/2':
      session.beginReply().integer(session.id);
      return session.endReply();
    case 'GETNAME/2':
      return replyName(session);
    case 'SETNAME/3':
      if (!isName(value)) return session.error(BAD_NAME);
      session.name = value;
      return session.ok();
    case 'SETINFO/4':
      return setInfo(session);
    case 'LIST/2':
      return replyText(session, [...host.sessions()].map(clientLine).join(''));
    case 'INFO/2':
      return replyText(session, clientLine(session));
    case 'NO-EVICT/3':
    case 'NO-TOUCH/3':
      return isWord(reader, 2, 'ON') || isWord(reader, 2, 'OFF') ? session.ok() : session.error('ERR syntax error: expected on or off');
    case 'REPLY/3':
      return setReply(session);
    default:
      return session.error(`ERR unknown subcommand or wrong number of arguments for CLIENT '${word.slice(0, 32)}'`);
  }
}

function replyName(session: RespSession): void {
  const writer = session.beginReply();
  if (session.name === '') writer.null();
  else writer.bulkText(session.name);
  session.endReply();
}

function setInfo(session: RespSession): void {
  const { reader } = session;
  const value = reader.text(3);
  if (!isName(value)) return session.error('ERR lib-name and lib-ver cannot contain spaces, newlines or special characters.');
  if (isWord(reader, 2, 'LIB-NAME')) session.libraryName = value;
  else if (isWord(reader, 2, 'LIB-VER')) session.libraryVersion = value;
  else return session.error('ERR Unrecognized option: expected LIB-NAME or LIB-VER');
  session.ok();
}

function setReply(session: RespSession): void {
  const { reader } = session;
  if (isWord(reader, 2, 'ON')) {
    session.unmute();
    session.ok();
  } else if (isWord(reader, 2, 'OFF')) session.isMuted = true;
  else if (isWord(reader, 2, 'SKIP')) session.skipsNext = !session.isMuted;
  else session.error('ERR syntax error: expected ON, OFF or SKIP');
}

function replyText(session: RespSession, text: string): void {
  session.beginReply().bulkText(text);
  session.endReply();
}
