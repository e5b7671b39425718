/** The entries of a damaged table's whole blocks, first to last: for a merge, which moves in no other way. */
import { BugError } from '../../runtime/errors.ts';
import type { SyncFile } from '../../runtime/files.ts';
import type { Codecs } from '../codec.ts';
import { type Cursor, type Move, READY } from '../cursor.ts';
import { PUT, type RecordKind } from '../record.ts';
import { BlockReading, type SalvagedTable } from './salvage-table.ts';

export class SalvageCursor implements Cursor {
  valid = false;
  readonly error = undefined;
  keyBytes: Uint8Array = NOTHING;
  readonly keyStart = 0;
  keyEnd = 0;
  kind: RecordKind = PUT;
  sequence = 0;
  valueBytes: Uint8Array = NOTHING;
  valueStart = 0;
  valueEnd = 0;
  readonly #blocks: readonly number[];
  readonly #reading: BlockReading;
  #block = 0;
  #entry = 0;

  /** `file` stays the caller's to close, after the last move. */
  constructor(file: SyncFile, { blocks, index, seal }: SalvagedTable, codecs: Codecs) {
    this.#blocks = blocks;
    this.#reading = new BlockReading(file, index, seal, codecs);
  }

  seekFirst(): Move {
    this.#block = 0;
    return this.#enter();
  }

  next(): Move {
    this.#entry++;
    if (this.#entry < this.#reading.view.count) return this.#show();
    this.#block++;
    return this.#enter();
  }

  seek(): never {
    throw onlyForward();
  }

  seekBefore(): never {
    throw onlyForward();
  }

  seekLast(): never {
    throw onlyForward();
  }

  prev(): never {
    throw onlyForward();
  }

  close(): void {
    this.valid = false;
  }

  #enter(): Move {
    const block = this.#blocks[this.#block];
    this.valid = block !== undefined;
    if (block === undefined) return READY;
    this.#reading.open(block);
    this.#entry = 0;
    return this.#show();
  }

  #show(): Move {
    const { view } = this.#reading;
    const entry = this.#entry;
    this.keyBytes = this.#reading.key(entry);
    this.keyEnd = this.keyBytes.length;
    this.kind = view.kind(entry);
    this.sequence = view.sequence(entry);
    this.valueBytes = this.#reading.bytes;
    this.valueStart = view.valueStart(entry);
    this.valueEnd = view.valueEnd(entry);
    return READY;
  }
}

function onlyForward(): BugError {
  return new BugError('salvage: the cursor goes from the first entry to the last');
}

const NOTHING = new Uint8Array(0);
