/**
 * Numbers of the record format: what the engine stores under a key and the wire carries (FORMAT.md has a worked example). Only ever added to.
 *
 * ```
 *  0  u8   version: 1
 *  1  u8   zero
 *  2  u16  count of version vector entries
 *  4  u16  count of siblings; 0 in a bare version vector, as a causal context is
 *  6  entries, 32 bytes each, in the order of their actors:
 *          0  16 bytes  actor: a vnode incarnation
 *         16  u64       counter, 1 .. 2^53-1: this and all lower ones of the actor are seen
 *         24  u64       stamp of the dot (actor, counter), at most 2^53-1: all that is seen of the actor is stamped no later
 *     siblings, in the order of their dots; those of one dot, in the order of their bytes from offset 2 on:
 *          0  u16       actor, as the number of its entry, from 0
 *          2  u8        flags: 1 tombstone, 2 expires
 *          3  u8        zero
 *          4  u32       bytes of the value; 0 in a tombstone
 *          8  u64       counter of the dot, at most that of the entry
 *         16  u64       stamp of the hybrid logical clock, at most 2^53-1 (hlc.ts)
 *         24  u64       only with flag 2: millisecond since 1970 from which on it is gone, 1 .. 2^53-1
 *             bytes     the value
 * ```
 * Little-endian. One logical value has one encoding: whoever holds the same entries and siblings holds the same bytes.
 * Why explicit dots: a positional one (the actor's newest) can't tell two siblings of one actor apart. Source: [Preguica 2012, dotted version vectors].
 */
import { ACTOR_BYTES } from './incarnation.ts';

export const RECORD_VERSION = 1;

export const RECORD_ZERO = 1;
export const RECORD_ENTRIES = 2;
export const RECORD_SIBLINGS = 4;
export const RECORD_HEADER_BYTES = 6;

export const ENTRY_COUNTER = ACTOR_BYTES;
export const ENTRY_STAMP = 24;
export const ENTRY_BYTES = 32;

export const SIBLING_FLAGS = 2;
export const SIBLING_ZERO = 3;
export const SIBLING_VALUE_BYTES = 4;
export const SIBLING_COUNTER = 8;
export const SIBLING_STAMP = 16;
export const SIBLING_EXPIRY = 24;
/** Of a sibling without expiry; 8 more with it. */
export const SIBLING_HEAD_BYTES = 24;
export const EXPIRY_BYTES = 8;

export const TOMBSTONE = 1;
export const EXPIRES = 2;

export const ENTRIES_MAX = 0xffff;
export const SIBLINGS_MAX = 0xffff;
