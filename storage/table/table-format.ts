/** Every number that tables have on disk. Only ever added to; storage/FORMAT.md, "Table", says what they mean. */

export const TABLE_VERSION = 1;
/** The last bytes of every table, of all versions: "dynactor" with the top bit of the first byte set, so that it is no text. */
export const TABLE_MAGIC: readonly number[] = [0xe4, 0x79, 0x6e, 0x61, 0x63, 0x74, 0x6f, 0x72];
export const UID_BYTES = 16;

/** Behind each block: codec u8, checksum u32. */
export const TRAILER_BYTES = 5;
/** Before the compressed bytes of a block: their length when decompressed. */
export const RAW_LENGTH_BYTES = 4;

/** Offsets in the footer of version 1. */
export const FOOTER_UID = 0;
export const FOOTER_FILE_BYTES = 16;
export const FOOTER_DATA_END = 24;
export const FOOTER_FILTER_BYTES = 32;
export const FOOTER_RANGES_BYTES = 36;
export const FOOTER_INDEX_BYTES = 40;
export const FOOTER_PROPERTIES_BYTES = 44;
/** The tail of the footer is the same in all versions: its whole length, version, checksum of what is before, magic. */
export const FOOTER_LENGTH = 48;
export const FOOTER_BYTES = 68;
export const FOOTER_TAIL_BYTES = 20;
export const FOOTER_BYTES_MAX = 4_096;

/** Offsets in the header of a data block. */
export const BLOCK_COUNT = 0;
export const BLOCK_SEQUENCE_WIDTH = 2;
export const BLOCK_END_WIDTH = 3;
export const BLOCK_SUFFIX_WIDTH = 4;
export const BLOCK_KIND_WIDTH = 5;
export const BLOCK_ZERO = 6;
export const BLOCK_SUFFIX_BYTES = 8;
export const BLOCK_PREFIX_BYTES = 12;
export const BLOCK_BASE_SEQUENCE = 16;
export const BLOCK_HEADER_BYTES = 24;
export const BLOCK_ENTRIES_MAX = 0xffff;
export const SEQUENCE_WIDTH_MAX = 7;

export const VALUE_BYTES_MAX = 1 << 26;
/** Of a data block, decompressed: what a block of one entry needs at most, and room for larger settings of `blockBytes`. */
export const BLOCK_BYTES_MAX = (1 << 26) + (1 << 20);

export const FILTER_HEADER_BYTES = 16;
export const FILTER_BLOOM_LINES = 1;
export const FILTER_LINE_BYTES = 64;
export const FILTER_LINES_MAX = 1 << 21;

export const NOTE_BYTES_MAX = 255;
