/**
 * Lets each event through so many times a second, counts the rest. Fixed windows: a second begins with the first occurrence
 * after the last one has ended. Pure: the time is an argument.
 */
const WINDOW_MS = 1_000;
/** Events told apart; names are texts of the code, so a real program has dozens. More share one window. */
const EVENTS_MAX = 512;
const OTHER_EVENTS = '(other events)';

export interface Suppressed {
  readonly event: string;
  readonly count: number;
}

interface Window {
  startMs: number;
  admitted: number;
  suppressed: number;
}

export class RepeatLimiter {
  readonly #perSecondMax: number;
  readonly #windows = new Map<string, Window>();

  constructor(perSecondMax: number) {
    this.#perSecondMax = perSecondMax;
  }

  /** True: log it. False: it is counted. */
  admit(event: string, nowMs: number): boolean {
    const window = this.#window(event, nowMs);
    if (hasEnded(window, nowMs)) {
      window.startMs = nowMs;
      window.admitted = 0;
    }
    if (window.admitted < this.#perSecondMax) {
      window.admitted++;
      return true;
    }
    window.suppressed++;
    return false;
  }

  /** What was suppressed since the last call, in the order in which the events first came. */
  takeSuppressed(): Suppressed[] {
    const taken: Suppressed[] = [];
    for (const [event, window] of this.#windows) {
      if (window.suppressed > 0) taken.push({ event, count: window.suppressed });
      window.suppressed = 0;
    }
    return taken;
  }

  #window(event: string, nowMs: number): Window {
    const known = this.#windows.get(event);
    if (known !== undefined) return known;
    if (this.#windows.size >= EVENTS_MAX) this.#forgetIdle(nowMs);
    if (this.#windows.size >= EVENTS_MAX && event !== OTHER_EVENTS) return this.#window(OTHER_EVENTS, nowMs);
    const window: Window = { startMs: nowMs, admitted: 0, suppressed: 0 };
    this.#windows.set(event, window);
    return window;
  }

  #forgetIdle(nowMs: number): void {
    for (const [event, window] of this.#windows) {
      if (window.suppressed === 0 && hasEnded(window, nowMs)) this.#windows.delete(event);
    }
  }
}

function hasEnded(window: Window, nowMs: number): boolean {
  return nowMs - window.startMs >= WINDOW_MS;
}
