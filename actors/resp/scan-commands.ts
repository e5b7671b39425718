/**
 * Commands on a whole keyspace. A cursor of SCAN is the number of the group of tokens that comes next (scan-position.ts), 53 bits: nothing is kept for it on any node, it may be used at
 * any node and at any time, and clients that keep it in a double don't lose bits of it.
 */
import { GROUPS, groupOf, SCAN_START, startOfGroup } from '../scan/scan-position.ts';
import type { ScanAnswer } from '../scan/scan-request.ts';
import { NONE } from '../version/newest.ts';
import { RecordView } from '../version/record-view.ts';
import { type Command, NO_KEYS } from './command.ts';
import { integerAt, isWord, wordAt } from './command-arguments.ts';
import { FlushTask } from './flush-task.ts';
import { literalPrefix, matchesGlob } from './glob.ts';
import { visibleSibling } from './render.ts';
import type { RespSession } from './resp-session.ts';
import { ScanTask } from './scan-task.ts';
import { copyOf } from './store-task.ts';

export const SCAN_COMMANDS: readonly Command[] = [
  {
    name: 'SCAN',
    arity: -2,
    flags: ['readonly', 'keyspace', 'settled'],
    keys: NO_KEYS,
    group: 'generic',
    syntax: 'SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]',
    summary:
      'Every key that is there from the first call to the last comes once or more. Cursors are below 2^53, hold at every node and across changes of the ring. What the pattern begins with before its first special character is searched for by the replicas.',
    run: runScan,
  },
  {
    name: 'DBSIZE',
    arity: 1,
    flags: ['readonly', 'keyspace', 'settled'],
    keys: NO_KEYS,
    group: 'generic',
    syntax: 'DBSIZE',
    summary:
      'Counted, up to about 10,000 keys; of more an estimate from the share of the token space in which so many lie, within some 3 % where the tokens are as random as they should be. Not O(1): it reads what it counts.',
    run: runDbsize,
  },
  {
    name: 'RANDOMKEY',
    arity: 1,
    flags: ['readonly', 'keyspace', 'settled'],
    keys: NO_KEYS,
    group: 'generic',
    syntax: 'RANDOMKEY',
    summary: 'The first key behind a random token: not all are equally likely.',
    run: runRandomkey,
  },
  {
    name: 'FLUSHDB',
    arity: -1,
    flags: ['write', 'keyspace', 'settled'],
    keys: NO_KEYS,
    group: 'generic',
    syntax: 'FLUSHDB [ASYNC | SYNC]',
    summary:
      'Has to be allowed by the settings. Of the keyspace in use: each key is read and deleted, one by one, so not at once, and answered when all is done in either mode; what others write meanwhile may stay. KEYSPACE DROP and CREATE are quicker.',
    run: runFlushdb,
  },
];

const COUNT_DEFAULT = 10;
const COUNT_MAX = 10_000;
/** DBSIZE: keys of a page, and about how many are counted; and pages, where most keys are deleted. */
const COUNTED_PAGE = 2_000;
const COUNTED_MAX = 10_000;
const COUNTED_PAGES_MAX = 64;

function runScan(session: RespSession): void {
  const { reader, host } = session;
  const cursor = integerAt(reader, 1);
  if (!(cursor >= 0)) return session.error('ERR invalid cursor');
  let pattern: Uint8Array | undefined;
  let keysMax = COUNT_DEFAULT;
  let isOfStrings = true;
  for (let i = 2; i < reader.count; i += 2) {
    if (i + 1 >= reader.count) return session.error('ERR syntax error');
    if (isWord(reader, i, 'MATCH')) {
      pattern = copyOf(session, i + 1);
    } else if (isWord(reader, i, 'COUNT')) {
      keysMax = integerAt(reader, i + 1);
      if (Number.isNaN(keysMax)) return session.error('ERR value is not an integer or out of range');
      if (keysMax < 1) return session.error('ERR syntax error');
    } else if (isWord(reader, i, 'TYPE')) {
      isOfStrings = wordAt(reader, i + 1) === 'STRING';
    } else {
      return session.error('ERR syntax error');
    }
  }
  const keys: Uint8Array[] = [];
  let next = 0;
  new ScanTask(
    session,
    {
      keysMax: Math.min(keysMax, COUNT_MAX),
      prefix: pattern === undefined ? NOTHING : literalPrefix(pattern),
      page(answer) {
        eachShown(answer, host, (key) => {
          if (isOfStrings && (pattern === undefined || matchesGlob(pattern, key, 0, key.length))) keys.push(key);
        });
        next = answer.next === null ? 0 : groupOf(answer.next.high, answer.next.low);
        return null;
      },
      render(writer) {
        writer.array(2);
        writer.bulkText(`${next}`);
        writer.array(keys.length);
        for (const key of keys) writer.bulk(key, 0, key.length);
      },
    },
    startOfGroup(cursor),
  );
}

function runDbsize(session: RespSession): void {
  const { host } = session;
  let count = 0;
  let pages = 0;
  new ScanTask(
    session,
    {
      keysMax: COUNTED_PAGE,
      page(answer) {
        eachShown(answer, host, () => count++);
        const { next } = answer;
        if (next === null || (count < COUNTED_MAX && ++pages < COUNTED_PAGES_MAX)) return next;
        count = Math.round((count / groupOf(next.high, next.low)) * GROUPS);
        return null;
      },
      render: (writer) => writer.integer(count),
    },
    SCAN_START,
  );
}

function runRandomkey(session: RespSession): void {
  const { host } = session;
  const { random } = host;
  const first = groupOf(random.u32(), random.u32());
  let found: Uint8Array | undefined;
  let hasWrapped = false;
  new ScanTask(
    session,
    {
      keysMax: 1,
      page(answer) {
        const { next } = answer;
        eachShown(answer, host, (key) => {
          found ??= key;
        });
        if (found !== undefined) return null;
        if (!hasWrapped && next === null) {
          hasWrapped = true;
          return SCAN_START;
        }
        return next !== null && hasWrapped && groupOf(next.high, next.low) > first ? null : next;
      },
      render(writer) {
        if (found === undefined) writer.null();
        else writer.bulk(found, 0, found.length);
      },
    },
    startOfGroup(first),
  );
}

function runFlushdb(session: RespSession): void {
  const { reader, host } = session;
  if (!host.settings.allowsDrop) return session.error('ERR FLUSHDB is switched off: it has to be allowed by the settings of the node');
  const isOther = reader.count > 2 || (reader.count === 2 && !isWord(reader, 1, 'ASYNC') && !isWord(reader, 1, 'SYNC'));
  if (isOther) return session.error('ERR syntax error');
  new FlushTask(session);
}

/** Copies of the keys that plain commands see: of siblings the newest counts. */
function eachShown({ entries }: Pick<ScanAnswer, 'entries'>, host: RespSession['host'], take: (key: Uint8Array) => void): void {
  const record = new RecordView();
  while (entries.next()) if (visibleSibling(entries.record(record), host) !== NONE) take(entries.key());
}

const NOTHING = new Uint8Array(0);
