/**
 * Streams: copies to this shard what the moves of its ring say (moves.ts): page after page from each source, each record merged into what is here, and the next page of a move asked for
 * when all of the last one is on disk. No actor, no clock, no network: its door has them.
 *
 * ```
 *   waiting --ask--> asked --PAGE--> merging --all stored--> waiting, behind the page, or done
 *                      |               |  a merge failed
 *                      '--refused, or nothing came in time--'--> waiting, from where it was, after a rest of its source
 * ```
 * Bounded: `streamsMax` moves are under way at once, `perSourceMax` from one member; a page has `pageBytes` or one record; `bytesPerSecond` of pages are asked for, and after each page
 * streams rest for REST_FACTOR times what it took to merge it, and as long as it has waited for others on its way, QUEUE_MAX_MS at most: what it took longer than the quickest of that source
 * (as LEDBAT, RFC 6817, tells queues from distance). So clients keep most of the thread. Merging is idempotent, mints nothing and never puts an older version over a newer one, so a page may
 * come twice, and with writes of clients between.
 */
import { PageEntries } from '../scan/page-entries.ts';
import type { Page } from '../scan/scan-frames.ts';
import type { ScanPosition } from '../scan/scan-position.ts';
import type { ReplicaSink } from '../store/replica-call.ts';
import { OK, STORAGE_FAILED } from '../store/store-request.ts';
import type { Move } from './moves.ts';
import type { StreamFigures } from './stream-figures.ts';

export interface StreamOptions {
  /** Default 4. */
  readonly streamsMax?: number;
  /** Default 2. */
  readonly perSourceMax?: number;
  /** Keys of a page, at most. Default 64. */
  readonly pageKeys?: number;
  /** Bytes of a page, at most, but for one record that is longer. Default 64 KiB. */
  readonly pageBytes?: number;
  /** Of pages that this shard asks for. Default 32 MiB. */
  readonly bytesPerSecond?: number;
  /** A page that has not come, or is not merged, by then is asked for again. Default 5,000 ms. */
  readonly pageMs?: number;
  /** After a failure nothing more is asked of that source for so long; twice as long after each more, up to 32 times. Default 100 ms. */
  readonly restMs?: number;
  /** The id of the first page that is asked for, less 1: another after each start, or an answer to what was asked before it would be taken for another one. Default 0. */
  readonly firstId?: number;
  /** Planted bugs: streamedBeforeStored, pageBoundarySkipped, unfinishedForgotten, and those of moves.ts. */
  readonly mutants?: ReadonlySet<string>;
}

export interface StreamDoor {
  nowMs(): number;
  /** `onPage` follows with this id, or nothing. */
  ask(move: Move, position: ScanPosition, id: number, keysMax: number, bytesMax: number): void;
  /** Merges the record of `entry` into what is here; tells `merge` once, within the call or later. */
  merge(move: Move, entry: PageEntries, merge: ArrivedPage): void;
  /** A page of it is on disk; null: all of it is. */
  keep(move: Move, position: ScanPosition | null): void;
  /** `run` is to be called in a turn. May be called at any time. */
  later(): void;
  /** And then. */
  wakeAt(ms: number): void;
  /** For people: the page is asked for again. */
  failed(move: Move, why: string): void;
  /** What that source has is damaged: other moves will be asked for in its place, if there are others. */
  damaged(move: Move): void;
}

/** A move and how far it has come; null: it is done. */
export interface MoveStart {
  readonly move: Move;
  readonly position: ScanPosition | null;
}

/** The records of one page on their way to disk: who is told of each. */
export class ArrivedPage implements ReplicaSink {
  /** That have not ended, and 1 as long as more may come. */
  left = 1;
  /** Why a record could not be merged; '': all could so far. */
  fault = '';
  readonly #ended: () => void;

  constructor(ended: () => void) {
    this.#ended = ended;
  }

  get hasFailed(): boolean {
    return this.fault !== '';
  }

  found(): void {}
  made(): void {}

  stored(): void {
    if (--this.left === 0) this.#ended();
  }

  failed(_token: number, status: number, message: string): void {
    this.fault = `${message} (status ${status})`;
    this.stored();
  }
}

class Stream {
  readonly move: Move;
  position: ScanPosition | null;
  /** Of its page; 0: none is asked for. */
  id = 0;
  /** Null: no page has come. */
  merge: ArrivedPage | null = null;
  covered: ScanPosition | null = null;
  askedMs = 0;
  deadlineMs = Number.POSITIVE_INFINITY;
  damages = 0;

  constructor({ move, position }: MoveStart) {
    this.move = move;
    this.position = position;
  }
}

interface Source {
  underWay: number;
  /** Of its pages, the time of the quickest; rises slowly, as ways change. */
  quickestMs: number;
  restsUntilMs: number;
  failures: number;
}

const REST_FACTOR = 3;
const QUICKEST_RISE = 1 / 64;
/** Where ways differ by more from page to page, that is no queue: transitions would not end. */
const QUEUE_MAX_MS = 10;
const DAMAGES_MAX = 3;
const DOUBLINGS_MAX = 5;

export class Streams {
  readonly #door: StreamDoor;
  readonly #options: Required<Omit<StreamOptions, 'mutants'>>;
  readonly #mutants: ReadonlySet<string> | undefined;
  readonly #entries = new PageEntries();
  #waiting: Stream[] = [];
  readonly #underWay = new Map<number, Stream>();
  readonly #sources = new Map<number, Source>();
  #lastId: number;
  #paceMs = 0;
  #total = 0;
  #startedMs = 0;
  #records = 0;
  #bytes = 0;
  #retries = 0;

  constructor(door: StreamDoor, { mutants, ...options }: StreamOptions = {}) {
    this.#door = door;
    this.#mutants = mutants;
    this.#options = { ...DEFAULTS, ...options };
    this.#lastId = this.#options.firstId;
  }

  /** Instead of all others. */
  begin(moves: readonly MoveStart[]): void {
    this.#underWay.clear();
    this.#sources.clear();
    this.#total = moves.length;
    this.#startedMs = this.#door.nowMs();
    const isForgotten = (position: ScanPosition | null): boolean =>
      position === null || (this.#mutants?.has('unfinishedForgotten') === true && position.key.length > 0);
    this.#waiting = interleaved(moves.filter(({ position }) => !isForgotten(position)).map((start) => new Stream(start)));
    this.run();
  }

  get isDone(): boolean {
    return this.#waiting.length === 0 && this.#underWay.size === 0;
  }

  figures(): StreamFigures {
    const left = this.#waiting.length + this.#underWay.size;
    return {
      moves: this.#total,
      movesLeft: left,
      records: this.#records,
      bytes: this.#bytes,
      retries: this.#retries,
      sinceMs: left === 0 ? 0 : this.#door.nowMs() - this.#startedMs,
    };
  }

  /** Goes on with all that can. */
  run(): void {
    const now = this.#door.nowMs();
    for (const stream of [...this.#underWay.values()]) this.#look(stream, now);
    let nextMs = Number.POSITIVE_INFINITY;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [i, stream] of waiting.entries()) {
      const dueMs = this.#dueMs(stream);
      if (dueMs <= now) this.#ask(stream, now);
      else this.#waiting.push(stream);
      nextMs = Math.min(nextMs, dueMs > now ? dueMs : nextMs);
      if (this.#underWay.size >= this.#options.streamsMax) {
        this.#waiting.push(...waiting.slice(i + 1));
        break;
      }
    }
    for (const { deadlineMs } of this.#underWay.values()) nextMs = Math.min(nextMs, deadlineMs);
    if (nextMs < Number.POSITIVE_INFINITY) this.#door.wakeAt(nextMs);
  }

  /** `page`: of status OK. */
  onPage(id: number, status: number, page: Page | null): void {
    const stream = this.#underWay.get(id);
    if (stream === undefined || stream.merge !== null) return;
    if (page === null || status !== OK) return this.#refused(stream, status);
    const source = this.#source(stream);
    source.failures = 0;
    const cameMs = this.#door.nowMs();
    const tookMs = cameMs - stream.askedMs;
    source.quickestMs = tookMs < source.quickestMs ? tookMs : source.quickestMs + (tookMs - source.quickestMs) * QUICKEST_RISE;
    const merge = new ArrivedPage(() => this.#door.later());
    stream.merge = merge;
    stream.covered = page.covered;
    const entries = this.#entries;
    entries.open(page.bytes, page.entriesStart, page.entriesEnd);
    if (this.#mutants?.has('pageBoundarySkipped') && stream.position!.key.length > 0) entries.next();
    while (!merge.hasFailed && entries.next()) {
      merge.left++;
      this.#records++;
      this.#door.merge(stream.move, entries, merge);
    }
    const bytes = page.entriesEnd - page.entriesStart;
    this.#bytes += bytes;
    const now = this.#door.nowMs();
    const restMs = (now - cameMs) * REST_FACTOR + Math.min(QUEUE_MAX_MS, tookMs - source.quickestMs);
    this.#paceMs = Math.max(this.#paceMs, now) + Math.max(restMs, (bytes * 1_000) / this.#options.bytesPerSecond);
    if (this.#mutants?.has('streamedBeforeStored')) merge.left = 1;
    merge.stored();
  }

  /** Whether its page is done, or its time is up. */
  #look(stream: Stream, now: number): void {
    const { merge } = stream;
    if (merge !== null && merge.left <= 0 && !merge.hasFailed) return this.#stored(stream);
    if (merge?.left === 0) this.#failed(stream, merge.fault);
    else if (now >= stream.deadlineMs) this.#failed(stream, merge === null ? 'no page has come' : 'its page could not be merged in time');
  }

  #stored(stream: Stream): void {
    this.#leave(stream);
    stream.position = stream.covered;
    this.#door.keep(stream.move, stream.position);
    // In front, so that what has begun ends.
    if (stream.position !== null) this.#waiting.unshift(stream);
  }

  #refused(stream: Stream, status: number): void {
    const isDamage = status === STORAGE_FAILED && ++stream.damages >= DAMAGES_MAX;
    this.#failed(stream, `its answer has status ${status}`);
    if (isDamage) this.#door.damaged(stream.move);
    this.#door.later();
  }

  #failed(stream: Stream, why: string): void {
    this.#leave(stream);
    this.#door.failed(stream.move, why);
    this.#retries++;
    const source = this.#source(stream);
    source.restsUntilMs = this.#door.nowMs() + this.#options.restMs * 2 ** Math.min(source.failures++, DOUBLINGS_MAX);
    this.#waiting.push(stream);
  }

  #leave(stream: Stream): void {
    this.#underWay.delete(stream.id);
    this.#source(stream).underWay--;
    stream.merge = null;
    stream.deadlineMs = Number.POSITIVE_INFINITY;
  }

  /** Infinity: when another one has ended. */
  #dueMs(stream: Stream): number {
    const { underWay, restsUntilMs } = this.#source(stream);
    if (underWay >= this.#options.perSourceMax || this.#underWay.size >= this.#options.streamsMax) return Number.POSITIVE_INFINITY;
    return Math.max(this.#paceMs, restsUntilMs);
  }

  #ask(stream: Stream, now: number): void {
    const { pageKeys, pageBytes, pageMs } = this.#options;
    this.#lastId = (this.#lastId % 0xffff_ffff) + 1;
    stream.id = this.#lastId;
    stream.askedMs = now;
    stream.deadlineMs = now + pageMs;
    this.#underWay.set(stream.id, stream);
    this.#source(stream).underWay++;
    this.#door.ask(stream.move, stream.position!, stream.id, pageKeys, pageBytes);
  }

  #source({ move }: Stream): Source {
    const known = this.#sources.get(move.source);
    if (known !== undefined) return known;
    const made = { underWay: 0, quickestMs: Number.POSITIVE_INFINITY, restsUntilMs: 0, failures: 0 };
    this.#sources.set(move.source, made);
    return made;
  }
}

const DEFAULTS: Readonly<Required<Omit<StreamOptions, 'mutants'>>> = {
  streamsMax: 4,
  perSourceMax: 2,
  pageKeys: 64,
  pageBytes: 64 * 1_024,
  bytesPerSecond: 32 * 1_024 * 1_024,
  pageMs: 5_000,
  restMs: 100,
  firstId: 0,
};

/** So that sources take turns: the first of each, then the second of each, and so on. */
function interleaved(streams: readonly Stream[]): Stream[] {
  const seen = new Map<number, number>();
  const ranked = streams.map((stream) => {
    const rank = seen.get(stream.move.source) ?? 0;
    seen.set(stream.move.source, rank + 1);
    return { stream, rank };
  });
  return ranked.sort((a, b) => a.rank - b.rank).map(({ stream }) => stream);
}
