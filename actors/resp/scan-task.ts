/** ScanTask: a command that reads pages of the keyspace: one or more, one after the other, until its plan has enough. */
import type { Keyspace } from '../ring/ring-state.ts';
import type { ScanPosition } from '../scan/scan-position.ts';
import { type ScanAnswer, ScanRequest, type ScanSink } from '../scan/scan-request.ts';
import { OK } from '../store/store-request.ts';
import { failureText } from './failure-text.ts';
import type { RespSession } from './resp-session.ts';
import type { RespWriter } from './resp-writer.ts';

export interface ScanPlan {
  /** Keys of a page, about. */
  readonly keysMax: number;
  readonly prefix?: Uint8Array;
  /** What a page holds, of heads, valid until this returns. Returns where the next page begins; null: it is enough. */
  page(answer: ScanAnswer): ScanPosition | null;
  render(writer: RespWriter): void;
}

export class ScanTask implements ScanSink {
  readonly #session: RespSession;
  readonly #plan: ScanPlan;
  readonly #slot: number;
  readonly #keyspace: Keyspace;
  readonly #deadlineMs: number;

  /** Opens the command's place among the replies, and begins; no command behind it is begun before it is answered. All pages together have the time of one request. */
  constructor(session: RespSession, plan: ScanPlan, start: ScanPosition) {
    const { host } = session;
    this.#session = session;
    this.#plan = plan;
    this.#keyspace = session.keyspace;
    this.#slot = session.openBarrier();
    this.#deadlineMs = host.nowMs() + host.settings.requestTimeoutMs;
    this.#begin(start);
  }

  scanned(_token: number, answer: ScanAnswer): void {
    const session = this.#session;
    session.host.gate.answered();
    if (session.isClosed) return;
    if (answer.status !== OK) return this.#finish(failureText(answer));
    const next = this.#plan.page(answer);
    if (next === null) this.#finish('');
    else this.#begin(next);
  }

  #begin(start: ScanPosition): void {
    const request = new ScanRequest().of(this.#keyspace, start);
    request.isWhole = true;
    request.keysMax = this.#plan.keysMax;
    if (this.#plan.prefix !== undefined) request.prefix = this.#plan.prefix;
    request.deadlineMs = this.#deadlineMs;
    request.sink = this;
    if (!this.#session.host.gate.beginScan(request)) this.#finish(NO_SCANS);
  }

  #finish(failure: string): void {
    this.#session.finish(this.#slot, failure, (writer) => this.#plan.render(writer));
  }
}

export const NO_SCANS = 'LOADING this node does not serve scans yet';
