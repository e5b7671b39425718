/** First byte on a bare connection: what the other side is to do with the rest. */

/** u32 count, then that many frames; answered with one byte when all were there; and so on. */
export const RAW_COUNT = 1;
/** Sends everything back. */
export const RAW_ECHO = 2;
