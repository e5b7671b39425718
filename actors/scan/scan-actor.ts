/**
 * ScanActor: one per shard, at SCAN_SLOT. Carries what its Scans decide to replicas, and back. Beside the coordinator, of which it needs nothing: a scan writes nothing.
 *
 * Gateways of the thread call `holder.scans.begin` within their own turns. Sent to by replicas (PAGE), clients (LIST), GossipActor (`view`). What is malformed is refused and logged.
 */
import { defineActor } from '../../runtime/actor.ts';
import { OutBuffer } from '../../runtime/bytes.ts';
import { unreachable } from '../../runtime/errors.ts';
import { REQUEST } from '../../runtime/lanes.ts';
import { ReplyAddress } from '../../runtime/reply.ts';
import type { ViewMessage } from '../gossip/view-subscribers.ts';
import { ClusterView, type ClusterViewArguments, SUBSCRIBE_MS } from '../store/cluster-view.ts';
import { LIST, LISTED, PAGE, SCAN, statusOfAnswer, VNODE_SLOT } from '../store/data-frames.ts';
import { INVALID, OK, OVERLOADED } from '../store/store-request.ts';
import { readList, writeListed } from './list-frames.ts';
import { readPage } from './scan-frames.ts';
import { ScanAnswer, type ScanDoor, ScanRequest } from './scan-request.ts';
import { type ScanReplicaDoor, Scans, type ScansOptions } from './scans.ts';

/** The scans of a shard, for the gateways of its thread. Null: the actor is not there. */
export interface ScanHolder {
  scans: ScanDoor | null;
}

export interface ScanArguments extends ClusterViewArguments, ScansOptions {
  readonly holder: ScanHolder;
  /** Of LISTs that do not say how long they may take. Default 5,000 ms. */
  readonly listMs?: number;
}

type Message =
  | ViewMessage
  | { readonly type: 'wake' }
  /** Suspicions are asked for again, as GossipActor may have been started anew. */
  | { readonly type: 'again' }
  /** Scans were begun. */
  | { readonly type: 'due' };

const FRAME_BYTES = 1_024;
const FRAME_BYTES_MAX = 8 * 1_024 * 1_024;
const LISTS_MAX = 1_024;
/** A frame is 8 MiB at most, and a page of a client should leave room for one long record. */
const LIST_BYTES_MAX = 1_048_576;
const NO_ENTRIES = new Uint8Array(0);

export const scanActor = defineActor<Message, readonly [ScanArguments]>(
  'store.scan',
  (context, args) => {
    const { holder, listMs = 5_000 } = args;
    const view = new ClusterView(args);
    const bell = context.doorbell({ type: 'due' });
    const out = new OutBuffer(FRAME_BYTES, FRAME_BYTES_MAX);
    const request = new ScanRequest();
    const refusal = new ScanAnswer();
    const addresses: ReplyAddress[] = [];
    const freeAddresses: number[] = [];
    let isStopped = false;

    const door: ScanReplicaDoor = {
      topology: () => view.topology(),
      isReachable: (member) => view.isReachable(member),
      ask(member, toShard, id, ask) {
        out.clear();
        ask.write(out);
        return view.ref(VNODE_SLOT, member, toShard).tellBytes(SCAN, out.bytes, 0, out.length, id, REQUEST);
      },
      nowMs: () => context.clock.now(),
      wallMs: () => context.clock.wall(),
      wakeAt: (ms) => context.after('wake', Math.max(0, ms - context.clock.now()), { type: 'wake' }),
      later: bell,
    };
    const scans = new Scans(door, { ...args, firstId: context.random.u32() });
    const sink = { scanned: answerList };
    holder.scans = scans;
    if (args.gossip !== undefined) context.every('again', SUBSCRIBE_MS, { type: 'again' });
    view.subscribe(context.self);

    return {
      receive(message: Message): void {
        switch (message.type) {
          case 'view':
            return view.onView(message);
          case 'again':
            return view.subscribe(context.self);
          case 'wake':
            return scans.wake();
          case 'due':
            return scans.startWaiting();
          default:
            unreachable(message);
        }
      },
      receiveBytes(operation: number, bytes: Uint8Array, offset: number, length: number, requestId: number): void {
        const end = offset + length;
        const fault =
          operation === PAGE
            ? onPage(bytes, offset, end, requestId)
            : operation === LIST
              ? onList(bytes, offset, end)
              : `expected PAGE or LIST, found operation ${operation}`;
        if (fault !== undefined) context.log.warn('malformed message refused', { operation, fault });
      },
      stopped(): void {
        holder.scans = null;
        isStopped = true;
        scans.close();
      },
    };

    /** Returns what was expected and found, when it is malformed: then that replica has failed. */
    function onPage(bytes: Uint8Array, start: number, end: number, requestId: number): string | undefined {
      const status = statusOfAnswer(bytes, start, end);
      if (status !== OK) {
        scans.onPage(requestId, typeof status === 'string' ? INVALID : status, null);
        return typeof status === 'string' ? status : undefined;
      }
      const page = readPage(bytes, start, end);
      const isPage = typeof page !== 'string';
      scans.onPage(requestId, isPage ? OK : INVALID, isPage ? page : null);
      return isPage ? undefined : page;
    }

    function onList(bytes: Uint8Array, start: number, end: number): string | undefined {
      const remainingMs = readList(bytes, start, end, request);
      if (typeof remainingMs === 'string') {
        refuseList(INVALID, remainingMs);
        return remainingMs;
      }
      const token = freeAddresses.pop() ?? addresses.length;
      if (token >= LISTS_MAX) {
        refuseList(OVERLOADED, `${LISTS_MAX} scans of clients are under way`);
        return undefined;
      }
      const address = addresses[token] ?? new ReplyAddress();
      addresses[token] = address;
      context.noteSender(address);
      request.bytesMax = Math.min(request.bytesMax, LIST_BYTES_MAX);
      request.deadlineMs = context.clock.now() + (remainingMs === 0 ? listMs : remainingMs);
      request.sink = sink;
      request.token = token;
      scans.begin(request);
      return undefined;
    }

    function refuseList(status: number, message: string): void {
      refusal.status = status;
      refusal.message = message;
      out.clear();
      writeListed(out, refusal, NO_ENTRIES, 0, 0);
      context.replyBytes(LISTED, out.bytes, 0, out.length);
    }

    function answerList(token: number, answer: ScanAnswer): void {
      // A client asks again elsewhere.
      if (isStopped) return;
      const { bytes, end } = answer.entries;
      out.clear();
      if (!writeListed(out, answer, bytes, 0, end)) {
        refusal.status = INVALID;
        refusal.message = `a page of ${end} bytes is too long for a frame`;
        writeListed(out, refusal, NO_ENTRIES, 0, 0);
      }
      context.replyBytesTo(addresses[token]!, LISTED, out.bytes, 0, out.length);
      freeAddresses.push(token);
    }
  },
  { mailbox: { capacity: 8_192 } },
);
