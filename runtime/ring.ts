/**
 * Ring: a first-in-first-out queue over a power-of-two array, the queue under every lane of every mailbox.
 * An entry is one value; a queue that ever held something with a deadline, an envelope or bytes also has a numeric row per
 * entry, so that such messages need no object of their own.
 *
 * Why not a linked list or `Array.shift`: bench:actors, row "tell, same thread".
 */

/** Columns of an entry's row. */
export const ROW_DEADLINE = 0;
export const ROW_OPERATION = 1;
export const ROW_OFFSET = 2;
export const ROW_LENGTH = 3;
/** Number of the link that the message came by; -1: from this thread. */
export const ROW_LINK = 4;
export const ROW_SENDER_SLOT = 5;
export const ROW_SENDER_UID = 6;
export const ROW_REQUEST_ID = 7;
const ROW = 8;

/** ROW_OPERATION of a plain message and of an `Envelope`; 0 and above are operations of the binary path. */
export const PLAIN = -1;
export const ENVELOPE = -2;
/** For the runtime: what is being handled is no message. */
export const NO_MESSAGE = -3;

const INITIAL = 8;

export class Ring {
  items: unknown[] = EMPTY as unknown[];
  head = 0;
  length = 0;
  /** 8 columns per entry of `items`, or null while all entries are plain and without deadline. */
  rows: Float64Array | null = null;

  push(item: unknown): void {
    if (this.length === this.items.length) this.#grow();
    const mask = this.items.length - 1;
    const at = (this.head + this.length) & mask;
    this.items[at] = item;
    this.length++;
    if (this.rows !== null) {
      this.rows.fill(0, at * ROW, at * ROW + ROW);
      this.rows[at * ROW + ROW_OPERATION] = PLAIN;
      this.rows[at * ROW + ROW_LINK] = -1;
    }
  }

  pushRow(
    item: unknown,
    deadline: number,
    operation: number,
    offset: number,
    length: number,
    link: number,
    senderSlot: number,
    senderUid: number,
    requestId: number,
  ): void {
    if (this.length === this.items.length) this.#grow();
    const rows = this.rows ?? this.#startRows();
    const at = (this.head + this.length) & (this.items.length - 1);
    this.items[at] = item;
    this.length++;
    const row = at * ROW;
    rows[row] = deadline;
    rows[row + 1] = operation;
    rows[row + 2] = offset;
    rows[row + 3] = length;
    rows[row + 4] = link;
    rows[row + 5] = senderSlot;
    rows[row + 6] = senderUid;
    rows[row + 7] = requestId;
  }

  /** Requires length > 0. The row of what was shifted stays readable at `rowOfHead` taken before. */
  shift(): unknown {
    const at = this.head;
    const item = this.items[at];
    this.items[at] = undefined;
    this.head = (at + 1) & (this.items.length - 1);
    this.length--;
    return item;
  }

  /** The next entry goes to the first place again, whose memory is likely to be in the processor's cache. Requires length = 0, and that no row is read any more. */
  rewind(): void {
    this.head = 0;
  }

  /** Gives its memory back. Requires length = 0. */
  release(): void {
    this.items = EMPTY as unknown[];
    this.rows = null;
    this.head = 0;
  }

  /** Offset of the head entry's row in `rows`. */
  get rowOfHead(): number {
    return this.head * ROW;
  }

  /** Place of the first entry behind the head that is no envelope; -1 when there is none. */
  firstMessage(): number {
    const { rows } = this;
    if (rows === null) return this.length > 0 ? 0 : -1;
    const mask = this.items.length - 1;
    for (let i = 0; i < this.length; i++) {
      if (rows[((this.head + i) & mask) * ROW + ROW_OPERATION] !== ENVELOPE) return i;
    }
    return -1;
  }

  /** Makes the entry `index` places behind the head the head; the order of the others stays. Requires 0 <= index < length. */
  bringForward(index: number): void {
    const { items, rows } = this;
    const mask = items.length - 1;
    const at = (this.head + index) & mask;
    const item = items[at];
    const row = rows === null ? null : rows.slice(at * ROW, at * ROW + ROW);
    for (let i = index; i > 0; i--) {
      const to = (this.head + i) & mask;
      const from = (to - 1) & mask;
      items[to] = items[from];
      rows?.copyWithin(to * ROW, from * ROW, from * ROW + ROW);
    }
    items[this.head] = item;
    if (rows !== null && row !== null) rows.set(row, this.head * ROW);
  }

  /** Moves all entries of `other` to the front of this queue, in their order. */
  prepend(other: Ring): void {
    const joined = new Ring();
    joined.#takeAll(other);
    joined.#takeAll(this);
    this.items = joined.items;
    this.rows = joined.rows;
    this.head = joined.head;
    this.length = joined.length;
  }

  /** Appends a copy of the entry at `row` of `rows` (which may belong to another ring), or a plain entry where `rows` is null. */
  pushFrom(item: unknown, rows: Float64Array | null, row: number): void {
    if (rows === null) this.push(item);
    else {
      const r = rows;
      this.pushRow(
        item,
        r[row] as number,
        r[row + 1] as number,
        r[row + 2] as number,
        r[row + 3] as number,
        r[row + 4] as number,
        r[row + 5] as number,
        r[row + 6] as number,
        r[row + 7] as number,
      );
    }
  }

  #takeAll(other: Ring): void {
    while (other.length > 0) {
      const row = other.rowOfHead;
      this.pushFrom(other.shift(), other.rows, row);
    }
  }

  #startRows(): Float64Array {
    const rows = new Float64Array(this.items.length * ROW);
    for (let i = 0; i < this.items.length; i++) {
      rows[i * ROW + ROW_OPERATION] = PLAIN;
      rows[i * ROW + ROW_LINK] = -1;
    }
    this.rows = rows;
    return rows;
  }

  #grow(): void {
    const old = this.items;
    const size = old.length === 0 ? INITIAL : old.length * 2;
    const items: unknown[] = new Array(size);
    const mask = old.length - 1;
    for (let i = 0; i < this.length; i++) items[i] = old[(this.head + i) & mask];
    for (let i = this.length; i < size; i++) items[i] = undefined;
    if (this.rows !== null) {
      const rows = new Float64Array(size * ROW);
      const first = (old.length - this.head) * ROW;
      rows.set(this.rows.subarray(this.head * ROW), 0);
      rows.set(this.rows.subarray(0, this.head * ROW), first);
      this.rows = rows;
    }
    this.items = items;
    this.head = 0;
  }
}

/** Shared by all queues that never held anything: an idle actor has no array. */
const EMPTY: readonly unknown[] = Object.freeze([]);
