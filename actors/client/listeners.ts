/** Listeners: functions of the program that want to hear of events. */

export class Listeners<Events> {
  readonly #of = new Map<keyof Events, Set<(about: never) => void>>();

  /** Returns how to end it. */
  add<E extends keyof Events>(event: E, listener: (about: Events[E]) => void): () => void {
    const set = this.#of.get(event) ?? new Set();
    this.#of.set(event, set);
    set.add(listener);
    return () => void set.delete(listener);
  }

  /** In the order in which they were added. Each in a turn of its own: they are the program's code, not the caller's. */
  tell<E extends keyof Events>(event: E, about: Events[E]): void {
    for (const listener of this.#of.get(event) ?? []) queueMicrotask(() => (listener as (about: Events[E]) => void)(about));
  }
}
