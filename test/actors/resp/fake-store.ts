/**
 * FakeStore: one replica in memory, with real records and contexts, behind the coordinator's interface. Answers at once, or when the test says so, in whatever order.
 */
import { Hasher } from '../../../actors/ring/token.ts';
import { beginEntry, endEntry } from '../../../actors/scan/page-entries.ts';
import type { ScanHolder } from '../../../actors/scan/scan-actor.ts';
import { comparePositions, groupOf, type ScanPosition, startOfGroup } from '../../../actors/scan/scan-position.ts';
import { ScanAnswer, type ScanRequest } from '../../../actors/scan/scan-request.ts';
import type { StoreDoor } from '../../../actors/store/store-door.ts';
import {
  CONTEXT_GIVEN,
  CONTEXT_LOCAL,
  CONTEXT_READ,
  DELETE,
  GET,
  NOT_FOUND,
  OK,
  type RequestSink,
  StoreAnswer,
  type StoreRequest,
} from '../../../actors/store/store-request.ts';
import { liveSiblings } from '../../../actors/version/newest.ts';
import { put } from '../../../actors/version/put.ts';
import { RecordView } from '../../../actors/version/record-view.ts';
import { Write } from '../../../actors/version/write.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';

export interface Held {
  readonly kind: number;
  readonly key: string;
  readonly request: Readonly<
    Pick<StoreRequest, 'r' | 'w' | 'primaries' | 'isLocal' | 'isMonotonic' | 'contextKind' | 'expiryMs' | 'deadlineMs'>
  >;
  readonly answer: () => void;
}

export interface Refusal {
  readonly status: number;
  readonly received: number;
  readonly needed: number;
  readonly message: string;
}

export class FakeStore implements StoreDoor {
  /** Milliseconds since 1970. */
  wallMs = 1_764_000_000_000;
  /** Requests wait in `held` until the test answers them. */
  holds = false;
  /** What the next requests are answered with instead of being done. */
  readonly refusals: Refusal[] = [];
  held: Held[] = [];
  begun = 0;
  /** What the next pages are answered with instead. */
  readonly scanRefusals: number[] = [];
  /** That were answered. */
  pages = 0;
  readonly scans: ScanHolder = { scans: { begin: (request) => void this.#scans.push(request) } };
  #scans: ScanRequest[] = [];
  readonly #hasher = new Hasher();
  readonly #records = new Map<string, Buffer>();
  readonly #out = new OutBuffer(1_024, 1 << 28);
  readonly #write = new Write();
  readonly #answer = new StoreAnswer(new RecordView());
  readonly #actor = Buffer.alloc(16, 7);
  #counter = 0;

  begin(request: StoreRequest): void {
    this.begun++;
    const { sink, token, kind } = request;
    const key = `${request.keyspace.id}/${request.key.subarray(request.keyStart, request.keyEnd).toString()}`;
    const refusal = this.refusals.shift();
    if (refusal !== undefined) {
      this.#later(request, key, () => this.#reply(sink, token, refusal.status, undefined, refusal));
    } else if (kind === GET) {
      this.#later(request, key, () => this.#reply(sink, token, OK, this.#records.get(key), undefined));
    } else {
      const record = this.#put(request, key);
      this.#later(request, key, () => this.#reply(sink, token, OK, record, undefined));
    }
  }

  /** A write of another client, through a replica that has not seen this one's: a sibling. */
  concurrentPut(keyspaceId: number, key: string, value: string, actorByte = 9): void {
    const name = `${keyspaceId}/${key}`;
    this.#actor.fill(actorByte);
    this.#records.set(name, this.#made(this.#viewOf(name), new RecordView(), Buffer.from(value), 0, Buffer.byteLength(value), false, 0));
    this.#actor.fill(7);
  }

  answerAll(order: (held: readonly Held[]) => readonly Held[] = (held) => held): void {
    const { held } = this;
    this.held = [];
    for (const one of order(held)) one.answer();
  }

  /** Answers pages that were asked for. Returns whether there were any. */
  answerScans(): boolean {
    const scans = this.#scans;
    this.#scans = [];
    for (const request of scans) request.sink.scanned(request.token, this.#page(request));
    return scans.length > 0;
  }

  /** Whole groups of tokens, if that is asked for, until there are enough. */
  #page({ keyspaceId, start, prefix, keysMax, isWhole }: ScanRequest): ScanAnswer {
    this.pages++;
    const answer = new ScanAnswer();
    const out = new OutBuffer(1_024, 1 << 24);
    answer.status = this.scanRefusals.shift() ?? OK;
    const keys = answer.status === OK ? this.#keysOf(keyspaceId).filter((key) => comparePositions(key, start) > 0) : [];
    let last: ScanPosition = start;
    for (const { group, high, low, key, record } of keys) {
      if (answer.keys >= keysMax) {
        answer.next = isWhole ? startOfGroup(group) : last;
        break;
      }
      last = { high, low, key };
      if (!key.subarray(0, prefix.length).equals(prefix)) continue;
      if (liveSiblings(this.#viewOf(`${keyspaceId}/${key.toString()}`), this.wallMs) === 0) continue;
      const at = out.length;
      beginEntry(out, high, low, key, 0, key.length, record.length);
      out.bytes.set(record, out.length);
      out.length += record.length;
      endEntry(out, at);
      answer.keys++;
    }
    answer.entries.open(out.bytes, 0, out.length);
    return answer;
  }

  /** No two of them have one group. */
  #keysOf(keyspaceId: number): { group: number; high: number; low: number; key: Buffer; record: Buffer }[] {
    const begin = `${keyspaceId}/`;
    const keys = [...this.#records]
      .filter(([name]) => name.startsWith(begin))
      .map(([name, record]) => {
        const key = Buffer.from(name.slice(begin.length));
        this.#hasher.hash(key);
        const { high, low } = this.#hasher;
        return { group: groupOf(high, low), high, low, key, record };
      });
    return keys.sort((a, b) => a.group - b.group);
  }

  #later(request: StoreRequest, key: string, answer: () => void): void {
    if (!this.holds) return answer();
    const { kind, r, w, primaries, isLocal, isMonotonic, contextKind, expiryMs, deadlineMs } = request;
    const said = { r, w, primaries, isLocal, isMonotonic, contextKind, expiryMs, deadlineMs };
    this.held.push({ kind, key: key.slice(key.indexOf('/') + 1), request: said, answer });
  }

  #put(request: StoreRequest, key: string): Buffer {
    const local = this.#viewOf(key);
    const context = new RecordView();
    if (request.contextKind === CONTEXT_LOCAL || request.contextKind === CONTEXT_READ) context.open(local.bytes, local.start, local.end);
    if (local.entries === 0) context.clear();
    if (request.contextKind === CONTEXT_GIVEN) context.open(request.context, request.contextStart, request.contextEnd);
    const isTombstone = request.kind === DELETE;
    const record = this.#made(
      local,
      context,
      request.value,
      request.valueStart,
      isTombstone ? request.valueStart : request.valueEnd,
      isTombstone,
      request.expiryMs,
    );
    this.#records.set(key, record);
    return record;
  }

  #made(
    local: RecordView,
    context: RecordView,
    value: Uint8Array,
    start: number,
    end: number,
    isTombstone: boolean,
    expiry: number,
  ): Buffer {
    const write = this.#write;
    write.actor = this.#actor;
    write.counter = ++this.#counter;
    write.stamp = this.wallMs * 1_024 + this.#counter;
    write.isTombstone = isTombstone;
    write.value = value;
    write.valueStart = start;
    write.valueEnd = end;
    write.expiry = expiry;
    this.#out.clear();
    const result = put(local, context, write, this.#out);
    if (result !== 'done') throw new Error(`fake store: put ${result}`);
    return Buffer.from(this.#out.bytes.subarray(0, this.#out.length));
  }

  #viewOf(key: string): RecordView {
    const view = new RecordView();
    const record = this.#records.get(key);
    if (record !== undefined) view.open(record, 0, record.length);
    return view;
  }

  #reply(sink: RequestSink, token: number, status: number, record: Buffer | undefined, refusal: Refusal | undefined): void {
    const answer = this.#answer;
    if (record === undefined) answer.record.clear();
    else answer.record.open(record, 0, record.length);
    answer.status = status === OK && record === undefined ? NOT_FOUND : status;
    if (status === OK && record !== undefined && liveSiblings(answer.record, this.wallMs) === 0) answer.status = NOT_FOUND;
    answer.received = refusal?.received ?? 2;
    answer.needed = refusal?.needed ?? 2;
    answer.primaries = answer.received;
    answer.message = refusal?.message ?? '';
    sink.answered(token, answer);
    // What was valid until `answered` returned is gone now.
    answer.record.clear();
  }
}
