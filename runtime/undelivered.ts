/** Messages that come to nothing: what becomes of them, and who is told. */
import { ASK_SLOT_BIT, NOBODY_SLOT } from './address.ts';
import type { Cell } from './cell.ts';
import type { Envelope } from './envelope.ts';
import { BugError } from './errors.ts';
import { CONTROL_CLASS } from './lanes.ts';
import type { AnyRef } from './ref.ts';
import { ENVELOPE, NO_MESSAGE, PLAIN, type Ring, ROW_LENGTH, ROW_LINK, ROW_OPERATION, ROW_SENDER_SLOT, ROW_SENDER_UID } from './ring.ts';
import type { ShardRuntime } from './shard-runtime.ts';
import { DROPPED, FAILED, rejectionError, rejectionReason, type Verdict, WAIT } from './verdict.ts';
import { SIGNAL_REJECTED } from './wire/frame.ts';

/** A `tell` of the current actor was refused on the spot. Whoever waits is told `ready` instead; of what is dropped by policy nobody is told. */
export function tellRefused(runtime: ShardRuntime, ref: AnyRef, verdict: Verdict): void {
  if (verdict === WAIT || verdict === DROPPED) return;
  runtime.current?.pushSignal({ type: 'rejected', ref, reason: rejectionReason(verdict) });
}

/** Tells the sender of a message that had arrived (an ask, or an actor) that it comes to nothing. */
export function reject(runtime: ShardRuntime, link: number, senderSlot: number, senderUid: number, by: Cell, verdict: Verdict): void {
  if (senderSlot === NOBODY_SLOT) return;
  if (link >= 0) {
    runtime.peers.byIndex(link).signal(SIGNAL_REJECTED, senderSlot, senderUid, by.slot, by.uid, verdict, CONTROL_CLASS);
  } else if (isAsk(senderSlot)) {
    runtime.asks.find(senderSlot, senderUid)?.fail(rejectionError(verdict, by.ref.toString()));
  } else {
    runtime.find(senderSlot, senderUid)?.pushSignal({ type: 'rejected', ref: by.ref, reason: rejectionReason(verdict) });
  }
}

/** Takes the oldest message of a lane away, because of `reason`. */
export function dropHead(cell: Cell, ring: Ring, reason: 'overflow' | 'stopped', verdict: Verdict): void {
  const { runtime } = cell;
  const { rows, rowOfHead: row } = ring;
  const item = ring.shift();
  cell.queued--;
  runtime.backlog--;
  if (rows === null) {
    runtime.deadLetters.add(reason, cell.ref, item);
    return;
  }
  const operation = rows[row + ROW_OPERATION] as number;
  const link = rows[row + ROW_LINK] as number;
  const senderSlot = rows[row + ROW_SENDER_SLOT] as number;
  const senderUid = rows[row + ROW_SENDER_UID] as number;
  if (link >= 0) runtime.backlogBytes -= rows[row + ROW_LENGTH] as number;
  if (operation >= 0) runtime.deadLetters.addOperation(reason, cell.ref, operation);
  else if (operation !== ENVELOPE || (item as Envelope).isWanted) runtime.deadLetters.add(reason, cell.ref, item);
  // Actors are not told what a policy of dropping drops; an ask always has an outcome.
  if (reason === 'stopped' || isAsk(senderSlot)) reject(runtime, link, senderSlot, senderUid, cell, verdict);
}

/** The actor failed: the message it was handling is lost to it, unless it had been put aside before. */
export function loseCurrent(cell: Cell): void {
  const { runtime } = cell;
  const { message, operation, row } = runtime;
  runtime.row = -1;
  if (operation === NO_MESSAGE || message === STASHED) return;
  if (operation >= 0) runtime.deadLetters.addOperation('failed', cell.ref, operation);
  else runtime.deadLetters.add('failed', cell.ref, message);
  if (row >= 0) reject(runtime, runtime.senderLink, runtime.senderSlot, runtime.senderUid, cell, FAILED);
}

/** Puts the message being handled aside. */
export function stashCurrent(runtime: ShardRuntime, stash: Ring): void {
  const { message, operation } = runtime;
  if (operation === NO_MESSAGE) throw new BugError('stash: no message is being handled');
  if (operation >= 0) throw new BugError(`stash: operation ${operation} of the binary path ends with its turn and can't be put aside`);
  if (message === STASHED) throw new BugError('stash: the message being handled is stashed already');
  if (runtime.row < 0) stash.push(message);
  else stash.pushRow(message, runtime.deadline, PLAIN, 0, 0, runtime.senderLink, runtime.senderSlot, runtime.senderUid, runtime.requestId);
  runtime.message = STASHED;
  runtime.row = -1;
}

/** Stands in `ShardRuntime.message` for a message that was put aside. */
const STASHED: unique symbol = Symbol('stashed');

export function isAsk(slot: number): boolean {
  return (slot & ASK_SLOT_BIT) !== 0;
}
