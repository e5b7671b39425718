/**
 * Contexts as programs hold them: opaque text, of one key of one keyspace, to be given back with the write that follows from the read. Made of what the node sent, with a
 * check that it is given back for the same key: one of another key would say that writes were seen which were not.
 *
 * ```
 * base64url of [version 1, 1 byte][fingerprint64 of keyspace, zero, key and vector, 8 bytes][bare version vector]
 * ```
 */

import { fingerprintText } from '../ring/token.ts';
import { checkBareVector } from '../version/check-record.ts';
import { ENTRY_BYTES, RECORD_ENTRIES, RECORD_HEADER_BYTES, RECORD_SIBLINGS, RECORD_VERSION } from '../version/record-format.ts';
import type { RecordView } from '../version/record-view.ts';
import { invalid } from './client-error.ts';

declare const contextBrand: unique symbol;
/** What a read has seen. Empty: nothing was there. May be kept, and sent elsewhere, as the text that it is. */
export type Context = string & { readonly [contextBrand]: true };

const VERSION = 1;
const CHECK_BYTES = 8;
const VECTOR_AT = 1 + CHECK_BYTES;
const TEXT_MAX = 4 * 1024 * 1024;

export function contextOf({ bytes, entries, entriesAt }: RecordView, keyspace: string, key: Uint8Array): Context {
  if (entries === 0) return '' as Context;
  const vector = Buffer.alloc(RECORD_HEADER_BYTES + entries * ENTRY_BYTES);
  vector[0] = RECORD_VERSION;
  vector.writeUInt16LE(entries, RECORD_ENTRIES);
  vector.writeUInt16LE(0, RECORD_SIBLINGS);
  vector.set(bytes.subarray(entriesAt, entriesAt + entries * ENTRY_BYTES), RECORD_HEADER_BYTES);
  return Buffer.concat([Buffer.from([VERSION]), checkOf(keyspace, key, vector), vector]).toString('base64url') as Context;
}

/** The version vector in `context`; undefined for an empty one. Errors: INVALID_ARGUMENT, thrown. */
export function vectorOf(context: string, keyspace: string, key: Uint8Array): Uint8Array | undefined {
  if (typeof context !== 'string') throw invalid(`context: expected text that a read gave out, got ${typeof context}`);
  if (context === '') return undefined;
  if (context.length > TEXT_MAX) throw invalid(`context: expected at most ${TEXT_MAX} characters, got ${context.length}`);
  const bytes = Buffer.from(context, 'base64url');
  if (bytes.length <= VECTOR_AT || bytes[0] !== VERSION) throw invalid('context: expected text that a read gave out, got something else');
  const vector = bytes.subarray(VECTOR_AT);
  if (!checkOf(keyspace, key, vector).equals(bytes.subarray(1, VECTOR_AT)))
    throw invalid(`context: expected one of this key of keyspace ${keyspace}, got one of another, or a damaged one`);
  const wrong = checkBareVector(vector, 0, vector.length);
  if (wrong !== undefined) throw invalid(`context: ${wrong}`);
  return vector;
}

function checkOf(keyspace: string, key: Uint8Array, vector: Uint8Array): Buffer {
  return Buffer.from(fingerprintText(Buffer.concat([Buffer.from(`${keyspace}\0`), key, vector])), 'hex');
}
