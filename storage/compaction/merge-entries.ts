/**
 * The merge itself: one ordered cursor in, tables out. Knows no file.
 *
 * Planted bug (`mutants`): rangeDeleteNotClipped.
 */
import { BugError } from '../../runtime/errors.ts';
import { copyBytes } from '../byte-reader.ts';
import type { Cursor } from '../cursor.ts';
import { compareWhole } from '../key.ts';
import type { RangeDelete } from '../range-deletes.ts';
import { DELETE, type RecordKind } from '../record.ts';
import type { OutputCuts } from './output-cuts.ts';
import { DROP, KEEP_AS_DELETE, KEEP_UNNUMBERED, type Retention } from './retention.ts';
import type { Throttle } from './throttle.ts';

/** Bytes of keys and values from one yield to the next. */
const STEP_BYTES = 256 << 10;

/** One table being written. Entries come in order; range deletes after them, not overlapping but where only their sequence differs. */
export interface MergeOutput {
  /** Size of the table so far, about. Above 0 when it has an entry. */
  readonly bytes: number;
  add(
    kind: RecordKind,
    sequence: number,
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void;
  addRangeDelete(start: Uint8Array, end: Uint8Array, sequence: number): void;
  /** The table is whole, and on disk. */
  finish(): void;
}

export interface MergeWork {
  /** Of all inputs; every move is done when it returns. */
  readonly input: Cursor;
  readonly retention: Retention;
  readonly cuts: OutputCuts;
  readonly throttle: Throttle;
  /** Begins the next output; undefined: there may be no more, the last one takes the rest. Requires: gives one at the first call. */
  readonly open: () => MergeOutput | undefined;
  readonly mutants: ReadonlySet<string>;
}

export interface MergeCounts {
  /** Entries, and bytes of their keys and values. */
  readonly read: number;
  readonly readBytes: number;
  readonly written: number;
  readonly rangeDeletesWritten: number;
}

export function* mergeEntries(work: MergeWork): Generator<undefined, MergeCounts, undefined> {
  const { input, retention, cuts, throttle } = work;
  const outputs = new Outputs(work);
  let read = 0;
  let readBytes = 0;
  let written = 0;
  let stepFrom = 0;
  let keyKept = false;
  for (input.seekFirst(); input.valid; input.next()) {
    const { keyBytes, keyStart, keyEnd, sequence, kind, valueBytes, valueStart, valueEnd } = input;
    const fate = retention.fate(keyBytes, keyStart, keyEnd, sequence, kind, valueBytes, valueStart, valueEnd);
    read++;
    readBytes += keyEnd - keyStart + (valueEnd - valueStart);
    if (retention.atNewKey) keyKept = false;
    if (fate !== DROP) {
      if (!keyKept && cuts.before(keyBytes, keyStart, keyEnd, outputs.current?.bytes ?? 0)) {
        outputs.cut(copyBytes(keyBytes, keyStart, keyEnd));
        yield* throttle.spend(0);
      }
      keyKept = true;
      const output = outputs.current ?? outputs.begin();
      if (fate === KEEP_AS_DELETE) output.add(DELETE, sequence, keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueStart);
      else output.add(kind, fate === KEEP_UNNUMBERED ? 0 : sequence, keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd);
      written++;
    }
    if (readBytes - stepFrom >= STEP_BYTES) {
      yield* throttle.spend(readBytes - stepFrom);
      stepFrom = readBytes;
    }
  }
  if (input.error !== undefined) throw input.error;
  yield* throttle.spend(readBytes - stepFrom);
  outputs.end();
  return { read, readBytes, written, rangeDeletesWritten: outputs.rangeDeletesWritten };
}

/** The outputs, one after the other; each takes the part of the range deletes that lies in its own stretch of keys. */
class Outputs {
  current: MergeOutput | undefined;
  rangeDeletesWritten = 0;
  readonly #open: () => MergeOutput | undefined;
  readonly #ranges: readonly RangeDelete[];
  readonly #clips: boolean;
  /** Ranges before it lie before the current output. */
  #from = 0;
  /** Where the current output's stretch begins; undefined: at the beginning. */
  #lower: Uint8Array | undefined;

  constructor({ open, retention, mutants }: MergeWork) {
    this.#open = open;
    this.#ranges = retention.rangeDeletes;
    this.#clips = !mutants.has('rangeDeleteNotClipped');
  }

  begin(): MergeOutput {
    const output = this.#open();
    if (output === undefined) throw new BugError('merge: there is no first output');
    this.current = output;
    return output;
  }

  /** Ends the current output before `key`. Requires: there is one. */
  cut(key: Uint8Array): void {
    const next = this.#open();
    if (next === undefined) return;
    this.#finish(key);
    this.#lower = key;
    this.current = next;
  }

  end(): void {
    if (this.current === undefined && this.#ranges.length > 0) this.begin();
    this.#finish(undefined);
  }

  #finish(upper: Uint8Array | undefined): void {
    const output = this.current;
    const ranges = this.#ranges;
    for (let i = this.#from; i < ranges.length; i++) {
      const range = ranges[i]!;
      if (upper !== undefined && compareWhole(range.start, upper) >= 0) break;
      const { start, end } = this.#clips ? clip(range, this.#lower, upper) : range;
      output?.addRangeDelete(start, end, range.sequence);
      this.rangeDeletesWritten++;
      if (upper === undefined || compareWhole(range.end, upper) <= 0) this.#from = i + 1;
    }
    output?.finish();
    this.current = undefined;
  }
}

function clip(
  { start, end }: RangeDelete,
  lower: Uint8Array | undefined,
  upper: Uint8Array | undefined,
): { readonly start: Uint8Array; readonly end: Uint8Array } {
  return {
    start: lower !== undefined && compareWhole(start, lower) < 0 ? lower : start,
    end: upper !== undefined && compareWhole(end, upper) > 0 ? upper : end,
  };
}
