/**
 * How an actor ends. All of it happens at once and in one thread: children never outlive their parent, and nobody sees an actor half
 * stopped. None of it is called while an actor concerned is within its own code: see `ShardRuntime.stop`, `Context.stop`.
 */
import type { StopReason, TerminationReason } from './actor.ts';
import type { Cell } from './cell.ts';
import { DRAINING, ENDED, NEW, SUSPENDED } from './cell-state.ts';
import { endCredit } from './credit.ts';
import { errorMessage } from './errors.ts';
import { LANE_COUNT, SYSTEM } from './lanes.ts';
import { dropHead } from './undelivered.ts';
import { STOPPED } from './verdict.ts';
import { stopWaiting } from './wait-list.ts';
import { forgetWatches, tellWatchers } from './watch.ts';

/** Ends the cell for good: children first, then what is queued, then the news to whoever watches or waits. */
export function stopCell(cell: Cell, termination: TerminationReason, reason: StopReason): void {
  if (cell.state === ENDED) return;
  const { runtime } = cell;
  cell.isOpen = false;
  cell.stopRequested = false;
  cell.state = ENDED;
  endInstance(cell, reason);
  for (let lane = 0; lane < LANE_COUNT; lane++) {
    const ring = cell.usedRing(lane);
    while (ring !== null && ring.length > 0) {
      if (lane === SYSTEM) ring.shift();
      else dropHead(cell, ring, 'stopped', STOPPED);
    }
  }
  cell.readyLanes = 0;
  unlink(cell);
  runtime.release(cell);
  forgetWatches(cell);
  stopWaiting(cell);
  endCredit(cell);
  tellWatchers(cell, termination);
}

/** Stops after what is queued now: later messages are refused. */
export function drainCell(cell: Cell): void {
  if (!cell.isOpen) return;
  cell.isOpen = false;
  // Not able to work: a new one has no state worth the wait, a failed one may never be back.
  if (cell.state === SUSPENDED || (cell.queued === 0 && !cell.isRunning)) return stopCell(cell, 'stopped', 'stopped');
  // It drains once it is made.
  if (cell.state === NEW) return;
  cell.state = DRAINING;
  cell.schedule();
}

/** Ends the instance, not the cell: children, timers and the instance's own state go, mailbox and watchers stay. */
export function endInstance(cell: Cell, reason: StopReason): void {
  for (let child = cell.lastChild; child !== null; child = cell.lastChild) stopCell(child, 'stopped', 'stopped');
  const { actor, rare, runtime } = cell;
  cell.actor = null;
  if (rare !== null) {
    for (const timer of rare.timers?.values() ?? []) timer.cancel();
    rare.timers = null;
    if (rare.backoff !== null) runtime.cancelTimer(rare.backoff);
    rare.backoff = null;
    unstash(cell);
  }
  if (actor?.stopped === undefined) return;
  const { current } = runtime;
  // What it tells now it tells as itself, not as the parent that stops it.
  runtime.current = cell;
  try {
    actor.stopped(reason);
  } catch (error) {
    runtime.log.error('actor threw while it was stopped', { actor: cell.name, error: errorMessage(error) });
  } finally {
    runtime.current = current;
  }
}

/** Puts stashed messages back before everything queued in the request lane. */
export function unstash(cell: Cell): void {
  const stash = cell.rare?.stash ?? null;
  if (stash === null || stash.length === 0) return;
  const count = stash.length;
  cell.requests.prepend(stash);
  cell.unstashed(count);
}

export function link(parent: Cell, child: Cell): void {
  child.previousSibling = parent.lastChild;
  if (parent.lastChild === null) parent.firstChild = child;
  else parent.lastChild.nextSibling = child;
  parent.lastChild = child;
}

function unlink(cell: Cell): void {
  const { parent, previousSibling, nextSibling } = cell;
  if (parent === null) return;
  if (previousSibling === null) parent.firstChild = nextSibling;
  else previousSibling.nextSibling = nextSibling;
  if (nextSibling === null) parent.lastChild = previousSibling;
  else nextSibling.previousSibling = previousSibling;
  cell.previousSibling = null;
  cell.nextSibling = null;
}
