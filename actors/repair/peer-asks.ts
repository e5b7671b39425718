/**
 * PeerAsks: questions to peers that are under way: asked again when nothing comes, or when the peer has no time, until TRIES_MAX. Repair asks nothing twice that would do harm.
 * Whoever owns it calls `tick` now and then, and `onAnswer` for what comes.
 */
import { OutBuffer } from '../../runtime/bytes.ts';
import type { Id } from '../ring/ring-state.ts';
import { ANSWER_HEAD_BYTES, statusOfAnswer } from '../store/data-frames.ts';
import { INVALID, LOADING, OVERLOADED, TIMED_OUT } from '../store/store-request.ts';

export interface Peer {
  readonly id: Id;
  readonly shard: number;
}

/** OK: the answer is `bytes[start, end)`, until this returns. */
export type OnHeard = (status: number, bytes: Uint8Array, start: number, end: number, message: string) => void;

export interface AsksDoor {
  /** u32: where ids begin, by chance, another one for each start: answers to what an earlier one has asked still come, and would be taken for others. */
  readonly firstId: number;
  /** Returns false where surely nothing was sent. */
  send(peer: Peer, slot: number, operation: number, bytes: Uint8Array, length: number, id: number): boolean;
  nowMs(): number;
}

interface Ask {
  readonly peer: Peer;
  readonly slot: number;
  readonly operation: number;
  readonly answer: number;
  readonly bytes: Uint8Array;
  readonly heard: OnHeard;
  /** Without any answer. */
  tries: number;
  /** The peer has said that it has no time, or is at it. */
  busy: number;
  againMs: number;
}

const FRAME_BYTES = 4_096;
const FRAME_BYTES_MAX = 64 * 1_024 * 1_024;
const PATIENCE_MS = 2_000;
const BUSY_MS = 500;
const TRIES_MAX = 6;
/** Ten minutes: a peer may have all its trees to make. */
const BUSY_MAX = 1_200;
const NOTHING = new Uint8Array(0);

export class PeerAsks {
  readonly #door: AsksDoor;
  readonly #asks = new Map<number, Ask>();
  readonly #out = new OutBuffer(FRAME_BYTES, FRAME_BYTES_MAX);
  #lastId: number;
  /** Bytes of frames since the start, both ways. */
  bytes = 0;

  constructor(door: AsksDoor) {
    this.#door = door;
    this.#lastId = door.firstId;
  }

  get count(): number {
    return this.#asks.size;
  }

  /** `answer`: the operation that answers it. `heard` is called once, later. */
  ask(peer: Peer, slot: number, operation: number, answer: number, write: (out: OutBuffer) => void, heard: OnHeard): void {
    this.#lastId = (this.#lastId + 1) >>> 0;
    this.#out.clear();
    write(this.#out);
    const bytes = Uint8Array.prototype.slice.call(this.#out.bytes, 0, this.#out.length);
    const ask: Ask = { peer, slot, operation, answer, bytes, heard, tries: 0, busy: 0, againMs: 0 };
    this.#asks.set(this.#lastId, ask);
    this.#send(this.#lastId, ask);
  }

  /** Returns false when that is no answer to anything. */
  onAnswer(operation: number, bytes: Uint8Array, start: number, end: number, id: number): boolean {
    const ask = this.#asks.get(id);
    if (ask === undefined || ask.answer !== operation) return false;
    this.bytes += end - start;
    const status = statusOfAnswer(bytes, start, end);
    if (typeof status === 'string') {
      this.#asks.delete(id);
      ask.heard(INVALID, NOTHING, 0, 0, status);
      return true;
    }
    if ((status === LOADING || status === OVERLOADED) && ask.busy < BUSY_MAX) {
      ask.busy++;
      ask.tries = 0;
      ask.againMs = this.#door.nowMs() + BUSY_MS;
      return true;
    }
    this.#asks.delete(id);
    const message =
      status === 0 ? '' : Buffer.from(Uint8Array.prototype.slice.call(bytes, start + ANSWER_HEAD_BYTES, end)).toString('utf8');
    ask.heard(status, bytes, start, end, message);
    return true;
  }

  /** Asks again what is due. */
  tick(): void {
    const now = this.#door.nowMs();
    for (const [id, ask] of [...this.#asks]) {
      if (ask.againMs > now) continue;
      if (ask.tries >= TRIES_MAX) {
        this.#asks.delete(id);
        ask.heard(TIMED_OUT, NOTHING, 0, 0, `no answer after ${ask.tries} times`);
      } else {
        this.#send(id, ask);
      }
    }
  }

  #send(id: number, ask: Ask): void {
    ask.tries++;
    ask.againMs = this.#door.nowMs() + PATIENCE_MS;
    if (this.#door.send(ask.peer, ask.slot, ask.operation, ask.bytes, ask.bytes.length, id)) this.bytes += ask.bytes.length;
  }
}
