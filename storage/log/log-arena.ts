/** What the commit log needs of a memtable, whose arena is the content of the segment file, offset for offset. */
export interface LogArena {
  /** The whole arena, of fixed size: a multiple of 4. The log reads up to `length` and writes only what it reserved. */
  readonly arena: { readonly bytes: Buffer };
  /** Bytes in use, a multiple of 4. */
  readonly length: number;
  /** Takes `bytes` (a multiple of 4) at the end of what is in use, zeroed. Returns their offset; -1 when there is no room. */
  reserve(bytes: number): number;
}
