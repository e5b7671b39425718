/** Makes the snapshot of one shard that operators and tests read. */
import type { Cell } from './cell.ts';
import { type ActorStats, ActorTimes, quantiles, type ShardStats } from './metrics.ts';
import type { ShardRuntime } from './shard-runtime.ts';

const BUSIEST = 20;
const NO_TIMES: Readonly<ActorTimes> = new ActorTimes();
const STATES = ['new', 'active', 'draining', 'suspended', 'ended'] as const;

export function shardStats(runtime: ShardRuntime): ShardStats {
  const cells = runtime.actors.all();
  const { metrics } = runtime;
  return {
    node: runtime.node,
    shard: runtime.shard,
    boot: runtime.boot,
    actors: runtime.actors.count,
    handled: metrics.handledByEnded + cells.reduce((sum, cell) => sum + cell.handled, 0),
    backlog: runtime.backlog,
    pendingAsks: runtime.asks.size,
    restarts: metrics.restarts,
    spawned: metrics.spawned,
    framesIn: metrics.framesIn,
    bytesIn: metrics.bytesIn,
    runs: metrics.runs,
    queueWaitMs: quantiles(metrics.queueWait),
    turnMs: quantiles(metrics.turnTime),
    deadLetters: runtime.deadLetters.counts(),
    busiest: busiest(cells).map(actorStats),
  };
}

/** Most handled first. One pass: a shard may run a million actors, and serves nobody meanwhile. */
function busiest(cells: readonly Cell[]): Cell[] {
  const top: Cell[] = [];
  for (const cell of cells) {
    const last = top[BUSIEST - 1];
    if (last !== undefined && last.handled >= cell.handled) continue;
    const place = top.findIndex((other) => other.handled < cell.handled);
    top.splice(place < 0 ? top.length : place, 0, cell);
    if (top.length > BUSIEST) top.pop();
  }
  return top;
}

function actorStats(cell: Cell): ActorStats {
  const times = cell.times ?? NO_TIMES;
  return {
    name: cell.name,
    slot: cell.slot,
    state: STATES[cell.state],
    queued: cell.queued,
    queuedMax: cell.depthMax,
    handled: cell.handled,
    refused: cell.refusals,
    restarts: cell.restarts,
    deadLetters: cell.deadLetters,
    turns: cell.turns,
    waitMs: { mean: ratio(times.waitSum, cell.turns), max: times.waitMax },
    turnMs: { mean: ratio(times.turnSum, times.measured), max: times.turnMax },
  };
}

function ratio(sum: number, count: number): number {
  return count === 0 ? 0 : sum / count;
}
