/**
 * Windows: whether the owners of k partitions in a row are k replicas as they should be. If all windows are sound, the walk of placement never passes
 * anybody over: then a member with t partitions holds exactly k x t replicas, and a partition that changes hands moves exactly k.
 *
 * ```
 *   owners   A B C A D B C A ...      k = 3
 *            [ sound ]
 *                [A D B] sound        A C A would be faulty: its walk goes on to a fourth
 * ```
 */
import type { ShareNode } from './shares.ts';

/** Labels of which a window holds too many: members (at most one each), and racks and data centers whose cap is below k. */
interface Level {
  readonly labelOf: Uint16Array;
  readonly most: Uint16Array;
}

export class Windows {
  readonly owners: Uint16Array;
  readonly width: number;
  readonly #levels: readonly Level[];
  readonly #faults: Uint8Array;
  /** Starts of faulty windows, in no order, and where each is in it. */
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
    for (let start = 0; start < owners.length; start++) this.#refresh(start);
  }

  /** Number of windows that are faulty. */
  get faultyCount(): number {
    return this.#faulty.length;
  }

  /** Start of a faulty window; `i` below `faultyCount`. */
  faultyAt(i: number): number {
    return this.#faulty[i]!;
  }

  set(p: number, owner: number): void {
    this.owners[p] = owner;
    const partitions = this.owners.length;
    for (let back = 0; back < this.width; back++) this.#refresh((p - back + partitions) % partitions);
  }

  #refresh(start: number): void {
    const before = this.#faults[start]!;
    const now = this.#count(start);
    if (now === before) return;
    this.#faults[start] = now;
    this.total += now - before;
    if (before === 0) {
      this.#placeOf[start] = this.#faulty.push(start) - 1;
    } else if (now === 0) {
      const place = this.#placeOf[start]!;
      const last = this.#faulty.pop()!;
      if (last !== start) {
        this.#faulty[place] = last;
        this.#placeOf[last] = place;
      }
      this.#placeOf[start] = -1;
    }
  }

  #count(start: number): number {
    let faults = 0;
    const { owners, width } = this;
    const mask = owners.length - 1;
    for (const { labelOf, most } of this.#levels) {
      for (let i = 1; i < width; i++) {
        const label = labelOf[owners[(start + i) & mask]!]!;
        let before = 0;
        for (let j = 0; j < i; j++) if (labelOf[owners[(start + j) & mask]!]! === label) before++;
        if (before >= most[label]!) faults++;
      }
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

function leavesOf(nodes: readonly ShareNode[]): readonly ShareNode[] {
  return nodes.flatMap((node) => (node.children.length === 0 ? [node] : leavesOf(node.children)));
}
