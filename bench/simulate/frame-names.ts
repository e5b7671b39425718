/** FrameNames: what a person reads of the frames of a run: which message it is, of which key, and what the record in it holds. */
import { GOSSIP_SLOT, RING_SLOT } from '../../actors/membership/cluster-door.ts';
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
  recordStartOf,
  VNODE_SLOT,
} from '../../actors/store/data-frames.ts';
import { KeyPlace } from '../../actors/store/key-place.ts';
import { OK } from '../../actors/store/store-request.ts';
import { type Place, placeName } from '../../runtime/address.ts';
import { BYTES_PREFIX_BYTES, FRAME_HEADER_BYTES, KIND_BYTES, KIND_SIGNAL } from '../../runtime/wire/frame.ts';
import { readRecord, STATUSES, shown } from '../../test/actors/store/cluster-clients.ts';

/** Where the fields of a frame's header are (runtime/wire/frame.ts). */
const KIND_AT = 7;
const OPERATION_AT = 9;
const TARGET_AT = 11;
const REQUEST_AT = 31;
const PAYLOAD_AT = FRAME_HEADER_BYTES + BYTES_PREFIX_BYTES;

const OPERATIONS = new Map<number, string>([
  ...([
    [MERGE, 'MERGE'],
    [MERGED, 'MERGED'],
    [READ, 'READ'],
    [RECORD, 'RECORD'],
    [DIGEST, 'DIGEST'],
    [FORWARD, 'FORWARD'],
    [FORWARDED, 'FORWARDED'],
  ] as const),
]);
const SLOTS = new Map<number, string>([
  [RING_SLOT, 'to the RingActor'],
  [GOSSIP_SLOT, 'gossip'],
]);

export interface FrameName {
  readonly text: string;
  /** `keyspace/key`; empty: none. */
  readonly key: string;
}

export class FrameNames {
  /** Names of keyspaces by their ids. */
  readonly keyspaces = new Map<number, string>();
  /** Keys of requests, by who asked and the number of the request. */
  readonly #asked = new Map<string, string>();
  readonly #place = new KeyPlace();

  /** Requires: a whole frame. */
  nameOf(from: Place, to: Place, bytes: Buffer, start: number, end: number): FrameName {
    const kind = bytes[start + KIND_AT];
    if (kind === KIND_SIGNAL) return { text: 'signal', key: '' };
    const slot = bytes.readUInt32BE(start + TARGET_AT);
    if (kind !== KIND_BYTES) return { text: SLOTS.get(slot) ?? 'message', key: '' };
    const operation = bytes.readUInt16BE(start + OPERATION_AT);
    const name = OPERATIONS.get(operation) ?? `operation ${operation}`;
    const request = bytes.readUInt32BE(start + REQUEST_AT);
    if (slot !== VNODE_SLOT && slot !== COORDINATOR_SLOT && !isAnswer(operation)) return { text: name, key: '' };
    const at = start + PAYLOAD_AT;
    if (!isAnswer(operation)) return this.#nameOfRequest(name, operation, `${placeName(from)} ${request}`, bytes, at, end);
    const key = this.#asked.get(`${placeName(to)} ${request}`) ?? '';
    return { text: `${name} ${key} ${answerText(operation, bytes, at, end)}`.trimEnd(), key };
  }

  #nameOfRequest(name: string, operation: number, asked: string, bytes: Buffer, at: number, end: number): FrameName {
    const place = this.#place;
    if (place.open(bytes, at, end) !== undefined) return { text: name, key: '' };
    const keyspace = this.keyspaces.get(place.keyspace) ?? String(place.keyspace);
    const key = `${keyspace}/${bytes.toString('latin1', place.keyStart, place.keyEnd)}`;
    this.#asked.set(asked, key);
    const record = operation === MERGE ? shown(readRecord(bytes.subarray(recordStartOf(place), end))) : '';
    const isStandIn = (operation === MERGE || operation === READ) && (place.option & AS_STAND_IN) !== 0;
    return { text: `${name} ${key}${record}${isStandIn ? ' as stand-in' : ''}`, key };
  }
}

function isAnswer(operation: number): boolean {
  return operation === MERGED || operation === RECORD || operation === DIGEST || operation === FORWARDED;
}

function answerText(operation: number, bytes: Buffer, at: number, end: number): string {
  const status = bytes[at] ?? OK;
  if (status !== OK) return STATUSES[status] ?? String(status);
  if (operation !== RECORD) return '';
  return end - at > ANSWER_HEAD_BYTES ? shown(readRecord(bytes.subarray(at + ANSWER_HEAD_BYTES, end))).trim() : '[]';
}
