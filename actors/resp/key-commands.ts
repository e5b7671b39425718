/** Commands on keys, whatever their values. */
import { DELETE, GET, PUT } from '../store/store-request.ts';
import { liveSiblings } from '../version/newest.ts';
import { ALL_KEYS, type Command, FIRST_KEY } from './command.ts';
import { indicesFrom, integerAt, isWord, lastOfEach } from './command-arguments.ts';
import { type ExpiryUnit, expiryIn } from './expiry.ts';
import { modify, shownOf } from './modify.ts';
import { type Render, renderExpireTime, renderPexpireTime, renderPttl, renderTtl, renderType } from './render.ts';
import type { RespSession } from './resp-session.ts';
import { StoreTask } from './store-task.ts';

export const KEY_COMMANDS: readonly Command[] = [
  ...(['DEL', 'UNLINK'] as const).map(
    (name): Command => ({
      name,
      arity: -2,
      flags: ['write'],
      keys: ALL_KEYS,
      group: 'generic',
      syntax: `${name} key ...`,
      summary: 'Of each key a quorum read, then, if it is there, a tombstone with its context.',
      run: runDelete,
    }),
  ),
  {
    name: 'EXISTS',
    arity: -2,
    flags: ['readonly', 'fast'],
    keys: ALL_KEYS,
    group: 'generic',
    syntax: 'EXISTS key ...',
    summary: '',
    run: runExists,
  },
  reading('TYPE', 'string or none.', renderType),
  reading('TTL', '', renderTtl),
  reading('PTTL', '', renderPttl),
  reading('EXPIRETIME', '', renderExpireTime),
  reading('PEXPIRETIME', '', renderPexpireTime),
  expiring('EXPIRE', 'EX', 'seconds'),
  expiring('PEXPIRE', 'PX', 'milliseconds'),
  expiring('EXPIREAT', 'EXAT', 'second'),
  expiring('PEXPIREAT', 'PXAT', 'millisecond'),
  {
    name: 'PERSIST',
    arity: 2,
    flags: ['write', 'fast'],
    keys: FIRST_KEY,
    group: 'generic',
    syntax: 'PERSIST key',
    summary: 'As EXPIRE.',
    run: (session) =>
      modify(session, (old) => (old === undefined || old.expiryMs === 0 ? null : { kind: PUT, value: old.value, expiryMs: 0 }), 'count'),
  },
];

function reading(name: string, summary: string, render: Render): Command {
  return {
    name,
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: FIRST_KEY,
    group: 'generic',
    syntax: `${name} key`,
    summary,
    run: (session) => session.send(session.request(GET, 1), render),
  };
}

function expiring(name: string, unit: ExpiryUnit, argument: string): Command {
  return {
    name,
    arity: -3,
    flags: ['write', 'fast'],
    keys: FIRST_KEY,
    group: 'generic',
    syntax: `${name} key ${argument} [NX | XX | GT | LT]`,
    summary: 'Quorum read, then a put of the same value with its context; the condition holds for what was read.',
    run: (session) => runExpire(session, unit),
  };
}

function runDelete(session: RespSession): void {
  const { reader, host } = session;
  let count = 0;
  const task = new StoreTask(session, true, {
    read(_, { record }) {
      if (shownOf(record, host) !== undefined) count++;
      // Siblings that are older than a tombstone go too; what is not there gets none.
      return liveSiblings(record, host.wallMs()) === 0 ? null : { kind: DELETE, value: NOTHING, expiryMs: 0 };
    },
    render: (writer) => writer.integer(count),
  });
  task.read(lastOfEach(reader, indicesFrom(reader, 1, 1)));
}

function runExists(session: RespSession): void {
  const { host } = session;
  let count = 0;
  const task = new StoreTask(session, false, {
    read(_, { record }) {
      if (shownOf(record, host) !== undefined) count++;
      return null;
    },
    render: (writer) => writer.integer(count),
  });
  task.read(indicesFrom(session.reader, 1, 1));
}

function runExpire(session: RespSession, unit: ExpiryUnit): void {
  const { reader, host } = session;
  const wallMs = host.wallMs();
  const expiryMs = expiryIn(unit, integerAt(reader, 2), wallMs);
  if (typeof expiryMs === 'string') return session.error(expiryMs);
  const condition = CONDITIONS.find((word) => reader.count === 4 && isWord(reader, 3, word));
  if (reader.count > 3 && condition === undefined) return session.error('ERR Unsupported option: expected one of NX, XX, GT, LT');
  modify(
    session,
    (old) => {
      if (old === undefined || !isMet(condition, old.expiryMs, expiryMs)) return null;
      return expiryMs <= wallMs ? { kind: DELETE, value: NOTHING, expiryMs: 0 } : { kind: PUT, value: old.value, expiryMs };
    },
    'count',
  );
}

const CONDITIONS = ['NX', 'XX', 'GT', 'LT'] as const;

/** 0: the key does not expire, which is later than any time. */
function isMet(condition: (typeof CONDITIONS)[number] | undefined, oldMs: number, newMs: number): boolean {
  switch (condition) {
    case undefined:
      return true;
    case 'NX':
      return oldMs === 0;
    case 'XX':
      return oldMs !== 0;
    case 'GT':
      return oldMs !== 0 && newMs > oldMs;
    case 'LT':
      return oldMs === 0 || newMs < oldMs;
  }
}

const NOTHING = Buffer.alloc(0);
