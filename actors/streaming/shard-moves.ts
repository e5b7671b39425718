/**
 * ShardMoves: keeps what a shard holds in step with the ring, where data moves: no actor, VNodeActor calls it within its turns.
 *
 * | the ring | what is dropped | when |
 * |---|---|---|
 * | has a transition that the shard has not seen, at writeBoth or stream | what is not its own by the present owners: left over of earlier times, and it may be outdated | before any write of the transition is taken |
 * | is at writeNew | what is not its own by the pending owners | before that step is acknowledged |
 * | has no transition, and one was seen (it ended, or was cancelled) | what is not its own | once |
 *
 * Nothing else is ever dropped: not what a smaller n has taken away, as only repair says when that may go. A mark in the engine (move-records.ts) says what was seen, so that a restart
 * does not take what the transition itself has brought for left over; and no ring that is older than the mark has anything dropped. All of it is in the engine's log in the turn that brings
 * the ring, so it is before whatever is written by that ring.
 */
import type { Log } from '../../runtime/doors.ts';
import { LATER } from '../../storage/engine/api.ts';
import { StorageError } from '../../storage/errors.ts';
import { compareVersions, type RingState } from '../ring/ring-state.ts';
import { MOVE_MARK_KEY } from '../store/engine-key.ts';
import type { EngineRange } from '../store/engine-range.ts';
import type { Replicas } from '../store/replicas.ts';
import { decodeMark, encodeMark, MOVE_RECORDS, type MoveMark, NO_MARK } from './move-records.ts';
import { foreignRanges } from './moves.ts';

export interface ShardMovesOptions {
  /** This node's name among transports. */
  readonly node: string;
  readonly shard: number;
  readonly log: Log;
  /** Planted bugs: droppedTooEarly, foreignKept, moveMarkForgotten. */
  readonly mutants?: ReadonlySet<string> | undefined;
}

export class ShardMoves {
  readonly #options: ShardMovesOptions;
  #replicas: Replicas | null = null;
  #mark = NO_MARK;
  /** What the mark was can't be read: any transition counts as seen. */
  #isMarkLost = false;
  /** Ranges that were dropped since the start. */
  dropped = 0;
  /** What is gone from disk since the last step of this transition, by `nameOf`: nobody has written there since. Looking again would read all that is hidden there, within one turn. */
  #gone: { readonly generation: number; readonly startedAt: number; readonly ranges: Set<string> } | null = null;

  constructor(options: ShardMovesOptions) {
    this.#options = options;
  }

  /** Reads what the shard has seen; `done` is called once, at once or later. Requires: the replicas are open. */
  read({ engine }: Replicas, done: () => void): void {
    const { log } = this.#options;
    const lost = (why: string): void => {
      log.error('mark of moves is lost', { why });
      this.#isMarkLost = true;
    };
    const take = (bytes: Uint8Array | undefined): void => {
      const mark = bytes === undefined ? NO_MARK : decodeMark(bytes);
      if (typeof mark === 'string') lost(mark);
      else this.#mark = mark;
    };
    this.#isMarkLost = false;
    this.#mark = NO_MARK;
    try {
      const found = engine.get(MOVE_MARK_KEY, undefined, (result) => {
        if (result.ok) take(result.value);
        else lost(result.error.message);
        done();
      });
      if (found === LATER) return;
      take(found);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      lost(error.message);
    }
    done();
  }

  /** In the turn from which on the replicas serve, before they do. Requires: `read` is done. */
  opened(replicas: Replicas, ring: RingState | null): void {
    this.#replicas = replicas;
    if (ring !== null) this.follow(ring, () => {});
  }

  closed(): void {
    this.#replicas = null;
    this.#gone = null;
  }

  /** In the turn that brings the ring. `done` is called when all that it has dropped is gone from disk, at once or later; where the disk fails, too, as it is tried again. */
  follow(ring: RingState, done: () => void): void {
    const replicas = this.#replicas;
    const self = ring.members.findIndex(({ address }) => address.node === this.#options.node);
    if (replicas === null || self < 0) return done();
    if (compareVersions(ring, this.#mark) < 0) {
      const { generation, epoch } = this.#mark;
      this.#options.log.error('an older ring came than this shard has followed', { ring: ring.epoch, generation, epoch });
      return done();
    }
    const { generation, epoch, transition } = ring;
    const startedAt = transition?.startedAt ?? 0;
    const isSeen = this.#isMarkLost || (this.#mark.generation === generation && this.#mark.startedAt === startedAt);
    if (transition === null && this.#mark.isSettled && !this.#isMarkLost) return done();
    const work = new Work(done);
    const gone = this.#goneSince(ring);
    const ranges = this.#rangesToDrop(ring, self, isSeen).filter((range) => !gone.has(nameOf(range)));
    this.#drop(replicas, ranges, gone, work);
    if (transition === null) replicas.engine.deleteRange(MOVE_RECORDS.start, MOVE_RECORDS.end, 'none', this.#onFailed);
    this.#setMark(replicas, { generation, epoch, startedAt, isSettled: transition === null }, work);
    work.end();
  }

  #rangesToDrop(ring: RingState, self: number, isSeen: boolean): readonly EngineRange[] {
    const { shard, mutants } = this.#options;
    const step = ring.transition?.step;
    if (mutants?.has('droppedTooEarly') && step === 'stream')
      return foreignRanges({ ...ring, transition: { ...ring.transition!, step: 'writeNew' } }, self, shard, 'now');
    if (step === undefined || step === 'writeNew') return mutants?.has('foreignKept') ? [] : foreignRanges(ring, self, shard, 'now');
    const isFirst = !isSeen && (step === 'writeBoth' || step === 'stream');
    return isFirst ? foreignRanges(ring, self, shard, 'present') : [];
  }

  /** Where what was dropped for this ring is to be noted; what is there need not be dropped again. */
  #goneSince({ generation, transition }: RingState): Set<string> {
    if (transition !== null && transition.step !== 'writeNew') {
      this.#gone = null;
      return new Set();
    }
    const startedAt = transition === null ? this.#mark.startedAt : transition.startedAt;
    const known = this.#gone;
    const isKnown = known !== null && !this.#isMarkLost && known.generation === generation && known.startedAt === startedAt;
    const gone = isKnown ? known : { generation, startedAt, ranges: new Set<string>() };
    this.#gone = transition === null ? null : gone;
    return gone.ranges;
  }

  #drop(replicas: Replicas, ranges: readonly EngineRange[], gone: Set<string>, work: Work): void {
    for (const _ of ranges) work.begin();
    this.dropped += replicas.dropAll(ranges, (range, error) => {
      if (error === undefined) gone.add(nameOf(range));
      else this.#options.log.error("what is not this shard's any more could not be dropped", { why: error.message });
      work.end();
    });
  }

  #setMark(replicas: Replicas, mark: MoveMark, work: Work): void {
    this.#mark = mark;
    this.#isMarkLost = false;
    if (this.#options.mutants?.has('moveMarkForgotten')) return;
    work.begin();
    replicas.engine.put(MOVE_MARK_KEY, encodeMark(mark), 'sync', (error) => {
      this.#onFailed(error);
      work.end();
    });
  }

  readonly #onFailed = (error: StorageError | undefined): void => {
    if (error !== undefined) this.#options.log.error('mark of moves could not be written', { why: error.message });
  };
}

function nameOf({ start, end }: EngineRange): string {
  return `${Buffer.from(start).toString('hex')}-${Buffer.from(end).toString('hex')}`;
}

/** Calls `done` when as many have ended as were begun, its maker among them. */
class Work {
  readonly #done: () => void;
  #count = 1;

  constructor(done: () => void) {
    this.#done = done;
  }

  begin(): void {
    this.#count++;
  }

  end(): void {
    if (--this.#count === 0) this.#done();
  }
}
