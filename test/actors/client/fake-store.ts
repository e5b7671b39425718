/** The store behind fake coordinators: one record per key, replicated to all at once, so that what a test sees comes of the client alone. */

import { applyOperation } from '../../../actors/ring/apply.ts';
import type { OperationOutcome } from '../../../actors/ring/operation.ts';
import { encodeRing } from '../../../actors/ring/ring-codec.ts';
import type { RingState } from '../../../actors/ring/ring-state.ts';
import { Hasher } from '../../../actors/ring/token.ts';
import type { RingMessage } from '../../../actors/ring-protocol.ts';
import { readList, writeListed } from '../../../actors/scan/list-frames.ts';
import { beginEntry, endEntry } from '../../../actors/scan/page-entries.ts';
import { comparePositions } from '../../../actors/scan/scan-position.ts';
import { ScanAnswer, ScanRequest } from '../../../actors/scan/scan-request.ts';
import { FORWARD, FORWARDED, LIST, LISTED } from '../../../actors/store/data-frames.ts';
import type { Greeting } from '../../../actors/store/greeting.ts';
import { DELETE, GET, NOT_FOUND, OK } from '../../../actors/store/store-request.ts';
import { liveSiblings } from '../../../actors/version/newest.ts';
import { put } from '../../../actors/version/put.ts';
import { Write } from '../../../actors/version/write.ts';
import { type ActorContext, defineActor } from '../../../runtime/actor.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { actorOf, NOTHING, outBuffer, taken, viewOf } from '../version/records.ts';
import { type FakeAnswer, type FakeRequest, readForward, writeForwarded } from './fake-frames.ts';

/** Answers instead of the store; null: nobody answers; undefined: as the store does. */
export type Script = (request: FakeRequest, store: FakeStore) => FakeAnswer | null | undefined;

export class FakeStore {
  ring: RingState;
  script: Script = () => undefined;
  /** All that came, in order. */
  readonly requests: FakeRequest[] = [];
  /** Rings that were fetched, by the node asked. */
  readonly fetches: string[] = [];
  readonly #records = new Map<string, Buffer>();
  #dots = 0;

  constructor(ring: RingState) {
    this.ring = ring;
  }

  serve(request: FakeRequest): FakeAnswer | null {
    this.requests.push(request);
    const scripted = this.script(request, this);
    return scripted === undefined ? this.execute(request) : scripted;
  }

  /** Statuses that the next pages are answered with instead; null: nobody answers. */
  readonly pages: (number | null)[] = [];
  readonly lists: { readonly node: string; readonly shard: number; readonly request: ScanRequest }[] = [];
  /** So many pages are answered with a record. */
  recordsForPages = 0;

  list(request: ScanRequest, node: string, shard: number): ScanAnswer | null {
    const { start, prefix, keysMax } = request;
    this.lists.push({ node, shard, request });
    const scripted = this.pages.shift();
    if (scripted === null) return null;
    const answer = new ScanAnswer();
    answer.status = scripted ?? OK;
    const out = new OutBuffer(1_024, 1 << 22);
    const hasher = new Hasher();
    const keys = [...this.#records].map(([name, record]) => {
      const key = Buffer.from(name);
      hasher.hash(key);
      return { high: hasher.high, low: hasher.low, key, record };
    });
    keys.sort(comparePositions);
    for (const { high, low, key, record } of answer.status === OK ? keys : []) {
      const isBehind = comparePositions({ high, low, key }, start) > 0;
      if (!isBehind || !key.subarray(0, prefix.length).equals(prefix) || liveSiblings(viewOf(record), 0) === 0) continue;
      if (answer.keys === keysMax) break;
      const at = out.length;
      beginEntry(out, high, low, key, 0, key.length, record.length);
      out.bytes.set(record, out.length);
      out.length += record.length;
      endEntry(out, at);
      answer.next = { high, low, key };
      answer.keys++;
    }
    if (answer.keys < keysMax) answer.next = null;
    answer.entries.open(out.bytes, 0, out.length);
    return answer;
  }

  execute({ kind, key, value, context, expiryMs }: FakeRequest): FakeAnswer {
    if (kind !== GET) this.#records.set(key, this.#put(key, kind === DELETE ? null : value, context, expiryMs));
    const record = this.#records.get(key) ?? NOTHING;
    const isThere = record.length > 0 && liveSiblings(viewOf(record), 0) > 0;
    return { status: kind === GET && !isThere ? NOT_FOUND : OK, record };
  }

  propose(message: Extract<RingMessage, { type: 'propose' }>): OperationOutcome {
    const applied = applyOperation(this.ring, message.proposal, {});
    if (!applied.ok) return applied;
    this.ring = applied.ring;
    const { generation, epoch } = applied.ring;
    return { ok: true, version: { generation, epoch } };
  }

  #put(key: string, value: Buffer | null, context: Buffer, expiryMs: number): Buffer {
    const write = new Write();
    write.actor = actorOf('f');
    write.counter = ++this.#dots;
    write.stamp = write.counter;
    write.isTombstone = value === null;
    write.value = value ?? NOTHING;
    write.valueEnd = write.value.length;
    write.expiry = expiryMs;
    const out = outBuffer();
    const result = put(viewOf(this.#records.get(key) ?? NOTHING), viewOf(context), write, out);
    if (result !== 'done') throw new Error(`put: ${result}`);
    return taken(out);
  }
}

/** At COORDINATOR_SLOT. */
export const fakeCoordinator = defineActor<Greeting, readonly [FakeStore, string, number]>(
  'test.coordinator',
  (context: ActorContext<Greeting>, store, node, shard) => ({
    receive({ replyTo }) {
      replyTo.tell({ type: 'greeted' });
    },
    receiveBytes(operation, bytes, offset, length, requestId) {
      if (operation !== FORWARD) throw new Error(`operation ${operation}`);
      const answer = store.serve({ node, shard, requestId, ...readForward(bytes, offset, length) });
      if (answer === null) return;
      const payload = writeForwarded(answer);
      context.replyBytes(FORWARDED, payload, 0, payload.length);
    },
  }),
  { mailbox: { capacity: 65_536 } },
);

/** At SCAN_SLOT. Pages in the order of the tokens. */
export const fakeScans = defineActor<never, readonly [FakeStore, string, number]>(
  'test.scans',
  (context: ActorContext<never>, store, node, shard) => ({
    receive() {},
    receiveBytes(operation, bytes, offset, length) {
      if (operation !== LIST) throw new Error(`operation ${operation}`);
      if (store.recordsForPages-- > 0) {
        const wrong = writeForwarded({ status: OK });
        return void context.replyBytes(FORWARDED, wrong, 0, wrong.length);
      }
      const request = new ScanRequest();
      const fault = readList(bytes, offset, offset + length, request);
      if (typeof fault === 'string') throw new Error(fault);
      const answer = store.list(request, node, shard);
      if (answer === null) return;
      const out = new OutBuffer(1_024, 1 << 22);
      writeListed(out, answer, answer.entries.bytes, 0, answer.entries.end);
      context.replyBytes(LISTED, out.bytes, 0, out.length);
    },
  }),
);

/** At RING_SLOT. */
export const fakeRing = defineActor<RingMessage, readonly [FakeStore, string]>('test.ring', (_context, store, node) => ({
  receive(message) {
    const { generation, epoch } = store.ring;
    if (message.type === 'fetchRing') {
      store.fetches.push(node);
      message.replyTo.tell({ ring: { generation, epoch, bytes: encodeRing(store.ring) } });
    } else if (message.type === 'propose') {
      message.replyTo.tell(store.propose(message));
    }
  },
}));
