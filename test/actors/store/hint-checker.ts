/**
 * HintChecker: sees all hints of a whole-cluster run from above [FAULTS A10]: one that is deleted is at its owner, and in the end none is left.
 */
import { type HintKey, hintsAndMarks, readHintKey } from '../../../actors/hints/hint-key.ts';
import type { Replicas } from '../../../actors/store/replicas.ts';
import { PowerLossError } from '../../../runtime/simulation/sim-disk.ts';
import { type EngineIterator, type Entry, LATER } from '../../../storage/engine/api.ts';
import { type NaiveRecord, naiveMerge } from '../version/naive-record.ts';
import { readRecord } from './cluster-clients.ts';

const ENTRIES_MAX = 1_000;
const BYTES_MAX = 16 * 1_024 * 1_024;

/** Records that a member must hold, or what follows them. */
export interface Owed {
  readonly hint: HintKey;
  readonly record: NaiveRecord;
}

export class HintChecker {
  readonly #owed = new Map<string, Owed>();
  /** What engines have, as hints or marks: by the names of shards. */
  readonly held = new Map<string, readonly Owed[]>();

  readonly onForgotten = (engineKey: Uint8Array, bytes: Uint8Array): void => {
    const hint = readHintKey(Uint8Array.from(engineKey));
    if (hint === undefined) return;
    const name = Buffer.from(engineKey).toString('latin1');
    const record = readRecord(Buffer.from(bytes));
    const before = this.#owed.get(name);
    this.#owed.set(name, { hint, record: before === undefined ? record : naiveMerge(before.record, record) });
  };

  get owed(): readonly Owed[] {
    return [...this.#owed.values()];
  }

  /** Looks into that engine; what comes of it is in `held` when the simulation has run on. Of a machine that has left, and lost its power since, what it counted when it ended. */
  look(name: string, replicas: Replicas): void {
    try {
      this.#read(name, replicas.iterator(hintsAndMarks()));
    } catch (error) {
      if (!(error instanceof PowerLossError)) throw error;
      if (replicas.hints.book.count > 0) this.held.set(name, []);
    }
  }

  /** To the end: a page is shorter where a block is not in memory. */
  #read(name: string, iterator: EngineIterator): void {
    const tell = (entries: readonly Entry[]): void => {
      if (entries.length === 0) return iterator.close();
      this.held.set(name, [...(this.held.get(name) ?? []), ...entries.flatMap(owedOf)]);
      this.#read(name, iterator);
    };
    const page = iterator.next(ENTRIES_MAX, BYTES_MAX, (result) => tell(result.ok ? result.value : []));
    if (page !== LATER) tell(page);
  }
}

function owedOf({ key, value }: Entry): readonly Owed[] {
  const hint = readHintKey(key);
  return hint === undefined ? [] : [{ hint, record: readRecord(Buffer.from(value)) }];
}

/** What of `owed` the record has not seen; undefined: nothing. */
export function lacking(owed: NaiveRecord, record: NaiveRecord): string | undefined {
  for (const [actor, { counter }] of owed.vector)
    if ((record.vector.get(actor)?.counter ?? 0) < counter) return `dot ${counter} of ${actor}`;
  return undefined;
}
