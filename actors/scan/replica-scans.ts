/**
 * ReplicaScans: pages of a shard's own engine, for coordinators of scans. No actor: VNodeActor calls it within its turns.
 *
 * ```
 *   SCAN --> begin --> a step: some entries ---(page not full)--> doorbell, other messages --> the next step ...
 *                        |  a block has to be read: the step goes on when it is here
 *                        '--(page full, or end of the range)--> PAGE, iterator closed
 * ```
 * A step looks at STEP_KEYS keys and STEP_BYTES bytes at most, so that no scan holds up reads and writes of the thread. An iterator lives as long as its page is being made, and
 * shows one moment of this replica; other pages are of other moments.
 */
import type { ActorContext } from '../../runtime/actor.ts';
import { copyBytes, OutBuffer } from '../../runtime/bytes.ts';
import { ReplyAddress } from '../../runtime/reply.ts';
import { type EngineIterator, type Entry, LATER } from '../../storage/engine/api.ts';
import type { StorageResult } from '../../storage/errors.ts';
import { PAGE, writeRefusal } from '../store/data-frames.ts';
import { ENGINE_KEY_PREFIX_BYTES, tokenHighOf, tokenLowOf } from '../store/engine-key.ts';
import { rangeOfTokens } from '../store/engine-range.ts';
import type { Replicas } from '../store/replicas.ts';
import { LOADING, OVERLOADED, STORAGE_FAILED } from '../store/store-request.ts';
import { RecordView } from '../version/record-view.ts';
import { beginEntry, ENTRY_HEAD_BYTES, endEntry } from './page-entries.ts';
import { beginPage, endCopy, type ScanAsk, WANT_COPY, WANT_HEADS } from './scan-frames.ts';
import type { ScanPosition } from './scan-position.ts';
import { stripValues } from './strip-values.ts';

/** Pages in the making; one more is OVERLOADED. */
const SCANS_MAX = 64;
const STEP_KEYS = 64;
const STEP_BYTES = 65_536;
const PAGE_BYTES = 1_024;
/** A frame is 8 MiB at most; a record with the longest key fits. */
const PAGE_BYTES_MAX = 8 * 1_024 * 1_024 - 131_072;

/** What of VNodeActor's context is needed here. */
type Replying = Pick<ActorContext<never>, 'noteSender' | 'replyBytes' | 'replyBytesTo'>;

class PageScan {
  readonly address = new ReplyAddress();
  readonly entries = new OutBuffer(PAGE_BYTES, PAGE_BYTES_MAX);
  readonly iterator: EngineIterator;
  readonly wish: number;
  readonly prefix: Uint8Array;
  readonly bytesMax: number;
  keysLeft: number;
  covered: ScanPosition | null = null;
  isReading = false;
  /** Of the read that has ended. */
  result: StorageResult<readonly Entry[]> | undefined;
  readonly done: (result: StorageResult<readonly Entry[]>) => void;

  constructor(iterator: EngineIterator, { option, prefix, bytesMax, keysMax }: ScanAsk, ring: () => void) {
    this.iterator = iterator;
    this.wish = option;
    this.prefix = prefix;
    this.bytesMax = Math.min(bytesMax, PAGE_BYTES_MAX);
    this.keysLeft = keysMax;
    this.done = (result) => {
      this.isReading = false;
      this.result = result;
      ring();
    };
  }
}

export class ReplicaScans {
  readonly #context: Replying;
  readonly #ring: () => void;
  readonly #mutants: ReadonlySet<string> | undefined;
  readonly #scans = new Set<PageScan>();
  readonly #page = new OutBuffer(PAGE_BYTES, PAGE_BYTES_MAX + 65_536);
  readonly #record = new RecordView();

  /** `ring`: `run` is to be called in a turn; may be called at any time. */
  constructor(context: Replying, ring: () => void, mutants: ReadonlySet<string> | undefined) {
    this.#context = context;
    this.#ring = ring;
    this.#mutants = mutants;
  }

  /** Answers the message that is being handled, now or later. Requires: the ask was checked, `replicas` are open. */
  begin(ask: ScanAsk, replicas: Replicas): void {
    const { keyspace, tokenHigh, tokenLow, key, lastHigh, lastLow } = ask;
    if (this.#scans.size >= SCANS_MAX) return this.#refuse(`${SCANS_MAX} scans of this shard are under way`);
    const iterator = replicas.iterator(rangeOfTokens(keyspace, tokenHigh, tokenLow, key, lastHigh, lastLow));
    const scan = new PageScan(iterator, ask, this.#ring);
    this.#context.noteSender(scan.address);
    this.#scans.add(scan);
    this.#step(scan);
  }

  /** One step of each page that can go on. */
  run(): void {
    for (const scan of [...this.#scans]) if (!scan.isReading) this.#step(scan);
  }

  /** Refuses those under way; the store is about to close. */
  close(): void {
    for (const scan of [...this.#scans]) this.#fail(scan, LOADING, 'the replicas of this shard are closing');
  }

  #step(scan: PageScan): void {
    const { result } = scan;
    scan.result = undefined;
    let entries: readonly Entry[];
    if (result === undefined) {
      const found = scan.iterator.next(Math.min(STEP_KEYS, scan.keysLeft), STEP_BYTES, scan.done);
      scan.isReading = found === LATER;
      if (found === LATER) return;
      entries = found;
    } else if (result.ok) {
      entries = result.value;
    } else {
      const { code, message } = result.error;
      const isClosing = code === 'CANCELLED' || code === 'CLOSED';
      return this.#fail(scan, isClosing ? LOADING : STORAGE_FAILED, `${code}: ${message}`);
    }
    if (entries.length === 0) {
      scan.covered = null;
      return this.#finish(scan);
    }
    for (const entry of entries) {
      if (this.#add(scan, entry)) continue;
      if (scan.covered !== null) return this.#finish(scan);
      return this.#fail(scan, STORAGE_FAILED, `a record of ${entry.value.length} bytes is too long for a page`);
    }
    scan.keysLeft -= entries.length;
    if (scan.keysLeft <= 0 || scan.entries.length >= scan.bytesMax) return this.#finish(scan);
    this.#ring();
  }

  /** Returns false when the page is full without it. */
  #add(scan: PageScan, { key, value }: Entry): boolean {
    const { entries, prefix } = scan;
    const high = tokenHighOf(key);
    const low = tokenLowOf(key);
    if (beginsWith(key, prefix)) {
      const start = entries.length;
      const isFirst = start === 0;
      const bytes = ENTRY_HEAD_BYTES + key.length - ENGINE_KEY_PREFIX_BYTES + value.length;
      if (!isFirst && scan.wish !== WANT_HEADS && start + bytes > scan.bytesMax) return false;
      if (!beginEntry(entries, high, low, key, ENGINE_KEY_PREFIX_BYTES, key.length, value.length)) return false;
      this.#record.open(value, 0, value.length);
      if (scan.wish === WANT_HEADS) {
        stripValues(this.#record, entries);
      } else {
        copyBytes(value, 0, value.length, entries.bytes, entries.length);
        entries.length += value.length;
      }
      endEntry(entries, start);
    }
    scan.covered = { high, low, key: key.subarray(ENGINE_KEY_PREFIX_BYTES) };
    return true;
  }

  #finish(scan: PageScan): void {
    const { entries, covered } = scan;
    this.#end(scan);
    const page = this.#page;
    beginPage(page, this.#mutants?.has('pageEndLost') ? null : covered);
    page.ensure(entries.length);
    copyBytes(entries.bytes, 0, entries.length, page.bytes, page.length);
    page.length += entries.length;
    if (scan.wish === WANT_COPY) endCopy(page);
    this.#context.replyBytesTo(scan.address, PAGE, page.bytes, 0, page.length);
  }

  #fail(scan: PageScan, status: number, message: string): void {
    this.#end(scan);
    writeRefusal(this.#page, status, message);
    this.#context.replyBytesTo(scan.address, PAGE, this.#page.bytes, 0, this.#page.length);
  }

  /** Nothing of it was begun. */
  #refuse(message: string): void {
    writeRefusal(this.#page, OVERLOADED, message);
    this.#context.replyBytes(PAGE, this.#page.bytes, 0, this.#page.length);
  }

  #end(scan: PageScan): void {
    this.#scans.delete(scan);
    scan.iterator.close();
  }
}

function beginsWith(engineKey: Uint8Array, prefix: Uint8Array): boolean {
  if (engineKey.length - ENGINE_KEY_PREFIX_BYTES < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (engineKey[ENGINE_KEY_PREFIX_BYTES + i] !== prefix[i]) return false;
  return true;
}
