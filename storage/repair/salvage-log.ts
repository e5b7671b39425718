/** What can still be read of a commit log: every group whose checksums hold, also behind damage. */
import { StorageError } from '../errors.ts';
import { decodeGroup, decodeOpening, type Group, GroupSeed, isOpening, type PreviousSegment, payloadHolds } from '../log/group.ts';
import { GROUP_HEADER_BYTES, GROUP_RECORDS, SEGMENT_HEADER_BYTES, SEGMENT_UID, UID_BYTES } from '../log/log-format.ts';
import type { SegmentBytes } from '../log/log-reader.ts';
import { checkRecords } from '../log/record-check.ts';
import { ARENA_BYTES_MIN, Arena } from '../memtable/arena.ts';
import { Memtable } from '../memtable/memtable.ts';

export interface SalvagedSegment {
  readonly source: SegmentBytes;
  /** Undefined: it has no record that can be read. */
  readonly table: Memtable | undefined;
  readonly records: number;
  /** Of the newest record; 0: none. */
  readonly lastSequence: number;
  /** Stretches between whole groups that are none. What was behind the last one can't be told from what was never written. */
  readonly holes: readonly { readonly offset: number; readonly end: number }[];
}

interface Readable {
  readonly groups: readonly Group[];
  readonly holes: SalvagedSegment['holes'];
  readonly previous: PreviousSegment | undefined;
  /** Of the first record; undefined: there are no groups. */
  readonly firstSequence: number | undefined;
}

/** `sources` ascending by number; the result too. What an earlier recovery has cut off stays off: the next segment says where. */
export function salvageLog(sources: readonly SegmentBytes[]): SalvagedSegment[] {
  const salvaged: SalvagedSegment[] = [];
  let next: PreviousSegment | undefined;
  let below = Number.POSITIVE_INFINITY;
  for (const source of sources.toReversed()) {
    // Not in the row: never used, or left out by an earlier recovery.
    const isStranger = next !== undefined && source.number > next.number;
    const known = next?.number === source.number ? next : undefined;
    const uids = [source.bytes.subarray(SEGMENT_UID, SEGMENT_UID + UID_BYTES), ...(known === undefined ? [] : [known.uid])];
    const end = Math.min(known?.end ?? source.bytes.length, source.bytes.length);
    const readings = uids.filter(({ length }) => length === UID_BYTES).map((uid) => readGroups(source.bytes, end, uid));
    const best = readings.toSorted((a, b) => b.groups.length - a.groups.length)[0];
    if (best === undefined || isStranger) {
      salvaged.unshift({ source, table: undefined, records: 0, lastSequence: 0, holes: [] });
      continue;
    }
    salvaged.unshift(index(source, best, below));
    next = best.previous;
    below = Math.min(below, best.firstSequence ?? below);
  }
  return salvaged;
}

function readGroups(bytes: Buffer, end: number, uid: Uint8Array): Readable {
  const seed = new GroupSeed(uid);
  const groups: Group[] = [];
  const holes: { offset: number; end: number }[] = [];
  let previous: PreviousSegment | undefined;
  let firstSequence: number | undefined;
  let holeFrom = -1;
  for (let at = SEGMENT_HEADER_BYTES; at + GROUP_HEADER_BYTES <= end; ) {
    const group = decodeGroup(bytes, at, seed);
    if (group === undefined || group.end > end || !payloadHolds(bytes, group, seed)) {
      if (holeFrom < 0) holeFrom = at;
      at += 4;
      continue;
    }
    if (holeFrom >= 0) holes.push({ offset: holeFrom, end: at });
    holeFrom = -1;
    firstSequence ??= group.firstSequence;
    if (isOpening(group)) previous = decodeOpening(bytes, at + GROUP_HEADER_BYTES).previous;
    if (group.kind === GROUP_RECORDS && group.count > 0) groups.push(group);
    at = Math.max(group.end, at + GROUP_HEADER_BYTES);
  }
  return { groups, holes, previous, firstSequence };
}

/** `below`: sequences from there on are those of the next segment. */
function index(source: SegmentBytes, { groups, holes }: Readable, below: number): SalvagedSegment {
  const { bytes, file } = source;
  const arena = new Arena(Math.max(ARENA_BYTES_MIN, Math.ceil(bytes.length / 4) * 4));
  arena.bytes.set(bytes, 0);
  let table: Memtable | undefined;
  let records = 0;
  let lastSequence = 0;
  for (const group of groups) {
    const first = group.offset + GROUP_HEADER_BYTES;
    const baseSequence = table?.baseSequence ?? group.firstSequence - bytes.readUInt32LE(first + 4);
    const isLeftOut = group.firstSequence >= below || group.firstSequence <= lastSequence;
    if (isLeftOut || checkRecords(bytes, group, baseSequence, file) !== undefined) continue;
    table ??= new Memtable(arena, baseSequence);
    try {
      for (let at = first; at < group.end; ) at = table.indexRecord(at, group.end, file);
    } catch (error) {
      // Its checksum holds, so it is as it was written: no damage that a repair is for.
      if (!(error instanceof StorageError)) throw error;
      break;
    }
    records += group.count;
    lastSequence = group.firstSequence + group.count - 1;
  }
  return { source, table, records, lastSequence, holes };
}
