/**
 * InFlight: the operations that are not over, by request id. Ids rise and are used again only after 2^32 others, so that a late answer never finds another
 * operation; a table of a power of two of places, at most half full, needs no hashing, and no Map entry per operation.
 */

export interface HasRequestId {
  /** u32; 0: not in the table. */
  requestId: number;
}

export class InFlight<T extends HasRequestId> {
  readonly #places: (T | undefined)[];
  readonly #mask: number;
  readonly max: number;
  #lastId: number;
  size = 0;

  /** `firstId`: where ids begin, by chance. */
  constructor(max: number, firstId: number) {
    let places = 16;
    while (places < max * 2) places *= 2;
    this.#places = new Array<T | undefined>(places).fill(undefined);
    this.#mask = places - 1;
    this.max = max;
    this.#lastId = firstId >>> 0;
  }

  /** Requires: `size` < `max`, and it is not in. */
  add(item: T): void {
    let id = this.#lastId;
    do id = (id + 1) >>> 0;
    while (id === 0 || this.#places[id & this.#mask] !== undefined);
    this.#lastId = id;
    item.requestId = id;
    this.#places[id & this.#mask] = item;
    this.size++;
  }

  find(requestId: number): T | undefined {
    const item = this.#places[requestId & this.#mask];
    return item !== undefined && item.requestId === requestId ? item : undefined;
  }

  /** No effect when it is not in. */
  remove(item: T): void {
    if (item.requestId === 0 || this.find(item.requestId) !== item) return;
    this.#places[item.requestId & this.#mask] = undefined;
    item.requestId = 0;
    this.size--;
  }

  /** Cost: O(places). `visit` may remove what it is given, and nothing else. */
  each(visit: (item: T) => void): void {
    for (let i = 0, left = this.size; i <= this.#mask && left > 0; i++) {
      const item = this.#places[i];
      if (item === undefined) continue;
      left--;
      visit(item);
    }
  }
}
