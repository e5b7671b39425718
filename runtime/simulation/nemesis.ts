/** Nemesis: carries out a plan. Each item has its event when it begins and, where it lasts, one when it is over. */
import { unreachable } from '../errors.ts';
import type { Cluster } from './cluster.ts';
import { DiskNemesis } from './disk-nemesis.ts';
import type { EventTarget } from './event-heap.ts';
import type { ActItem, PlanItem } from './plan.ts';
import type { SimThread } from './sim-thread.ts';
import type { World } from './world.ts';

export type Undo = () => void;

/** Events of an item: four times its index, and one of these. */
const BEGIN = 0;
const END = 1;
/** The state of a disk that a later item goes back to. */
const SAVE = 2;
/** A disk has come to the call at which its machine loses power. */
const STRIKE = 3;

export class Nemesis implements EventTarget {
  readonly id: number;
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #plan: readonly PlanItem[];
  readonly #act: (item: ActItem) => void;
  readonly #disks: DiskNemesis;
  readonly #undos: (Undo | undefined)[];

  constructor(world: World, cluster: Cluster, plan: readonly PlanItem[], act: (item: ActItem) => void) {
    this.id = world.newId();
    this.#world = world;
    this.#cluster = cluster;
    this.#plan = plan;
    this.#act = act;
    this.#disks = new DiskNemesis(world, cluster);
    this.#undos = plan.map(() => undefined);
    for (const [index, item] of plan.entries()) {
      if (item.kind === 'rollback') world.scheduleFirst(item.savedAtMs * 1000, this, index * 4 + SAVE);
      world.scheduleFirst(item.atMs * 1000, this, index * 4 + BEGIN);
    }
  }

  fire(token: number): void {
    const index = Math.floor(token / 4);
    const item = this.#plan[index]!;
    switch (token % 4) {
      case SAVE:
        if (item.kind === 'rollback') this.#disks.save(item);
        return;
      case END:
        this.#undos[index]?.();
        this.#undos[index] = undefined;
        this.#world.trace?.ended?.(item);
        return;
      case STRIKE:
        if (item.kind === 'powerLoss') this.#undos[index] = this.#disks.losePower(item);
        return;
      default:
        this.#fireBegin(index, item);
    }
  }

  #fireBegin(index: number, item: PlanItem): void {
    this.#world.trace?.began?.(item);
    const isArmed =
      item.kind === 'powerLoss' && item.atCall > 0 && this.#disks.arm(item, () => this.#world.scheduleFirst(0, this, index * 4 + STRIKE));
    const undo = isArmed ? undefined : this.#begin(item);
    if ((undo === undefined && !isArmed) || !('forMs' in item)) return;
    this.#undos[index] = undo;
    this.#world.scheduleFirst(this.#world.nowUs + item.forMs * 1000, this, index * 4 + END);
  }

  /** Returns what ends it; undefined where it had no effect, or has no end. */
  #begin(item: PlanItem): Undo | undefined {
    const cluster = this.#cluster;
    switch (item.kind) {
      case 'crash': {
        const node = cluster.node(item.node);
        if (!cluster.crashNode(node, item.silent ? 'silent' : 'reset')) return undefined;
        return () => cluster.startNode(node);
      }
      case 'killShard': {
        const shard = cluster.node(item.node).shard(item.shard);
        return cluster.killShard(shard) ? () => cluster.startShard(shard) : undefined;
      }
      case 'pause':
        return this.#freeze(cluster.node(item.node).threads.flatMap((shard) => shard.life?.thread ?? []));
      case 'hang': {
        const { life } = cluster.node(item.node).shard(item.shard);
        return life === undefined ? undefined : this.#freeze([life.thread]);
      }
      case 'slow':
        return slow(
          cluster.node(item.node).threads.flatMap((shard) => shard.life?.thread ?? []),
          item.factor,
        );
      case 'cut':
        return this.#cut(item.from, item.to, item.oneWay);
      case 'clog': {
        const { conditions } = cluster.fabric;
        conditions.clog(item.from, item.to, 1);
        return () => conditions.clog(item.from, item.to, -1);
      }
      case 'reset':
        cluster.reset(item.a, item.b);
        return undefined;
      case 'degrade': {
        const path = cluster.fabric.conditions.path(item.from, item.to);
        const { quality } = item;
        path.degrade(quality);
        return () => path.restore(quality);
      }
      case 'jump':
        cluster.node(item.node).time.skewMs += item.byMs;
        return undefined;
      case 'drift':
        this.#drift(item.node, item.ppm);
        return () => this.#drift(item.node, 0);
      case 'powerLoss':
        return this.#disks.losePower(item);
      case 'rollback':
        return this.#disks.rollBack(item);
      case 'wipe':
        return this.#disks.wipe(item.node);
      case 'swap':
        return this.#disks.swap(item.a, item.b);
      case 'copy':
        return this.#disks.copy(item.node, item.of);
      case 'slowDisk':
        return this.#disks.slow(item);
      case 'diskError':
        return this.#disks.fail(item);
      case 'rot':
        this.#disks.rot(item);
        return undefined;
      case 'act':
        this.#act(item);
        return undefined;
      default:
        return unreachable(item);
    }
  }

  #freeze(threads: readonly SimThread[]): Undo {
    const { fabric } = this.#cluster;
    for (const thread of threads) {
      thread.freeze();
      fabric.threadFrozen(thread);
    }
    return () => {
      for (const thread of threads) {
        if (thread.isDead) continue;
        thread.thaw();
        fabric.threadFrozen(thread);
      }
    };
  }

  #cut(from: readonly string[], to: readonly string[], oneWay: boolean): Undo {
    const { conditions } = this.#cluster.fabric;
    const pairs = from.flatMap((a) => to.map((b) => [a, b] as const)).filter(([a, b]) => a !== b);
    const change = (by: 1 | -1): void => {
      for (const [a, b] of pairs) {
        conditions.cut(a, b, by);
        if (!oneWay) conditions.cut(b, a, by);
      }
    };
    change(1);
    return () => change(-1);
  }

  #drift(name: string, ppm: number): void {
    const node = this.#cluster.node(name);
    node.time.setDrift(ppm, this.#world.nowUs);
    for (const shard of node.threads) shard.life?.thread.clockChanged();
  }
}

function slow(threads: readonly SimThread[], factor: number): Undo {
  for (const thread of threads) thread.slowness *= factor;
  return () => {
    for (const thread of threads) thread.slowness /= factor;
  };
}
