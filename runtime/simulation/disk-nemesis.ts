/** DiskNemesis: of a plan, the items after which a machine has another disk than it would have after a clean start. */
import { SeededRandom } from '../random.ts';
import type { Cluster } from './cluster.ts';
import { drawnModel } from './crash-models.ts';
import type { Undo } from './nemesis.ts';
import type { PlanItem } from './plan.ts';
import { SimDisk } from './sim-disk.ts';
import type { SimDirectory } from './sim-inode.ts';
import type { SimNode } from './sim-node.ts';
import type { World } from './world.ts';

type PowerLoss = Extract<PlanItem, { kind: 'powerLoss' }>;
type Rollback = Extract<PlanItem, { kind: 'rollback' }>;
type SlowDisk = Extract<PlanItem, { kind: 'slowDisk' }>;
type DiskError = Extract<PlanItem, { kind: 'diskError' }>;
type Rot = Extract<PlanItem, { kind: 'rot' }>;

export class DiskNemesis {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #saved = new Map<Rollback, SimDisk>();

  constructor(world: World, cluster: Cluster) {
    this.#world = world;
    this.#cluster = cluster;
  }

  /** Calls `strike` at the call at which the power goes, whose outcome nobody hears. Returns false when the machine is down. */
  arm({ node: name, atMs, forMs, atCall, draw }: PowerLoss, strike: () => void): boolean {
    const node = this.#cluster.node(name);
    if (!node.isUp) return false;
    const { disk } = node;
    const before = disk.onCall;
    let calls = 0;
    disk.onCall = (call) => {
      const fault = before?.(call);
      if (fault !== undefined || ++calls !== atCall) return fault;
      // Too late, or the disk is another machine's by now.
      if (this.#world.nowMs >= atMs + forMs || node.disk !== disk) return undefined;
      strike();
      return { kind: 'powerLoss', when: draw % 2 === 0 ? 'before' : 'after' };
    };
    return true;
  }

  losePower({ node: name, survives, draw }: PowerLoss): Undo | undefined {
    const node = this.#cluster.node(name);
    return this.#crash([node], () => node.disk.crash(drawnModel(survives, draw, node.disk.pending())));
  }

  slow({ node, factor }: SlowDisk): Undo {
    // The disk's, wherever it goes meanwhile.
    const { slowed } = this.#cluster.node(node).disk;
    slowed.push(factor);
    return () => {
      slowed.splice(slowed.indexOf(factor), 1);
    };
  }

  fail({ node, operation, path, code }: DiskError): Undo {
    const { disk } = this.#cluster.node(node);
    const before = disk.onCall;
    let isOver = false;
    disk.onCall = (call) => {
      const fault = before?.(call);
      if (fault !== undefined || isOver || call.operation !== operation || !call.path.includes(path)) return fault;
      return { kind: 'error', code };
    };
    return () => {
      isOver = true;
    };
  }

  rot({ node, path, draw }: Rot): void {
    const { disk } = this.#cluster.node(node);
    const files = filesOf(disk.root, '').filter((file) => file.path.includes(path) && file.length > 0);
    if (files.length === 0) return;
    const random = new SeededRandom(`rot ${draw}`);
    const file = files[random.below(files.length)]!;
    disk.flipBit(file.path, random.below(file.length), random.below(8));
  }

  save(item: Rollback): void {
    this.#saved.set(item, restarted(this.#cluster.node(item.node).disk));
  }

  rollBack(item: Rollback): Undo | undefined {
    const node = this.#cluster.node(item.node);
    return this.#crash([node], () => {
      node.disk = this.#saved.get(item) ?? node.disk;
    });
  }

  wipe(name: string): Undo | undefined {
    const node = this.#cluster.node(name);
    return this.#crash([node], () => {
      const { budgetBytes } = node.disk;
      node.disk = new SimDisk();
      node.disk.budgetBytes = budgetBytes;
    });
  }

  swap(a: string, b: string): Undo | undefined {
    const one = this.#cluster.node(a);
    const two = this.#cluster.node(b);
    return this.#crash([one, two], () => {
      [one.disk, two.disk] = [two.disk, one.disk];
    });
  }

  copy(name: string, of: string): Undo | undefined {
    const node = this.#cluster.node(name);
    const copied = restarted(this.#cluster.node(of).disk);
    return this.#crash([node], () => {
      node.disk = copied;
    });
  }

  /** Ends all of them, does `change` to their disks, and returns what starts them again; undefined, and nothing was done, when one is down already. */
  #crash(nodes: readonly SimNode[], change: () => void): Undo | undefined {
    if (nodes.some((node) => !node.isUp)) return undefined;
    for (const node of nodes) this.#cluster.endNode(node, 'silent');
    change();
    for (const node of nodes) node.disk.crash();
    return () => {
      for (const node of nodes) this.#cluster.startNode(node);
    };
  }
}

/** A copy of what is durable on a disk. */
function restarted(disk: SimDisk): SimDisk {
  const copy = disk.clone();
  copy.crash();
  return copy;
}

/** Those that have a name now, in the order of their paths. */
function filesOf(directory: SimDirectory, path: string): { readonly path: string; readonly length: number }[] {
  const names = [...directory.now].sort(([a], [b]) => (a < b ? -1 : 1));
  return names.flatMap(([name, node]) =>
    node.kind === 'file' ? { path: `${path}/${name}`, length: node.now.length } : filesOf(node, `${path}/${name}`),
  );
}
