/**
 * PayloadCodec: messages as CBOR, one item each. What a message may hold, and how it arrives:
 *
 * ```
 * undefined, null, boolean          the same
 * number                            the same: -0, NaN and the infinities too. Integers of up to 32 bits travel as integers,
 *                                   all others as floats of 64 bits
 * bigint of 64 bits                 the same; always 9 bytes
 * string                            the same, but a lone surrogate arrives as U+FFFD
 * Uint8Array, Buffer                a Buffer that belongs to the message: a view of the frame, or a copy of its own in a short message
 * array, up to 65,536 items         an array; holes arrive as undefined
 * plain object, up to 4,096 keys    a plain object, also where the prototype was null
 * ref                               a ref, bound to the thread it arrives in; tag 55212 around [slot, uid] when it is of the place that
 *                                   sends the message, else around [node, shard, boot, slot, uid]
 * ```
 * Anything else is NOT_ENCODABLE: functions, symbols, instances of classes, cycles, more than 16 levels, the key `__proto__`.
 *
 * Where cbor-x has no native part (an optional package), a string of more than 64 bytes loses a U+FEFF at its beginning.
 */
import { addExtension, Decoder, setSizeLimits, Tag } from 'cbor-x';
import type { Address, Place } from '../address.ts';
import type { OutBuffer } from '../bytes.ts';
import { assert, BugError, errorMessage, RuntimeError } from '../errors.ts';
import type { AnyRef } from '../ref.ts';
import { PayloadEncoder } from './encoder.ts';
import { ARRAY_ITEMS_MAX, OBJECT_KEYS_MAX, REF_FIELDS_SHORT, REF_TAG, Scanner } from './scan.ts';

/** Who sent a frame. */
export interface Peer {
  readonly place: Place;
  readonly boot: number;
}

/** The thread that refs are written from and bound to. */
export interface RefBinder {
  readonly place: Place;
  readonly boot: number;
  /** Called while a message is decoded; must not decode another. */
  bind(address: Address): AnyRef;
}

/**
 * Up to this length a message is decoded from a copy at a fixed place, so that cbor-x needs neither a Buffer nor a DataView made
 * for it, and its byte strings are copied out (bench/codec.ts, `decode` rows). Keeping such a byte string doesn't keep its frame.
 */
export const COPIED_BYTES_MAX = 128;

/** What the types of cbor-x leave out: it decodes the first `length` bytes of a buffer. */
interface PrefixDecoder {
  decode(bytes: Buffer, length: number): unknown;
}

/**
 * Who decodes at the moment, since the extensions of cbor-x are global to a thread. Set only during a call of `decode`, which is
 * synchronous, so that the runtimes of one thread (a simulation) don't meet through it.
 */
class Decoding {
  binder: RefBinder | undefined = undefined;
  peer: Peer | undefined = undefined;
}
const DECODING = new Decoding();

/**
 * No records: a shared table of shapes breaks on reconnect and loss. With `variableMapSize` cbor-x writes what `PayloadEncoder` writes,
 * which matters to tests only.
 */
export const CBOR_OPTIONS = { useRecords: false, mapsAsObjects: true, variableMapSize: true, tagUint8Array: false } as const;

// Both are global to a thread. The limits are those of the scanner, as a second line behind it; a ref met by code other than
// `decode` stays a tag.
setSizeLimits({ maxArraySize: ARRAY_ITEMS_MAX, maxMapSize: OBJECT_KEYS_MAX, maxObjectSize: OBJECT_KEYS_MAX });
addExtension({ tag: REF_TAG, decode: decodeRef } as unknown as Parameters<typeof addExtension<unknown, unknown>>[0]);

export class PayloadCodec {
  readonly #binder: RefBinder;
  readonly #encoder: PayloadEncoder;
  readonly #scanner = new Scanner();
  readonly #views = new Decoder({ ...CBOR_OPTIONS });
  readonly #copies = new Decoder({ ...CBOR_OPTIONS, copyBuffers: true }) as PrefixDecoder;
  readonly #short = Buffer.allocUnsafeSlow(COPIED_BYTES_MAX);

  constructor(binder: RefBinder) {
    this.#binder = binder;
    this.#encoder = new PayloadEncoder(binder);
  }

  /**
   * Appends `value` as one CBOR item. Returns false, with `out.length` as before, when it is over `out.maxBytes`.
   * Errors: NOT_ENCODABLE, naming the path of the value that is not, with `out.length` as before.
   */
  encode(value: unknown, out: OutBuffer): boolean {
    return this.#encoder.encode(value, out);
  }

  /**
   * Returns the value that fills `bytes[start, end)`; refs in it are bound by the binder. `trusted` is for bytes that this codec wrote
   * in another thread of the same process; all others are scanned first, and what doesn't pass builds nothing.
   * Errors: PROTOCOL.
   */
  decode(bytes: Buffer, start: number, end: number, peer: Peer, trusted: boolean): unknown {
    if (!trusted) this.#scanner.scan(bytes, start, end);
    // Why: cbor-x would go on from a copy, and its byte strings would be no Buffers.
    assert(DECODING.binder === undefined, 'a message is decoded while another one is');
    DECODING.binder = this.#binder;
    DECODING.peer = peer;
    try {
      const length = end - start;
      if (length > COPIED_BYTES_MAX) return this.#views.decode(bytes.subarray(start, end));
      const short = this.#short;
      for (let i = 0; i < length; i++) short[i] = bytes[start + i]!;
      return this.#copies.decode(short, length);
    } catch (error) {
      if (error instanceof RuntimeError || error instanceof BugError) throw error;
      throw new RuntimeError('PROTOCOL', `value of ${end - start} bytes: ${errorMessage(error)}`, { cause: error });
    } finally {
      DECODING.binder = undefined;
      DECODING.peer = undefined;
    }
  }
}

type RefFields = readonly [slot: number, uid: number] | readonly [node: string, shard: number, boot: number, slot: number, uid: number];

/** Requires: fields as the scanner lets pass, or as our own encoder writes them. */
function decodeRef(item: unknown): unknown {
  const { binder, peer } = DECODING;
  if (binder === undefined || peer === undefined) return new Tag(item, REF_TAG);
  const fields = item as RefFields;
  if (fields.length === REF_FIELDS_SHORT) {
    const [slot, uid] = fields;
    return binder.bind({ node: peer.place.node, shard: peer.place.shard, boot: peer.boot, slot, uid });
  }
  const [node, shard, boot, slot, uid] = fields;
  return binder.bind({ node, shard, boot, slot, uid });
}
