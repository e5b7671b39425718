/** What a table says about itself. */
import type { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import { KEY_BYTES_MAX } from '../key.ts';
import { NOTE_BYTES_MAX, UID_BYTES } from './table-format.ts';

export interface TableProperties {
  /** Random, 16 bytes: the identity of the file. */
  readonly uid: Uint8Array;
  /** PUT and DELETE. */
  readonly entries: number;
  readonly deletes: number;
  readonly rangeDeletes: number;
  /** Sums over all entries, before compression. */
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly dataBlocks: number;
  /** What was asked for; single blocks may be stored as they are. Number of storage/codec.ts. */
  readonly codec: number;
  /** Of entries and range deletes. */
  readonly smallestSequence: number;
  readonly largestSequence: number;
  /** Of entries and of the bounds of range deletes: no key outside is touched. */
  readonly smallestKey: Uint8Array;
  readonly largestKey: Uint8Array;
  /** Who wrote it and why, for people. */
  readonly note: string;
}

export function encodeProperties(p: TableProperties): ByteWriter {
  const out = new ByteWriter();
  out.put(p.uid, 0, UID_BYTES);
  for (const number of [p.entries, p.deletes, p.rangeDeletes, p.keyBytes, p.valueBytes, p.dataBlocks, p.codec]) out.varint(number);
  out.varint(p.smallestSequence);
  out.varint(p.largestSequence);
  out.sized(p.smallestKey);
  out.sized(p.largestKey);
  out.sized(Buffer.from(p.note, 'utf8'));
  return out;
}

/** Keys are views of what the reader reads. Errors: CORRUPTION. */
export function decodeProperties(reader: ByteReader): TableProperties {
  return {
    uid: reader.take(UID_BYTES),
    entries: reader.varint(),
    deletes: reader.varint(),
    rangeDeletes: reader.varint(),
    keyBytes: reader.varint(),
    valueBytes: reader.varint(),
    dataBlocks: reader.varint(),
    codec: reader.varint(),
    smallestSequence: reader.varint(),
    largestSequence: reader.varint(),
    smallestKey: reader.sized(KEY_BYTES_MAX),
    largestKey: reader.sized(KEY_BYTES_MAX),
    note: Buffer.from(reader.sized(NOTE_BYTES_MAX)).toString('utf8'),
  };
}
