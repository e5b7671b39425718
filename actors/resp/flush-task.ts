/**
 * FlushTask: FLUSHDB: page by page, each key is deleted with the context of what the page has shown of it. A write that comes meanwhile is kept where the page had not seen it: it is
 * later than the command.
 *
 * ```
 *   page of heads ---> deletes, DELETES_MAX at a time ---> next page ---> ... ---> OK, or the first failure and how many were deleted
 * ```
 */
import type { Keyspace } from '../ring/ring-state.ts';
import { SCAN_START, type ScanPosition } from '../scan/scan-position.ts';
import { type ScanAnswer, ScanRequest, type ScanSink } from '../scan/scan-request.ts';
import { CONTEXT_GIVEN, DELETE, NOT_FOUND, OK, type RequestSink, type StoreAnswer } from '../store/store-request.ts';
import { RecordView } from '../version/record-view.ts';
import { failureText } from './failure-text.ts';
import { requestOn } from './request-on.ts';
import type { RespSession } from './resp-session.ts';
import { NO_SCANS } from './scan-task.ts';
import { contextOf } from './store-task.ts';

const DELETES_MAX = 64;
const PAGE_KEYS = 512;

interface Doomed {
  readonly key: Uint8Array;
  readonly context: Buffer;
}

export class FlushTask implements ScanSink, RequestSink {
  readonly #session: RespSession;
  readonly #keyspace: Keyspace;
  readonly #slot: number;
  readonly #record = new RecordView();
  #doomed: Doomed[] = [];
  #next: ScanPosition | null = null;
  #underWay = 0;
  #deleted = 0;
  #failure = '';
  /** `#goOn` is about to run. */
  #isGoingOn = false;

  /** Opens the command's place among the replies; no command behind it is begun before. */
  constructor(session: RespSession) {
    this.#session = session;
    this.#keyspace = session.keyspace;
    this.#slot = session.openBarrier();
    this.#scan(SCAN_START);
  }

  scanned(_token: number, answer: ScanAnswer): void {
    const session = this.#session;
    session.host.gate.answered();
    if (session.isClosed) return;
    if (answer.status !== OK) return this.#finish(failureText(answer));
    const { entries } = answer;
    this.#doomed = [];
    while (entries.next()) this.#doomed.push({ key: entries.key(), context: contextOf(entries.record(this.#record)) });
    this.#next = answer.next;
    this.#goOnLater();
  }

  answered(_token: number, answer: StoreAnswer): void {
    const session = this.#session;
    session.host.gate.answered();
    this.#underWay--;
    if (session.isClosed) return;
    if (answer.status === OK || answer.status === NOT_FOUND) this.#deleted++;
    else if (this.#failure === '') this.#failure = failureText(answer);
    this.#goOnLater();
  }

  #goOnLater(): void {
    if (this.#isGoingOn) return;
    this.#isGoingOn = true;
    this.#session.later(() => this.#goOn());
  }

  #goOn(): void {
    // Also as long as it runs: answers may come within it.
    while (this.#failure === '' && this.#underWay < DELETES_MAX && this.#doomed.length > 0) this.#delete(this.#doomed.pop()!);
    this.#isGoingOn = false;
    if (this.#underWay > 0) return;
    if (this.#failure !== '') this.#finish(this.#failure);
    else if (this.#next === null) this.#finish('');
    else this.#scan(this.#next);
  }

  #scan(start: ScanPosition): void {
    const { host } = this.#session;
    const request = new ScanRequest().of(this.#keyspace, start);
    request.keysMax = PAGE_KEYS;
    request.deadlineMs = host.nowMs() + host.settings.requestTimeoutMs;
    request.sink = this;
    if (!host.gate.beginScan(request)) this.#finish(NO_SCANS);
  }

  #delete({ key, context }: Doomed): void {
    const { host } = this.#session;
    const request = requestOn(host, DELETE, this.#keyspace, key, 0, key.length);
    request.contextKind = CONTEXT_GIVEN;
    request.context = context;
    request.contextEnd = context.length;
    request.sink = this;
    request.token = 0;
    this.#underWay++;
    host.gate.begin(request);
  }

  #finish(failure: string): void {
    const text = failure === '' ? '' : `${failure}; keys deleted before that: ${this.#deleted}`;
    this.#session.finish(this.#slot, text, (writer) => writer.ok());
  }
}
