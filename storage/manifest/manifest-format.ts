/** The numbers of the manifest's files; storage/FORMAT.md, "Manifest", says what they mean. All integers are little-endian. */

/** "DYNAMAN" and a zero. */
export const MANIFEST_MAGIC_LOW = 0x414e_5944;
export const MANIFEST_MAGIC_HIGH = 0x004e_414d;
export const MANIFEST_VERSION = 1;

export const UID_BYTES = 16;

/** Byte offsets in the header of the file. */
export const MANIFEST_MAGIC = 0;
export const MANIFEST_VERSION_AT = 8;
export const MANIFEST_NUMBER = 12;
export const MANIFEST_UID = 16;
export const MANIFEST_DB_UID = 32;
export const MANIFEST_CHECKSUM = 48;
export const MANIFEST_HEADER_BYTES = 52;

/** Byte offsets in the header of an edit. */
export const EDIT_CHECKSUM = 0;
export const EDIT_PAYLOAD_BYTES = 4;
export const EDIT_HEADER_BYTES = 8;

/** Kinds of edits: the first word of the payload. */
export const EDIT_SNAPSHOT = 1;
export const EDIT_CHANGE = 2;
export const EDIT_CLOSE = 3;

/** Byte offsets in the payload of an edit. */
export const EDIT_KIND = 0;
export const EDIT_NEXT_FILE_NUMBER = 4;
export const EDIT_LOG_NUMBER = 8;
export const EDIT_LAST_SEQUENCE = 12;
export const EDIT_REMOVED_COUNT = 20;
export const EDIT_ADDED_COUNT = 24;
export const EDIT_OPTIONS_BYTES = 28;
export const EDIT_FIXED_BYTES = 32;

/** Level and number. */
export const REMOVED_BYTES = 8;

/** Byte offsets in an added table; the keys follow, smallest first. */
export const TABLE_LEVEL = 0;
export const TABLE_NUMBER = 4;
export const TABLE_UID = 8;
export const TABLE_BYTES = 24;
export const TABLE_ENTRIES = 32;
export const TABLE_SMALLEST_SEQUENCE = 40;
export const TABLE_LARGEST_SEQUENCE = 48;
export const TABLE_CREATED_MS = 56;
export const TABLE_RANGE_DELETES = 64;
export const TABLE_SMALLEST_BYTES = 68;
export const TABLE_LARGEST_BYTES = 72;
export const TABLE_FIXED_BYTES = 76;

export const LEVELS_MAX = 16;

/** Of CURRENT. */
export const CURRENT_TITLE = 'dynactor-current';
export const CURRENT_VERSION = 1;
