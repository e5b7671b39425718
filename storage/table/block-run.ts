/** A run of neighbouring blocks that one read brought in, for a cursor that goes through them. */
import type { Codecs } from '../codec.ts';
import { corruption } from '../errors.ts';
import { BlockView } from './block-view.ts';
import type { CursorBuffers } from './cursor-buffers.ts';
import type { BlockSeal } from './stored-block.ts';
import { BLOCK_BYTES_MAX } from './table-format.ts';
import type { TableIndex } from './table-index.ts';

/** Verifies and decompresses the block `stored`, at `offset` of the file, and checks its structure. Errors: CORRUPTION, UNKNOWN_FORMAT. */
export function openBlock(stored: Buffer, offset: number, seal: BlockSeal, codecs: Codecs, view: BlockView): Buffer {
  seal.check(stored, offset);
  const bytes = seal.open(stored, offset, codecs, BLOCK_BYTES_MAX);
  const problem = view.check(bytes, seal.payloadBytes(stored, bytes));
  if (problem !== undefined) throw corruption({ file: seal.file, offset, expected: 'a data block', found: problem });
  return bytes;
}

export class BlockRun {
  /** To be filled with [offset, offset + bytes.length) of the file. */
  bytes: Buffer = NOTHING;
  offset = 0;
  readonly #index: TableIndex;
  readonly #seal: BlockSeal;
  readonly #codecs: Codecs;
  readonly #view: BlockView = new BlockView();
  #buffer: Buffer = NOTHING;
  /** Blocks [first, end) are in it. */
  #first = 0;
  #end = 0;
  #plannedEnd = 0;
  readonly #buffers: CursorBuffers | undefined;

  /** `buffers`: where its memory is from; undefined: its own. */
  constructor(index: TableIndex, seal: BlockSeal, codecs: Codecs, buffers?: CursorBuffers) {
    this.#buffers = buffers;
    this.#index = index;
    this.#seal = seal;
    this.#codecs = codecs;
  }

  /** Plans the run that begins with `block`, or ends with it when `step` is -1, of at most `bytesMax` bytes or one block. Reuses its buffer; holds no block until `filled`. */
  plan(block: number, step: number, bytesMax: number): void {
    const { offsets, count } = this.#index;
    let first = block;
    let end = block + 1;
    if (step < 0) while (first > 0 && offsets[end]! - offsets[first - 1]! <= bytesMax) first--;
    else while (end < count && offsets[end + 1]! - offsets[first]! <= bytesMax) end++;
    const length = offsets[end]! - offsets[first]!;
    if (this.#buffer.length < length) {
      const needed = Math.max(length, bytesMax);
      this.#buffers?.give(this.#buffer);
      this.#buffer = this.#buffers?.take(needed) ?? Buffer.allocUnsafeSlow(needed);
    }
    this.bytes = this.#buffer.subarray(0, length);
    this.offset = offsets[first]!;
    this.#first = first;
    this.#end = first;
    this.#plannedEnd = end;
  }

  /** `bytes` is filled as planned. */
  filled(): void {
    this.#end = this.#plannedEnd;
  }

  /** Gives its memory back, and holds no block any more. Requires: nothing is being read into it, and nobody looks at a block of it. */
  release(): void {
    this.#buffers?.give(this.#buffer);
    this.#buffer = NOTHING;
    this.bytes = NOTHING;
    this.#end = this.#first;
  }

  has(block: number): boolean {
    return block >= this.#first && block < this.#end;
  }

  /** A view into the run, or decompressed. Requires: `has(block)`, the run is filled. Errors: CORRUPTION, UNKNOWN_FORMAT. */
  open(block: number): Buffer {
    const at = this.#index.offsets[block]!;
    const stored = this.#buffer.subarray(at - this.offset, this.#index.offsets[block + 1]! - this.offset);
    return openBlock(stored, at, this.#seal, this.#codecs, this.#view);
  }
}

const NOTHING = Buffer.alloc(0);
