/**
 * Reading a segment after the fact: its groups in order, and how it ends. Damage is told apart by what was known to be on disk:
 *
 * ```
 * [header][open][group][group][group]~~~~~~~~~
 *                     ^ largest synced offset stated by any later group, mark, footer or the next segment
 *  damage here: corruption     damage here: torn tail
 * ```
 * The last synced group has no successor that vouches for it: when it is damaged, that can't be told from a write that was under way
 * at the crash. The reading says `remains` then, and the caller should tell the operator.
 */
import type { CorruptionPlace } from '../errors.ts';
import { decodeGroup, decodeOpening, type Group, GroupSeed, isOpening, payloadHolds, type SegmentOpening } from './group.ts';
import { GROUP_CLOSE, GROUP_HEADER_BYTES, GROUP_MARK, GROUP_OPEN, GROUP_RECORDS, GROUP_TAG, SEGMENT_HEADER_BYTES } from './log-format.ts';
import { checkRecords } from './record-check.ts';
import { decodeSegmentHeader, type SegmentHeader } from './segment-header.ts';

export type SegmentEnd =
  /** The log was closed here, or the next segment says that this one ends here. */
  | { readonly kind: 'cleanEnd'; readonly offset: number }
  /**
   * Nothing that was known to be on disk is missing. `remains`: there are other bytes than zeros, of a write that was under way, of an earlier
   * use of the file, or of a last synced group that was damaged since: these can't be told apart.
   */
  | { readonly kind: 'tornTail'; readonly offset: number; readonly remains: boolean }
  | { readonly kind: 'corruption'; readonly place: CorruptionPlace };

export interface SegmentReading {
  readonly header: SegmentHeader;
  /** Undefined: the segment was never written to, or is damaged from the beginning. */
  readonly opening: SegmentOpening | undefined;
  /** Those with records, as far as they are whole. */
  readonly groups: readonly Group[];
  /** Bytes from the beginning that are known to have been on disk. */
  readonly synced: number;
  /** Sequence that the next record would have; undefined without opening. */
  readonly nextSequence: number | undefined;
  readonly end: SegmentEnd;
}

/** What is known from elsewhere. */
export interface SegmentKnowledge {
  /** Where the segment ends, as the next one says. What is behind it is not looked at. */
  readonly end?: number | undefined;
  /** Bytes that were on disk. */
  readonly synced?: number | undefined;
  readonly mutants?: ReadonlySet<string> | undefined;
}

/** `bytes` is the whole file. Throws CORRUPTION and UNKNOWN_FORMAT of the header only; all else is in `end`. Cost: a pass over the file. */
export function readSegment(bytes: Buffer, file: string, knowledge: SegmentKnowledge = {}): SegmentReading {
  const header = decodeSegmentHeader(bytes, file);
  const seed = new GroupSeed(header.uid);
  const groups: Group[] = [];
  let opening: SegmentOpening | undefined;
  let nextSequence: number | undefined;
  let synced = Math.max(SEGMENT_HEADER_BYTES, knowledge.synced ?? 0);
  let at = SEGMENT_HEADER_BYTES;
  const ended = (end: SegmentEnd): SegmentReading => ({ header, opening, groups, synced, nextSequence, end });
  const corrupt = (offset: number, expected: string, found: string): SegmentReading =>
    ended({ kind: 'corruption', place: { file, offset, expected, found } });

  for (;;) {
    if (at === knowledge.end) return ended({ kind: 'cleanEnd', offset: at });
    const group = decodeGroup(bytes, at, seed);
    if (group === undefined || !payloadHolds(bytes, group, seed)) {
      const later = laterSynced(bytes, at, seed, knowledge.end);
      if (later > synced) synced = later;
      if (at < synced && knowledge.mutants?.has('truncateInsteadOfReport') !== true) {
        return corrupt(
          at,
          `a whole group, since ${synced} bytes were on disk`,
          group === undefined ? 'no group header' : 'a payload of another checksum',
        );
      }
      const remains = group !== undefined || !isZero(bytes, at, Math.min(at + GROUP_HEADER_BYTES, bytes.length));
      return ended({ kind: 'tornTail', offset: at, remains });
    }
    // From here on the bytes are as they were written: what is wrong with them is no torn tail.
    if (group.synced > at) return corrupt(at, `a synced offset of at most ${at}`, `${group.synced}`);
    if (group.synced > synced) synced = group.synced;
    if (knowledge.end !== undefined && group.end > knowledge.end) {
      return corrupt(at, `the segment's end at ${knowledge.end}, as the next one says`, `a group up to ${group.end}`);
    }
    if ((at === SEGMENT_HEADER_BYTES) !== isOpening(group))
      return corrupt(at, 'an opening group first, and only there', `a group of kind ${group.kind}`);
    if (nextSequence !== undefined && group.firstSequence !== nextSequence) {
      return corrupt(at, `sequence ${nextSequence}`, `${group.firstSequence}`);
    }
    switch (group.kind) {
      case GROUP_OPEN:
        opening = decodeOpening(bytes, at + GROUP_HEADER_BYTES);
        nextSequence = group.firstSequence;
        if (nextSequence < opening.baseSequence)
          return corrupt(at, `a first sequence of at least ${opening.baseSequence}`, `${nextSequence}`);
        break;
      case GROUP_RECORDS: {
        const wrong = checkRecords(bytes, group, opening?.baseSequence ?? 0, file);
        if (wrong !== undefined) return ended({ kind: 'corruption', place: wrong });
        groups.push(group);
        nextSequence = group.firstSequence + group.count;
        break;
      }
      case GROUP_MARK:
      case GROUP_CLOSE:
        if (group.end !== at + GROUP_HEADER_BYTES || group.count !== 0)
          return corrupt(at, 'no payload', `${group.count} records up to ${group.end}`);
        if (group.kind === GROUP_MARK) break;
        synced = group.end;
        if (knowledge.end !== undefined && knowledge.end !== group.end && knowledge.end !== at) {
          return corrupt(at, `the segment's end at ${knowledge.end}, as the next one says`, 'a closing group');
        }
        return ended({ kind: 'cleanEnd', offset: at });
      default:
        return corrupt(at, 'a group of a known kind', `kind ${group.kind}`);
    }
    at = group.end;
  }
}

/** Largest synced offset that a group behind `from` states. Groups end anywhere, so every aligned place is looked at: one comparison each. */
function laterSynced(bytes: Buffer, from: number, seed: GroupSeed, end: number | undefined): number {
  let synced = 0;
  const last = Math.min(bytes.length, end ?? bytes.length) - GROUP_HEADER_BYTES;
  for (let at = from + 4; at <= last; at += 4) {
    if (bytes.readUInt32LE(at + GROUP_TAG) !== seed.tag) continue;
    const group = decodeGroup(bytes, at, seed);
    if (group !== undefined && group.synced > synced && group.synced <= at) synced = group.synced;
  }
  return synced;
}

function isZero(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}
