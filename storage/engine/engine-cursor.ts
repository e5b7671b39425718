/** The cursor over a whole database at one moment: memtables, tables of level 0, and one `RunCursor` per level below. */
import type { Cursor } from '../cursor.ts';
import { MergingCursor } from '../merging-cursor.ts';
import { RangeDeletes } from '../range-deletes.ts';
import { RunCursor } from '../run-cursor.ts';
import { VisibleCursor } from '../visible-cursor.ts';
import type { Bounds } from './engine-iterator.ts';
import type { LoggedMemtable } from './memory.ts';
import type { Version } from './versions.ts';

/** `memtables` newest first. What is newer than `sequence` is not seen. */
export function openCursor(
  memtables: readonly LoggedMemtable[],
  version: Version,
  sequence: number,
  bounds: Bounds,
  onReady: () => void,
): VisibleCursor {
  const sets = memtables.map(({ rangeDeletes }) => rangeDeletes).filter(({ empty }) => !empty);
  return new VisibleCursor({
    open: (inputReady) => new MergingCursor((childReady) => openSources(memtables, version, childReady), inputReady),
    rangeDeletes: sets.length === 0 ? version.rangeDeletes : RangeDeletes.merge([...sets, version.rangeDeletes]),
    sequence,
    lower: bounds.lower,
    upper: bounds.upper,
    onReady,
  });
}

/** Newest first. */
function openSources(memtables: readonly LoggedMemtable[], version: Version, ready: () => void): Cursor[] {
  const [young = [], ...levels] = version.levels;
  const sources: Cursor[] = memtables.filter(({ table }) => table.keyCount > 0).map(({ table }) => table.cursor());
  for (const { reader } of young) sources.push(reader.cursor(ready));
  for (const level of levels) {
    if (level.length === 0) continue;
    const open = (index: number, childReady: () => void): Cursor => level[index]!.reader.cursor(childReady);
    sources.push(new RunCursor({ spans: level.map(({ meta }) => meta), open, onReady: ready }));
  }
  return sources;
}
