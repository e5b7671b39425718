/**
 * Frames of the data path: payloads of binary messages between coordinators and replicas (VNodeActor), of which each shard has one, at VNODE_SLOT and COORDINATOR_SLOT. Shard s of
 * a node holds the partitions p with shardOf(p, shards of that node) = s, so a coordinator knows the thread to send to. All numbers are little-endian.
 *
 * | operation | from, to | payload | answer |
 * |---|---|---|---|
 * | MERGE | coordinator, replica | key place, durability, the coordinator's whole record | MERGED |
 * | READ | coordinator, replica | key place, what is wanted | RECORD or DIGEST |
 * | FORWARD | coordinator, coordinator of a node or shard that has a replica | key place, the request | FORWARDED |
 * | MERGED, RECORD, DIGEST, FORWARDED | back, by replyBytes | status, ... | none |
 *
 * The key place, 24 bytes and the key:
 *
 * ```
 *  0  u32  keyspace      4  u32  token high     8  u32  token low
 * 12  u32  epoch in which the replicas of the partition last changed (RingState.changedAt), in the sender's ring
 * 16  u32  generation of the sender's ring
 * 20  u16  bytes of the key - 1 ... see KEY_BYTES
 * ```
 * The milliseconds that are left travel in the frame's own header. A replica whose own number for the partition is higher refuses with STALE_RING and tells its RingActor
 * to send its ring; one whose number is lower asks for the sender's ring first and answers STALE_RING as well. The coordinator tries again with the new ring.
 */
export const VNODE_SLOT = 4;
export const COORDINATOR_SLOT = 5;

export const MERGE = 1;
export const MERGED = 2;
export const READ = 3;
export const RECORD = 4;
export const DIGEST = 5;
export const FORWARD = 6;
export const FORWARDED = 7;
