/** FloorTable: the floors of a shard by where they are, quick to look up: by keyspace, then by partition. */
import { partitionOf } from '../ring/token.ts';
import { type Floor, NO_FLOOR } from './floor.ts';
import type { FloorPlace } from './floor-key.ts';

/** Of one keyspace. */
interface Layer {
  readonly partitions: number;
  readonly floors: (Floor | undefined)[];
}

export class FloorTable {
  readonly #layers = new Map<number, Layer[]>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** That of a token. Of several counts of partitions, the last one that was set. */
  of(keyspace: number, tokenHigh: number): Floor | undefined {
    const layers = this.#count === 0 ? undefined : this.#layers.get(keyspace);
    if (layers === undefined) return undefined;
    for (const { partitions, floors } of layers) {
      const floor = floors[partitionOf(tokenHigh, partitions)];
      if (floor !== undefined) return floor;
    }
    return undefined;
  }

  /** NO_FLOOR: there is none. */
  at({ keyspace, partition, partitions }: FloorPlace): Floor {
    return this.#layers.get(keyspace)?.find((layer) => layer.partitions === partitions)?.floors[partition] ?? NO_FLOOR;
  }

  /** Undefined: takes it out. */
  set({ keyspace, partition, partitions }: FloorPlace, floor: Floor | undefined): void {
    const layers = this.#layers.get(keyspace) ?? [];
    this.#layers.set(keyspace, layers);
    let layer = layers.find((it) => it.partitions === partitions);
    if (layer === undefined) {
      layer = { partitions, floors: [] };
      layers.unshift(layer);
    }
    this.#count += (floor === undefined ? 0 : 1) - (layer.floors[partition] === undefined ? 0 : 1);
    layer.floors[partition] = floor;
  }

  all(): readonly (readonly [FloorPlace, Floor])[] {
    const all: [FloorPlace, Floor][] = [];
    for (const [keyspace, layers] of this.#layers)
      for (const { partitions, floors } of layers)
        for (const [partition, floor] of floors.entries()) if (floor !== undefined) all.push([{ keyspace, partition, partitions }, floor]);
    return all;
  }
}
