/** Records in tests: made with few words, shown as objects. */
import { writeDigest } from '../../../actors/version/digest.ts';
import { CONCURRENT, compare, EQUAL, merge, NO_ROOM, type Order } from '../../../actors/version/merge.ts';
import { type PutResult, put } from '../../../actors/version/put.ts';
import { RecordView } from '../../../actors/version/record-view.ts';
import { latestStamp } from '../../../actors/version/seen.ts';
import { Write } from '../../../actors/version/write.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { decodeNaive } from './naive-record.ts';

/** No record, no context. */
export const NOTHING = Buffer.alloc(0);

/** The actor that is named by a letter: 16 times that letter. */
export function actorOf(name: string): Buffer {
  return Buffer.alloc(16, name);
}

/** A view of a copy that lies in the middle of other bytes, so that an offset that is left out is found. */
export function viewOf(bytes: Uint8Array): RecordView {
  const view = new RecordView();
  if (bytes.length === 0) return view;
  const padded = Buffer.alloc(bytes.length + 16, 0xee);
  padded.set(bytes, 7);
  view.open(padded, 7, 7 + bytes.length);
  return view;
}

export interface WriteOptions {
  readonly actor: Uint8Array;
  readonly counter: number;
  /** By default the next one after all that was seen. */
  readonly stamp?: number;
  readonly expiry?: number;
  /** Undefined: a tombstone. */
  readonly value?: string | undefined;
  readonly mutants?: ReadonlySet<string> | undefined;
}

export function writeOf({ actor, counter, stamp = 1, expiry = 0, value }: WriteOptions): Write {
  const write = new Write();
  write.actor = actor;
  write.counter = counter;
  write.stamp = stamp;
  write.expiry = expiry;
  write.isTombstone = value === undefined;
  write.value = Buffer.from(`..${value ?? ''}.`);
  write.valueStart = 2;
  write.valueEnd = write.value.length - 1;
  return write;
}

/** The new record, or why there is none. */
export function tryPut(local: Uint8Array, context: Uint8Array, options: WriteOptions): Buffer | PutResult {
  const out = outBuffer();
  const before = out.length;
  const [mine, read] = [viewOf(local), viewOf(context)];
  const stamp = options.stamp ?? 1 + Math.max(latestStamp(mine), latestStamp(read));
  const result = put(mine, read, writeOf({ ...options, stamp }), out, options.mutants);
  return result === 'done' ? taken(out) : out.length === before ? result : 'done';
}

export function putBytes(local: Uint8Array, context: Uint8Array, options: WriteOptions): Buffer {
  const result = tryPut(local, context, options);
  if (typeof result === 'string') throw new Error(`put: expected a record, got ${result}`);
  return result;
}

export function mergeBytes(a: Uint8Array, b: Uint8Array, mutants?: ReadonlySet<string>): Buffer {
  const out = outBuffer();
  if (merge(viewOf(a), viewOf(b), out, mutants) === NO_ROOM) throw new Error('merge: no room');
  return taken(out);
}

export function digestOf(record: Uint8Array, mutants?: ReadonlySet<string>): string {
  const out = outBuffer();
  writeDigest(viewOf(record), out, mutants);
  return taken(out).toString('hex');
}

const ORDERS = ['equal', 'ancestor', 'descendant', 'concurrent'] as const;

export function orderOf(a: Uint8Array, b: Uint8Array): (typeof ORDERS)[number] {
  return orderText(compare(viewOf(a), viewOf(b)));
}

export function orderText(order: Order): (typeof ORDERS)[number] {
  if (order < EQUAL || order > CONCURRENT) throw new Error(`no order: ${order}`);
  return ORDERS[order];
}

/** Values of the siblings, in their order; a tombstone is 'deleted'. */
export function valuesOf(record: Uint8Array): string[] {
  if (record.length === 0) return [];
  return decodeNaive(record)
    .siblings.map(({ isTombstone, value }) => (isTombstone ? 'deleted' : value))
    .sort();
}

/** Counters by the first letter of the actor. */
export function vectorOf(record: Uint8Array): Record<string, number> {
  const { vector } = decodeNaive(record);
  return Object.fromEntries([...vector].map(([actor, { counter }]) => [Buffer.from(actor, 'hex').toString('latin1', 0, 1), counter]));
}

/** With something in it: what is appended does not begin at 0. */
export function outBuffer(maxBytes = 1 << 20): OutBuffer {
  const out = new OutBuffer(16, maxBytes);
  out.bytes.fill(0xaa);
  out.length = 5;
  return out;
}

export function taken(out: OutBuffer): Buffer {
  return Buffer.from(out.bytes.subarray(5, out.length));
}
