/** What single reads and writes answer, from the coordinator's answer. A key with siblings shows its newest version by the hybrid logical clock; nothing, if that is a tombstone. */
import type { StoreAnswer } from '../store/store-request.ts';
import { NONE, newestSibling } from '../version/newest.ts';
import { expiryAt, isTombstone, type RecordView, siblingEnd, valueStart } from '../version/record-view.ts';
import type { RespWriter } from './resp-writer.ts';

export interface WallClock {
  /** Milliseconds since 1970. */
  wallMs(): number;
}

/** Appends one reply. `answer.status` is OK or NOT_FOUND. */
export type Render = (writer: RespWriter, answer: StoreAnswer, clock: WallClock) => void;

/** Offset of the version that plain commands see; NONE: there is no such key. Reads the clock only for what expires. */
export function visibleSibling(record: RecordView, clock: WallClock): number {
  const at = newestSibling(record);
  if (at === NONE || isTombstone(record.bytes, at)) return NONE;
  const expiry = expiryAt(record.bytes, at);
  return expiry === 0 || clock.wallMs() < expiry ? at : NONE;
}

export const renderOk: Render = (writer) => writer.ok();

export const renderValue: Render = (writer, { record }, clock) => {
  const at = visibleSibling(record, clock);
  if (at === NONE) writer.null();
  else writer.bulk(record.bytes, valueStart(record.bytes, at), siblingEnd(record.bytes, at));
};

export const renderLength: Render = (writer, { record }, clock) => {
  const at = visibleSibling(record, clock);
  writer.integer(at === NONE ? 0 : siblingEnd(record.bytes, at) - valueStart(record.bytes, at));
};

export const renderType: Render = (writer, { record }, clock) => writer.simple(visibleSibling(record, clock) === NONE ? 'none' : 'string');

/** Time to live. */
export const renderTtl: Render = (writer, answer, clock) => {
  const left = expiryOf(answer.record, clock);
  writer.integer(left < 0 ? left : Math.round(Math.max(0, left - clock.wallMs()) / 1_000));
};
export const renderPttl: Render = (writer, answer, clock) => {
  const left = expiryOf(answer.record, clock);
  writer.integer(left < 0 ? left : Math.max(0, left - clock.wallMs()));
};
export const renderExpireTime: Render = (writer, answer, clock) => {
  const expiry = expiryOf(answer.record, clock);
  writer.integer(expiry < 0 ? expiry : Math.round(expiry / 1_000));
};
export const renderPexpireTime: Render = (writer, answer, clock) => writer.integer(expiryOf(answer.record, clock));

/** As TTL and its like answer: -2 there is no such key, -1 it does not expire. */
function expiryOf(record: RecordView, clock: WallClock): number {
  const at = visibleSibling(record, clock);
  if (at === NONE) return -2;
  const expiry = expiryAt(record.bytes, at);
  return expiry === 0 ? -1 : expiry;
}
