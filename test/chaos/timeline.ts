/**
 * Timeline: what clients did to one key of a run, and were told. All clients share a process, so that moments, which are numbers of events, are one order of all; milliseconds are for people.
 */
export class Moments {
  readonly #begunMs = performance.now();
  #last = 0;

  /** A number above all earlier ones. */
  next(): number {
    return ++this.#last;
  }

  /** Since the run began. */
  get ms(): number {
    return performance.now() - this.#begunMs;
  }
}

interface Step {
  readonly begunMs: number;
  endedMs: number;
  readonly what: string;
  told: string;
}

export class Timeline {
  readonly #moments: Moments;
  readonly #steps: Step[] = [];

  constructor(moments: Moments) {
    this.#moments = moments;
  }

  /** Something begins. Returns how it is told what came of it. */
  begin(what: string): (told: string) => void {
    const step: Step = { begunMs: this.#moments.ms, endedMs: Number.NaN, what, told: 'no answer' };
    this.#steps.push(step);
    return (told) => {
      step.endedMs = this.#moments.ms;
      step.told = told;
    };
  }

  /** In the order of the beginnings. */
  get lines(): readonly string[] {
    return this.#steps.map(({ begunMs, endedMs, what, told }) => `${shown(begunMs)} to ${shown(endedMs)} ms  ${what}: ${told}`);
  }
}

function shown(ms: number): string {
  return (Number.isNaN(ms) ? '-' : ms.toFixed(1)).padStart(9);
}
