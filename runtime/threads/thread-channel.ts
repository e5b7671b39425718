/**
 * What joins two threads of a node: shared memory with two rings (control, bulk) and a bell in each direction, and a pair of ports
 * over which nothing travels but wake-ups, and the news that the other thread is gone.
 *
 * ```
 *   bell of side 0 | bell of side 1 | rings read by side 0: control, bulk | rings read by side 1: control, bulk
 * ```
 * A thread that goes to sleep sets its bells, one for each thread that may wake it, and then looks once more whether there is something to
 * do. Whoever gives it something to do looks at the bell afterwards, and if it was the one to take it down, posts the wake-up. So none is
 * lost; who finds the thread awake posts nothing; and the first wake-up ends the sleep, on which the thread takes all its bells down.
 *
 * Why a bell for each pair and not one for the thread: a thread that dies between taking the bell down and posting would
 * leave the sleeper deaf to all others.
 *
 * Why two rings and not one: control frames must be able to overtake bulk that is full or held back. One port does for both,
 * since it carries no frames.
 */
import { MessageChannel, type MessagePort, type TransferListItem } from 'node:worker_threads';
import { BULK_CLASS, CONTROL_CLASS } from '../lanes.ts';
import { openRing, ringBytes } from './frame-ring.ts';
import { hasInput, openReader, type RingReader } from './frame-ring-reader.ts';
import { isStillFull, openWriter, type RingWriter } from './frame-ring-writer.ts';

export interface ThreadChannelOptions {
  /** A power of two. Default 64 KiB. */
  readonly controlBytes?: number;
  /** A power of two. Default 256 KiB. The window: what may be on its way in one direction. */
  readonly bulkBytes?: number;
}

/** The shared memory as one side sees it. */
export interface ThreadChannelMemory {
  readonly shared: SharedArrayBuffer;
  readonly side: 0 | 1;
  readonly controlBytes: number;
  readonly bulkBytes: number;
}

/** One end, to be posted to the thread that uses it, together with its transfer list. */
export interface ThreadChannelEnd extends ThreadChannelMemory {
  readonly port: MessagePort;
}

export interface ThreadChannelHalf {
  readonly end: ThreadChannelEnd;
  readonly transferList: readonly TransferListItem[];
}

export interface ThreadChannel {
  readonly a: ThreadChannelHalf;
  readonly b: ThreadChannelHalf;
}

/** One end in the hands of its thread. Indexed by lane class. */
export interface Pipes {
  /** Set while this thread sleeps. */
  readonly bell: Int32Array;
  /** Set while the other one does. */
  readonly peerBell: Int32Array;
  readonly readers: readonly [RingReader, RingReader];
  readonly writers: readonly [RingWriter, RingWriter];
  /** Writers with frames left over, which go on when the reader gives room back. */
  readonly isBlocked: [boolean, boolean];
}

const CONTROL_BYTES = 1 << 16;
const BULK_BYTES = 1 << 18;
const BELL_WORDS = 16;
export const RUNG = 0;
export const ASLEEP = 1;

export function createThreadChannel(options: ThreadChannelOptions = {}): ThreadChannel {
  const { port1, port2 } = new MessageChannel();
  const [a, b] = createChannelMemory(options);
  return { a: { end: { ...a, port: port1 }, transferList: [port1] }, b: { end: { ...b, port: port2 }, transferList: [port2] } };
}

/** What `createThreadChannel` makes, without the ports. */
export function createChannelMemory(options: ThreadChannelOptions = {}): [ThreadChannelMemory, ThreadChannelMemory] {
  const { controlBytes = CONTROL_BYTES, bulkBytes = BULK_BYTES } = options;
  const shared = new SharedArrayBuffer(2 * (BELL_WORDS * 4 + ringBytes(controlBytes) + ringBytes(bulkBytes)));
  return [
    { shared, side: 0, controlBytes, bulkBytes },
    { shared, side: 1, controlBytes, bulkBytes },
  ];
}

/** Requires: called once for each side. */
export function openPipes(memory: ThreadChannelMemory): Pipes {
  const { shared, side, controlBytes, bulkBytes } = memory;
  const other = side === 0 ? 1 : 0;
  const bell = (of: 0 | 1) => new Int32Array(shared, of * BELL_WORDS * 4, BELL_WORDS);
  const rings = (readBy: 0 | 1) => {
    const at = 2 * BELL_WORDS * 4 + readBy * (ringBytes(controlBytes) + ringBytes(bulkBytes));
    return [openRing(shared, at, controlBytes), openRing(shared, at + ringBytes(controlBytes), bulkBytes)] as const;
  };
  const [controlIn, bulkIn] = rings(side);
  const [controlOut, bulkOut] = rings(other);
  return {
    bell: bell(side),
    peerBell: bell(other),
    readers: [openReader(controlIn), openReader(bulkIn)],
    writers: [openWriter(controlOut), openWriter(bulkOut)],
    isBlocked: [false, false],
  };
}

/** Requires: what there is to do is already in shared memory. True: the thread slept, and the caller must post its wake-up. */
export function ringBell(bell: Int32Array): boolean {
  return Atomics.load(bell, 0) === ASLEEP && Atomics.exchange(bell, 0, RUNG) === ASLEEP;
}

/**
 * Says that this thread sleeps, and what for, then looks once more. False: there is something to do after all, and it does not sleep.
 * `holdsBulk`: bulk input is nothing to do.
 */
export function fallAsleep(pipes: readonly Pipes[], holdsBulk: boolean): boolean {
  for (const { bell } of pipes) Atomics.store(bell, 0, ASLEEP);
  for (const { readers, writers, isBlocked } of pipes) {
    const [control, bulk] = readers;
    if (hasInput(control) || (!holdsBulk && hasInput(bulk))) return false;
    if (isBlocked[CONTROL_CLASS] && !isStillFull(writers[CONTROL_CLASS])) return false;
    if (isBlocked[BULK_CLASS] && !isStillFull(writers[BULK_CLASS])) return false;
  }
  return true;
}

/** Nobody needs to wake this thread any more. */
export function stayAwake(pipes: readonly Pipes[]): void {
  for (const { bell } of pipes) Atomics.store(bell, 0, RUNG);
}
