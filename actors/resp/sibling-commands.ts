/** KV.GET, KV.PUT, KV.DEL: what plain commands hide: siblings, contexts, and how many replicas took part. */
import { CONTEXT_GIVEN, CONTEXT_NONE, DELETE, GET, PUT, type StoreRequest } from '../store/store-request.ts';
import { isLiveAt, isTombstone, RecordView, siblingEnd, valueStart } from '../version/record-view.ts';
import { type Command, FIRST_KEY } from './command.ts';
import { integerAt, wordAt } from './command-arguments.ts';
import { defaultExpiry, expiryAtArgument } from './expiry.ts';
import type { Render } from './render.ts';
import type { RespSession } from './resp-session.ts';
import { copyOf } from './store-task.ts';

const REPLICAS = 'expected a count of replicas from 1 on';
const GET_SYNTAX = 'KV.GET key [R n] [PR n] [MONOTONIC] [LOCAL]';

export const SIBLING_COMMANDS: readonly Command[] = [
  {
    name: 'KV.GET',
    arity: -2,
    flags: ['readonly'],
    keys: FIRST_KEY,
    group: 'siblings',
    syntax: GET_SYNTAX,
    summary:
      'A map: context (for KV.PUT), values (all siblings), tombstones (their count), received and needed (replicas), primaries. PR: so many of those who answer are primaries. MONOTONIC: never older than what another such read was answered before. LOCAL: from this node alone.',
    run: runGet,
  },
  {
    name: 'KV.PUT',
    arity: -3,
    flags: ['write'],
    keys: FIRST_KEY,
    group: 'siblings',
    syntax: 'KV.PUT key value [CONTEXT c] [W n] [PW n] [TTL ms]',
    summary:
      'Replaces what the context has seen; without one nothing: the value becomes a sibling. A map: siblings (how many there are now), context (null when there are others, which it would replace unseen), received, needed, primaries. PW: so many of those who confirm are primaries.',
    run: (session) => runPut(session, PUT, 3),
  },
  {
    name: 'KV.DEL',
    arity: -2,
    flags: ['write'],
    keys: FIRST_KEY,
    group: 'siblings',
    syntax: 'KV.DEL key [CONTEXT c] [W n] [PW n]',
    summary: 'A tombstone in place of what the context has seen; without one, of what plain SET would replace. Answers as KV.PUT.',
    run: (session) => runPut(session, DELETE, 2),
  },
];

function runGet(session: RespSession): void {
  const { reader } = session;
  const request = session.request(GET, 1);
  const render = showRecord(session);
  for (let i = 2; i < reader.count; i++) {
    const word = wordAt(reader, i);
    if (word === 'LOCAL') request.isLocal = true;
    else if (word === 'MONOTONIC') request.isMonotonic = true;
    else if ((word === 'R' || word === 'PR') && i + 1 < reader.count) {
      const count = integerAt(reader, ++i);
      if (!(count >= 1)) return session.error(`ERR ${word}: ${REPLICAS}`);
      if (word === 'R') request.r = count;
      else request.primaries = count;
    } else return session.error(`ERR syntax error: expected ${GET_SYNTAX}`);
  }
  session.send(request, render);
}

function runPut(session: RespSession, kind: typeof PUT | typeof DELETE, first: number): void {
  const { reader, host } = session;
  const request = session.request(kind, 1);
  if (kind === PUT) {
    request.value = reader.bytes;
    request.valueStart = reader.start(2);
    request.valueEnd = reader.end(2);
    request.contextKind = CONTEXT_NONE;
    request.expiryMs = defaultExpiry(session.keyspace, host);
  } else request.contextKind = session.plainContext;
  for (let i = first; i < reader.count; i += 2) {
    const word = wordAt(reader, i);
    if (i + 1 === reader.count) return session.error(`ERR syntax error: expected a value after ${word}`);
    const fault = setOption(session, request, word, i + 1);
    if (fault !== '') return session.error(fault);
  }
  session.send(request, showWritten(session));
}

/** Returns what is wrong, or nothing. */
function setOption(session: RespSession, request: StoreRequest, word: string, i: number): string {
  const { reader, host } = session;
  if (word === 'CONTEXT') return setContext(session, request, i);
  if (word === 'W' || word === 'PW') {
    const count = integerAt(reader, i);
    if (word === 'W') request.w = count;
    else request.primaries = count;
    return count >= 1 ? '' : `ERR ${word}: ${REPLICAS}`;
  }
  if (word === 'TTL' && request.kind === PUT) {
    const expiry = expiryAtArgument(reader, i, 'PX', host.wallMs(), 'kv.put');
    if (typeof expiry === 'string') return expiry;
    request.expiryMs = expiry;
    return '';
  }
  return `ERR syntax error: expected CONTEXT, W, PW${request.kind === PUT ? ' or TTL' : ''}, got ${word.slice(0, 32)}`;
}

function setContext({ reader, host, keyspace }: RespSession, request: StoreRequest, i: number): string {
  const text = reader.text(i);
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return 'ERR context: expected what KV.GET gave, in base64url';
  const context = Buffer.from(text, 'base64url');
  const view = new RecordView();
  const { key, keyStart, keyEnd } = request;
  const fault = host.seal.open(context, 0, context.length, keyspace.id, key, keyStart, keyEnd, view);
  if (fault !== undefined) return `ERR ${fault}`;
  request.contextKind = view.entries === 0 ? CONTEXT_NONE : CONTEXT_GIVEN;
  request.context = context;
  request.contextStart = view.start;
  request.contextEnd = view.end;
  return '';
}

/** The whole of what was read. Copies the key: the context is bound to it. */
function showRecord(session: RespSession): Render {
  const key = copyOf(session, 1);
  const { keyspace } = session;
  return (writer, { record, received, needed, primaries }) => {
    const nowMs = session.host.wallMs();
    const live: number[] = [];
    let tombstones = 0;
    for (let i = 0, at = record.siblingsAt; i < record.siblings; i++, at = siblingEnd(record.bytes, at)) {
      if (isLiveAt(record.bytes, at, nowMs)) live.push(at);
      else if (isTombstone(record.bytes, at)) tombstones++;
    }
    writer.map(6);
    writer.bulkText('context');
    writer.bulkText(sealed(session, record, keyspace.id, key));
    writer.bulkText('values');
    writer.array(live.length);
    for (const at of live) writer.bulk(record.bytes, valueStart(record.bytes, at), siblingEnd(record.bytes, at));
    writer.bulkText('tombstones');
    writer.integer(tombstones);
    showReplicas(writer, received, needed, primaries);
  };
}

function showWritten(session: RespSession): Render {
  const key = copyOf(session, 1);
  const { keyspace } = session;
  return (writer, { record, received, needed, primaries }) => {
    writer.map(5);
    writer.bulkText('siblings');
    writer.integer(record.siblings);
    writer.bulkText('context');
    // A context that covers siblings which the client has not seen would let it replace them unseen.
    if (record.siblings > 1) writer.null();
    else writer.bulkText(sealed(session, record, keyspace.id, key));
    showReplicas(writer, received, needed, primaries);
  };
}

function showReplicas(writer: Parameters<Render>[0], received: number, needed: number, primaries: number): void {
  writer.bulkText('received');
  writer.integer(received);
  writer.bulkText('needed');
  writer.integer(needed);
  writer.bulkText('primaries');
  writer.integer(primaries);
}

function sealed({ host }: RespSession, record: RecordView, keyspaceId: number, key: Buffer): string {
  const { scratch } = host;
  scratch.clear();
  host.seal.seal(record, keyspaceId, key, 0, key.length, scratch);
  return scratch.bytes.toString('base64url', 0, scratch.length);
}
