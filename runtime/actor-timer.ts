/** Timers as messages: when one is due it queues an envelope, which turns into the message unless it was cancelled or replaced since. */
import type { TimerKey } from './actor.ts';
import type { Cell } from './cell.ts';
import { Envelope, SKIP } from './envelope.ts';
import { REQUEST } from './lanes.ts';
import { Timer } from './timers.ts';

export class ActorTimer extends Timer {
  readonly key: TimerKey;
  /** 0: once. */
  readonly periodMs: number;
  readonly #cell: Cell;
  readonly #message: unknown;
  /** The tick that is queued and not handled yet. */
  queued: Tick | null = null;

  constructor(cell: Cell, key: TimerKey, message: unknown, periodMs: number) {
    super();
    this.#cell = cell;
    this.key = key;
    this.#message = message;
    this.periodMs = periodMs;
  }

  fire(): void {
    const { runtime } = this.#cell;
    if (this.periodMs > 0) {
      // From the time it was due, so that ticks don't drift; ticks that were missed altogether are skipped.
      const next = this.at + this.periodMs;
      runtime.setTimer(this, next > runtime.now ? next : runtime.now + this.periodMs);
      if (this.queued !== null) return;
    }
    this.queued = new Tick(this);
    this.#cell.pushEnvelope(this.queued, REQUEST);
  }

  /** What was queued by now is dropped at its turn. */
  cancel(): void {
    this.#cell.runtime.cancelTimer(this);
    if (this.queued !== null) this.queued.isCancelled = true;
  }

  take(): unknown {
    this.queued = null;
    if (this.periodMs === 0) this.#cell.rare?.timers?.delete(this.key);
    return this.#message;
  }
}

class Tick extends Envelope {
  readonly #timer: ActorTimer;
  isCancelled = false;

  constructor(timer: ActorTimer) {
    super();
    this.#timer = timer;
  }

  get isWanted(): boolean {
    return !this.isCancelled;
  }

  open(): unknown {
    return this.isCancelled ? SKIP : this.#timer.take();
  }
}
