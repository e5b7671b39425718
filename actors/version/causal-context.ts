/**
 * Causal contexts, as clients hold them: what a read has seen, to be given back with the write that follows from it. Opaque and authenticated, since a forged one that
 * claims counters to come makes later writes look as if they had been seen: silent loss.
 *
 * ```
 * [bare version vector (record-format.ts)] [tag, 16 bytes]
 * tag = SipHash-2-4-128(cluster key, "dynactor context 1" keyspace(u32) key length(u32) key vector)
 * ```
 * Bound to keyspace and key by the tag: a context of another key says nothing about this one. Of no node: any vnode takes any other's.
 */
import { copyBytes, OutBuffer } from '../../runtime/bytes.ts';
import { invalidArgument } from '../../runtime/errors.ts';
import { putU32 } from '../../storage/byte-writer.ts';
import { KEY_BYTES_MAX } from '../../storage/key.ts';
import { checkBareVector } from './check-record.ts';
import { beginRecord, finishRecord } from './merge-entries.ts';
import { ENTRIES_MAX, ENTRY_BYTES, RECORD_HEADER_BYTES } from './record-format.ts';
import type { RecordView } from './record-view.ts';
import { SIPHASH_KEY_BYTES, SIPHASH_TAG_BYTES, SipHash } from './siphash.ts';

export const CONTEXT_BYTES_MIN = RECORD_HEADER_BYTES + SIPHASH_TAG_BYTES;
export const CONTEXT_BYTES_MAX = CONTEXT_BYTES_MIN + ENTRIES_MAX * ENTRY_BYTES;
export const CLUSTER_KEY_BYTES = SIPHASH_KEY_BYTES;

const DOMAIN = 'dynactor context 1';
const KEYSPACE = DOMAIN.length;
const KEY_LENGTH = KEYSPACE + 4;
const KEY = KEY_LENGTH + 4;

/** Makes and checks contexts. One per shard: it holds a buffer for what is signed. */
export class ContextSeal {
  readonly #hash: SipHash;
  readonly #signed = new OutBuffer(1_024, KEY + KEY_BYTES_MAX + CONTEXT_BYTES_MAX);
  readonly #tag = new Uint8Array(SIPHASH_TAG_BYTES);
  readonly #mutants: ReadonlySet<string> | undefined;

  /** `clusterKey`: 16 secret bytes that all nodes of the cluster have and no client. Errors: INVALID_ARGUMENT. */
  constructor(clusterKey: Uint8Array, mutants?: ReadonlySet<string>) {
    if (clusterKey.length !== CLUSTER_KEY_BYTES)
      throw invalidArgument(`cluster key: expected ${CLUSTER_KEY_BYTES} bytes, found ${clusterKey.length}`);
    this.#hash = new SipHash(clusterKey);
    this.#mutants = mutants;
    for (let i = 0; i < KEYSPACE; i++) this.#signed.bytes[i] = DOMAIN.charCodeAt(i);
  }

  /**
   * Appends the context of a read to `out`. `record`: the merge of what the replicas answered, empty when the key is not there.
   * Returns false, and appends nothing, when there is no room. Requires: `keyspace` is a u32, the key `key[keyStart, keyEnd)` of at most 65,536 bytes.
   */
  seal(record: RecordView, keyspace: number, key: Uint8Array, keyStart: number, keyEnd: number, out: OutBuffer): boolean {
    const vectorBytes = RECORD_HEADER_BYTES + record.entries * ENTRY_BYTES;
    if (!out.ensure(vectorBytes + SIPHASH_TAG_BYTES)) return false;
    const start = out.length;
    const { bytes } = out;
    beginRecord(out);
    finishRecord(out, start, record.entries, 0);
    copyBytes(record.bytes, record.entriesAt, record.siblingsAt, bytes, out.length);
    const end = start + vectorBytes;
    this.#sign(bytes, start, end, keyspace, key, keyStart, keyEnd);
    copyBytes(this.#tag, 0, SIPHASH_TAG_BYTES, bytes, end);
    out.length = end + SIPHASH_TAG_BYTES;
    return true;
  }

  /**
   * Opens `view` on the version vector of the context `bytes[start, end)`, where it lies. Returns what was expected and found when it is not one that this cluster gave
   * out for this key: then `view` is empty. No bytes at all: the empty context. Cost: O(length), no allocation unless to complain.
   */
  open(
    bytes: Uint8Array,
    start: number,
    end: number,
    keyspace: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    view: RecordView,
  ): string | undefined {
    view.clear();
    const length = end - start;
    if (length === 0) return undefined;
    if (length < CONTEXT_BYTES_MIN || length > CONTEXT_BYTES_MAX)
      return `context: expected ${CONTEXT_BYTES_MIN} to ${CONTEXT_BYTES_MAX} bytes, found ${length}`;
    const vectorEnd = end - SIPHASH_TAG_BYTES;
    // Before the tag: a context of a newer version of the program is signed in a way that this one does not know.
    const wrong = checkBareVector(bytes, start, vectorEnd);
    if (wrong !== undefined) return `context: ${wrong}`;
    this.#sign(bytes, start, vectorEnd, keyspace, key, keyStart, keyEnd);
    if (!this.#isTag(bytes, vectorEnd) && !this.#mutants?.has('tagUnchecked'))
      return 'context: expected one that this cluster gave out for this keyspace and key, found another tag';
    view.open(bytes, start, vectorEnd);
    return undefined;
  }

  #sign(bytes: Uint8Array, start: number, end: number, keyspace: number, key: Uint8Array, keyStart: number, keyEnd: number): void {
    const signed = this.#signed;
    const keyBytes = this.#mutants?.has('contextOfAnyKey') ? 0 : keyEnd - keyStart;
    if (!signed.ensure(KEY + keyBytes + end - start))
      throw invalidArgument(`key: expected at most ${KEY_BYTES_MAX} bytes, found ${keyBytes}`);
    const to = signed.bytes;
    putU32(to, KEYSPACE, this.#mutants?.has('contextOfAnyKeyspace') ? 0 : keyspace);
    putU32(to, KEY_LENGTH, keyBytes);
    copyBytes(key, keyStart, keyStart + keyBytes, to, KEY);
    const vectorAt = KEY + keyBytes;
    copyBytes(bytes, start, end, to, vectorAt);
    this.#hash.tag(to, 0, vectorAt + end - start, this.#tag, 0);
  }

  /** In a time that does not depend on where they differ. */
  #isTag(bytes: Uint8Array, at: number): boolean {
    const tag = this.#tag;
    let difference = 0;
    for (let i = 0; i < SIPHASH_TAG_BYTES; i++) difference |= tag[i]! ^ bytes[at + i]!;
    return difference === 0;
  }
}
