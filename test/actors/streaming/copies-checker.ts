/**
 * That what was acknowledged is with as many replicas as had to have it, or with a quorum of those of now where that is less (so many of the new ones had to have it while owners changed): the engines of all members are looked at from above, before anything is read, which
 * might mend it. A reader sees a write that one replica has; the next replica that is lost may be that one.
 */
import type { RingState } from '../../../actors/ring/ring-state.ts';
import { Hasher } from '../../../actors/ring/token.ts';
import { engineKeyOf } from '../../../actors/store/engine-key.ts';
import type { ReplicasHolder } from '../../../actors/store/vnode-actor.ts';
import type { Acknowledged } from '../store/cluster-clients.ts';
import { readRecord } from '../store/cluster-clients.ts';
import type { PurgeWatch } from '../store/purge-watch.ts';
import { type NaiveRecord, NO_RECORD } from '../version/naive-record.ts';

export interface CopiesCheck {
  readonly ring: RingState;
  /** By member name and shard. */
  readonly shards: ReadonlyMap<string, { readonly replicas: ReplicasHolder }>;
  readonly acknowledged: readonly Acknowledged[];
  readonly purged: PurgeWatch;
  /** Members went with what they had: of W = 1 that may be all, and of others what a stand-in held. */
  readonly losesSingle: boolean;
}

/** What is wrong, one text per write. */
export function missingCopies({ ring, shards, acknowledged, purged, losesSingle }: CopiesCheck): readonly string[] {
  const faults: string[] = [];
  const records = new Map<string, ReadonlyMap<string, NaiveRecord>>();
  for (const { id, name, dot, needed, isStrict } of acknowledged) {
    const [space = '', key = ''] = name.split('/');
    const keyspace = ring.keyspaces.find((it) => it.name === space);
    if (keyspace === undefined || hasSeen(purged.vectorOf(keyspace, key), dot)) continue;
    const held = records.get(name) ?? recordsOf(ring, shards, keyspace.id, key);
    records.set(name, held);
    const have = [...held].flatMap(([member, { vector }]) => (hasSeen(vector, dot) ? member : []));
    const quorum = (Math.min(keyspace.n, ring.members.length) >> 1) + 1;
    const expected = Math.min(needed - (losesSingle && (needed === 1 || !isStrict) ? 1 : 0), quorum);
    if (have.length < expected)
      faults.push(`${id} of ${name}, ${dot}: W was ${needed}, it is with [${have.join(' ')}] of ${ring.members.length} members`);
  }
  return faults;
}

/** By member, what it has of that key. */
function recordsOf(ring: RingState, shards: CopiesCheck['shards'], keyspace: number, key: string): ReadonlyMap<string, NaiveRecord> {
  const hasher = new Hasher();
  hasher.hash(Buffer.from(key));
  const engineKey = engineKeyOf(keyspace, hasher.high, hasher.low, Buffer.from(key));
  const records = new Map<string, NaiveRecord>();
  for (const [place, { replicas }] of shards) {
    const member = place.split('/')[0]!;
    if (replicas.replicas === null || !ring.members.some(({ name }) => name === member)) continue;
    const bytes = replicas.replicas.engine.getNow(engineKey, undefined);
    if (bytes !== undefined || !records.has(member)) records.set(member, bytes === undefined ? NO_RECORD : readRecord(Buffer.from(bytes)));
  }
  return records;
}

function hasSeen(vector: NaiveRecord['vector'] | undefined, dot: string): boolean {
  const [actor = '', counter = ''] = dot.split(' ');
  return (vector?.get(actor)?.counter ?? 0) >= Number(counter);
}
