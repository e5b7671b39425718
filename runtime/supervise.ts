/** What becomes of an actor that threw: its parent's supervision decides, and it is carried out at once. */
import type { Cell } from './cell.ts';
import { ACTIVE, DRAINING, NEW, SUSPENDED } from './cell-state.ts';
import { errorMessage, unreachable } from './errors.ts';
import { endInstance, stopCell } from './lifecycle.ts';
import { rareOf } from './rare-state.ts';
import { completeSupervision, type Directive, isDirective, restartsWithin, type Supervision } from './supervision.ts';
import { Timer } from './timers.ts';
import { loseCurrent } from './undelivered.ts';
import { backoffDelayMs } from './wire/backoff.ts';

/** The actor threw, in its own turn. The message it was handling is lost to it. */
export function fail(cell: Cell, error: unknown): void {
  const { runtime } = cell;
  loseCurrent(cell);
  runtime.onFailure?.(cell, error);
  judge(cell, error);
}

/** `cell` has failed, itself or by a child that it could not help. */
function judge(cell: Cell, error: unknown): void {
  const wasNew = cell.state === NEW;
  cell.state = SUSPENDED;
  const supervision = supervisionOf(cell);
  const decided = decide(cell, supervision, error);
  // There is no state to keep when it failed while being started.
  const directive = wasNew && decided === 'resume' ? 'restart' : decided;
  logFailure(cell, wasNew, error, directive);
  switch (directive) {
    case 'resume':
      resume(cell);
      return;
    case 'restart':
      restart(cell, supervision);
      return;
    case 'stop':
      for (const other of affected(cell, supervision).reverse()) stopCell(other, 'failed', 'failed');
      return;
    case 'escalate':
      if (cell.parent === null) {
        stopCell(cell, 'failed', 'failed');
        return;
      }
      judge(cell.parent, error);
      // Stopped along with its parent, or the parent goes on as it was, and so must its child.
      if (cell.state !== SUSPENDED) return;
      if (wasNew) restart(cell, supervision);
      else resume(cell);
      return;
    default:
      unreachable(directive);
  }
}

/** The options by which this cell's failures are judged: its parent's, or the shard's own. */
function supervisionOf(cell: Cell): Supervision {
  return cell.parent === null ? cell.runtime.options.supervision : completeSupervision(cell.parent.options.supervision);
}

/** Whoever can't judge a failure can't be trusted with the next one either: the safe answer is to stop. */
function decide(cell: Cell, supervision: Supervision, error: unknown): Directive {
  try {
    const directive: unknown = supervision.decide(error);
    if (isDirective(directive)) return directive;
    cell.runtime.log.error('supervision: decide gave no directive, the actor is stopped', { actor: cell.name, got: String(directive) });
  } catch (decideError) {
    cell.runtime.log.error('supervision: decide threw, the actor is stopped', { actor: cell.name, error: errorMessage(decideError) });
  }
  return 'stop';
}

function logFailure(cell: Cell, wasNew: boolean, error: unknown, directive: Directive): void {
  cell.runtime.log.error('actor failed', {
    actor: cell.name,
    address: cell.ref.toString(),
    message: wasNew ? 'none, while it was being started' : cell.runtime.recorder.lastName(),
    error: errorMessage(error),
    stack: error instanceof Error ? error.stack : undefined,
    directive,
  });
}

/** In the order they were started. */
function affected(cell: Cell, supervision: Supervision): Cell[] {
  if (supervision.scope === 'one' || cell.parent === null) return [cell];
  const cells: Cell[] = [];
  for (let c = supervision.scope === 'rest' ? cell : cell.parent.firstChild; c !== null; c = c.nextSibling) cells.push(c);
  return cells;
}

function resume(cell: Cell): void {
  cell.state = cell.isOpen ? ACTIVE : DRAINING;
  cell.schedule();
}

function restart(cell: Cell, supervision: Supervision): void {
  const { runtime } = cell;
  const rare = rareOf(cell);
  const times = restartsWithin(rare.restartTimes, runtime.now, supervision.windowMs);
  const cells = affected(cell, supervision);
  if (times.length >= supervision.restartsMax) {
    runtime.log.error('actor failed too often and is stopped', {
      actor: cell.name,
      restarts: times.length,
      windowMs: supervision.windowMs,
    });
    for (const other of cells.reverse()) stopCell(other, 'failed', 'failed');
    return;
  }
  const delayMs = supervision.backoff.minMs === 0 ? 0 : backoffDelayMs(times.length, supervision.backoff, runtime.random);
  rare.restartTimes = [...times, runtime.now];
  for (const other of cells) other.state = SUSPENDED;
  // Last started, first stopped, as OTP does: whoever came later may depend on whoever came before.
  for (const other of [...cells].reverse()) endInstance(other, 'restart');
  for (const other of cells) {
    other.restarts++;
    runtime.metrics.restarts++;
    if (delayMs === 0) {
      startAgain(other);
    } else {
      const timer = new RestartTimer(other);
      rareOf(other).backoff = timer;
      runtime.setTimer(timer, runtime.now + delayMs);
    }
  }
}

class RestartTimer extends Timer {
  readonly #cell: Cell;

  constructor(cell: Cell) {
    super();
    this.#cell = cell;
  }

  fire(): void {
    startAgain(this.#cell);
  }
}

/** Requires: suspended, without an instance. */
function startAgain(cell: Cell): void {
  rareOf(cell).backoff = null;
  // It was draining, and nothing is left to do.
  if (!cell.isOpen && cell.queued === 0) return stopCell(cell, 'stopped', 'stopped');
  cell.state = NEW;
  cell.schedule();
}
