/**
 * What can still be read of a damaged table. Footer and index have to be whole, since they say where the blocks are; then every block whose checksum
 * holds is good for itself.
 */
import type { SyncFile } from '../../runtime/files.ts';
import { ByteReader } from '../byte-reader.ts';
import type { Codecs } from '../codec.ts';
import { placeOf } from '../engine/scrubbed-file.ts';
import type { CorruptionPlace } from '../errors.ts';
import { openBlock } from '../table/block-run.ts';
import { BlockView } from '../table/block-view.ts';
import { decodeRangeDeletes, type RangeDelete } from '../table/range-delete-block.ts';
import { BlockSeal } from '../table/stored-block.ts';
import { decodeFooter, type TableIdentity } from '../table/table-footer.ts';
import { FOOTER_BYTES_MAX, TRAILER_BYTES } from '../table/table-format.ts';
import { TableIndex } from '../table/table-index.ts';
import { readFully, storageError } from '../table/table-parts.ts';

export interface SalvagedTable {
  readonly index: TableIndex;
  /** Of blocks that are whole, ascending. */
  readonly blocks: readonly number[];
  readonly rangeDeletes: readonly RangeDelete[];
  readonly damages: readonly CorruptionPlace[];
  /** All entries and range deletes are there. */
  readonly complete: boolean;
  /** The smallest and largest keys of what is left; undefined: nothing is. */
  readonly span: { readonly smallest: Uint8Array; readonly largest: Uint8Array } | undefined;
  readonly seal: BlockSeal;
}

const NO_MUTANTS: ReadonlySet<string> = new Set();

/** Reads all of it. Throws StorageError: CORRUPTION when footer or index are damaged, and nothing can be read. */
export function salvageTable(file: SyncFile, expected: TableIdentity, codecs: Codecs): SalvagedTable {
  const tail = Buffer.alloc(Math.min(FOOTER_BYTES_MAX, expected.bytes));
  readFully(file, tail, expected.bytes - tail.length);
  const footer = decodeFooter(tail, file.path, expected);
  const seal = new BlockSeal(file.path, footer.uid, NO_MUTANTS);
  const part = (offset: number, bytes: number): ByteReader => {
    const block = Buffer.alloc(bytes);
    readFully(file, block, offset);
    seal.check(block, offset);
    return new ByteReader(block, 0, bytes - TRAILER_BYTES, file.path, offset);
  };
  const { dataEnd, filterBytes, rangesBytes, indexBytes, propertiesBytes } = footer;
  const rangesAt = dataEnd + filterBytes;
  const indexAt = rangesAt + rangesBytes;
  const index = new TableIndex(part(indexAt, indexBytes), dataEnd);
  const damages: CorruptionPlace[] = [];
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      const failure = storageError(error);
      if (failure.code === 'UNKNOWN_FORMAT') throw failure;
      damages.push(placeOf(failure, file.path));
      return undefined;
    }
  };
  if (filterBytes > 0) attempt(() => part(dataEnd, filterBytes));
  const ranges = rangesBytes === 0 ? [] : attempt(() => decodeRangeDeletes(part(rangesAt, rangesBytes)));
  const rangeDeletes = ranges ?? [];
  attempt(() => part(indexAt + indexBytes, propertiesBytes));
  const blocks: number[] = [];
  const reading = new BlockReading(file, index, seal, codecs);
  let smallest: Uint8Array | undefined;
  let largest: Uint8Array | undefined;
  for (let block = 0; block < index.count; block++) {
    const keys = attempt(() => reading.open(block).ends());
    if (keys === undefined) continue;
    blocks.push(block);
    smallest ??= keys.first;
    largest = keys.last;
  }
  for (const { start, end } of rangeDeletes) {
    if (smallest === undefined || Buffer.compare(start, smallest) < 0) smallest = start;
    if (largest === undefined || Buffer.compare(end, largest) > 0) largest = end;
  }
  const span = smallest === undefined || largest === undefined ? undefined : { smallest, largest };
  return { index, blocks, rangeDeletes, damages, complete: ranges !== undefined && blocks.length === index.count, span, seal };
}

/** One block at a time. */
export class BlockReading {
  readonly view: BlockView = new BlockView();
  bytes: Buffer = Buffer.alloc(0);
  readonly #file: SyncFile;
  readonly #index: TableIndex;
  readonly #seal: BlockSeal;
  readonly #codecs: Codecs;
  readonly #check: BlockView = new BlockView();

  constructor(file: SyncFile, index: TableIndex, seal: BlockSeal, codecs: Codecs) {
    this.#file = file;
    this.#index = index;
    this.#seal = seal;
    this.#codecs = codecs;
  }

  /** Throws StorageError: CORRUPTION, IO. */
  open(block: number): this {
    const stored = Buffer.allocUnsafeSlow(this.#index.storedBytes(block));
    const offset = this.#index.offsets[block]!;
    readFully(this.#file, stored, offset);
    this.bytes = openBlock(stored, offset, this.#seal, this.#codecs, this.#check);
    this.view.open(this.bytes);
    return this;
  }

  ends(): { readonly first: Uint8Array; readonly last: Uint8Array } {
    return { first: this.key(0), last: this.key(this.view.count - 1) };
  }

  key(entry: number): Uint8Array {
    const { bytes, prefixStart, prefixBytes } = this.view;
    const start = this.view.suffixStart(entry);
    return Buffer.concat([
      bytes.subarray(prefixStart, prefixStart + prefixBytes),
      bytes.subarray(start, start + this.view.suffixLength(entry)),
    ]);
  }
}
