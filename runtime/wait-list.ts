/**
 * WaitList: actors whose `tell` was refused for want of room or credit, and the refs it was to. Each gets one signal `ready` per ref
 * when there is room; an actor that ends meanwhile leaves the list.
 */
import { addressName } from './address.ts';
import type { Cell } from './cell.ts';
import { rareOf } from './rare-state.ts';
import type { AnyRef } from './ref.ts';

export class WaitList {
  readonly #waiting = new Map<Cell, Map<string, AnyRef>>();

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Idempotent. Bounded by the refs that each living actor has tried to tell to. */
  add(cell: Cell, ref: AnyRef): void {
    let refs = this.#waiting.get(cell);
    if (refs === undefined) {
      refs = new Map();
      this.#waiting.set(cell, refs);
      const rare = rareOf(cell);
      rare.waitsOn ??= new Set();
      rare.waitsOn.add(this);
    }
    refs.set(addressName(ref.address), ref);
  }

  /** All are told at once: whoever comes too late is refused again, and waits again. */
  wakeAll(): void {
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const [cell, refs] of waiting) {
      cell.rare?.waitsOn?.delete(this);
      for (const ref of refs.values()) cell.pushSignal({ type: 'ready', ref });
    }
  }

  forget(cell: Cell): void {
    this.#waiting.delete(cell);
  }
}

/** The actor has ended: nobody needs to call it back. */
export function stopWaiting(cell: Cell): void {
  for (const list of cell.rare?.waitsOn ?? []) list.forget(cell);
}
