/**
 * Reading a commit log: its segments as one row of groups. A segment says where the one before ended and, once any of it is known to be on
 * disk, vouches for all of it: the log is synced in order.
 */
import { type CorruptionPlace, corruption, type StorageError } from '../errors.ts';
import type { PreviousSegment } from './group.ts';
import { FIRST_GROUP, SEGMENT_DB_UID, SEGMENT_HEADER_BYTES, SEGMENT_NUMBER, SEGMENT_UID } from './log-format.ts';
import { readSegment, type SegmentReading } from './segment-reader.ts';

/** What is found where a segment should be. */
export const NO_FILE = 'no such file';

export interface SegmentBytes {
  readonly number: number;
  readonly file: string;
  /** The whole file. */
  readonly bytes: Buffer;
}

export interface LogReading {
  /** In order, those whose groups are to be replayed, up to where the log ends. */
  readonly segments: readonly { readonly source: SegmentBytes; readonly reading: SegmentReading }[];
  /** How it ends: as the last of `segments` does. Undefined: there are none. */
  readonly end:
    | { readonly kind: 'cleanEnd' | 'tornTail'; readonly file: string; readonly offset: number; readonly remains: boolean }
    | undefined;
  /** What a next segment has to say of the last one replayed. */
  readonly last: PreviousSegment | undefined;
  /** Groups behind the end, in segments after a torn one: never acknowledged as synced, and left out, so that what is replayed has no hole. */
  readonly groupsLeftOut: number;
  /** Numbers of segments that are no part of the log: never used, or left out by an earlier recovery. */
  readonly strangers: readonly number[];
}

interface Link {
  readonly source: SegmentBytes;
  readonly bound: PreviousSegment | undefined;
}

/**
 * Requires: all segments with number >= `logNumber`, ascending. Throws CORRUPTION, with the place, where anything that was known to be on disk
 * is damaged or missing; UNKNOWN_FORMAT.
 */
export function readLog(sources: readonly SegmentBytes[], logNumber: number, dbUid: Uint8Array, mutants?: ReadonlySet<string>): LogReading {
  const { links, strangers } = chain(sources, logNumber, dbUid);
  const readings = new Array<SegmentReading>(links.length);
  let vouched = false;
  for (let i = links.length - 1; i >= 0; i--) {
    const { source, bound } = links[i]!;
    const synced = bound === undefined ? 0 : vouched ? bound.end : bound.synced;
    const reading = readSegment(source.bytes, source.file, { end: bound?.end, synced, mutants });
    if (reading.end.kind === 'corruption') throw corruption(reading.end.place);
    vouched = reading.synced > SEGMENT_HEADER_BYTES;
    readings[i] = reading;
  }
  const segments: { source: SegmentBytes; reading: SegmentReading }[] = [];
  let torn: SegmentReading | undefined;
  let groupsLeftOut = 0;
  for (const [i, reading] of readings.entries()) {
    const { source } = links[i]!;
    if (torn !== undefined) {
      groupsLeftOut += reading.groups.length;
      continue;
    }
    const before = segments.at(-1);
    if (before !== undefined && reading.opening !== undefined) checkSequence(before.reading, reading, source.file);
    segments.push({ source, reading });
    if (reading.end.kind === 'tornTail') torn = reading;
  }
  return { segments, ...endOf(segments), groupsLeftOut, strangers };
}

/** Segments that belong together, found from the last one back. */
function chain(sources: readonly SegmentBytes[], logNumber: number, dbUid: Uint8Array): { links: Link[]; strangers: number[] } {
  const links: Link[] = [];
  const strangers: number[] = [];
  let bound: PreviousSegment | undefined;
  /** The segment that `bound` is from. */
  let from: SegmentBytes | undefined;
  let complete = false;
  for (let i = sources.length - 1; i >= 0; i--) {
    const source = sources[i]!;
    const { file, number, bytes } = source;
    // Only header and opening count here: whatever the rest is, the second reading says.
    const { header, opening } = readSegment(bytes, file, { end: FIRST_GROUP });
    if (header.number !== number) throw wrong(file, SEGMENT_NUMBER, `segment number ${number}, as its name says`, `${header.number}`);
    if (Buffer.compare(header.dbUid, dbUid) !== 0)
      throw wrong(file, SEGMENT_DB_UID, `a segment of database ${hex(dbUid)}`, `of ${hex(header.dbUid)}`);
    if (complete || (bound !== undefined && number > bound.number)) {
      strangers.unshift(number);
      continue;
    }
    if (bound !== undefined && number < bound.number) throw missing(bound, from);
    if (bound !== undefined && Buffer.compare(header.uid, bound.uid) !== 0) {
      throw wrong(file, SEGMENT_UID, `segment uid ${hex(bound.uid)}, as ${from?.file} says`, hex(header.uid));
    }
    links.unshift({ source, bound });
    bound = opening?.previous;
    from = source;
    complete = opening !== undefined && (bound === undefined || bound.number < logNumber);
    if (complete) bound = undefined;
  }
  if (bound !== undefined) throw missing(bound, from);
  return { links, strangers };
}

function checkSequence(before: SegmentReading, reading: SegmentReading, file: string): void {
  const first = reading.groups[0]?.firstSequence ?? reading.nextSequence;
  if (first !== before.nextSequence)
    throw wrong(file, SEGMENT_HEADER_BYTES, `sequence ${before.nextSequence}, after the segment before`, `${first}`);
}

function endOf(segments: LogReading['segments']): Pick<LogReading, 'end' | 'last'> {
  const final = segments.at(-1);
  // A segment that was never written to is nothing to follow: the next one follows the one before it.
  const used = final === undefined || final.reading.opening !== undefined ? final : segments.at(-2);
  const unusedRemains = final !== used && final?.reading.end.kind === 'tornTail' && final.reading.end.remains;
  const { source, reading } = (unusedRemains ? final : (used ?? final)) ?? {};
  if (source === undefined || reading === undefined || reading.end.kind === 'corruption') return { end: undefined, last: undefined };
  const { kind, offset } = reading.end;
  const end = { kind, file: source.file, offset, remains: reading.end.kind === 'tornTail' && reading.end.remains };
  if (used === undefined || used.reading.end.kind === 'corruption') return { end, last: undefined };
  const { number, uid } = used.reading.header;
  return { end, last: { number, uid, end: used.reading.end.offset, synced: used.reading.synced } };
}

function missing(bound: PreviousSegment, from: SegmentBytes | undefined): StorageError {
  return wrong(from?.file ?? '', SEGMENT_HEADER_BYTES, `segment ${bound.number} before this one`, NO_FILE);
}

function wrong(file: string, offset: number, expected: string, found: string): StorageError {
  const place: CorruptionPlace = { file, offset, expected, found };
  return corruption(place);
}

function hex(uid: Uint8Array): string {
  return Buffer.from(uid).toString('hex');
}
