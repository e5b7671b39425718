/** From what the picker chose to what the merge job is given. */
import { grandparentsOf, type MergeChoice, olderTables } from './choice.ts';
import { bytesOf, type Levels, type LevelTable } from './levels.ts';
import type { InputTable } from './merge-inputs.ts';
import type { MergeJobInput } from './merge-job.ts';
import type { CutOptions } from './output-cuts.ts';

export type PlannedTable = LevelTable & InputTable;

export interface MergePlan extends Pick<MergeJobInput, 'runs' | 'older' | 'unnumber' | 'cuts'> {
  /** Of the outputs; file numbers to allow for. More are never used, with fewer the last table is larger. */
  readonly placeCount: number;
}

/** Requires: the choice was made of these levels, and its tables are `PlannedTable`s, as theirs are. */
export function planMerge(
  state: Levels & { readonly levels: readonly (readonly PlannedTable[])[] },
  choice: MergeChoice,
  cuts: Omit<CutOptions, 'grandparents'>,
): MergePlan {
  const runs = choice.inputs.flatMap(({ level, tables }) => {
    const planned = tables.map(identityOf);
    return level === 0 ? planned.map((table) => [table]) : [planned];
  });
  const bytes = choice.inputs.reduce((sum, { tables }) => sum + bytesOf(tables), 0);
  const grandparents = grandparentsOf(state, choice);
  const young = choice.outputLevel === 0;
  return {
    runs,
    older: olderTables(state, choice).map(spanOnly),
    unnumber: !young,
    // A table of level 0 is one run, so it isn't cut.
    cuts: young
      ? { targetBytes: Number.POSITIVE_INFINITY, boundaries: [], grandparents: [], grandparentBytesMax: Number.POSITIVE_INFINITY }
      : { ...cuts, grandparents: grandparents.map((table) => ({ ...spanOnly(table), bytes: table.bytes })) },
    placeCount: young ? 1 : 2 + Math.ceil((4 * bytes) / cuts.targetBytes) + Math.ceil(bytesOf(grandparents) / cuts.grandparentBytesMax),
  };
}

function identityOf(table: LevelTable): InputTable {
  const { number, uid, bytes } = table as PlannedTable;
  return { number, uid, bytes };
}

function spanOnly({ smallest, largest }: LevelTable): { readonly smallest: Uint8Array; readonly largest: Uint8Array } {
  return { smallest, largest };
}
