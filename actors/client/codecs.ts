/** Codecs: how keys and values of a program become the bytes that the store keeps. */
import { Decoder, Encoder } from 'cbor-x';

/**
 * Requires: `decode(encode(v))` equals `v`, and equal keys have equal bytes. Both may throw; a value that can't be decoded fails that operation as UNDECODABLE.
 * `decode` may keep `bytes`, which are its own, unless `keepsBytes` is false.
 */
export interface Codec<T> {
  /** For messages. */
  readonly name: string;
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
  /** False: what is decoded keeps nothing of `bytes`, so that they need not be copied. */
  readonly keepsBytes?: boolean;
}

/** Text. Lone surrogates are refused: they would come back as something else. */
export const utf8: Codec<string> = {
  name: 'utf8',
  keepsBytes: false,
  encode(value) {
    if (typeof value !== 'string') throw new TypeError(`expected a string, got ${typeof value}`);
    const encoded = Buffer.from(value, 'utf8');
    // As many bytes as characters: ASCII.
    if (encoded.length !== value.length && LONE_SURROGATE.test(value))
      throw new TypeError('expected well-formed text, got a lone surrogate');
    return encoded;
  },
  decode: (value) => textOf(value),
};

/** Bytes as they are. What is given must stay unchanged until the operation is over; what is decoded is a copy. */
export const bytes: Codec<Uint8Array> = {
  name: 'bytes',
  encode(value) {
    if (!(value instanceof Uint8Array)) throw new TypeError(`expected a Uint8Array, got ${typeof value}`);
    return value;
  },
  decode: (value) => value,
};

/** JSON. `undefined` and functions are refused at the top; inside, they are treated as JSON does. */
export function json<T>(): Codec<T> {
  return {
    name: 'json',
    keepsBytes: false,
    encode(value) {
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) throw new TypeError(`expected a JSON value, got ${typeof value}`);
      return Buffer.from(text, 'utf8');
    },
    decode: (value) => JSON.parse(textOf(value)) as T,
  };
}

/** CBOR: as JSON, and bytes, dates, maps, sets, bigints. Plain: no records and no structures that other decoders would have to know. */
export function cbor<T>(): Codec<T> {
  const options = { useRecords: false, mapsAsObjects: true, variableMapSize: true, tagUint8Array: false } as const;
  const encoder = new Encoder(options);
  const decoder = new Decoder(options);
  return {
    name: 'cbor',
    encode(value) {
      if (value === undefined) throw new TypeError('expected a value, got undefined');
      return encoder.encode(value);
    },
    decode: (value) => decoder.decode(bufferOf(value)) as T,
  };
}

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

function bufferOf(value: Uint8Array): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** Errors: TypeError where the bytes are not UTF-8. */
function textOf(value: Uint8Array): string {
  const text = bufferOf(value).toString('utf8');
  // Why: decoding strictly costs more, and the mark that a lax decoder leaves is rare.
  return text.includes('\ufffd') ? new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value) : text;
}
