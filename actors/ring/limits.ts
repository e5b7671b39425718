/** What a ring may hold at most, and the form of its words. Checked where operations are applied and where bytes are decoded. */
import { KEY_BYTES_MAX } from '../../storage/key.ts';

export const MEMBERS_MAX = 1_024;
export const KEYSPACES_MAX = 1_024;
export const BANNED_MAX = 65_536;
export const REPLICAS_MAX = 16;
export const CAPACITY_MAX = 65_535;
export const EPOCH_MAX = 0xffff_ffff;
export const SHARDS_MAX = 256;
/** Main thread and shards. */
export const PORTS_MAX = SHARDS_MAX + 1;
/** Before the key of a user come its keyspace (u32) and token (8 bytes). */
export const KEYSPACE_KEY_BYTES_MAX = KEY_BYTES_MAX - 12;
export const VALUE_BYTES_MAX = 0x7fff_ffff;

export const ID = /^[0-9a-f]{32}$/;
export const HASH = /^[0-9a-f]{16}$/;
export const MEMBER_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,30}$/;
export const KEYSPACE_NAME = /^[A-Za-z0-9_-]{1,64}$/;
/** Of clusters, data centers and racks. */
export const LABEL = /^[A-Za-z0-9._-]{1,64}$/;
export const NODE_NAME = LABEL;
/** As long as a name of the DNS may be; no spaces, ASCII. */
export const HOST = /^[\x21-\x7e]{1,253}$/;
