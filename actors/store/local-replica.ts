/**
 * LocalReplica: the replica of this shard as its coordinator uses it. What comes of a call is put aside and told once the replica has returned: an answer may have a gateway
 * begin the next request, which calls the replica again, and that must not happen within its own callbacks. A record that is told as soon as the replica has returned is not
 * copied: nothing else has been called by then, so it still lies where it was. Allocates nothing per request but what `copyBytes` does.
 */
import { copyBytes, OutBuffer } from '../../runtime/bytes.ts';
import { unreachable } from '../../runtime/errors.ts';
import { u32At } from '../../storage/byte-reader.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import { DIGEST_BYTES, writeDigest } from '../version/digest.ts';
import type { RecordView } from '../version/record-view.ts';
import type { Coordinator } from './coordinator.ts';
import { COORDINATE, MERGE_IN, READ_LOCAL, ReplicaCall, type ReplicaSink } from './replica-call.ts';
import {
  type AnswerStatus,
  AS_KEYSPACE,
  CONTEXT_READ,
  type ContextKind,
  DELETE,
  durabilityNumber,
  OK,
  PUT,
  STORAGE_FAILED,
} from './store-request.ts';

/** What of Replicas is needed here. */
export interface RunsCalls {
  run(call: ReplicaCall): void;
}

type News = 'record' | 'digest' | 'coordinated' | 'merged' | 'notMinted';

const INITIAL_BYTES = 4_096;
const BYTES_MAX = 256 * 1_024 * 1_024;

export class LocalReplica {
  readonly #replicas: RunsCalls;
  readonly #coordinator: Coordinator;
  readonly #wallMs: () => number;
  readonly #call = new ReplicaCall();
  /** What was heard: `#count` of them, of which `#told` are told. Why the lists stay as long as they were: one that is emptied allocates again. */
  readonly #news: News[] = [];
  readonly #ids: number[] = [];
  readonly #statuses: AnswerStatus[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  /** Where what was heard lies; null: in `#out`, whose buffer may change. */
  readonly #places: (Uint8Array | null)[] = [];
  readonly #messages: string[] = [];
  readonly #out = new OutBuffer(INITIAL_BYTES, BYTES_MAX);
  readonly #heard: () => void;
  #count = 0;
  #told = 0;
  #isRunning = false;
  #isTelling = false;

  /** `wallMs`: milliseconds since 1970. `heard` is called when something comes outside of calls from here: `tell` is to be called in a turn of the coordinator's. */
  constructor(replicas: RunsCalls, coordinator: Coordinator, wallMs: () => number, heard: () => void = () => {}) {
    this.#heard = heard;
    this.#replicas = replicas;
    this.#coordinator = coordinator;
    this.#wallMs = wallMs;
  }

  read(id: number, slot: number, wantsRecord: boolean): void {
    const call = this.#callOf(slot, id);
    call.verb = READ_LOCAL;
    call.isStandIn = this.#coordinator.table.ownerOf(id) >= 0;
    call.sink = wantsRecord ? this.#onRecord : this.#onDigest;
    this.#run(call);
  }

  /** The slot's record. `owner`: for whom it is held; null: it is the shard's own. */
  merge(id: number, slot: number, keyspace: Keyspace, owner: Uint8Array | null): void {
    this.#run(this.#mergeCall(id, slot, keyspace, owner, this.#onMerged));
  }

  /** The slot's record, to be held for another. Nobody is told what comes of it, and nothing is told within it: whoever has it kept has more to do with the slot. */
  keep(slot: number, keyspace: Keyspace, owner: Uint8Array): void {
    this.#replicas.run(this.#mergeCall(0, slot, keyspace, owner, NOBODY));
  }

  #mergeCall(id: number, slot: number, keyspace: Keyspace, owner: Uint8Array | null, sink: ReplicaSink): ReplicaCall {
    const { table } = this.#coordinator;
    const call = this.#callOf(slot, id, owner);
    call.verb = MERGE_IN;
    call.bytes = call.key;
    call.start = table.recordStarts[slot]!;
    call.end = table.recordEnds[slot]!;
    call.durability = durabilityOf(table.durabilities[slot]!, keyspace);
    call.isLww = keyspace.conflict === 'lww';
    call.sink = sink;
    return call;
  }

  /** `owner`: as its stand-in. */
  coordinate(id: number, slot: number, keyspace: Keyspace, owner: Uint8Array | null): void {
    const { table } = this.#coordinator;
    const call = this.#callOf(slot, id, owner);
    const kind = table.kinds[slot]!;
    const isRead = table.contextKinds[slot] === CONTEXT_READ;
    call.verb = COORDINATE;
    call.isTombstone = kind === DELETE;
    call.bytes = call.key;
    call.start = table.contextEnds[slot]!;
    call.end = table.valueEnds[slot]!;
    call.contextKind = table.contextKinds[slot] as ContextKind;
    call.context = call.key;
    call.contextStart = isRead ? table.readContextStarts[slot]! : table.keyEnds[slot]!;
    call.contextEnd = isRead ? table.readContextEnds[slot]! : table.contextEnds[slot]!;
    const expiryMs = table.expiryMs[slot]!;
    // Why here: so it is the same on all replicas (T8).
    call.expiryMs = kind !== PUT ? 0 : expiryMs === 0 && keyspace.ttlMs > 0 ? this.#wallMs() + keyspace.ttlMs : expiryMs;
    call.durability = durabilityOf(table.durabilities[slot]!, keyspace);
    call.isLww = keyspace.conflict === 'lww';
    call.sink = this.#onCoordinated;
    this.#run(call);
  }

  /** Tells the coordinator what was heard: after `Replicas.drain`. */
  tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      while (this.#told < this.#count) this.#tellOne(this.#told++);
    } finally {
      this.#isTelling = false;
    }
    this.#count = 0;
    this.#told = 0;
    this.#out.clear();
  }

  #callOf(slot: number, id: number, owner: Uint8Array | null = null): ReplicaCall {
    const { table } = this.#coordinator;
    const call = this.#call;
    call.isStandIn = owner !== null;
    if (owner !== null) call.owner = owner;
    call.keyspace = table.keyspaces[slot]!;
    call.tokenHigh = table.high[slot]!;
    call.tokenLow = table.low[slot]!;
    call.key = table.bufferOf(slot).bytes;
    call.keyStart = 0;
    call.keyEnd = table.keyEnds[slot]!;
    call.deadlineMs = table.deadlineMs[slot]!;
    call.token = id;
    return call;
  }

  #run(call: ReplicaCall): void {
    this.#isRunning = true;
    this.#replicas.run(call);
    this.#isRunning = false;
    this.tell();
  }

  #tellOne(i: number): void {
    const id = this.#ids[i]!;
    const status = this.#statuses[i]!;
    const start = this.#starts[i]!;
    const end = this.#ends[i]!;
    const bytes = this.#places[i] ?? this.#out.bytes;
    // It may be a memtable's, whose memory would be kept for it.
    this.#places[i] = null;
    const news = this.#news[i]!;
    switch (news) {
      case 'record':
        return this.#coordinator.onRecord(id, status, bytes, start, end);
      case 'digest':
        return this.#coordinator.onDigest(id, status, status === OK ? u32At(bytes, start) : 0, status === OK ? u32At(bytes, start + 4) : 0);
      case 'coordinated':
        return this.#coordinator.onCoordinated(id, status, bytes, start, end);
      case 'merged':
        return this.#coordinator.onMerged(id, status);
      case 'notMinted':
        // Before it was minted the first is meant, and ends the request; after it, the second.
        this.#coordinator.onCoordinated(id, status, bytes, 0, 0, this.#messages[i]);
        return this.#coordinator.onMerged(id, status);
      default:
        return unreachable(news);
    }
  }

  /** `bytes`: so many at the end of `#out`. */
  #hear(news: News, id: number, status: AnswerStatus, bytes: number, message = ''): void {
    this.#hearAt(news, id, status, null, this.#out.length - bytes, this.#out.length, message);
  }

  #hearAt(news: News, id: number, status: AnswerStatus, place: Uint8Array | null, start: number, end: number, message: string): void {
    const i = this.#count++;
    this.#news[i] = news;
    this.#ids[i] = id;
    this.#statuses[i] = status;
    this.#places[i] = place;
    this.#starts[i] = start;
    this.#ends[i] = end;
    this.#messages[i] = message;
    if (!this.#isRunning) this.#heard();
  }

  #hearRecord(news: 'record' | 'coordinated', id: number, { bytes, start, end }: RecordView): void {
    // The first to be told, and that at once: while others are told they are still counted.
    if (this.#isRunning && this.#count === 0) return this.#hearAt(news, id, OK, bytes, start, end, '');
    const out = this.#out;
    if (!out.ensure(end - start)) return this.#hear(news === 'record' ? 'record' : 'merged', id, STORAGE_FAILED, 0);
    copyBytes(bytes, start, end, out.bytes, out.length);
    out.length += end - start;
    this.#hear(news, id, OK, end - start);
  }

  readonly #onRecord: ReplicaSink = this.#sink({
    found: (id, record) => this.#hearRecord('record', id, record),
    failed: (id, status) => this.#hear('record', id, status, 0),
  });

  readonly #onDigest: ReplicaSink = this.#sink({
    found: (id, record) => {
      if (writeDigest(record, this.#out)) this.#hear('digest', id, OK, DIGEST_BYTES);
      else this.#hear('digest', id, STORAGE_FAILED, 0);
    },
    failed: (id, status) => this.#hear('digest', id, status, 0),
  });

  readonly #onMerged: ReplicaSink = this.#sink({
    stored: (id) => this.#hear('merged', id, OK, 0),
    failed: (id, status) => this.#hear('merged', id, status, 0),
  });

  readonly #onCoordinated: ReplicaSink = this.#sink({
    made: (id, record) => this.#hearRecord('coordinated', id, record),
    stored: (id) => this.#hear('merged', id, OK, 0),
    failed: (id, status, message) => this.#hear('notMinted', id, status, 0, message),
  });

  #sink(heard: Partial<ReplicaSink>): ReplicaSink {
    return { found() {}, made() {}, stored() {}, failed() {}, ...heard };
  }
}

const NOBODY: ReplicaSink = { found() {}, made() {}, stored() {}, failed() {} };

/** As asked, or as the keyspace says. */
export function durabilityOf(asked: number, { durability }: Keyspace): number {
  return asked === AS_KEYSPACE ? durabilityNumber(durability) : asked;
}
