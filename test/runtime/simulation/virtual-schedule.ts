/** A virtual clock for tests of single simulated doors: events in order of time, then of their making. */
import type { Schedule } from '../../../runtime/simulation/schedule.ts';

interface Event {
  readonly atMs: number;
  readonly task: () => void;
}

export class VirtualSchedule {
  nowMs = 0;
  readonly #events: Event[] = [];
  readonly #onEvent: () => void;

  /** `onEvent` is called for each event made. */
  constructor(onEvent: () => void = () => undefined) {
    this.#onEvent = onEvent;
  }

  readonly schedule: Schedule = (afterMs, task) => {
    const atMs = this.nowMs + afterMs;
    const index = this.#events.findIndex((event) => event.atMs > atMs);
    this.#events.splice(index < 0 ? this.#events.length : index, 0, { atMs, task });
    this.#onEvent();
  };

  /** Runs the next event. Returns false when there is none. */
  step(): boolean {
    const event = this.#events.shift();
    if (event === undefined) return false;
    this.nowMs = event.atMs;
    event.task();
    return true;
  }

  runAll(): void {
    let going = true;
    while (going) going = this.step();
  }
}

/** Runs by itself, an event per turn of the real loop, so that a contract suite can await simulated doors like real ones. */
export function pumpedSchedule(): Schedule {
  let armed = false;
  const virtual = new VirtualSchedule(() => {
    if (armed) return;
    armed = true;
    setImmediate(pump);
  });
  const pump = () => {
    armed = virtual.step();
    if (armed) setImmediate(pump);
  };
  return virtual.schedule;
}
