/** Keys and values as programs hold them. */
import { StorageError } from '../errors.ts';

/** A string stands for its UTF-8 bytes. */
export type Bytes = Uint8Array | string;

/** Errors: INVALID_ARGUMENT. */
export function toBytes(bytes: Bytes): Uint8Array {
  if (typeof bytes === 'string') return Buffer.from(bytes, 'utf8');
  if (bytes instanceof Uint8Array) return bytes;
  throw new StorageError('INVALID_ARGUMENT', `expected a string or a Uint8Array, got ${bytes === null ? 'null' : typeof bytes}`);
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Of a value that the engine gave: memory that is the caller's own, which a Buffer is already (`Engine.get`). */
export function ownValue(value: Uint8Array): Buffer {
  return value instanceof Buffer ? value : Buffer.from(value);
}

export interface RangeOf<B> {
  readonly gt?: B;
  readonly gte?: B;
  readonly lt?: B;
  readonly lte?: B;
}

/** Without the bounds that are missing. Where both are given, `gte` counts and not `gt`, `lte` and not `lt`. */
export function toRange(range: { readonly [Bound in keyof RangeOf<Bytes>]: Bytes | undefined }): RangeOf<Uint8Array> {
  const { gt, gte, lt, lte } = range;
  const from = gte !== undefined ? { gte: toBytes(gte) } : gt !== undefined ? { gt: toBytes(gt) } : undefined;
  const to = lte !== undefined ? { lte: toBytes(lte) } : lt !== undefined ? { lt: toBytes(lt) } : undefined;
  return { ...from, ...to };
}
