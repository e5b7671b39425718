/**
 * MarkRepairs: has the owners of dirty marks (hints.ts) pull what they lack from the other replicas of the partition: asks their MerkleActors again and again until these say that it is done, and clears the
 * mark then. One mark at a time, in turn; those of owners that can't be reached, and of partitions that move, wait. No actor itself, and without doors of its own.
 *
 * ```
 *  tick --> next mark: whom would its hints go to? --> MISSED to the first of them --> MENDED: under way --> asked again by the next tick
 *                                                       ^                               |         | failed --> another mark's turn
 *                                                       '------- the next of them <-- done: all --> mark cleared
 * ```
 */
import { firstHighOf } from '../ring/token.ts';
import { type AnswerStatus, LOADING, OK, OVERLOADED } from '../store/store-request.ts';
import type { Topology } from '../store/topology.ts';
import type { DirtyMark } from './hint-key.ts';
import { targetsOf } from './hint-targets.ts';

export interface MarkDoor {
  /** Null: no ring, or this node may not serve. */
  topology(): Topology | null;
  isReachable(member: number): boolean;
  marks(): readonly DirtyMark[];
  /** Has a member's MerkleActor compare a partition, once per `job`; its answer comes by `onMended`, or never. */
  ask(member: number, shard: number, id: number, mark: DirtyMark, job: Uint8Array): void;
  clear(mark: DirtyMark): void;
  /** 16 random bytes. */
  newJob(): Uint8Array;
  nowMs(): number;
}

/** Of one mark. */
interface Run {
  readonly mark: DirtyMark;
  readonly job: Uint8Array;
  readonly epoch: number;
  readonly sinceMs: number;
  /** Members that have not done it yet. */
  left: readonly number[];
  /** Of the questions to the first one. */
  id: number;
}

/** Then it is another mark's turn. */
const RUN_MS = 120_000;

export class MarkRepairs {
  readonly #door: MarkDoor;
  #run: Run | null = null;
  #turn = 0;
  #lastId: number;

  /** `firstId`: u32, another one after each start. */
  constructor(door: MarkDoor, firstId = 0) {
    this.#door = door;
    this.#lastId = firstId;
  }

  /** Now and then. */
  tick(): void {
    const topology = this.#door.topology();
    if (topology === null) return;
    const nowMs = this.#door.nowMs();
    const run = this.#run;
    if (run !== null && (run.epoch !== topology.ring.epoch || nowMs - run.sinceMs >= RUN_MS)) this.#run = null;
    this.#run ??= this.#next(topology, nowMs);
    if (this.#run !== null) this.#ask(this.#run, topology);
  }

  /** Of ids that are not known any more too. */
  onMended(id: number, status: AnswerStatus): void {
    const run = this.#run;
    if (run === null || run.id !== id || status === OVERLOADED || status === LOADING) return;
    if (status === OK) {
      run.left = run.left.slice(1);
      run.id = this.#nextId();
      if (run.left.length > 0) return;
      this.#door.clear(run.mark);
    }
    this.#run = null;
  }

  #next(topology: Topology, nowMs: number): Run | null {
    const marks = this.#door.marks();
    const mark = marks[this.#turn++ % Math.max(1, marks.length)];
    if (mark === undefined) return null;
    const { owner, keyspace, partition, partitions } = mark;
    const tokenHigh = firstHighOf(partition, partitions);
    const known = topology.keyspace(keyspace);
    const isMoving = known !== undefined && topology.lists.of(known.n).isSplit[topology.lists.partitionOf(tokenHigh)] === 1;
    if (isMoving) return null;
    const left = targetsOf(topology, { owner, keyspace, tokenHigh });
    if (left.length === 0) this.#door.clear(mark);
    if (left.length === 0 || !left.every((member) => this.#door.isReachable(member))) return null;
    return { mark, job: this.#door.newJob(), epoch: topology.ring.epoch, sinceMs: nowMs, left, id: this.#nextId() };
  }

  #ask({ mark, job, left, id }: Run, topology: Topology): void {
    const [member] = left;
    const partition = topology.lists.partitionOf(firstHighOf(mark.partition, mark.partitions));
    this.#door.ask(member!, topology.shardOf(member!, partition), id, mark, job);
  }

  #nextId(): number {
    this.#lastId = (this.#lastId + 1) >>> 0;
    return this.#lastId;
  }
}
