/** Groups: what the commit log writes, checks and loses as a whole. */
import { crc32Of } from '../checksum.ts';
import {
  GROUP_CHECKSUM,
  type GROUP_CLOSE,
  GROUP_COUNT,
  GROUP_HEADER_BYTES,
  GROUP_KIND,
  type GROUP_MARK,
  GROUP_OPEN,
  GROUP_PAYLOAD_BYTES,
  GROUP_PAYLOAD_CHECKSUM,
  type GROUP_RECORDS,
  GROUP_SEQUENCE_HIGH,
  GROUP_SEQUENCE_LOW,
  GROUP_SYNCED,
  GROUP_TAG,
  OPEN_BASE_HIGH,
  OPEN_BASE_LOW,
  OPEN_PAYLOAD_BYTES,
  OPEN_PREVIOUS_END,
  OPEN_PREVIOUS_NUMBER,
  OPEN_PREVIOUS_SYNCED,
  OPEN_PREVIOUS_UID,
  UID_BYTES,
} from './log-format.ts';

const HIGH = 0x1_0000_0000;

export type GroupKind = typeof GROUP_OPEN | typeof GROUP_RECORDS | typeof GROUP_MARK | typeof GROUP_CLOSE;

/** Gives the seeds of checksums of one segment: of its uid and a group's offset, so that bytes from another use of the file, or place, don't verify. */
export class GroupSeed {
  /** First word of the uid. */
  readonly tag: number;
  readonly #bytes = Buffer.alloc(UID_BYTES + 4);

  constructor(uid: Uint8Array) {
    this.#bytes.set(uid);
    this.tag = this.#bytes.readUInt32LE(0);
  }

  at(offset: number): number {
    this.#bytes.writeUInt32LE(offset, UID_BYTES);
    return crc32Of(this.#bytes, 0, UID_BYTES + 4, 0);
  }
}

/**
 * Fills the group's header at `at`; its payload `bytes[at + GROUP_HEADER_BYTES, end)` is there. `offset` is the group's place in the file
 * (where `bytes` is the arena: the same as `at`).
 */
export function sealGroup(
  bytes: Buffer,
  at: number,
  end: number,
  seed: GroupSeed,
  offset: number,
  kind: GroupKind,
  count: number,
  firstSequence: number,
  synced: number,
): void {
  const start = seed.at(offset);
  bytes.writeUInt32LE(seed.tag, at + GROUP_TAG);
  bytes.writeUInt32LE(kind, at + GROUP_KIND);
  bytes.writeUInt32LE(end - at - GROUP_HEADER_BYTES, at + GROUP_PAYLOAD_BYTES);
  bytes.writeUInt32LE(count, at + GROUP_COUNT);
  bytes.writeUInt32LE(crc32Of(bytes, at + GROUP_HEADER_BYTES, end, start), at + GROUP_PAYLOAD_CHECKSUM);
  bytes.writeUInt32LE(synced, at + GROUP_SYNCED);
  bytes.writeUInt32LE(firstSequence % HIGH, at + GROUP_SEQUENCE_LOW);
  bytes.writeUInt32LE(Math.floor(firstSequence / HIGH), at + GROUP_SEQUENCE_HIGH);
  bytes.writeUInt32LE(crc32Of(bytes, at + GROUP_TAG, at + GROUP_HEADER_BYTES, start), at + GROUP_CHECKSUM);
}

export interface Group {
  readonly offset: number;
  readonly kind: number;
  /** Exclusive; the payload begins at `offset + GROUP_HEADER_BYTES`. */
  readonly end: number;
  readonly count: number;
  readonly firstSequence: number;
  readonly synced: number;
  readonly payloadChecksum: number;
}

/** Returns what the header at `offset` says, or undefined where there is none whose checksum holds. The payload is not looked at and may be past the end. */
export function decodeGroup(bytes: Buffer, offset: number, seed: GroupSeed): Group | undefined {
  if (offset + GROUP_HEADER_BYTES > bytes.length) return undefined;
  if (bytes.readUInt32LE(offset + GROUP_TAG) !== seed.tag) return undefined;
  const checksum = crc32Of(bytes, offset + GROUP_TAG, offset + GROUP_HEADER_BYTES, seed.at(offset));
  if (checksum !== bytes.readUInt32LE(offset + GROUP_CHECKSUM)) return undefined;
  return {
    offset,
    kind: bytes.readUInt32LE(offset + GROUP_KIND),
    end: offset + GROUP_HEADER_BYTES + bytes.readUInt32LE(offset + GROUP_PAYLOAD_BYTES),
    count: bytes.readUInt32LE(offset + GROUP_COUNT),
    firstSequence: bytes.readUInt32LE(offset + GROUP_SEQUENCE_HIGH) * HIGH + bytes.readUInt32LE(offset + GROUP_SEQUENCE_LOW),
    synced: bytes.readUInt32LE(offset + GROUP_SYNCED),
    payloadChecksum: bytes.readUInt32LE(offset + GROUP_PAYLOAD_CHECKSUM),
  };
}

export function payloadHolds(bytes: Buffer, group: Group, seed: GroupSeed): boolean {
  if (group.end > bytes.length) return false;
  return crc32Of(bytes, group.offset + GROUP_HEADER_BYTES, group.end, seed.at(group.offset)) === group.payloadChecksum;
}

/** The segment before, as it was when this one got its first group. */
export interface PreviousSegment {
  readonly number: number;
  readonly uid: Uint8Array;
  /** Where its last group ends. */
  readonly end: number;
  /** Bytes of it that were known to be on disk. */
  readonly synced: number;
}

export interface SegmentOpening {
  readonly baseSequence: number;
  readonly previous: PreviousSegment | undefined;
}

/** Into `bytes[at, at + OPEN_PAYLOAD_BYTES)`, which is zeros. */
export function encodeOpening(opening: SegmentOpening, bytes: Buffer, at: number): void {
  const { baseSequence, previous } = opening;
  bytes.writeUInt32LE(baseSequence % HIGH, at + OPEN_BASE_LOW);
  bytes.writeUInt32LE(Math.floor(baseSequence / HIGH), at + OPEN_BASE_HIGH);
  if (previous === undefined) return;
  bytes.writeUInt32LE(previous.number, at + OPEN_PREVIOUS_NUMBER);
  bytes.set(previous.uid, at + OPEN_PREVIOUS_UID);
  bytes.writeUInt32LE(previous.end, at + OPEN_PREVIOUS_END);
  bytes.writeUInt32LE(previous.synced, at + OPEN_PREVIOUS_SYNCED);
}

/** Requires: OPEN_PAYLOAD_BYTES from `at` on. */
export function decodeOpening(bytes: Buffer, at: number): SegmentOpening {
  const number = bytes.readUInt32LE(at + OPEN_PREVIOUS_NUMBER);
  return {
    baseSequence: bytes.readUInt32LE(at + OPEN_BASE_HIGH) * HIGH + bytes.readUInt32LE(at + OPEN_BASE_LOW),
    previous:
      number === 0
        ? undefined
        : {
            number,
            uid: bytes.subarray(at + OPEN_PREVIOUS_UID, at + OPEN_PREVIOUS_UID + UID_BYTES),
            end: bytes.readUInt32LE(at + OPEN_PREVIOUS_END),
            synced: bytes.readUInt32LE(at + OPEN_PREVIOUS_SYNCED),
          },
  };
}

export function isOpening(group: Group): boolean {
  return group.kind === GROUP_OPEN && group.end - group.offset === GROUP_HEADER_BYTES + OPEN_PAYLOAD_BYTES;
}
