/** The jobs that wait for a thread: highest priority first, first come first served among equals. Pure. */

interface Entry<T> {
  readonly item: T;
  readonly priority: number;
}

export class JobQueue<T> {
  /** Next one last. Why an array: the queue is bounded and short, and a job costs milliseconds. */
  readonly #entries: Entry<T>[] = [];

  get size(): number {
    return this.#entries.length;
  }

  push(item: T, priority: number): void {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle] as Entry<T>).priority < priority) low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, { item, priority });
  }

  shift(): T | undefined {
    return this.#entries.pop()?.item;
  }

  /** Returns false when it wasn't in. */
  remove(item: T): boolean {
    const index = this.#entries.findIndex((entry) => entry.item === item);
    if (index < 0) return false;
    this.#entries.splice(index, 1);
    return true;
  }
}
