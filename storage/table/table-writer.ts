/**
 * Writes a table, front to back, from entries in order. Synchronous, for jobs: the caller yields between calls of `add`.
 * After an error the file is to be thrown away.
 */
import type { SyncFile } from '../../runtime/files.ts';
import { copyBytes } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { CODEC_IDS, CODEC_NONE, type CodecName, type Codecs } from '../codec.ts';
import { StorageError } from '../errors.ts';
import { hashKey } from '../hash.ts';
import { compareKeys, compareWhole, KEY_BYTES_MAX } from '../key.ts';
import { DELETE, PUT, type RecordKind } from '../record.ts';
import { BlockBuilder } from './block-builder.ts';
import { BloomBuilder } from './bloom.ts';
import { encodeRangeDeletes, type RangeDelete } from './range-delete-block.ts';
import { type Separator, separate } from './separator.ts';
import { BlockSeal } from './stored-block.ts';
import { encodeFooter } from './table-footer.ts';
import { FOOTER_BYTES, NOTE_BYTES_MAX, RAW_LENGTH_BYTES, TRAILER_BYTES, UID_BYTES, VALUE_BYTES_MAX } from './table-format.ts';
import { IndexBuilder } from './table-index.ts';
import { storageError } from './table-parts.ts';
import { encodeProperties, type TableProperties } from './table-properties.ts';

/** Written at once when so much has collected. */
const CHUNK_BYTES = 256 * 1_024;

export interface TableOptions {
  /** 16 random bytes, this table's alone. */
  readonly uid: Uint8Array;
  readonly codecs: Codecs;
  /** Default `none`. */
  readonly codec?: CodecName;
  /** Bytes of a data block before compression, 1 .. 2^24; a larger entry has a block of its own. Default 4096. */
  readonly blockBytes?: number;
  /** Bits of the Bloom filter per key, 0 (no filter) .. 20. Default 10: 1 % of absent keys are looked up in vain. */
  readonly bloomBitsPerKey?: number;
  /** For people, at most 255 bytes in UTF-8. Default empty. */
  readonly note?: string;
  readonly mutants?: ReadonlySet<string>;
}

export class TableWriter {
  readonly #file: SyncFile;
  readonly #uid: Uint8Array;
  readonly #codecId: number;
  readonly #codecs: Codecs;
  readonly #blockBytes: number;
  readonly #note: string;
  readonly #mutants: ReadonlySet<string>;
  readonly #seal: BlockSeal;
  readonly #block: BlockBuilder = new BlockBuilder();
  readonly #index: IndexBuilder = new IndexBuilder();
  readonly #bloom: BloomBuilder | undefined;
  readonly #ranges: RangeDelete[] = [];
  readonly #separator: Separator = { bytes: 0, raised: false };
  /** Not yet written: out[0, outBytes), which comes at `written` of the file. */
  #out: Buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES + 16 * 1_024);
  #outBytes = 0;
  #written = 0;
  #lastKey: Buffer = Buffer.allocUnsafeSlow(256);
  #lastKeyBytes = 0;
  #lastSequence = 0;
  #firstKey: Uint8Array | undefined;
  #entries = 0;
  #deletes = 0;
  #keyBytes = 0;
  #valueBytes = 0;
  #smallestSequence = Number.MAX_SAFE_INTEGER;
  #largestSequence = 0;
  /** Length of the last block, whose separator waits for the first key of the next. */
  #storedBytes = 0;
  #finished = false;

  /** `file` is new and empty, and stays the caller's to close. Errors: INVALID_ARGUMENT. */
  constructor(file: SyncFile, options: TableOptions) {
    const { uid, codecs, codec = 'none', blockBytes = 4_096, bloomBitsPerKey = 10, note = '', mutants = new Set<string>() } = options;
    check(uid.length === UID_BYTES, `uid: expected ${UID_BYTES} bytes, got ${uid.length}`);
    check(blockBytes >= 1 && blockBytes <= 1 << 24, `blockBytes: expected 1 to ${1 << 24}, got ${blockBytes}`);
    check(bloomBitsPerKey >= 0 && bloomBitsPerKey <= 20, `bloomBitsPerKey: expected 0 to 20, got ${bloomBitsPerKey}`);
    check(Buffer.byteLength(note) <= NOTE_BYTES_MAX, `note: expected at most ${NOTE_BYTES_MAX} bytes, got ${Buffer.byteLength(note)}`);
    const codecId = CODEC_IDS[codec];
    check(codecId === CODEC_NONE || codecs.byId(codecId) !== undefined, `codec: expected one that is here, got ${codec}`);
    this.#file = file;
    this.#uid = copyBytes(uid, 0, UID_BYTES);
    this.#codecId = codecId;
    this.#codecs = codecs;
    this.#blockBytes = blockBytes;
    this.#note = note;
    this.#mutants = mutants;
    this.#bloom = bloomBitsPerKey === 0 ? undefined : new BloomBuilder(bloomBitsPerKey);
    this.#seal = new BlockSeal(file.path, this.#uid, mutants);
  }

  /** Of the file if it were finished now, about. */
  get bytes(): number {
    const open = this.#block.count === 0 ? 0 : this.#block.bytesMax;
    return this.#written + this.#outBytes + open + this.#index.bytes + (this.#bloom?.bytes ?? 0) + FOOTER_BYTES;
  }

  get entries(): number {
    return this.#entries;
  }

  /**
   * Adds `key[keyStart, keyEnd)` with `value[valueStart, valueEnd)`; copies both. Requires: key above the last one, or the same with a smaller sequence.
   * Errors: INVALID_ARGUMENT, IO.
   */
  add(
    kind: RecordKind,
    sequence: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const keyBytes = keyEnd - keyStart;
    const valueBytes = valueEnd - valueStart;
    const order = this.#entries === 0 ? -1 : compareKeys(this.#lastKey, 0, this.#lastKeyBytes, key, keyStart, keyEnd);
    check(order < 0 || (order === 0 && sequence < this.#lastSequence), 'entry: expected one behind the last, got another');
    // Why not `check`: a message with a number in it, which nobody reads, took a tenth of a flush.
    if (kind !== PUT && kind !== DELETE) throw invalid(`kind: expected PUT or DELETE, got ${kind}`);
    if (keyBytes > KEY_BYTES_MAX) throw invalid(`key: expected at most ${KEY_BYTES_MAX} bytes, got ${keyBytes}`);
    if (valueBytes > VALUE_BYTES_MAX) throw invalid(`value: expected at most ${VALUE_BYTES_MAX} bytes, got ${valueBytes}`);
    checkSequence(sequence);
    const hash = hashKey(key, keyStart, keyEnd);
    const block = this.#block;
    if (block.count > 0 && (block.full || block.bytesWith(keyBytes, valueBytes) > this.#blockBytes)) this.#endBlock();
    if (block.count === 0) this.#endSeparator(key, keyStart, keyEnd);
    block.add(kind, sequence, hash, key, keyStart, keyEnd, value, valueStart, valueEnd);
    if (order < 0) {
      if (!(this.#mutants.has('bloomFalseNegative') && this.#entries % 16 === 5)) this.#bloom?.add(hash);
      this.#firstKey ??= copyBytes(key, keyStart, keyEnd);
      this.#rememberKey(key, keyStart, keyEnd);
    }
    this.#lastSequence = sequence;
    this.#entries++;
    if (kind === DELETE) this.#deletes++;
    this.#keyBytes += keyBytes;
    this.#valueBytes += valueBytes;
    this.#coverSequence(sequence);
  }

  /** Copies the bounds. In any order, between any entries. Requires: start < end. Errors: INVALID_ARGUMENT. */
  addRangeDelete(start: Uint8Array, end: Uint8Array, sequence: number): void {
    check(compareWhole(start, end) < 0, 'range: expected an end behind its start, got another');
    check(end.length <= KEY_BYTES_MAX && start.length <= KEY_BYTES_MAX, `key: expected at most ${KEY_BYTES_MAX} bytes, got more`);
    checkSequence(sequence);
    this.#ranges.push({ start: copyBytes(start, 0, start.length), end: copyBytes(end, 0, end.length), sequence });
    this.#coverSequence(sequence);
  }

  /** Writes the rest and syncs it. Requires: something was added. Durability: the file's content is on disk; its name is not. */
  finish(): TableProperties & { readonly bytes: number } {
    check(!this.#finished && (this.#entries > 0 || this.#ranges.length > 0), 'table: expected entries or range deletes, got none');
    this.#finished = true;
    if (this.#block.count > 0) this.#endBlock();
    if (this.#storedBytes > 0) this.#index.add(this.#storedBytes, this.#lastKey, 0, this.#lastKeyBytes);
    const dataEnd = this.#written + this.#outBytes;
    const filterBytes = this.#bloom === undefined || this.#entries === 0 ? 0 : this.#writePart(this.#bloom.write());
    const rangesBytes = this.#ranges.length === 0 ? 0 : this.#writePart(encodeRangeDeletes(this.#ranges));
    const indexBytes = this.#writePart(this.#index.write());
    const properties = this.#properties();
    const propertiesBytes = this.#writePart(encodeProperties(properties));
    const bytes = this.#written + this.#outBytes + FOOTER_BYTES;
    const footer = encodeFooter({ uid: this.#uid, bytes, dataEnd, filterBytes, rangesBytes, indexBytes, propertiesBytes });
    this.#reserve(FOOTER_BYTES);
    this.#out.set(footer, this.#outBytes);
    this.#outBytes += FOOTER_BYTES;
    this.#flush();
    try {
      if (!this.#mutants.has('skipTableSync')) this.#file.datasync();
    } catch (error) {
      throw storageError(error);
    }
    return { ...properties, bytes };
  }

  #properties(): TableProperties {
    let smallestKey = this.#firstKey;
    let largestKey = this.#firstKey === undefined ? undefined : copyBytes(this.#lastKey, 0, this.#lastKeyBytes);
    for (const { start, end } of this.#ranges) {
      if (smallestKey === undefined || compareWhole(start, smallestKey) < 0) smallestKey = start;
      if (largestKey === undefined || compareWhole(end, largestKey) > 0) largestKey = end;
    }
    return {
      uid: this.#uid,
      entries: this.#entries,
      deletes: this.#deletes,
      rangeDeletes: this.#ranges.length,
      keyBytes: this.#keyBytes,
      valueBytes: this.#valueBytes,
      dataBlocks: this.#index.blocks,
      codec: this.#codecId,
      smallestSequence: this.#smallestSequence,
      largestSequence: this.#largestSequence,
      smallestKey: smallestKey as Uint8Array,
      largestKey: largestKey as Uint8Array,
      note: this.#note,
    };
  }

  #endBlock(): void {
    this.#reserve(this.#block.bytesMax);
    const at = this.#outBytes;
    const end = this.#block.writeTo(this.#out, at);
    this.#outBytes = this.#seal.seal(this.#out, at, end, this.#written + at, this.#codecs.byId(this.#codecId));
    this.#storedBytes = this.#outBytes - at;
    if (this.#outBytes >= CHUNK_BYTES) this.#flush();
  }

  /** The index entry of the block before, now that the key behind it is known. */
  #endSeparator(key: Uint8Array, start: number, end: number): void {
    if (this.#storedBytes === 0) return;
    const separator = this.#separator;
    const last = this.#lastKey;
    separate(last, 0, this.#lastKeyBytes, key, start, end, separator);
    if (separator.raised) last[separator.bytes - 1]!++;
    this.#index.add(this.#storedBytes, last, 0, separator.bytes);
    if (separator.raised) last[separator.bytes - 1]!--;
    this.#storedBytes = 0;
  }

  #writePart(part: ByteWriter): number {
    this.#reserve(part.length);
    const at = this.#outBytes;
    part.bytes.copy(this.#out, at, 0, part.length);
    this.#outBytes = this.#seal.seal(this.#out, at, at + part.length, this.#written + at, undefined);
    return this.#outBytes - at;
  }

  /** Makes room for a block of so many bytes. */
  #reserve(bytes: number): void {
    const needed = this.#outBytes + bytes + RAW_LENGTH_BYTES + TRAILER_BYTES;
    if (needed <= this.#out.length) return;
    const grown = Buffer.allocUnsafeSlow(needed);
    this.#out.copy(grown, 0, 0, this.#outBytes);
    this.#out = grown;
  }

  #flush(): void {
    try {
      this.#file.pwrite([this.#out.subarray(0, this.#outBytes)], this.#written);
    } catch (error) {
      throw storageError(error);
    }
    this.#written += this.#outBytes;
    this.#outBytes = 0;
  }

  #rememberKey(key: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length > this.#lastKey.length) this.#lastKey = Buffer.allocUnsafeSlow(length * 2);
    const last = this.#lastKey;
    for (let i = 0; i < length; i++) last[i] = key[start + i]!;
    this.#lastKeyBytes = length;
  }

  #coverSequence(sequence: number): void {
    if (sequence < this.#smallestSequence) this.#smallestSequence = sequence;
    if (sequence > this.#largestSequence) this.#largestSequence = sequence;
  }
}

function checkSequence(sequence: number): void {
  if (!Number.isSafeInteger(sequence) || sequence < 0) throw invalid(`sequence: expected an integer of 0 to 2^53-1, got ${sequence}`);
}

function check(condition: boolean, message: string): void {
  if (!condition) throw invalid(message);
}

function invalid(message: string): StorageError {
  return new StorageError('INVALID_ARGUMENT', message);
}
