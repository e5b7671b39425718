/** Holds: who has something to finish, to disk or to a peer, before its thread is closed, though it is stopped itself. */
export class Holds {
  #count = 0;
  #waiting: (() => void)[] = [];

  /** The returned function releases it; calls after the first do nothing. */
  take(): () => void {
    this.#count++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#count--;
      if (this.#count === 0) for (const done of this.#waiting.splice(0)) done();
    };
  }

  /** Calls `done` when there is none: at once or later. */
  whenNone(done: () => void): void {
    if (this.#count === 0) done();
    else this.#waiting.push(done);
  }
}
