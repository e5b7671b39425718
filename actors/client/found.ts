/** What a read has found: the live siblings of a record, decoded. */
import { copyBytes } from '../../storage/byte-reader.ts';
import { STAMPS_PER_MS } from '../version/hlc.ts';
import { expiryAt, isLiveAt, isTombstone, type RecordView, siblingEnd, stampAt, valueStart } from '../version/record-view.ts';
import { ClientError } from './client-error.ts';
import type { Codec } from './codecs.ts';
import type { Context } from './context-text.ts';

export interface Sibling<V> {
  readonly value: V;
  /** Millisecond since 1970 by the clocks of the nodes. */
  readonly writtenMs: number;
  /** Millisecond since 1970 from which on it is gone; undefined: it stays. */
  readonly expiresMs: number | undefined;
}

export interface Found<V> {
  /** The value; of several siblings, what the resolver makes of them. Undefined: there is none. */
  readonly value: V | undefined;
  /** Newest first; more than one: written without knowing of each other. Empty: there is no value. */
  readonly siblings: readonly Sibling<V>[];
  /** For the write that follows from this read. */
  readonly context: Context;
}

/**
 * Newest first. `nowMs`: milliseconds since 1970. Of what the nodes say is live, all are taken when by this clock none would be: it may be wrong.
 * Errors: UNDECODABLE, thrown.
 */
export function siblingsOf<V>(record: RecordView, codec: Codec<V>, nowMs: number): Sibling<V>[] {
  const live = decode(record, codec, (bytes, at) => isLiveAt(bytes, at, nowMs));
  return live.length > 0 || record.siblings === 0 ? live : decode(record, codec, (bytes, at) => !isTombstone(bytes, at));
}

/** Two of one clock reading are told apart by the place that they have in the record: the same on all nodes. */
function decode<V>(record: RecordView, codec: Codec<V>, isTaken: (bytes: Uint8Array, at: number) => boolean): Sibling<V>[] {
  const { bytes } = record;
  const siblings: (Sibling<V> & { readonly stamp: number })[] = [];
  for (let i = 0, at = record.siblingsAt; i < record.siblings; i++, at = siblingEnd(bytes, at)) {
    if (!isTaken(bytes, at)) continue;
    const stamp = stampAt(bytes, at);
    const expiry = expiryAt(bytes, at);
    const value = decodeValue(codec, bytes, valueStart(bytes, at), siblingEnd(bytes, at));
    siblings.push({ value, stamp, writtenMs: Math.floor(stamp / STAMPS_PER_MS), expiresMs: expiry === 0 ? undefined : expiry });
  }
  if (siblings.length > 1) siblings.sort((a, b) => b.stamp - a.stamp);
  return siblings;
}

function decodeValue<V>(codec: Codec<V>, bytes: Uint8Array, start: number, end: number): V {
  try {
    return codec.decode(codec.keepsBytes === false ? bytes.subarray(start, end) : copyBytes(bytes, start, end));
  } catch (cause) {
    throw new ClientError('UNDECODABLE', `value of ${end - start} bytes: expected ${codec.name}`, { cause });
  }
}
