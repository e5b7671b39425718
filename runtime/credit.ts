/**
 * Credit: the overflow policy under which nothing is dropped. A sender in this thread is simply refused and called back; a
 * shard elsewhere asks for room first, and what it is granted counts as taken, so that the mailbox's bound is exact.
 *
 * ```
 *  sending shard                                 actor's shard
 *  window.available  --- CREDIT_REQUEST --->     cell.creditRequests
 *                    <--- CREDIT_GRANT ----      limit -= n, granted += n      when there is room
 *  available -= 1    ---- the message ---->      limit += 1, granted -= 1, queued += 1
 *  idle              --- CREDIT_RETURN --->      limit += n, granted -= n
 *  connection down: available = 0                granted = 0, limit = capacity
 * ```
 * All of it travels on the bulk connection, whatever the lane of the messages, so that both ends forget the same when that breaks.
 */
import type { Cell } from './cell.ts';
import { CreditWindow } from './credit-windows.ts';
import { BULK_CLASS } from './lanes.ts';
import type { Peer } from './peer.ts';
import type { RemoteRef } from './remote-ref.ts';
import { SIGNAL_CREDIT_GRANT, SIGNAL_CREDIT_REQUEST, SIGNAL_CREDIT_RETURN } from './wire/frame.ts';

/** Messages asked for at a time, and granted at most. */
const WINDOW = 256;

/** Takes one credit for a message to `ref`; null when there is none, and then the sending actor is noted to be called. */
export function takeCredit(ref: RemoteRef): CreditWindow | null {
  const { peer } = ref;
  let window = peer.windows.find(ref.slot, ref.uid);
  if (window === undefined) {
    window = new CreditWindow(ref);
    peer.windows.add(window);
  }
  window.used = true;
  if (window.available > 0) {
    window.available--;
    if (window.available < WINDOW / 2) requestCredit(window);
    return window;
  }
  const { current } = peer.runtime;
  if (current !== null) window.waiters.add(current, ref);
  requestCredit(window);
  return null;
}

function requestCredit(window: CreditWindow): void {
  if (window.requested) return;
  const { peer, slot, uid } = window.ref;
  window.requested = true;
  peer.mustSignal(SIGNAL_CREDIT_REQUEST, slot, uid, 0, 0, WINDOW, BULK_CLASS);
}

/** A grant came in from the actor (slot, uid) of `peer`. */
export function creditGranted(peer: Peer, slot: number, uid: number, count: number): void {
  const window = peer.windows.find(slot, uid);
  if (window === undefined) {
    peer.signal(SIGNAL_CREDIT_RETURN, slot, uid, 0, 0, count, BULK_CLASS);
    return;
  }
  window.requested = false;
  window.available += count;
  peer.runtime.idleCredit.watch();
  window.waiters.wakeAll();
}

/** The connection that the credit was about is gone: both ends forget it. */
export function forgetCredit(peer: Peer): void {
  for (const window of peer.windows.all()) {
    window.available = 0;
    window.requested = false;
    // Whoever waits tries again, which asks again.
    window.waiters.wakeAll();
  }
  const granted = [...peer.granted];
  peer.granted.clear();
  for (const [cell, count] of granted) cell.limit += count;
  for (const cell of peer.asked) cell.creditRequests?.delete(peer);
  peer.asked.clear();
  // There is room now that others may be waiting for.
  for (const [cell] of granted) grantCredit(cell);
}

/** Once in a while: gives back what nobody used since the last call, so that others may have it. Returns whether any window is left. */
export function returnIdleCredit(peer: Peer): boolean {
  for (const window of peer.windows.all()) {
    if (window.used) {
      window.used = false;
      continue;
    }
    const { slot, uid } = window.ref;
    if (window.available > 0 && peer.signal(SIGNAL_CREDIT_RETURN, slot, uid, 0, 0, window.available, BULK_CLASS)) window.available = 0;
    if (window.available === 0 && !window.requested && window.waiters.isEmpty) peer.windows.remove(window);
  }
  return peer.windows.size > 0;
}

/** Receiver's side: `peer` asks `cell` for room for `count` messages. */
export function creditRequested(cell: Cell, peer: Peer, count: number): void {
  if (count === 0) return;
  cell.creditRequests ??= new Map();
  cell.creditRequests.set(peer, Math.min(count, WINDOW));
  peer.asked.add(cell);
  grantCredit(cell);
}

/** There is no such actor, so that nothing is kept free for it: the sender may send, and learns that nobody is there. */
export function creditForNobody(peer: Peer, slot: number, uid: number, count: number): void {
  peer.mustSignal(SIGNAL_CREDIT_GRANT, 0, 0, slot, uid, count, BULK_CLASS);
}

export function creditReturned(cell: Cell, peer: Peer, count: number): void {
  takeBack(cell, peer, count);
  grantCredit(cell);
}

/** A message arrived: if it was granted before it now counts in the queue instead. Returns whether it was. */
export function creditUsed(cell: Cell, peer: Peer): boolean {
  return takeBack(cell, peer, 1) === 1;
}

function takeBack(cell: Cell, peer: Peer, count: number): number {
  const held = peer.granted.get(cell) ?? 0;
  const back = Math.min(held, count);
  if (back === held) peer.granted.delete(cell);
  else peer.granted.set(cell, held - back);
  cell.limit += back;
  return back;
}

/** Divides the room there is now among the places that asked, and calls local senders back. */
export function grantCredit(cell: Cell): void {
  for (const [peer, count] of cell.creditRequests ?? []) {
    const free = cell.limit - cell.queued;
    if (free <= 0) return;
    // Never all of it to one: the next to ask, and senders of this thread, find something left.
    const share = Math.min(count, Math.max(1, free >> 1));
    cell.creditRequests?.delete(peer);
    peer.asked.delete(cell);
    cell.limit -= share;
    peer.granted.set(cell, (peer.granted.get(cell) ?? 0) + share);
    peer.mustSignal(SIGNAL_CREDIT_GRANT, 0, 0, cell.slot, cell.uid, share, BULK_CLASS);
  }
  if (cell.creditWaiters !== null && cell.queued < cell.limit) cell.creditWaiters.wakeAll();
}

/** The cell has ended: whoever waits for room tries again, and learns that it is gone. */
export function endCredit(cell: Cell): void {
  if (cell.overflow !== 'credit') return;
  for (const [peer, count] of cell.creditRequests ?? []) {
    peer.asked.delete(cell);
    creditForNobody(peer, cell.slot, cell.uid, count);
  }
  for (const peer of cell.runtime.peers.all()) peer.granted.delete(cell);
  cell.creditRequests = null;
  cell.creditWaiters?.wakeAll();
  cell.creditWaiters = null;
}
