/** ActorTable: the actors of one shard by slot, and how they come into it. */
import type { ActorDefinition, SpawnOptions } from './actor.ts';
import { NOBODY_SLOT, placeName, SLOT_INDEX_MASK, WELL_KNOWN_SLOTS } from './address.ts';
import { type AnyDefinition, Cell } from './cell.ts';
import { BugError, RuntimeError } from './errors.ts';
import { link } from './lifecycle.ts';
import type { ShardRuntime } from './shard-runtime.ts';
import { checkDefinition, checkSpawnOptions } from './spawn-options.ts';

/** Actors below actors at most: a tree is stopped by recursion. */
const LEVELS_MAX = 1000;

export class ActorTable {
  readonly #runtime: ShardRuntime;
  readonly #cells: (Cell | undefined)[] = new Array<Cell | undefined>(WELL_KNOWN_SLOTS).fill(undefined);
  readonly #freeSlots: number[] = [];
  /** Uids count up from here, so that a slot's next actor never has that of the one before. */
  readonly #uidBase: number;
  #started = 0;
  count = 0;

  constructor(runtime: ShardRuntime, uidBase: number) {
    this.#runtime = runtime;
    this.#uidBase = uidBase;
  }

  /**
   * `wellKnown`: the slot; null: any.
   * Errors: INVALID_ARGUMENT naming the option; OVERLOADED when there are too many actors, or levels of them.
   */
  start<M, A extends readonly unknown[]>(
    definition: ActorDefinition<M, A>,
    args: A,
    options: SpawnOptions | undefined,
    parent: Cell | null,
    wellKnown: number | null,
  ): Cell {
    checkDefinition(definition);
    const chosen = options === undefined ? definition.defaults : { ...definition.defaults, ...options };
    checkSpawnOptions(chosen);
    if (parent !== null) checkLevel(parent);
    const slot = wellKnown === null ? this.#takeSlot() : this.#checkFree(wellKnown);
    const uid = wellKnown === null ? (this.#uidBase + ++this.#started) >>> 0 : 0;
    const cell = new Cell(this.#runtime, definition as unknown as AnyDefinition, args, chosen, parent, slot, uid);
    this.#cells[slot] = cell;
    this.count++;
    if (parent !== null) link(parent, cell);
    cell.schedule();
    return cell;
  }

  /** The living actor at this slot, or undefined. */
  find(slot: number, uid: number): Cell | undefined {
    const cell = this.#cells[slot & SLOT_INDEX_MASK];
    return cell !== undefined && cell.uid === uid && cell.slot === slot ? cell : undefined;
  }

  /** The cell has ended: its slot may be used again. */
  release(cell: Cell): void {
    const index = cell.slot & SLOT_INDEX_MASK;
    this.#cells[index] = undefined;
    this.count--;
    if (index >= WELL_KNOWN_SLOTS) this.#freeSlots.push(index);
  }

  all(): Cell[] {
    return this.#cells.filter((cell) => cell !== undefined);
  }

  /** Actors without a parent, last started first. */
  roots(): Cell[] {
    const age = (cell: Cell): number => (cell.slot < WELL_KNOWN_SLOTS ? 0 : (cell.uid - this.#uidBase) >>> 0);
    return this.all()
      .filter((cell) => cell.parent === null)
      .sort((a, b) => age(b) - age(a));
  }

  #checkFree(slot: number): number {
    if (slot > NOBODY_SLOT && slot < WELL_KNOWN_SLOTS && this.#cells[slot] === undefined) return slot;
    throw new BugError(`well-known slot ${slot} is taken, or none`);
  }

  #takeSlot(): number {
    const slot = this.#freeSlots.pop();
    if (slot !== undefined) return slot;
    const { options, place } = this.#runtime;
    if (this.#cells.length >= options.actorsMax) {
      throw new RuntimeError('OVERLOADED', `${placeName(place)} runs ${this.count} actors and takes no more (actorsMax)`);
    }
    return this.#cells.push(undefined) - 1;
  }
}

function checkLevel(parent: Cell): void {
  let level = 1;
  for (let cell = parent.parent; cell !== null; cell = cell.parent) level++;
  if (level >= LEVELS_MAX) throw new RuntimeError('OVERLOADED', `${parent.name} is ${level} levels below the top and can't have children`);
}
