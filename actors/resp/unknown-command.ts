/** Commands of Redis that this store does not have, and why: what can't be given its meaning on replicas that agree by quorum is refused, not imitated. */
import type { RespReader } from './resp-reader.ts';

const COUNTERS = 'a counter that replicas add to at the same time needs a type of its own, which there is not yet';
export const CONDITION =
  'two replicas may decide the condition differently at the same time; read with KV.GET and write with its context instead';
const ALL_AT_ONCE = 'one reply would hold all keys; use SCAN';
const ALL_KEYSPACES = 'keyspaces are emptied one by one; use FLUSHDB';
const ATOMIC = 'several keys are on different replicas, which agree on one key at a time';
const STRINGS_ONLY = 'values are strings of bytes';
const MESSAGES = 'there is no message bus';

/** By name, in capitals. Those that README lists; others are unknown. */
export const REFUSED: ReadonlyMap<string, string> = new Map([
  ...reasons(COUNTERS, 'INCR', 'DECR', 'INCRBY', 'DECRBY', 'INCRBYFLOAT'),
  ...reasons(CONDITION, 'SETNX', 'GETSET', 'RENAMENX', 'COPY', 'RENAME'),
  ...reasons(ATOMIC, 'MSETNX', 'MULTI', 'EXEC', 'DISCARD', 'WATCH', 'UNWATCH', 'EVAL', 'EVALSHA', 'SCRIPT', 'FCALL', 'FUNCTION'),
  ...reasons(ALL_AT_ONCE, 'KEYS'),
  ...reasons(ALL_KEYSPACES, 'FLUSHALL'),
  ...reasons(STRINGS_ONLY, 'HSET', 'HGET', 'HGETALL', 'LPUSH', 'RPUSH', 'LRANGE', 'SADD', 'SMEMBERS', 'ZADD', 'ZRANGE', 'XADD', 'XREAD'),
  ...reasons(STRINGS_ONLY, 'SETBIT', 'GETBIT', 'BITCOUNT', 'PFADD', 'PFCOUNT', 'GEOADD'),
  ...reasons(MESSAGES, 'SUBSCRIBE', 'PSUBSCRIBE', 'SSUBSCRIBE', 'UNSUBSCRIBE', 'PUBLISH'),
]);

const SHOWN_ARGUMENTS = 4;
const SHOWN_BYTES = 64;

/** The error for a command that is in no table. */
export function unknownCommand(reader: RespReader): string {
  const name = shown(reader, 0);
  const reason = REFUSED.get(name.toUpperCase());
  if (reason !== undefined) return `ERR ${name.toUpperCase()} is not supported: ${reason}`;
  let text = `ERR unknown command '${name}', with args beginning with:`;
  for (let i = 1; i < reader.count && i <= SHOWN_ARGUMENTS; i++) text += ` '${shown(reader, i)}'`;
  return text;
}

function shown(reader: RespReader, i: number): string {
  const start = reader.start(i);
  return reader.bytes.toString('latin1', start, Math.min(reader.end(i), start + SHOWN_BYTES));
}

function reasons(reason: string, ...names: readonly string[]): (readonly [string, string])[] {
  return names.map((name) => [name, reason] as const);
}
