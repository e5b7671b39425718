/** What most actors never need, kept out of the cell so that an idle actor stays small; each part is made when it is first used. */
import type { TimerKey } from './actor.ts';
import type { ActorTimer } from './actor-timer.ts';
import type { Cell } from './cell.ts';
import type { Ring } from './ring.ts';
import type { Timer } from './timers.ts';
import type { WaitList } from './wait-list.ts';
import type { Watch, Watcher } from './watch.ts';

export class RareState {
  /** Who asked to be told when this actor ends, by address. */
  watchers: Map<string, Watcher> | null = null;
  /** Whom this actor watches, by address. Bounded by what it watches itself. */
  watching: Map<string, Watch> | null = null;
  timers: Map<TimerKey, ActorTimer> | null = null;
  stash: Ring | null = null;
  /** Lists this actor is on to be told `ready`: it leaves them when it ends. */
  waitsOn: Set<WaitList> | null = null;
  /** Times of the restarts within the window, oldest first. */
  restartTimes: readonly number[] = [];
  /** Runs while the actor waits to be started again. */
  backoff: Timer | null = null;
}

export function rareOf(cell: Cell): RareState {
  cell.rare ??= new RareState();
  return cell.rare;
}
