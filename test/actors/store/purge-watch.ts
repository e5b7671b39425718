/**
 * PurgeWatch: sees all that is purged in a whole-cluster run from above, and shows clients' histories what a record would be had nothing been purged: so that checkers, which know nothing of
 * purging, see a delete where a tombstone was. What a replica gives is never taken out: a value that comes back is seen.
 */
import type { Keyspace } from '../../../actors/ring/ring-state.ts';
import { ENGINE_KEY_PREFIX_BYTES } from '../../../actors/store/engine-key.ts';
import { decodeNaive, type NaiveRecord, type NaiveSibling, naiveMerge } from '../version/naive-record.ts';

interface Purged {
  readonly all: NaiveRecord;
  /** Of the last life of the key. */
  readonly last: NaiveRecord;
}

export class PurgeWatch {
  readonly #purged = new Map<string, Purged>();
  count = 0;

  readonly onPurged = (engineKey: Uint8Array, bytes: Uint8Array): void => {
    const key = Buffer.from(engineKey);
    const name = `${key.readUInt32BE(0)}/${key.subarray(ENGINE_KEY_PREFIX_BYTES).toString()}`;
    const record = decodeNaive(Buffer.from(bytes));
    const before = this.#purged.get(name);
    const isLater = before === undefined || latest(before.last) <= latest(record);
    this.#purged.set(name, { all: before === undefined ? record : naiveMerge(before.all, record), last: isLater ? record : before.last });
    this.count++;
  };

  /**
   * `isRegister`: as who reads first sees it: a tombstone of what was purged is there only where nothing else is. One replica may have purged it and been written to since, while another still
   * has it: then it is seen beside what follows it (actors/purge/README.md).
   */
  shown({ id }: Keyspace, key: string, record: NaiveRecord, isRegister: boolean): NaiveRecord {
    const purged = this.#purged.get(`${id}/${key}`);
    if (purged === undefined) return record;
    const { all } = purged;
    if (isRegister) {
      const isKnown = (it: NaiveSibling): boolean => it.isTombstone && (all.vector.get(it.actor)?.counter ?? 0) >= it.counter;
      const others = record.siblings.filter((it) => !isKnown(it));
      if (others.length > 0) return { ...record, siblings: others };
      // Of several tombstones the last one, which had seen the others.
      const { last } = purged;
      const dead = record.siblings.length === 0 ? last : record;
      return { ...dead, siblings: [...dead.siblings].sort((a, b) => b.stamp - a.stamp).slice(0, 1) };
    }
    const unseen = all.siblings.filter(({ actor, counter }) => (record.vector.get(actor)?.counter ?? 0) < counter);
    return { vector: naiveMerge({ ...record, siblings: [] }, { ...all, siblings: [] }).vector, siblings: [...record.siblings, ...unseen] };
  }

  /** What records of the key need not show. */
  vectorOf({ id }: Keyspace, key: string): NaiveRecord['vector'] | undefined {
    return this.#purged.get(`${id}/${key}`)?.all.vector;
  }
}

function latest({ vector }: NaiveRecord): number {
  return Math.max(...[...vector.values()].map(({ stamp }) => stamp));
}
