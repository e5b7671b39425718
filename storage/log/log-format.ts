/** The numbers of the commit log's files; storage/FORMAT.md, "Commit log", says what they mean. All integers are little-endian. */

/** "DYNALOG" and a zero. */
export const LOG_MAGIC_LOW = 0x414e_5944;
export const LOG_MAGIC_HIGH = 0x0047_4f4c;
export const LOG_VERSION = 1;

export const UID_BYTES = 16;

/** Byte offsets in the segment header, the first bytes of the file. */
export const SEGMENT_MAGIC = 0;
export const SEGMENT_VERSION = 8;
export const SEGMENT_NUMBER = 12;
export const SEGMENT_UID = 16;
export const SEGMENT_DB_UID = 32;
/** Size of the file. */
export const SEGMENT_FILE_BYTES = 48;
export const SEGMENT_ZERO = 52;
export const SEGMENT_CHECKSUM = 60;
export const SEGMENT_HEADER_BYTES = 64;
/** When a file gets its name, header and zeros go so far: what a reader takes for the first groups must not be of an earlier use of it. */
export const SEGMENT_HEAD_BYTES = 4_096;

/** Byte offsets in the header of a group. */
export const GROUP_CHECKSUM = 0;
/** The first four bytes of the segment's uid. */
export const GROUP_TAG = 4;
export const GROUP_KIND = 8;
export const GROUP_PAYLOAD_BYTES = 12;
export const GROUP_COUNT = 16;
export const GROUP_PAYLOAD_CHECKSUM = 20;
/** Bytes from the beginning of the segment known to be on disk when the group was sealed. */
export const GROUP_SYNCED = 24;
/** Sequence of the first record; without records: of the next one to come. */
export const GROUP_SEQUENCE_LOW = 28;
export const GROUP_SEQUENCE_HIGH = 32;
export const GROUP_HEADER_BYTES = 36;

/** First group of every segment: its payload ties the segment to the one before. */
export const GROUP_OPEN = 1;
export const GROUP_RECORDS = 2;
/** No payload: says that all before it is on disk. */
export const GROUP_MARK = 3;
/** No payload: the log was closed here, and all before it is on disk. */
export const GROUP_CLOSE = 4;

/** Byte offsets in the payload of GROUP_OPEN. */
export const OPEN_BASE_LOW = 0;
export const OPEN_BASE_HIGH = 4;
/** 0: there is no segment before. */
export const OPEN_PREVIOUS_NUMBER = 8;
export const OPEN_PREVIOUS_UID = 12;
export const OPEN_PREVIOUS_END = 28;
export const OPEN_PREVIOUS_SYNCED = 32;
export const OPEN_PAYLOAD_BYTES = 36;

/** Where the first group with records begins. */
export const FIRST_GROUP = SEGMENT_HEADER_BYTES + GROUP_HEADER_BYTES + OPEN_PAYLOAD_BYTES;
