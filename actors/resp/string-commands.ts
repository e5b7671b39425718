/** GET, SET and what else works on values. Those that read and modify are a quorum read and a put with its context. */
import { DELETE, GET, PUT } from '../store/store-request.ts';
import { NONE } from '../version/newest.ts';
import { siblingEnd, valueStart } from '../version/record-view.ts';
import { ALL_KEYS, type Command, FIRST_KEY } from './command.ts';
import { indicesFrom, integerAt, isWord, lastOfEach } from './command-arguments.ts';
import { defaultExpiry, type ExpiryUnit, expiryAtArgument } from './expiry.ts';
import { modify, shownOf } from './modify.ts';
import { renderLength, renderOk, renderValue, visibleSibling } from './render.ts';
import type { RespSession } from './resp-session.ts';
import { copyOf, StoreTask } from './store-task.ts';
import { CONDITION } from './unknown-command.ts';

const NOT_AN_INTEGER = 'ERR value is not an integer or out of range';
const SYNTAX = 'ERR syntax error';
const UNITS: readonly ExpiryUnit[] = ['EX', 'PX', 'EXAT', 'PXAT'];

export const STRING_COMMANDS: readonly Command[] = [
  {
    name: 'GET',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: FIRST_KEY,
    group: 'string',
    syntax: 'GET key',
    summary: 'The newest version by the hybrid logical clock, when there are siblings.',
    run: (session) => session.send(session.request(GET, 1), renderValue),
  },
  {
    name: 'SET',
    arity: -3,
    flags: ['write'],
    keys: FIRST_KEY,
    group: 'string',
    syntax: 'SET key value [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]',
    summary: 'NX and XX are refused. With GET or KEEPTTL it reads a quorum first.',
    run: runSet,
  },
  {
    name: 'SETEX',
    arity: 4,
    flags: ['write'],
    keys: FIRST_KEY,
    group: 'string',
    syntax: 'SETEX key seconds value',
    summary: '',
    run: (session) => setWithTtl(session, 'EX'),
  },
  {
    name: 'PSETEX',
    arity: 4,
    flags: ['write'],
    keys: FIRST_KEY,
    group: 'string',
    syntax: 'PSETEX key milliseconds value',
    summary: '',
    run: (session) => setWithTtl(session, 'PX'),
  },
  {
    name: 'GETDEL',
    arity: 2,
    flags: ['write', 'fast'],
    keys: FIRST_KEY,
    group: 'string',
    syntax: 'GETDEL key',
    summary: 'Quorum read, then a tombstone with its context.',
    run: (session) => modify(session, (old) => (old === undefined ? null : { kind: DELETE, value: NOTHING, expiryMs: 0 }), 'old'),
  },
  {
    name: 'GETEX',
    arity: -2,
    flags: ['write', 'fast'],
    keys: FIRST_KEY,
    group: 'string',
    syntax: 'GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]',
    summary: 'With an option: quorum read, then a put with its context.',
    run: runGetEx,
  },
  {
    name: 'MGET',
    arity: -2,
    flags: ['readonly', 'fast'],
    keys: ALL_KEYS,
    group: 'string',
    syntax: 'MGET key ...',
    summary: 'Key by key, not one snapshot. One key that fails fails all.',
    run: runMget,
  },
  {
    name: 'MSET',
    arity: -3,
    flags: ['write'],
    keys: [1, -1, 2],
    group: 'string',
    syntax: 'MSET key value ...',
    summary: 'Key by key, not atomic: after an error some may be written.',
    run: runMset,
  },
  {
    name: 'STRLEN',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: FIRST_KEY,
    group: 'string',
    syntax: 'STRLEN key',
    summary: '',
    run: (session) => session.send(session.request(GET, 1), renderLength),
  },
  {
    name: 'APPEND',
    arity: 3,
    flags: ['write', 'fast'],
    keys: FIRST_KEY,
    group: 'string',
    syntax: 'APPEND key value',
    summary: 'Quorum read, then a put with its context: of two at the same time both may stay, as siblings.',
    run: runAppend,
  },
  {
    name: 'GETRANGE',
    arity: 4,
    flags: ['readonly'],
    keys: FIRST_KEY,
    group: 'string',
    syntax: 'GETRANGE key start end',
    summary: '',
    run: runGetRange,
  },
  {
    name: 'SETRANGE',
    arity: 4,
    flags: ['write'],
    keys: FIRST_KEY,
    group: 'string',
    syntax: 'SETRANGE key offset value',
    summary: 'As APPEND.',
    run: runSetRange,
  },
];

function runSet(session: RespSession): void {
  const { reader, host } = session;
  if (reader.count === 3) return putPlain(session, 2, defaultExpiry(session.keyspace, host));
  let expiryMs = -1;
  let keepsTtl = false;
  let getsOld = false;
  for (let i = 3; i < reader.count; i++) {
    const unit = unitAt(session, i);
    if (isWord(reader, i, 'NX') || isWord(reader, i, 'XX')) return session.error(`ERR SET with NX or XX is not supported: ${CONDITION}`);
    if (isWord(reader, i, 'GET')) getsOld = true;
    else if (isWord(reader, i, 'KEEPTTL') && expiryMs < 0) keepsTtl = true;
    else if (unit !== undefined && expiryMs < 0 && !keepsTtl && i + 1 < reader.count) {
      const expiry = expiryAtArgument(reader, ++i, unit, host.wallMs(), 'set');
      if (typeof expiry === 'string') return session.error(expiry);
      expiryMs = expiry;
    } else return session.error(SYNTAX);
  }
  if (expiryMs < 0) expiryMs = defaultExpiry(session.keyspace, host);
  if (!keepsTtl && !getsOld) return putPlain(session, 2, expiryMs);
  const value = copyOf(session, 2);
  modify(
    session,
    (old) => ({ kind: PUT, value, expiryMs: keepsTtl && old !== undefined ? old.expiryMs : expiryMs }),
    getsOld ? 'old' : 'ok',
  );
}

function setWithTtl(session: RespSession, unit: ExpiryUnit): void {
  const { reader, host } = session;
  const expiry = expiryAtArgument(reader, 2, unit, host.wallMs(), unit === 'EX' ? 'setex' : 'psetex');
  if (typeof expiry === 'string') return session.error(expiry);
  putPlain(session, 3, expiry);
}

function putPlain(session: RespSession, valueIndex: number, expiryMs: number): void {
  const { reader } = session;
  const request = session.request(PUT, 1);
  request.value = reader.bytes;
  request.valueStart = reader.start(valueIndex);
  request.valueEnd = reader.end(valueIndex);
  request.contextKind = session.plainContext;
  request.expiryMs = expiryMs;
  session.send(request, renderOk);
}

function runGetEx(session: RespSession): void {
  const { reader, host } = session;
  if (reader.count === 2) return session.send(session.request(GET, 1), renderValue);
  let expiryMs = 0;
  if (reader.count === 4) {
    const unit = unitAt(session, 2);
    if (unit === undefined) return session.error(SYNTAX);
    const expiry = expiryAtArgument(reader, 3, unit, host.wallMs(), 'getex');
    if (typeof expiry === 'string') return session.error(expiry);
    expiryMs = expiry;
  } else if (reader.count !== 3 || !isWord(reader, 2, 'PERSIST')) return session.error(SYNTAX);
  modify(session, (old) => (old === undefined ? null : { kind: PUT, value: old.value, expiryMs }), 'old');
}

function runMget(session: RespSession): void {
  const { host } = session;
  const indices = indicesFrom(session.reader, 1, 1);
  const values = new Array<Buffer | null>(indices.length).fill(null);
  const task = new StoreTask(session, false, {
    read(i, { record }) {
      values[i] = shownOf(record, host)?.value ?? null;
      return null;
    },
    render(writer) {
      writer.array(values.length);
      for (const value of values) {
        if (value === null) writer.null();
        else writer.bulk(value, 0, value.length);
      }
    },
  });
  task.read(indices);
}

function runMset(session: RespSession): void {
  const { reader, host } = session;
  if (reader.count % 2 === 0) return session.error("ERR wrong number of arguments for 'mset' command");
  // Of a key that is named twice the last value holds; both at once would be siblings.
  const indices = lastOfEach(reader, indicesFrom(reader, 1, 2));
  const task = new StoreTask(session, true, { read: () => null, render: (writer) => writer.ok() });
  task.put(indices, defaultExpiry(session.keyspace, host));
}

function runAppend(session: RespSession): void {
  const { keyspace, host } = session;
  const more = copyOf(session, 2);
  modify(
    session,
    (old) => ({
      kind: PUT,
      value: old === undefined ? more : Buffer.concat([old.value, more]),
      expiryMs: old?.expiryMs ?? defaultExpiry(keyspace, host),
    }),
    'length',
  );
}

function runGetRange(session: RespSession): void {
  const { reader } = session;
  const first = integerAt(reader, 2);
  const last = integerAt(reader, 3);
  if (Number.isNaN(first) || Number.isNaN(last)) return session.error(NOT_AN_INTEGER);
  session.send(session.request(GET, 1), (writer, { record }, clock) => {
    const at = visibleSibling(record, clock);
    if (at === NONE) return writer.bulk(NOTHING, 0, 0);
    const start = valueStart(record.bytes, at);
    const length = siblingEnd(record.bytes, at) - start;
    const from = Math.max(0, first < 0 ? length + first : first);
    const to = Math.min(length, (last < 0 ? Math.max(0, length + last) : last) + 1);
    const isEmpty = from >= to || (first < 0 && last < 0 && first > last);
    writer.bulk(record.bytes, start + (isEmpty ? 0 : from), start + (isEmpty ? 0 : to));
  });
}

function runSetRange(session: RespSession): void {
  const { reader } = session;
  const offset = integerAt(reader, 2);
  if (Number.isNaN(offset)) return session.error(NOT_AN_INTEGER);
  if (offset < 0) return session.error('ERR offset is out of range');
  const { keyspace, host } = session;
  const { valueBytesMax } = keyspace;
  const more = copyOf(session, 3);
  if (more.length > 0 && offset + more.length > valueBytesMax)
    return session.error(`ERR string exceeds maximum allowed size: expected at most ${valueBytesMax} bytes, found ${offset + more.length}`);
  modify(
    session,
    (old) => {
      if (more.length === 0) return null;
      const value = Buffer.alloc(Math.max(old?.value.length ?? 0, offset + more.length));
      old?.value.copy(value);
      more.copy(value, offset);
      return { kind: PUT, value, expiryMs: old?.expiryMs ?? defaultExpiry(keyspace, host) };
    },
    'length',
  );
}

function unitAt({ reader }: RespSession, i: number): ExpiryUnit | undefined {
  return UNITS.find((unit) => isWord(reader, i, unit));
}

const NOTHING = Buffer.alloc(0);
