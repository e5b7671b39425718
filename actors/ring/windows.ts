/**
 * Windows: whether the owners of k partitions in a row are k replicas as they should be. If all windows are sound, and the caps of racks and data
 * centers can be met at all, the walk of placement never passes anybody over: then a member with t partitions holds exactly k x t replicas, and a partition that changes hands moves exactly k.
 *
 * ```
 *   owners   A B C A D B C A ...      k = 3
 *            [ sound ]
 *                [A D B] sound        A C A would be faulty: its walk goes on to a fourth
 * ```
 */
import { leavesOf, type ShareNode } from './shares.ts';

/** Labels of which a window holds too many: members (at most one each), and racks and data centers whose cap is below k. */
interface Level {
  readonly labelOf: Uint16Array;
  readonly most: Uint16Array;
}

export class Windows {
  readonly owners: Uint16Array;
  readonly width: number;
  readonly #levels: readonly Level[];
  /** Per partition: levels at which the k - 1 partitions before it hold too many of its label already. All windows are sound when all of these are 0. */
  readonly #faults: Uint8Array;
  /** The faulty partitions, in no order, and where each is in that list. */
  readonly #faulty: number[] = [];
  readonly #placeOf: Int32Array;
  total = 0;

  /** Changes of `owners` go through `set`. The owner `members` is nobody: as many of it as there are spoil nothing. */
  constructor(owners: Uint16Array, root: ShareNode, members: number) {
    this.owners = owners;
    this.width = Math.round(root.slots);
    this.#levels = levelsOf(root, members, this.width);
    this.#faults = new Uint8Array(owners.length);
    this.#placeOf = new Int32Array(owners.length).fill(-1);
    for (let p = 0; p < owners.length; p++) this.#refresh(p);
  }

  /** Number of faulty partitions. */
  get faultyCount(): number {
    return this.#faulty.length;
  }

  /** Requires: `i` below `faultyCount`. */
  faultyAt(i: number): number {
    return this.#faulty[i]!;
  }

  /** Cost: O(k^2). */
  set(p: number, owner: number): void {
    this.owners[p] = owner;
    const mask = this.owners.length - 1;
    for (let i = 0; i < this.width; i++) this.#refresh((p + i) & mask);
  }

  #refresh(p: number): void {
    const before = this.#faults[p]!;
    const now = this.#count(p);
    if (now === before) return;
    this.#faults[p] = now;
    this.total += now - before;
    if (before === 0) {
      this.#placeOf[p] = this.#faulty.push(p) - 1;
    } else if (now === 0) {
      const place = this.#placeOf[p]!;
      const last = this.#faulty.pop()!;
      if (last !== p) {
        this.#faulty[place] = last;
        this.#placeOf[last] = place;
      }
    }
  }

  #count(p: number): number {
    const { owners, width } = this;
    const mask = owners.length - 1;
    const owner = owners[p]!;
    let faults = 0;
    for (const { labelOf, most } of this.#levels) {
      const label = labelOf[owner]!;
      let room = most[label]!;
      for (let back = 1; back < width; back++) if (labelOf[owners[(p - back) & mask]!]! === label) room--;
      if (room <= 0) faults++;
    }
    return faults;
  }
}

const UNBOUNDED = 0xffff;

function levelsOf(root: ShareNode, members: number, width: number): readonly Level[] {
  const racks = root.children.flatMap(({ children }) => children);
  const binds = ({ children, most }: ShareNode): boolean => most < Math.min(width, leavesOf(children).length);
  return [
    level(
      racks.flatMap(({ children }) => children),
      members,
    ),
    ...(racks.some(binds) ? [level(racks, members)] : []),
    ...(root.children.some(binds) ? [level(root.children, members)] : []),
  ];
}

/** The last label is nobody's. */
function level(groups: readonly ShareNode[], members: number): Level {
  const labelOf = new Uint16Array(members + 1).fill(groups.length);
  for (const [label, group] of groups.entries()) for (const { member } of leavesOf([group])) labelOf[member] = label;
  return { labelOf, most: Uint16Array.from([...groups.map(({ most }) => most), UNBOUNDED]) };
}
