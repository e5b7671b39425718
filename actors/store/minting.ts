/**
 * Minting: the dots and stamps of a shard's store, with the lease and the ceiling that its engine keeps for them (keyspace 0 of its keys, all synced). They lie in
 * the engine's own log behind the records they speak of: so a clean mark that is read back proves that all records before it are there too.
 *
 * ```
 *  open: read lease, mark, ceiling -> remove the mark -> lease -> ceiling -> open        close: all writes done -> mark
 * ```
 */
import type { Clock, Log, Random } from '../../runtime/doors.ts';
import { u64At } from '../../storage/byte-reader.ts';
import { putU64 } from '../../storage/byte-writer.ts';
import type { Engine } from '../../storage/engine/engine.ts';
import { StorageError } from '../../storage/errors.ts';
import { CLEAN_MARK, type DotMarkKind, decodeDotMark, encodeDotMark, LEASE } from '../version/dot-marks.ts';
import { type DotMark, DotSource } from '../version/dot-source.ts';
import { type ClockState, ceilingPersisted, ceilingWanted, clockFrom, DRIFT_MAX_MS, nextStamp, observeStamp } from '../version/hlc.ts';
import { actorText, newIncarnation } from '../version/incarnation.ts';
import { CEILING_KEY, LEASE_KEY, MARK_KEY } from './engine-key.ts';

export interface MintingOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Called outside of turns, when what was missing for dots or stamps may be there. */
  readonly changed: () => void;
  readonly driftMaxMs?: number;
  readonly leaseCounters?: number;
  readonly mutants?: ReadonlySet<string>;
}

const CEILING_BYTES = 8;

export class Minting {
  readonly #options: MintingOptions;
  readonly #dots: DotSource;
  readonly #clock: ClockState;
  readonly #isMarkOnDisk: boolean;
  #isRaising = false;
  /** Why the last lease or ceiling could not be written. */
  #fault: StorageError | undefined;
  /** A dot was given since the incarnation began, so that one may be lost. */
  #hasMinted = true;

  /** Reads what the engine holds, waiting for the disk where it must. Throws StorageError. */
  constructor(options: MintingOptions) {
    this.#options = options;
    const { engine, random, leaseCounters, mutants } = options;
    const mark = engine.getNow(MARK_KEY, undefined);
    this.#isMarkOnDisk = mark !== undefined;
    this.#dots = new DotSource({
      lease: this.#decode(LEASE, engine.getNow(LEASE_KEY, undefined)),
      mark: this.#decode(CLEAN_MARK, mark),
      isMarkOnDisk: this.#isMarkOnDisk,
      fresh: newIncarnation(random),
      ...(leaseCounters === undefined ? {} : { leaseCounters }),
      ...(mutants === undefined ? {} : { mutants }),
    });
    this.#clock = clockFrom(this.#readCeiling(engine.getNow(CEILING_KEY, undefined)));
  }

  get incarnation(): Uint8Array {
    return this.#dots.incarnation;
  }

  /** Makes the first dots and stamps ready. `done` is called once, with what failed. */
  open(done: (error: StorageError | undefined) => void): void {
    const { engine } = this.#options;
    const lease = (): void => {
      const isAsked = this.#askLease((error) => (error === undefined ? this.#raise(done) : done(error)));
      if (!isAsked) this.#raise(done);
    };
    if (!this.#isMarkOnDisk) return lease();
    engine.delete(MARK_KEY, 'sync', (error) => {
      if (error !== undefined) return done(error);
      this.#dots.markRemoved();
      lease();
    });
  }

  /** The next counter; 0: `changed` is called when there may be one. */
  counter(): number {
    const counter = this.#dots.next();
    if (counter !== 0) this.#hasMinted = true;
    this.#askLease(this.#reportFailure);
    return counter;
  }

  /** The next stamp; 0: likewise. */
  stamp(): number {
    const wall = this.#options.clock.wall();
    if (!this.#isRaising && ceilingWanted(this.#clock, wall) !== 0) this.#raise(this.#reportFailure);
    return nextStamp(this.#clock, wall, this.#options.mutants);
  }

  /** Why there was no dot or stamp, once; undefined: it is on its way. */
  takeFault(): StorageError | undefined {
    const fault = this.#fault;
    this.#fault = undefined;
    return fault;
  }

  /** Takes over a stamp of what this store itself holds. */
  follow(stamp: number): void {
    if (stamp > this.#clock.last) this.#clock.last = stamp;
  }

  /** Takes over a stamp that came from elsewhere; false: it is too far ahead of the wall clock, and what bears it is refused. */
  observe(stamp: number): boolean {
    const { clock, driftMaxMs = DRIFT_MAX_MS, mutants } = this.#options;
    return observeStamp(this.#clock, stamp, clock.wall(), driftMaxMs, mutants);
  }

  /** Something that was minted may be lost: goes on under another name. */
  reincarnate(reason: string): void {
    const { log, random } = this.#options;
    const fresh = newIncarnation(random);
    log.warn('replicas begin a new incarnation', { reason, before: actorText(this.incarnation, 0), now: actorText(fresh, 0) });
    this.#dots.reincarnate(fresh);
    this.#hasMinted = false;
    this.#askLease(this.#reportFailure);
  }

  /** As `reincarnate`, unless nothing was minted since the last time. */
  reincarnateOnce(reason: string): void {
    if (this.#hasMinted) this.reincarnate(reason);
  }

  /** Writes the clean mark. Requires: all writes have ended, and none failed. */
  close(done: (error: StorageError | undefined) => void): void {
    const mark = this.#dots.close();
    if (mark === undefined) done(undefined);
    else this.#options.engine.put(MARK_KEY, encodeDotMark(CLEAN_MARK, mark), 'sync', done);
  }

  #askLease(done: (error: StorageError | undefined) => void): boolean {
    const lease = this.#dots.askLease();
    if (lease !== undefined) this.#writeLease(lease, done);
    return lease !== undefined;
  }

  /** Apart from who asks: a function that makes a closure allocates each time it is called, also where it makes none. */
  #writeLease(lease: DotMark, done: (error: StorageError | undefined) => void): void {
    this.#options.engine.put(LEASE_KEY, encodeDotMark(LEASE, lease), 'sync', (error) => {
      if (error === undefined) this.#dots.leaseGranted(lease);
      else this.#dots.leaseFailed(lease);
      done(error);
      this.#options.changed();
    });
  }

  /** Requires: none is being raised. */
  #raise(done: (error: StorageError | undefined) => void): void {
    const { engine, clock, changed } = this.#options;
    const ceiling = ceilingWanted(this.#clock, clock.wall());
    if (ceiling === 0) return done(undefined);
    this.#isRaising = true;
    const bytes = new Uint8Array(CEILING_BYTES);
    putU64(bytes, 0, ceiling);
    engine.put(CEILING_KEY, bytes, 'sync', (error) => {
      this.#isRaising = false;
      if (error === undefined) ceilingPersisted(this.#clock, ceiling);
      done(error);
      changed();
    });
  }

  readonly #reportFailure = (error: StorageError | undefined): void => {
    this.#fault = error;
    if (error !== undefined) this.#options.log.error('dots or stamps of the store could not be secured', { why: error.message });
  };

  #decode(kind: DotMarkKind, bytes: Uint8Array | undefined): DotMark | undefined {
    if (bytes === undefined) return undefined;
    const mark = decodeDotMark(kind, bytes);
    if (typeof mark !== 'string') return mark;
    this.#options.log.error(kind === LEASE ? 'lease of the store is damaged' : 'clean mark of the store is damaged', { fault: mark });
    return undefined;
  }

  #readCeiling(bytes: Uint8Array | undefined): number {
    if (bytes === undefined) return 0;
    const ceiling = bytes.length === CEILING_BYTES ? u64At(bytes, 0) : Number.NaN;
    if (Number.isSafeInteger(ceiling)) return ceiling;
    throw new StorageError(
      'CORRUPTION',
      `ceiling of the clock: expected ${CEILING_BYTES} bytes with a number below 2^53, found ${bytes.length} bytes`,
    );
  }
}
