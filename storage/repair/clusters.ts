/** Which tables and memtables share keys, and have to be merged where only their sequences say what is newer. */
import { compareWhole } from '../key.ts';
import type { Memtable } from '../memtable/memtable.ts';
import type { SalvagedSegment } from './salvage-log.ts';
import type { SurveyedTable } from './survey.ts';

export interface Cluster {
  readonly tables: readonly SurveyedTable[];
  /** Newest first. */
  readonly memtables: readonly Memtable[];
}

interface Item {
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
  readonly table: SurveyedTable | undefined;
  readonly memtable: Memtable | undefined;
}

/** In order of keys; no cluster shares a key with another. `segments`: ascending. What nothing can be read of is left out. */
export function clustersOf(tables: readonly SurveyedTable[], segments: readonly SalvagedSegment[]): Cluster[] {
  const items = [...tables.flatMap(itemOfTable), ...segments.toReversed().flatMap(({ table }) => itemOfMemtable(table))];
  const groups: Item[][] = [];
  let largest: Uint8Array | undefined;
  for (const item of items.toSorted((a, b) => compareWhole(a.smallest, b.smallest))) {
    if (largest !== undefined && compareWhole(item.smallest, largest) <= 0) groups.at(-1)?.push(item);
    else groups.push([item]);
    if (largest === undefined || compareWhole(item.largest, largest) > 0) largest = item.largest;
  }
  return groups.map((group) => ({
    tables: group.flatMap(({ table }) => (table === undefined ? [] : [table])),
    memtables: items.flatMap((item) => (item.memtable !== undefined && group.includes(item) ? [item.memtable] : [])),
  }));
}

function itemOfTable(table: SurveyedTable): Item[] {
  const span = table.damaged === undefined ? table.meta : table.damaged.salvaged?.span;
  return span === undefined ? [] : [{ smallest: span.smallest, largest: span.largest, table, memtable: undefined }];
}

function itemOfMemtable(memtable: Memtable | undefined): Item[] {
  if (memtable === undefined) return [];
  const bounds: Uint8Array[] = memtable.rangeDeletes.flatMap(({ start, end }) => [start, end]);
  const cursor = memtable.cursor();
  for (const move of [() => cursor.seekFirst(), () => cursor.seekLast()]) {
    move();
    if (cursor.valid) bounds.push(Uint8Array.from(cursor.keyBytes.subarray(cursor.keyStart, cursor.keyEnd)));
  }
  cursor.close();
  bounds.sort(compareWhole);
  const smallest = bounds[0];
  const largest = bounds.at(-1);
  return smallest === undefined || largest === undefined ? [] : [{ smallest, largest, table: undefined, memtable }];
}
