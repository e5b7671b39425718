/**
 * Sweeps: has what is released deleted in each partition, one after the other; and notes on disk when nothing of it is left, so that a start goes on where the last one ended. What it
 * deletes is in the log before that note: it is not found again.
 */
import type { Replicas } from '../store/replicas.ts';
import type { ReplicasHolder } from '../store/vnode-actor.ts';
import type { FloorPlace } from './floor-key.ts';
import type { PurgeScans } from './purge-scan.ts';

export interface SweepsArguments {
  /** Of this thread. */
  readonly replicas: ReplicasHolder;
  readonly scans: PurgeScans;
  /** Makes of `then` what may be called outside of turns: `then` is called in one. */
  readonly later: <T>(then: (value: T) => void) => (value: T) => void;
}

export class Sweeps {
  readonly #args: SweepsArguments;
  readonly #waiting = new Map<string, FloorPlace>();
  #isSweeping = false;
  /** Whose floors were looked at. */
  #replicas: Replicas | null = null;
  /** Begun since the start. */
  count = 0;

  constructor(args: SweepsArguments) {
    this.#args = args;
  }

  begin(place: FloorPlace): void {
    this.#waiting.set(`${place.keyspace}/${place.partition}/${place.partitions}`, place);
    this.#next();
  }

  /** Now and then: what was not swept to the end. */
  tick(): void {
    const { replicas } = this.#args.replicas;
    if (replicas !== this.#replicas) {
      this.#replicas = replicas;
      for (const [place, { isSwept }] of replicas?.floors.all() ?? []) if (!isSwept) this.begin(place);
    }
    this.#next();
  }

  #next(): void {
    const [first] = this.#waiting;
    if (this.#isSweeping || first === undefined || this.#args.replicas.replicas === null) return;
    const [name, place] = first;
    this.#waiting.delete(name);
    this.#isSweeping = true;
    this.count++;
    this.#args.scans.sweep(
      place,
      () => this.#args.replicas.replicas,
      this.#args.later((isDone: boolean) => this.#ended(name, place, isDone)),
    );
  }

  #ended(name: string, place: FloorPlace, isDone: boolean): void {
    this.#isSweeping = false;
    const { replicas } = this.#args.replicas;
    // Again at the next tick, or when it was released anew.
    if (!isDone || replicas === null) this.#waiting.set(name, place);
    if (!isDone || replicas === null || this.#waiting.has(name)) return;
    const pending = replicas.floors.begin(place, { type: 'swept' });
    if (pending === undefined) return;
    const ended = this.#args.later((isOnDisk: boolean) => {
      replicas.floors.end(pending, isOnDisk);
      this.#next();
    });
    replicas.floors.persist(replicas.engine, pending, (error) => ended(error === undefined));
  }
}
