/** Reads a whole table and checks all that it claims: what scrub and `dynactor sst verify` do. */
import { corruption, type StorageError } from '../errors.ts';
import { hashKey } from '../hash.ts';
import { compareWhole } from '../key.ts';
import { DELETE } from '../record.ts';
import { BlockView } from './block-view.ts';
import type { BlockWaiter } from './lookup.ts';
import type { SyncTable } from './sync-table.ts';

export interface VerifiedTable {
  readonly blocks: number;
  readonly entries: number;
}

/**
 * Checksums and structure of every block, order of entries, separators, filter, hash bytes, and the sums of the properties. Yields after each block.
 * Throws StorageError: CORRUPTION, IO.
 */
export function* verifyTable(table: SyncTable): Generator<undefined, VerifiedTable, undefined> {
  const { index, filter, properties, footer, seal } = table.parts;
  const blocks = table.blocks();
  const cursor = new BlockCursor();
  let last: Uint8Array | undefined;
  let lastSequence = 0;
  const sums = { entries: 0, deletes: 0, keyBytes: 0, valueBytes: 0 };
  for (let block = 0; block < index.count; block++) {
    const offset = index.offsets[block]!;
    const bad = (expected: string, found: string): StorageError => corruption({ file: seal.file, offset, expected, found });
    const view = cursor.open(blocks.load(block, 1, NOBODY) as Buffer);
    const before = block === 0 ? undefined : index.separator(block - 1);
    for (let i = 0; i < view.count; i++) {
      const key = cursor.key(i);
      const sequence = view.sequence(i);
      const order = last === undefined ? -1 : compareWhole(last, key);
      if (order > 0 || (order === 0 && sequence >= lastSequence)) throw bad(`entry ${i} behind the one before it`, 'another order');
      if (before !== undefined && compareWhole(before, key) > 0) throw bad('keys not below the separator before', hex(key));
      const hash = hashKey(key, 0, key.length);
      if (filter?.mayHold(hash) === false) throw bad(`key ${hex(key)} in the filter`, 'it is not');
      if (view.find(key, hash, sequence) !== i) throw bad(`entry ${i} found by its hash`, 'another');
      if (sequence < properties.smallestSequence || sequence > properties.largestSequence)
        throw bad('a sequence within the bounds', `${sequence}`);
      sums.entries++;
      if (view.kind(i) === DELETE) sums.deletes++;
      sums.keyBytes += key.length;
      sums.valueBytes += view.valueEnd(i) - view.valueStart(i);
      last = key;
      lastSequence = sequence;
    }
    if (last !== undefined && compareWhole(last, index.separator(block)) > 0) throw bad('keys up to the separator', hex(last));
    if (block === 0 && compareWhole(properties.smallestKey, cursor.key(0)) > 0)
      throw bad('keys from the smallest key on', hex(cursor.key(0)));
    yield;
  }
  const atEnd = (expected: string, found: string): StorageError => corruption({ file: seal.file, offset: footer.dataEnd, expected, found });
  if (last !== undefined && compareWhole(last, properties.largestKey) > 0) throw atEnd('keys up to the largest key', hex(last));
  for (const name of ['entries', 'deletes', 'keyBytes', 'valueBytes'] as const) {
    if (sums[name] !== properties[name]) throw atEnd(`${name} of ${properties[name]}`, `${sums[name]}`);
  }
  for (const { start, end } of table.rangeDeletes) {
    const outside = compareWhole(start, properties.smallestKey) < 0 || compareWhole(end, properties.largestKey) > 0;
    if (outside) throw atEnd('range deletes within the bounds', `${hex(start)} to ${hex(end)}`);
  }
  return { blocks: index.count, entries: sums.entries };
}

/** One line per fact: properties, range deletes, blocks, and with `entries` each entry. Yields as `verifyTable` works. */
export function* dumpTable(table: SyncTable, entries: boolean): Generator<string, void, undefined> {
  const { index, properties, filter, footer } = table.parts;
  yield `file ${table.parts.seal.file}: ${footer.bytes} bytes, data ${footer.dataEnd}, filter ${footer.filterBytes}, index ${footer.indexBytes}`;
  for (const [name, value] of Object.entries(properties)) yield `${name} ${value instanceof Uint8Array ? hex(value) : String(value)}`;
  yield `filter ${filter === undefined ? 'none' : `${filter.bytes} bytes`}`;
  for (const { start, end, sequence } of table.rangeDeletes) yield `range delete ${hex(start)} to ${hex(end)} @${sequence}`;
  const blocks = table.blocks();
  const cursor = new BlockCursor();
  for (let block = 0; block < index.count; block++) {
    const view = cursor.open(blocks.load(block, 1, NOBODY) as Buffer);
    yield `block ${block} at ${index.offsets[block]}: ${index.storedBytes(block)} bytes, ${view.count} entries, up to ${hex(index.separator(block))}`;
    for (let i = 0; entries && i < view.count; i++) {
      const kind = view.kind(i) === DELETE ? 'delete' : 'put';
      yield `  ${kind} ${hex(cursor.key(i))} @${view.sequence(i)} ${view.valueEnd(i) - view.valueStart(i)} bytes`;
    }
  }
}

class BlockCursor {
  readonly #view: BlockView = new BlockView();

  open(bytes: Buffer): BlockView {
    this.#view.open(bytes);
    return this.#view;
  }

  key(i: number): Uint8Array {
    const { bytes, prefixStart, prefixBytes } = this.#view;
    const start = this.#view.suffixStart(i);
    return Buffer.concat([
      bytes.subarray(prefixStart, prefixStart + prefixBytes),
      bytes.subarray(start, start + this.#view.suffixLength(i)),
    ]);
  }
}

/** A job's blocks are there when asked for. */
const NOBODY: BlockWaiter = { onBlock() {} };

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
