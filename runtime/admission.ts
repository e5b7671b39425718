/** Whether a mailbox takes one more message: by the actor's state, the room there is, and its overflow policy. */
import type { Cell } from './cell.ts';
import { ENDED } from './cell-state.ts';
import type { Lane } from './lanes.ts';
import { dropHead } from './undelivered.ts';
import { ACCEPTED, DROPPED, NO_SUCH_ACTOR, OVERLOADED, STOPPED, type Verdict, WAIT } from './verdict.ts';
import { WaitList } from './wait-list.ts';

/** `paid`: the message uses credit, so that there is room. May make room, by policy; notes who waits for it. */
export function admit(cell: Cell, lane: Lane, paid: boolean): Verdict {
  if (!cell.isOpen) return cell.state === ENDED ? NO_SUCH_ACTOR : STOPPED;
  if (cell.queued < cell.limit || paid) return ACCEPTED;
  cell.refusals++;
  switch (cell.overflow) {
    case 'credit': {
      const { current } = cell.runtime;
      if (current !== null) {
        cell.creditWaiters ??= new WaitList();
        cell.creditWaiters.add(current, cell.ref);
      }
      return WAIT;
    }
    case 'dropNewest':
      return DROPPED;
    case 'dropOldest': {
      const ring = cell.ring(lane);
      // What the actor itself asked for (outcomes, timers) is not dropped: it would wait for it for ever.
      const oldest = ring.firstMessage();
      if (oldest < 0) return DROPPED;
      ring.bringForward(oldest);
      dropHead(cell, ring, 'overflow', OVERLOADED);
      return ACCEPTED;
    }
    default:
      return OVERLOADED;
  }
}
