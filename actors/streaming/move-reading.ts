/** MoveReading: reads from the engine how far moves have come, so that a start goes on where the last one ended. Its owner looks in its turns whether it is done. */
import type { Log } from '../../runtime/doors.ts';
import { LATER } from '../../storage/engine/api.ts';
import { StorageError } from '../../storage/errors.ts';
import type { RingState } from '../ring/ring-state.ts';
import { firstHighOf } from '../ring/token.ts';
import { NO_KEY } from '../scan/scan-position.ts';
import type { Replicas } from '../store/replicas.ts';
import { decodeMove, moveKey } from './move-records.ts';
import type { Move } from './moves.ts';
import type { MoveStart } from './streams.ts';

export class MoveReading {
  readonly #replicas: Replicas;
  readonly #ring: RingState;
  readonly #log: Log;
  readonly #changed: () => void;
  readonly starts: MoveStart[];
  #left = 0;

  /** `changed` is called when it is done, within `begin` or later, outside of turns. */
  constructor(replicas: Replicas, ring: RingState, moves: readonly Move[], log: Log, changed: () => void) {
    this.#replicas = replicas;
    this.#ring = ring;
    this.#log = log;
    this.#changed = changed;
    this.starts = moves.map((move) => ({ move, position: { high: firstHighOf(move.partition, ring.owners.length), low: 0, key: NO_KEY } }));
  }

  get isDone(): boolean {
    return this.#left === 0;
  }

  begin(): void {
    this.#left = this.starts.length + 1;
    for (const [i, { move }] of this.starts.entries()) this.#read(i, move);
    this.#end();
  }

  #read(i: number, { keyspace, partition, source }: Move): void {
    try {
      const key = moveKey(keyspace, partition, this.#ring.members[source]!.id);
      const found = this.#replicas.engine.get(key, undefined, (result) => {
        if (result.ok) this.#take(i, result.value);
        else this.#lost(result.error.message);
        this.#end();
      });
      if (found === LATER) return;
      this.#take(i, found);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#lost(error.message);
    }
    this.#end();
  }

  #take(i: number, bytes: Uint8Array | undefined): void {
    const record = bytes === undefined ? undefined : decodeMove(bytes);
    if (typeof record === 'string') return this.#lost(record);
    const { generation, transition } = this.#ring;
    if (record?.generation !== generation || record.startedAt !== transition?.startedAt) return;
    this.starts[i] = { move: this.starts[i]!.move, position: record.position };
  }

  #lost(why: string): void {
    this.#log.error('how far a move has come is lost: it begins anew', { why });
  }

  #end(): void {
    if (--this.#left === 0) this.#changed();
  }
}
