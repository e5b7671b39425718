/**
 * RepairRounds: takes tasks from the queue, compares the roots of all partitions with one peer at once, and runs exchanges of those that differ. One round at a time, and the next one when the exchanges of
 * the last one have ended: so what is in flight is bounded, by EXCHANGES_MAX exchanges of 32 keys each.
 */
import type { RingState } from '../ring/ring-state.ts';
import type { ReplicaCall } from '../store/replica-call.ts';
import { OK } from '../store/store-request.ts';
import { ExchangeRun, type RunOutcome } from './exchange-run.ts';
import type { Forest } from './forest.ts';
import { partitionBitsOf } from './leaves.ts';
import type { LocalSide } from './local-side.ts';
import type { MerkleTree } from './merkle-tree.ts';
import type { PeerAsks } from './peer-asks.ts';
import { changedHash, MERKLE_SLOT, ROOTED, ROOTS, ROOTS_MAX, RootsAsk, readRooted } from './repair-frames.ts';
import { outcomeOf, type RepairQueue, type RepairTask } from './repair-queue.ts';

export interface RoundsArguments {
  readonly queue: RepairQueue;
  readonly forest: Forest;
  readonly local: LocalSide;
  readonly asks: PeerAsks;
  /** Null: there is none, or this node may not serve. */
  readonly ring: () => RingState | null;
  /** By the ring of now this member and the peer are replicas of the partition. */
  readonly isOurs: (task: RepairTask) => boolean;
  readonly runCall: (call: ReplicaCall) => void;
  readonly paced: (then: () => void) => void;
  readonly pause: (then: () => void) => void;
  readonly soon: (then: () => void) => void;
  readonly nowMs: () => number;
  /** `sinceMs`: what was on both by then is on both, if the outcome says so. */
  readonly ended: (task: RepairTask, outcome: RunOutcome, sinceMs: number) => void;
  readonly mutants?: ReadonlySet<string>;
}

interface Compared {
  readonly task: RepairTask;
  readonly tree: MerkleTree;
}

/** Most of their time they wait for the second round. */
const EXCHANGES_MAX = 16;

export class RepairRounds {
  readonly #args: RoundsArguments;
  #isComparing = false;
  #differing: Compared[] = [];
  #running = 0;
  #sinceMs = 0;
  #rounds = 0;
  #exchanges = 0;
  #equal = 0;
  #incomplete = 0;
  #pushed = 0;
  #pulled = 0;
  #valueBytes = 0;

  constructor(args: RoundsArguments) {
    this.#args = args;
  }

  figures(): Readonly<Record<string, number>> {
    return {
      ...{ rounds: this.#rounds, equalPartitions: this.#equal, exchanges: this.#exchanges, incompleteExchanges: this.#incomplete },
      ...{ pushedKeys: this.#pushed, pulledKeys: this.#pulled, valueBytes: this.#valueBytes, runningExchanges: this.#running },
    };
  }

  /** Begins a round, unless one is under way or nothing waits. */
  start(): void {
    const { queue, ring, isOurs } = this.#args;
    if (this.#isComparing || this.#running > 0 || this.#differing.length > 0 || queue.waiting === 0) return;
    const state = ring();
    if (state === null) return;
    this.#isComparing = true;
    this.#rounds++;
    this.#sinceMs = this.#args.nowMs();
    const tasks: RepairTask[] = [];
    for (const task of queue.take(ROOTS_MAX)) {
      // It may have waited since another ring: what is not owned here any more must not be copied here again.
      if (isOurs(task)) tasks.push(task);
      else this.#end(task, outcomeOf('the partition has other replicas now'));
    }
    this.#freshen(state, tasks, 0, []);
  }

  /** One tree after the other. */
  #freshen(state: RingState, tasks: readonly RepairTask[], i: number, compared: Compared[]): void {
    const task = tasks[i];
    if (task === undefined) return this.#compare(state, compared);
    const { keyspace, partition } = task;
    this.#args.forest.fresh(keyspace, partition, state.owners.length, 0, (fault, tree, sinceMs) => {
      this.#sinceMs = Math.min(this.#sinceMs, sinceMs);
      if (tree === undefined) this.#end(task, outcomeOf(fault!.message));
      else compared.push({ task, tree });
      this.#freshen(state, tasks, i + 1, compared);
    });
  }

  #compare(state: RingState, compared: readonly Compared[]): void {
    const [first] = compared;
    if (first === undefined) return this.#compareEnded();
    const ask = new RootsAsk();
    ask.keyspace = first.task.keyspace;
    ask.generation = state.generation;
    ask.partitionBits = partitionBitsOf(state.owners.length);
    const partitions = compared.map(({ task }) => task.partition);
    ask.changed = changedHash(state, partitions);
    ask.roots = compared.map(({ task: { partition }, tree }) => ({ partition, low: tree.low(0, 0), high: tree.high(0, 0) }));
    const askedMs = this.#args.nowMs();
    this.#args.asks.ask(
      first.task.peer,
      MERKLE_SLOT,
      ROOTS,
      ROOTED,
      (out) => ask.write(out),
      (status, bytes, start, end, message) => {
        const rooted = status === OK ? readRooted(bytes, start, end, ask.roots) : `status ${status}: ${message}`;
        if (typeof rooted === 'string') {
          for (const { task } of compared) this.#end(task, outcomeOf(rooted));
          return this.#compareEnded();
        }
        // The peer's trees are of so long before its answer, which was not before it was asked.
        this.#sinceMs = Math.min(this.#sinceMs, askedMs - rooted.ageMs);
        const differing = new Set(rooted.differing);
        for (const it of compared) {
          if (differing.has(it.task.partition)) this.#differing.push(it);
          else {
            this.#equal++;
            this.#end(it.task, outcomeOf(undefined));
          }
        }
        return this.#compareEnded(state);
      },
    );
  }

  #compareEnded(state?: RingState): void {
    this.#isComparing = false;
    if (state === undefined) this.#differing = [];
    else while (this.#running < EXCHANGES_MAX && this.#differing.length > 0) this.#exchange(state, this.#differing.shift()!);
    if (this.#running === 0) this.#args.paced(() => this.start());
  }

  #exchange(state: RingState, { task, tree }: Compared): void {
    const { local, asks, runCall, paced, pause, soon, mutants, ring } = this.#args;
    const { partition, peer, direction } = task;
    const keyspace = state.keyspaces.find(({ id }) => id === task.keyspace);
    if (keyspace === undefined) return this.#end(task, outcomeOf('the keyspace was dropped'));
    this.#running++;
    this.#exchanges++;
    const changedAt = state.changedAt[partition]!;
    const isCurrent = (): boolean => {
      const now = ring();
      return now?.generation === state.generation && now.changedAt[partition] === changedAt;
    };
    const run = new ExchangeRun({
      ...{ keyspace, partition, partitions: state.owners.length, generation: state.generation, changedAt },
      ...{ peer, direction, tree, local, asks, runCall, paced, pause, soon, isCurrent },
      done: (outcome) => {
        this.#running--;
        this.#end(task, isCurrent() ? outcome : { ...outcome, fault: outcome.fault ?? 'the ring has changed' });
        this.#compareEnded(state);
      },
      ...(mutants === undefined ? {} : { mutants }),
    });
    run.start();
  }

  #end(task: RepairTask, outcome: RunOutcome): void {
    const { pushed, pulled, valueBytes, unconfirmed, failed, fault } = outcome;
    this.#pushed += pushed;
    this.#pulled += pulled;
    this.#valueBytes += valueBytes;
    if (fault !== undefined || unconfirmed > 0 || failed > 0) this.#incomplete++;
    this.#args.ended(task, outcome, this.#sinceMs);
  }
}
