/**
 * CoordinatorActor: one per shard, at COORDINATOR_SLOT. Carries what its Coordinator decides to replicas and other coordinators, and back.
 *
 * Gateways of the thread call `holder.coordinator.begin` within their own turns; the request is started in the next turn of this actor, so that answers come to it. Sent to by
 * replicas (RECORD, DIGEST, MERGED), coordinators and clients (FORWARD, FORWARDED), clients (`greeting`), GossipActor (`view`), who wants figures. What is malformed is
 * refused and logged.
 */
import { defineActor } from '../../runtime/actor.ts';
import { OutBuffer } from '../../runtime/bytes.ts';
import { unreachable } from '../../runtime/errors.ts';
import { REQUEST } from '../../runtime/lanes.ts';
import type { AnyRef, Ref } from '../../runtime/ref.ts';
import { ReplyAddress } from '../../runtime/reply.ts';
import { u32At } from '../../storage/byte-reader.ts';
import type { ViewMessage } from '../gossip/view-subscribers.ts';
import type { GossipMessage } from '../gossip-protocol.ts';
import type { KnownRing } from '../membership/known-ring.ts';
import type { Id } from '../ring/ring-state.ts';
import type { RingHolder } from '../ring-agent.ts';
import { checkRecord } from '../version/check-record.ts';
import { copyBytes } from '../version/copy-bytes.ts';
import { DIGEST_BYTES } from '../version/digest.ts';
import { RecordView } from '../version/record-view.ts';
import { Coordinator, type CoordinatorOptions } from './coordinator.ts';
import type { CoordinatorFigures } from './coordinator-figures.ts';
import {
  ANSWER_HEAD_BYTES,
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
import { RecentForwards } from './recent-forwards.ts';
import type { ReplicaDoor } from './replica-door.ts';
import type { CoordinatorHolder } from './store-door.ts';
import { GET, LOADING, NO_KEYSPACE_FOUND, OK, OVERLOADED, StoreAnswer, StoreRequest } from './store-request.ts';
import { Topology } from './topology.ts';
import type { ReplicasHolder } from './vnode-actor.ts';

export interface CoordinatorArguments extends Omit<CoordinatorOptions, 'later'> {
  /** This node's name among transports. */
  readonly node: string;
  readonly ring: RingHolder;
  /** The replicas of this thread, opened by its VNodeActor. */
  readonly replicas: ReplicasHolder;
  readonly holder: CoordinatorHolder;
  /** The well-known actor at that slot of a shard, of this or another node. */
  readonly refTo: (slot: number, node: string, shard: number) => AnyRef;
  /** Of this node: who is suspected. Default: nobody is. */
  readonly gossip?: Ref<GossipMessage>;
  /** Of FORWARDs that do not say how long they may take. Default 5,000 ms. */
  readonly forwardMs?: number;
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
const SUBSCRIBE_MS = 5_000;
const READY_MS = 20;
const GREETINGS_MAX = 1_024;

export const coordinatorActor = defineActor<Message, readonly [CoordinatorArguments]>(
  'store.coordinator',
  (context, args) => {
    const { node, shard, ring, replicas, holder, refTo, forwardMs = 5_000 } = args;
    const bell = context.doorbell({ type: 'due' });
    const out = new OutBuffer(FRAME_BYTES, FRAME_BYTES_MAX);
    const place = new KeyPlace();
    const forwardOut = new StoreRequest();
    const forward = new Forward(new StoreRequest());
    const forwarded = new StoreAnswer(new RecordView());
    const addresses: ReplyAddress[] = [];
    const freeAddresses: number[] = [];
    /** By token: the entry in `recent`; -1: none. */
    const entries: number[] = [];
    const recent = new RecentForwards(args.mutants === undefined ? {} : { mutants: args.mutants });
    /** Of the writes that this start of the coordinator forwards. */
    const origin = 1 + context.random.below(0xffff_ffff);
    const refs = new Map<number, AnyRef>();
    const suspects = new Set<Id>();
    const greetings: Ref<Greeted>[] = [];
    let known: KnownRing | null = null;
    let topology: Topology | null = null;

    const door: ReplicaDoor = {
      topology: present,
      isReachable: (member) => topology === null || !suspects.has(topology.member(member).id),
      read(member, toShard, id, slot, wantsRecord) {
        if (isHere(member, toShard)) {
          local.read(id, slot, wantsRecord);
          return true;
        }
        return writePlace(slot, wantsRecord ? WANT_RECORD : WANT_DIGEST) && send(VNODE_SLOT, member, toShard, READ, id);
      },
      merge(member, toShard, id, slot) {
        const { table } = coordinator;
        const keyspace = topology?.keyspace(table.keyspaces[slot]!);
        if (keyspace === undefined) return false;
        if (isHere(member, toShard)) {
          local.merge(id, slot, keyspace);
          return true;
        }
        const start = table.recordStarts[slot]!;
        const end = table.recordEnds[slot]!;
        if (!writePlace(slot, durabilityOf(table.durabilities[slot]!, keyspace)) || !out.ensure(end - start)) return false;
        copyBytes(table.bufferOf(slot).bytes, start, end, out.bytes, out.length);
        out.length += end - start;
        return send(VNODE_SLOT, member, toShard, MERGE, id);
      },
      coordinate(id, slot) {
        const keyspace = topology?.keyspace(coordinator.table.keyspaces[slot]!);
        if (keyspace === undefined) return false;
        local.coordinate(id, slot, keyspace);
        return true;
      },
      forward(member, toShard, id, slot) {
        const { table } = coordinator;
        table.fillPlace(slot, place);
        table.fillRequest(slot, forwardOut);
        out.clear();
        const remainingMs = table.deadlineMs[slot]! - context.clock.now();
        return writeForward(out, place, forwardOut, remainingMs, origin, id) && send(COORDINATOR_SLOT, member, toShard, FORWARD, id);
      },
      nowMs: () => context.clock.now(),
      wallMs: () => context.clock.wall(),
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
    const coordinator = new Coordinator(door, { ...args, later: bell });
    const local = new LocalReplica(replica, coordinator, () => context.clock.wall(), bell);
    const sink = { answered: answerForward };
    holder.coordinator = coordinator;
    if (args.gossip !== undefined) context.every('again', SUBSCRIBE_MS, { type: 'again' });
    subscribe();

    return {
      receive(message: Message): void {
        switch (message.type) {
          case 'view':
            return onView(message);
          case 'greeting':
            return onGreeting(message);
          case 'ready':
            return answerGreetings();
          case 'again':
            return subscribe();
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
      },
      receiveBytes(operation: number, bytes: Uint8Array, offset: number, length: number, requestId: number): void {
        const fault = onBytes(operation, bytes, offset, length, requestId);
        if (fault !== undefined) context.log.warn('malformed message refused', { operation, fault });
      },
      stopped(): void {
        holder.coordinator = null;
      },
    };

    /** Answered when the shard can serve, so that nobody sends it anything before. */
    function onGreeting({ replyTo }: Greeting): void {
      if (greetings.length < GREETINGS_MAX) greetings.push(replyTo);
      answerGreetings();
    }

    function answerGreetings(): void {
      if (present() === null || replicas.replicas === null) return context.after('ready', READY_MS, { type: 'ready' });
      for (const replyTo of greetings) replyTo.tell({ type: 'greeted' });
      greetings.length = 0;
    }

    function subscribe(): void {
      args.gossip?.tell({ type: 'subscribe', subscriber: context.self });
    }

    function onView({ view }: ViewMessage): void {
      suspects.clear();
      for (const { id, isSuspected, label } of view.members) if (isSuspected || label === 'down') suspects.add(id);
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
      const ringNow = present();
      const keyspace = ringNow?.keyspace(from.keyspace);
      const token = noted();
      const entry = isKept ? recent.add(source, number, token) : -1;
      if (token < 0 || ringNow === null || keyspace === undefined) {
        forwarded.record.clear();
        forwarded.status = token < 0 ? OVERLOADED : ringNow === null ? LOADING : NO_KEYSPACE_FOUND;
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
      out.clear();
      if (writeForwarded(out, answer)) {
        context.replyBytesTo(addresses[token]!, FORWARDED, out.bytes, 0, out.length);
        recent.answered(entries[token]!, out.bytes, out.length);
      }
      freeAddresses.push(token);
    }

    function present(): Topology | null {
      if (ring.ring === null || !ring.mayServe) return null;
      if (ring.ring !== known) {
        known = ring.ring;
        topology = new Topology(known.state, node);
        refs.clear();
      }
      return topology;
    }

    function isHere(member: number, toShard: number): boolean {
      return topology !== null && member === topology.self && toShard === shard;
    }

    function writePlace(slot: number, option: number): boolean {
      const { table } = coordinator;
      out.clear();
      table.fillPlace(slot, place);
      place.option = option;
      return place.write(table.bufferOf(slot).bytes, 0, table.keyEnds[slot]!, out);
    }

    function send(slot: number, member: number, toShard: number, operation: number, id: number): boolean {
      const at = (member * 256 + toShard) * 16 + slot;
      const ref = refs.get(at) ?? refTo(slot, topology!.member(member).address.node, toShard);
      refs.set(at, ref);
      return ref.tellBytes(operation, out.bytes, 0, out.length, id, REQUEST);
    }
  },
  { mailbox: { capacity: 8_192 } },
);
