/**
 * Event heap: what happens next in a simulated world. Ordered by time, then by a tie-break that the scheduler draws, then by
 * the order of insertion. Four children per node; an event is a slot in parallel arrays, so that pushing and popping allocate nothing.
 */

/** Something that events happen to. It lives long; what is to happen is its own state, or the event's token. */
export interface EventTarget {
  /** Known to the event hash and to the priorities of the scheduler. */
  readonly id: number;
  fire(token: number): void;
}

const INITIAL = 256;
const NOBODY: EventTarget = { id: 0, fire: () => {} };

export class EventHeap {
  /** Of the event that `pop` took last. */
  timeUs = 0;
  target: EventTarget = NOBODY;
  token = 0;

  #heap = new Uint32Array(INITIAL);
  #free = new Uint32Array(INITIAL);
  #freeCount = 0;
  #times = new Float64Array(INITIAL);
  #ties = new Uint32Array(INITIAL);
  #seqs = new Float64Array(INITIAL);
  #tokens = new Float64Array(INITIAL);
  readonly #targets: EventTarget[] = [];
  #size = 0;
  #used = 0;
  #seq = 0;

  get size(): number {
    return this.#size;
  }

  /** Time of the next event; Infinity when there is none. */
  nextUs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#times[this.#heap[0]!]!;
  }

  /** Requires: `timeUs` an integer, `tie` a u32. */
  push(timeUs: number, tie: number, target: EventTarget, token: number): void {
    const slot = this.#freeCount > 0 ? this.#free[--this.#freeCount]! : this.#newSlot();
    this.#times[slot] = timeUs;
    this.#ties[slot] = tie;
    this.#seqs[slot] = ++this.#seq;
    this.#tokens[slot] = token;
    this.#targets[slot] = target;
    this.#up(this.#size++, slot);
  }

  /** Takes the next event into `timeUs`, `target` and `token`. Returns false when there is none. */
  pop(): boolean {
    if (this.#size === 0) return false;
    const heap = this.#heap;
    const slot = heap[0]!;
    this.timeUs = this.#times[slot]!;
    this.target = this.#targets[slot]!;
    this.token = this.#tokens[slot]!;
    this.#targets[slot] = NOBODY;
    this.#free[this.#freeCount++] = slot;
    this.#size--;
    if (this.#size > 0) this.#down(heap[this.#size]!);
    return true;
  }

  #before(a: number, b: number): boolean {
    const ta = this.#times[a]!;
    const tb = this.#times[b]!;
    if (ta !== tb) return ta < tb;
    const ka = this.#ties[a]!;
    const kb = this.#ties[b]!;
    return ka !== kb ? ka < kb : this.#seqs[a]! < this.#seqs[b]!;
  }

  #up(start: number, slot: number): void {
    const heap = this.#heap;
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 2;
      const other = heap[parent]!;
      if (!this.#before(slot, other)) break;
      heap[index] = other;
      index = parent;
    }
    heap[index] = slot;
  }

  #down(slot: number): void {
    const heap = this.#heap;
    const size = this.#size;
    let index = 0;
    for (;;) {
      const first = index * 4 + 1;
      if (first >= size) break;
      const end = Math.min(first + 4, size);
      let least = first;
      for (let child = first + 1; child < end; child++) {
        if (this.#before(heap[child]!, heap[least]!)) least = child;
      }
      const other = heap[least]!;
      if (!this.#before(other, slot)) break;
      heap[index] = other;
      index = least;
    }
    heap[index] = slot;
  }

  #newSlot(): number {
    if (this.#used === this.#heap.length) {
      const size = this.#used * 2;
      this.#heap = grown(this.#heap, new Uint32Array(size));
      this.#free = grown(this.#free, new Uint32Array(size));
      this.#ties = grown(this.#ties, new Uint32Array(size));
      this.#times = grown(this.#times, new Float64Array(size));
      this.#seqs = grown(this.#seqs, new Float64Array(size));
      this.#tokens = grown(this.#tokens, new Float64Array(size));
    }
    return this.#used++;
  }
}

function grown<A extends Uint32Array | Float64Array>(old: A, larger: A): A {
  larger.set(old);
  return larger;
}
