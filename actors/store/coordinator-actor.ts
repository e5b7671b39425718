/**
 * CoordinatorActor: one per shard, at COORDINATOR_SLOT. Carries what its Coordinator decides to replicas and other coordinators, and back.
 *
 * Gateways of the thread call `holder.coordinator.begin` within their own turns; the request is started in the next turn of this actor, so that answers come to it. Sent to by
 * replicas (RECORD, DIGEST, MERGED), coordinators and clients (FORWARD, FORWARDED), clients (`greeting`), GossipActor (`view`), who wants figures. What is malformed is
 * refused and logged.
 */
import { defineActor } from '../../runtime/actor.ts';
import { copyBytes, OutBuffer } from '../../runtime/bytes.ts';
import { unreachable } from '../../runtime/errors.ts';
import { REQUEST } from '../../runtime/lanes.ts';
import type { Ref } from '../../runtime/ref.ts';
import { ReplyAddress } from '../../runtime/reply.ts';
import { u32At } from '../../storage/byte-reader.ts';
import type { ViewMessage } from '../gossip/view-subscribers.ts';
import { OWNER_BYTES } from '../hints/hint-key.ts';
import { checkRecord } from '../version/check-record.ts';
import { DIGEST_BYTES } from '../version/digest.ts';
import { RecordView } from '../version/record-view.ts';
import { ClusterView, type ClusterViewArguments, SUBSCRIBE_MS } from './cluster-view.ts';
import { Coordinator, type CoordinatorOptions } from './coordinator.ts';
import type { CoordinatorFigures } from './coordinator-figures.ts';
import {
  ANSWER_HEAD_BYTES,
  AS_STAND_IN,
  COORDINATOR_SLOT,
  DIGEST,
  FORWARD,
  FORWARDED,
  MERGE,
  MERGED,
  READ,
  RECORD,
  statusOfAnswer,
  VNODE_SLOT,
  WANT_DIGEST,
  WANT_RECORD,
} from './data-frames.ts';
import { Forward, readForwarded, writeForward, writeForwarded } from './forward-frames.ts';
import type { Greeted, Greeting } from './greeting.ts';
import { KeyPlace } from './key-place.ts';
import { durabilityOf, LocalReplica, type RunsCalls } from './local-replica.ts';
import { RecentForwards, type RecentForwardsOptions } from './recent-forwards.ts';
import type { ReplicaDoor } from './replica-door.ts';
import type { CoordinatorHolder } from './store-door.ts';
import {
  type AnswerStatus,
  GET,
  LOADING,
  NO_KEYSPACE_FOUND,
  OK,
  OVERLOADED,
  STALE_RING,
  StoreAnswer,
  StoreRequest,
} from './store-request.ts';
import type { Topology } from './topology.ts';
import { TurnClock } from './turn-clock.ts';
import type { ReplicasHolder } from './vnode-actor.ts';

export interface CoordinatorArguments extends ClusterViewArguments, Omit<CoordinatorOptions, 'later'> {
  /** The replicas of this thread, opened by its VNodeActor. */
  readonly replicas: ReplicasHolder;
  readonly holder: CoordinatorHolder;
  /** Of FORWARDs that do not say how long they may take. Default 5,000 ms. */
  readonly forwardMs?: number;
  /** Of forwarded writes that came before. */
  readonly recent?: Omit<RecentForwardsOptions, 'mutants'>;
}

/** Asks what this shard has done since its start. */
export interface GetFigures {
  readonly type: 'figures';
  readonly replyTo: Ref<StoreFigures>;
}
export interface StoreFigures {
  readonly type: 'storeFigures';
  readonly coordinator: CoordinatorFigures;
  /** As `Replicas.stats`; null: not open. */
  readonly replicas: Readonly<Record<string, number>> | null;
}
export type CoordinatorMessage = ViewMessage | Greeting | GetFigures;

interface Wake {
  readonly type: 'wake';
}
/** Requests were begun, or the replica of this shard has answered. */
interface Due {
  readonly type: 'due';
}
/** Suspicions are asked for again, as GossipActor may have been started anew. */
interface Again {
  readonly type: 'again';
}
/** The shard may serve by now. */
interface Ready {
  readonly type: 'ready';
}
type Message = CoordinatorMessage | Wake | Due | Again | Ready;

const FRAME_BYTES = 4_096;
const FRAME_BYTES_MAX = 64 * 1_024 * 1_024;
const FORWARDS_MAX = 4_096;
const READY_MS = 20;
const GREETINGS_MAX = 1_024;

export const coordinatorActor = defineActor<Message, readonly [CoordinatorArguments]>(
  'store.coordinator',
  (context, args) => {
    const { shard, replicas, holder, forwardMs = 5_000 } = args;
    const view = new ClusterView(args);
    const bell = context.doorbell({ type: 'due' });
    const clock = new TurnClock(context.clock);
    const out = new OutBuffer(FRAME_BYTES, FRAME_BYTES_MAX);
    const place = new KeyPlace();
    const forwardOut = new StoreRequest();
    const forward = new Forward(new StoreRequest());
    const forwarded = new StoreAnswer(new RecordView());
    const addresses: ReplyAddress[] = [];
    const freeAddresses: number[] = [];
    /** By token: the entry in `recent`; -1: none. */
    const entries: number[] = [];
    const recent = new RecentForwards({ ...args.recent, ...(args.mutants === undefined ? {} : { mutants: args.mutants }) });
    const greetings: Ref<Greeted>[] = [];
    /** Of the writes that this start of the coordinator forwards, and their last number: never two of one, or the second would get the answer of the first (recent-forwards.ts). */
    let origin = newOrigin();
    let number = 0;
    let isStopped = false;

    const door: ReplicaDoor = {
      topology: () => view.topology(),
      isReachable: (member) => view.isReachable(member),
      isConnected: (member, toShard) => view.ref(COORDINATOR_SLOT, member, toShard).isConnected,
      read(member, toShard, id, slot, wantsRecord) {
        if (isHere(member, toShard)) {
          local.read(id, slot, wantsRecord);
          return true;
        }
        const as = coordinator.table.ownerOf(id) < 0 ? 0 : AS_STAND_IN;
        return writePlace(slot, (wantsRecord ? WANT_RECORD : WANT_DIGEST) | as) && send(VNODE_SLOT, member, toShard, READ, id);
      },
      merge(member, toShard, id, slot) {
        const { table } = coordinator;
        const keyspace = view.topology()?.keyspace(table.keyspaces[slot]!);
        if (keyspace === undefined) return false;
        const owner = ownerOf(id);
        if (isHere(member, toShard)) {
          local.merge(id, slot, keyspace, owner);
          return true;
        }
        const start = table.recordStarts[slot]!;
        const end = table.recordEnds[slot]!;
        const option = durabilityOf(table.durabilities[slot]!, keyspace);
        if (!writePlace(slot, owner === null ? option : option | AS_STAND_IN) || !out.ensure(OWNER_BYTES + end - start)) return false;
        if (owner !== null) {
          copyBytes(owner, 0, OWNER_BYTES, out.bytes, out.length);
          out.length += OWNER_BYTES;
        }
        copyBytes(table.bufferOf(slot).bytes, start, end, out.bytes, out.length);
        out.length += end - start;
        return send(VNODE_SLOT, member, toShard, MERGE, id);
      },
      coordinate(id, slot) {
        const keyspace = view.topology()?.keyspace(coordinator.table.keyspaces[slot]!);
        if (keyspace === undefined) return false;
        local.coordinate(id, slot, keyspace, ownerOf(id));
        return true;
      },
      keep(owner, slot) {
        const ringNow = view.topology();
        const keyspace = ringNow?.keyspace(coordinator.table.keyspaces[slot]!);
        if (ringNow !== null && keyspace !== undefined) local.keep(slot, keyspace, ringNow.idBytes(owner));
      },
      forward(member, toShard, id, slot) {
        const { table } = coordinator;
        table.fillPlace(slot, place);
        table.fillRequest(slot, forwardOut);
        out.clear();
        const remainingMs = table.deadlineMs[slot]! - context.clock.now();
        return (
          writeForward(out, place, forwardOut, remainingMs, origin, nextNumber()) && send(COORDINATOR_SLOT, member, toShard, FORWARD, id)
        );
      },
      nowMs: () => clock.now(),
      wallMs: () => clock.wall(),
      wakeAt(ms) {
        if (ms !== Number.POSITIVE_INFINITY) context.after('wake', Math.max(0, ms - context.clock.now()), { type: 'wake' });
      },
    };
    const replica: RunsCalls = {
      run(call) {
        if (replicas.replicas === null) call.sink.failed(call.token, LOADING, 'the replicas of this shard are not open');
        else replicas.replicas.run(call);
      },
    };
    const coordinator = new Coordinator(door, { ...args, later: bell, firstId: context.random.u32() });
    const local = new LocalReplica(replica, coordinator, () => context.clock.wall(), bell);
    const sink = { answered: answerForward };
    holder.coordinator = coordinator;
    if (args.gossip !== undefined) context.every('again', SUBSCRIBE_MS, { type: 'again' });
    view.subscribe(context.self);

    return {
      receive(message: Message): void {
        clock.beginTurn();
        onMessage(message);
        clock.endTurn();
      },
      receiveBytes(operation: number, bytes: Uint8Array, offset: number, length: number, requestId: number): void {
        clock.beginTurn();
        const fault = onBytes(operation, bytes, offset, length, requestId);
        if (fault !== undefined) context.log.warn('malformed message refused', { operation, fault });
        clock.endTurn();
      },
      stopped(): void {
        holder.coordinator = null;
        isStopped = true;
        coordinator.close();
      },
    };

    function onMessage(message: Message): void {
      switch (message.type) {
        case 'view':
          return view.onView(message);
        case 'greeting':
          return onGreeting(message);
        case 'ready':
          return answerGreetings();
        case 'again':
          return view.subscribe(context.self);
        case 'figures':
          return onFigures(message);
        case 'wake':
          return coordinator.wake();
        case 'due':
          local.tell();
          return coordinator.startBegun();
        default:
          unreachable(message);
      }
    }

    /** Answered when the shard can serve, so that nobody sends it anything before. */
    function onGreeting({ replyTo }: Greeting): void {
      if (greetings.length < GREETINGS_MAX) greetings.push(replyTo);
      answerGreetings();
    }

    function answerGreetings(): void {
      if (view.topology() === null || replicas.replicas === null) return context.after('ready', READY_MS, { type: 'ready' });
      for (const replyTo of greetings) replyTo.tell({ type: 'greeted' });
      greetings.length = 0;
    }

    function onFigures({ replyTo }: GetFigures): void {
      replyTo.tell({ type: 'storeFigures', coordinator: coordinator.figures(), replicas: replicas.replicas?.stats() ?? null });
    }

    /** Returns what was expected and found, when it is malformed. */
    function onBytes(operation: number, bytes: Uint8Array, offset: number, length: number, requestId: number): string | undefined {
      const end = offset + length;
      if (operation === FORWARD) return onForward(bytes, offset, length);
      if (operation === FORWARDED) {
        const wrong = readForwarded(bytes, offset, length, forwarded);
        if (wrong === undefined) coordinator.onForwarded(requestId, forwarded);
        return wrong;
      }
      if (operation !== RECORD && operation !== DIGEST && operation !== MERGED)
        return `expected an answer or FORWARD, found operation ${operation}`;
      const status = statusOfAnswer(bytes, offset, end);
      if (typeof status === 'string') return status;
      const start = offset + ANSWER_HEAD_BYTES;
      if (operation === MERGED) {
        coordinator.onMerged(requestId, status);
      } else if (operation === DIGEST) {
        if (status === OK && end - start !== DIGEST_BYTES) return `DIGEST: expected ${DIGEST_BYTES} bytes, found ${end - start}`;
        coordinator.onDigest(requestId, status, status === OK ? u32At(bytes, start) : 0, status === OK ? u32At(bytes, start + 4) : 0);
      } else {
        const wrong = status === OK && start < end ? checkRecord(bytes, start, end) : undefined;
        if (wrong !== undefined) return `RECORD: ${wrong}`;
        coordinator.onRecord(requestId, status, bytes, start, status === OK ? end : start);
      }
      return undefined;
    }

    function onForward(bytes: Uint8Array, offset: number, length: number): string | undefined {
      const wrong = forward.read(bytes, offset, length);
      if (wrong !== undefined) return wrong;
      const { request, remainingMs, place: from, origin: source, number } = forward;
      const isKept = request.kind !== GET && source !== 0;
      const before = isKept ? recent.find(source, number) : -1;
      if (before >= 0) {
        answerAgain(before);
        return undefined;
      }
      const ringNow = view.topology();
      const keyspace = ringNow?.keyspace(from.keyspace);
      const token = noted();
      const entry = isKept ? recent.add(source, number, token) : -1;
      if (token < 0 || ringNow === null || keyspace === undefined) {
        forwarded.record.clear();
        forwarded.status = token < 0 ? OVERLOADED : ringNow === null ? LOADING : missingStatus(ringNow, from.keyspace);
        forwarded.message = '';
        out.clear();
        if (writeForwarded(out, forwarded)) context.replyBytes(FORWARDED, out.bytes, 0, out.length);
        recent.answered(entry, out.bytes, out.length);
        if (token >= 0) freeAddresses.push(token);
        return undefined;
      }
      entries[token] = entry;
      request.keyspace = keyspace;
      request.deadlineMs = context.clock.now() + (remainingMs === 0 ? forwardMs : remainingMs);
      request.sink = sink;
      request.token = token;
      coordinator.begin(request, true);
      coordinator.startBegun();
      return undefined;
    }

    /** A write that has come before: whoever sent it last gets the answer, now or when it is there. */
    function answerAgain(entry: number): void {
      const token = recent.tokenOf(entry);
      if (token >= 0) {
        context.noteSender(addresses[token]!);
        return;
      }
      const answer = recent.answerOf(entry);
      context.replyBytes(FORWARDED, answer, 0, answer.length);
    }

    /** Notes who has sent the FORWARD; -1: too many wait for answers. */
    function noted(): number {
      const token = freeAddresses.pop() ?? addresses.length;
      if (token >= FORWARDS_MAX) return -1;
      const address = addresses[token] ?? new ReplyAddress();
      addresses[token] = address;
      context.noteSender(address);
      return token;
    }

    function answerForward(token: number, answer: StoreAnswer): undefined {
      // Nothing can be sent any more; who has forwarded it says INDETERMINATE, or asks again.
      if (isStopped) return;
      out.clear();
      if (writeForwarded(out, answer)) {
        context.replyBytesTo(addresses[token]!, FORWARDED, out.bytes, 0, out.length);
        recent.answered(entries[token]!, out.bytes, out.length);
      }
      freeAddresses.push(token);
    }

    function newOrigin(): number {
      return 1 + context.random.below(0xffff_ffff);
    }

    function nextNumber(): number {
      number = (number + 1) >>> 0;
      if (number === 0) origin = newOrigin();
      return number;
    }

    /** Null: the replica of that id is a primary. */
    function ownerOf(id: number): Uint8Array | null {
      const owner = coordinator.table.ownerOf(id);
      return owner < 0 ? null : (view.topology()?.idBytes(owner) ?? null);
    }

    function isHere(member: number, toShard: number): boolean {
      return toShard === shard && view.isHere(member);
    }

    function writePlace(slot: number, option: number): boolean {
      const { table } = coordinator;
      out.clear();
      table.fillPlace(slot, place);
      place.option = option;
      return place.write(table.bufferOf(slot).bytes, 0, table.keyEnds[slot]!, out);
    }

    function send(slot: number, member: number, toShard: number, operation: number, id: number): boolean {
      return view.ref(slot, member, toShard).tellBytes(operation, out.bytes, 0, out.length, id, REQUEST);
    }
  },
  { mailbox: { capacity: 8_192 } },
);

/** Of a keyspace that is not in this ring: one that was made since is in a newer one, by which who forwards may try again. */
function missingStatus({ ring }: Topology, keyspace: number): AnswerStatus {
  return keyspace >= ring.nextKeyspaceId ? STALE_RING : NO_KEYSPACE_FOUND;
}
