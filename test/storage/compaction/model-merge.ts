/** Merges of sources in memory, by the real merge. */

import { copyBytes } from '../../../storage/byte-reader.ts';
import type { KeySpan } from '../../../storage/compaction/key-ranges.ts';
import { type MergeCounts, type MergeOutput, mergeEntries } from '../../../storage/compaction/merge-entries.ts';
import { type CutOptions, OutputCuts } from '../../../storage/compaction/output-cuts.ts';
import { Retention, type RetentionOptions } from '../../../storage/compaction/retention.ts';
import { Throttle } from '../../../storage/compaction/throttle.ts';
import { MergingCursor } from '../../../storage/merging-cursor.ts';
import { type RangeDelete, RangeDeletes } from '../../../storage/range-deletes.ts';
import type { Source } from './arbitraries.ts';
import { ListCursor, type ListEntry } from './list-cursor.ts';
import { idleDoors } from './memory-files.ts';

/** What an entry counts as, in bytes of a table. */
export const ENTRY_BYTES = 10;

export interface ModelMergeOptions extends Partial<CutOptions>, Partial<Omit<RetentionOptions, 'rangeDeletes'>> {
  readonly tablesMax?: number;
}

export function mergeSources(
  inputs: readonly Source[],
  options: ModelMergeOptions,
): { readonly outputs: Source[]; readonly counts: MergeCounts } {
  const mutants = options.mutants ?? new Set<string>();
  const outputs: ListOutput[] = [];
  const rangeDeletes = RangeDeletes.merge(inputs.map((input) => RangeDeletes.of(input.rangeDeletes)));
  const steps = mergeEntries({
    input: new MergingCursor(() => inputs.map(({ entries }) => new ListCursor(entries))),
    retention: new Retention({ snapshots: [], older: [], unnumber: true, filter: undefined, ...options, mutants, rangeDeletes }),
    cuts: new OutputCuts({
      targetBytes: Number.POSITIVE_INFINITY,
      boundaries: [],
      grandparents: [],
      grandparentBytesMax: Number.POSITIVE_INFINITY,
      ...options,
    }),
    throttle: new Throttle(undefined, idleDoors),
    open: () => {
      if (outputs.length === (options.tablesMax ?? Number.POSITIVE_INFINITY)) return undefined;
      const output = new ListOutput();
      outputs.push(output);
      return output;
    },
    mutants,
  });
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done !== true) continue;
    if (outputs.some(({ finished }) => !finished)) throw new Error('an output was not finished');
    return { outputs, counts: step.value };
  }
}

/** Spans of all that a source says something about: entry by entry, so that merges drop as much as they may. */
export function spansOf({ entries, rangeDeletes }: Source): KeySpan[] {
  return [
    ...entries.map(({ key }) => ({ smallest: key, largest: key })),
    ...rangeDeletes.map(({ start, end }) => ({ smallest: start, largest: end })),
  ];
}

class ListOutput implements MergeOutput, Source {
  readonly entries: ListEntry[] = [];
  readonly rangeDeletes: RangeDelete[] = [];
  finished = false;

  get bytes(): number {
    return this.entries.length * ENTRY_BYTES;
  }
  add(...[kind, sequence, keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd]: Parameters<MergeOutput['add']>): void {
    this.entries.push({
      key: copyBytes(keyBytes, keyStart, keyEnd),
      sequence,
      kind,
      value: copyBytes(valueBytes, valueStart, valueEnd),
    });
  }
  addRangeDelete(start: Uint8Array, end: Uint8Array, sequence: number): void {
    this.rangeDeletes.push({ start, end, sequence });
  }
  finish(): void {
    this.finished = true;
  }
}
