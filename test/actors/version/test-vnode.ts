/** A vnode as far as versions go: its record of one key, its dot source, its clock, and what of them is on disk. Writes to disk succeed at once. */
import { CLEAN_MARK, type DotMarkKind, decodeDotMark, encodeDotMark, LEASE } from '../../../actors/version/dot-marks.ts';
import { type DotMark, DotSource } from '../../../actors/version/dot-source.ts';
import { newIncarnation } from '../../../actors/version/incarnation.ts';
import { ANCESTOR, compare } from '../../../actors/version/merge.ts';
import { reduceToNewest } from '../../../actors/version/newest.ts';
import { put } from '../../../actors/version/put.ts';
import { hasForgotten, latestStamp } from '../../../actors/version/seen.ts';
import { truncateEntries } from '../../../actors/version/truncate.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { mergeBytes, NOTHING, outBuffer, taken, viewOf, writeOf } from './records.ts';

/** So few that leases matter. */
const LEASE_COUNTERS = 3;
const STAMP_STEP = 1_024;

/** What all vnodes of a test share. */
export class TestCluster {
  readonly random = new SeededRandom('version');
  readonly mutants: ReadonlySet<string>;
  /** Every dot that was minted, as actor and counter (A7). */
  readonly dots = new Set<string>();
  vnodes = 0;
  isLww = false;
  /** Off where a history shows what becomes of the values. */
  isA7Checked = true;
  entriesMax = Number.POSITIVE_INFINITY;

  constructor(mutants: ReadonlySet<string> = new Set()) {
    this.mutants = mutants;
  }

  vnode(): TestVnode {
    return new TestVnode(this);
  }
}

export class TestVnode {
  readonly #cluster: TestCluster;
  readonly #number: number;
  #lastStamp = 0;
  #source: DotSource;
  #lease: Uint8Array | undefined;
  #mark: Uint8Array | undefined;
  record: Buffer = NOTHING;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
    this.#number = cluster.vnodes++;
    this.#source = this.#start();
  }

  get incarnation(): Uint8Array {
    return this.#source.incarnation;
  }

  /** Returns the stamp, by which writes are told apart. `value` undefined: a delete. */
  put(value: string | undefined, context: Uint8Array = NOTHING): number {
    const { mutants } = this.#cluster;
    const local = viewOf(this.record);
    const covered = viewOf(context);
    if (hasForgotten(local, covered, this.incarnation, 0, mutants)) this.#source.reincarnate(this.#fresh());
    const stamp = this.#nextStamp(Math.max(latestStamp(local), latestStamp(covered)));
    const write = writeOf({ actor: this.incarnation, counter: this.#nextCounter(), stamp, value });
    const out = outBuffer();
    const result = put(local, covered, write, out, mutants);
    if (result !== 'done') throw new Error(`put: ${result}`);
    const { entriesMax } = this.#cluster;
    truncateEntries(out, 5, entriesMax, this.incarnation, mutants);
    const dot = `${Buffer.from(write.actor).toString('hex')} ${write.counter}`;
    if (this.#cluster.dots.has(dot) && this.#cluster.isA7Checked) throw new Error(`A7: dot ${dot} minted twice`);
    this.#cluster.dots.add(dot);
    this.#hold(taken(out));
    return stamp;
  }

  /** Of a replicated write, a repair, a handoff: as the product does it, without a merge where one side is the merge. */
  receive(record: Uint8Array): void {
    if (record.length === 0) return;
    const incoming = viewOf(record);
    const local = viewOf(this.record);
    const { mutants } = this.#cluster;
    if (hasForgotten(local, incoming, this.incarnation, 0, mutants)) this.#source.reincarnate(this.#fresh());
    if (mutants.size === 0 && compare(local, incoming) === ANCESTOR) this.#hold(Buffer.from(record));
    else this.#hold(mergeBytes(this.record, record, mutants));
  }

  /** The record is gone, and the vnode does not know it (a rotten block, a lost table). */
  loseRecord(): void {
    this.record = NOTHING;
  }

  /** The engine reports damage: what was minted may be lost. */
  loseStore(): void {
    this.record = NOTHING;
    this.#source.reincarnate(this.#fresh());
  }

  /** The tombstone is purged. */
  reap(): void {
    this.record = NOTHING;
  }

  /** `clean`: shut down in order, else killed. `wiped`: the directory is gone. */
  restart(how: 'clean' | 'killed' | 'wiped'): void {
    if (how === 'clean') {
      const mark = this.#source.close();
      if (mark !== undefined) this.#mark = encodeDotMark(CLEAN_MARK, mark);
    }
    if (how === 'wiped') {
      this.#lease = undefined;
      this.#mark = undefined;
      this.record = NOTHING;
    }
    this.#source = this.#start();
  }

  #start(): DotSource {
    const source = new DotSource({
      lease: read(LEASE, this.#lease),
      mark: read(CLEAN_MARK, this.#mark),
      isMarkOnDisk: this.#mark !== undefined,
      fresh: this.#fresh(),
      leaseCounters: LEASE_COUNTERS,
      mutants: this.#cluster.mutants,
    });
    if (this.#mark !== undefined && source.next() === 0) {
      this.#mark = undefined;
      source.markRemoved();
    }
    return source;
  }

  #nextCounter(): number {
    for (let attempt = 0; attempt < 2; attempt++) {
      const counter = this.#source.next();
      if (counter !== 0) return counter;
      const lease = this.#source.askLease();
      if (lease === undefined) break;
      this.#lease = encodeDotMark(LEASE, lease);
      this.#source.leaseGranted(lease);
    }
    throw new Error('no dot');
  }

  #hold(record: Buffer): void {
    if (!this.#cluster.isLww) {
      this.record = record;
      return;
    }
    const out = outBuffer();
    reduceToNewest(viewOf(record), out);
    this.record = taken(out);
  }

  /** A Lamport clock of its own, so that clocks differ; no two vnodes give the same stamp. It outlives restarts, as wall clocks do. */
  #nextStamp(after: number): number {
    const least = Math.max(this.#lastStamp, after) + 1;
    this.#lastStamp = least + ((((this.#number - least) % STAMP_STEP) + STAMP_STEP) % STAMP_STEP);
    return this.#lastStamp;
  }

  #fresh(): Uint8Array {
    return newIncarnation(this.#cluster.random);
  }
}

function read(kind: DotMarkKind, bytes: Uint8Array | undefined): DotMark | undefined {
  const mark = bytes === undefined ? undefined : decodeDotMark(kind, bytes);
  return typeof mark === 'string' ? undefined : mark;
}

/** What a read of these vnodes gives: the merge of their records, which is its context too. */
export function readOf(vnodes: readonly TestVnode[]): Buffer {
  return vnodes.reduce<Buffer>((merged, { record }) => mergeBytes(merged, record), NOTHING);
}
