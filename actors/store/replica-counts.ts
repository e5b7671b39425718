/** ReplicaCounts: what the replicas of a shard have done since their start. */
import { COORDINATE, FORGET, MERGE_IN, READ_LOCAL, type ReplicaVerb } from './replica-call.ts';

export class ReplicaCounts {
  readonly #calls = new Float64Array(FORGET + 1);
  /** Reads that the disk had to answer. */
  misses = 0;
  /** Writes that waited for room, a dot or a stamp. */
  stalls = 0;

  call(verb: ReplicaVerb): void {
    this.#calls[verb]!++;
  }

  stats(): Readonly<Record<string, number>> {
    return {
      localReads: this.#calls[READ_LOCAL]!,
      coordinatedWrites: this.#calls[COORDINATE]!,
      mergedRecords: this.#calls[MERGE_IN]!,
      misses: this.misses,
      stalledWrites: this.stalls,
    };
  }
}
