/**
 * ScanRequest and ScanAnswer: what gateways ask the scans of their shard for, and get: one page of a keyspace, merged from R replicas of each partition that it reaches into.
 *
 * Of a scan that goes on page by page to its end, each page beginning where the last one says: every key that was there all the time comes at least once, where R + W > N; as any
 * read, an `ap` keyspace may miss what is only with replicas that were not asked. Keys that come or go meanwhile come or don't. Pages are of different moments.
 */
import type { Keyspace } from '../ring/ring-state.ts';
import type { AnswerStatus } from '../store/store-request.ts';
import { AS_KEYSPACE, OK } from '../store/store-request.ts';
import { PageEntries } from './page-entries.ts';
import { type ScanWish, WANT_HEADS } from './scan-frames.ts';
import { NO_KEY, SCAN_START, type ScanPosition } from './scan-position.ts';

/** Whoever does scans, as gateways see it. */
export interface ScanDoor {
  /** Copies what it needs. Answers exactly once to `request.sink`, never within the call, by `request.deadlineMs` or a little later. */
  begin(request: ScanRequest): void;
}

export interface ScanSink {
  /** `answer` and all in it are valid until this returns. */
  scanned(token: number, answer: ScanAnswer): void;
}

/** May be filled in anew when `begin` has returned. */
export class ScanRequest {
  keyspaceId = 0;
  start: ScanPosition = SCAN_START;
  /** Only keys that begin with it; the others are looked at all the same. */
  prefix: Uint8Array = NO_KEY;
  /** Records with or without their values. */
  wish: ScanWish = WANT_HEADS;
  /** Keys of a page, from 1: about so many, seldom some more; fewer where the bytes, or what was looked at, are enough. */
  keysMax = 256;
  /** Bytes of a page: about so many; a single longer entry comes alone. */
  bytesMax = 262_144;
  /** Pages end between groups of tokens (scan-position.ts), so that the number of a group is enough to go on: `next.key` is empty. */
  isWhole = false;
  r = AS_KEYSPACE;
  /** Of the clock of this thread. */
  deadlineMs = 0;
  sink: ScanSink = NOBODY;
  token = 0;

  /** For another page of this keyspace. */
  of({ id }: Keyspace, start: ScanPosition): this {
    this.keyspaceId = id;
    this.start = start;
    return this;
  }
}

export class ScanAnswer {
  status: AnswerStatus = OK;
  /** Of status OK: live keys, merged. There may be none, though the scan goes on: all that were looked at are deleted, or don't begin with the prefix. */
  readonly entries = new PageEntries();
  keys = 0;
  /** Where the next page begins; null: this was the last one. */
  next: ScanPosition | null = null;
  /** Replicas that had answered and had to, of the partition that failed. */
  received = 0;
  needed = 0;
  /** For people; empty when `status` says it all. */
  message = '';
}

const NOBODY: ScanSink = { scanned() {} };
