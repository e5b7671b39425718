/** What a database is to its user: a sorted map. States never change, so a snapshot is a state that was kept. */
import type { KeyRange } from '../../../storage/engine/api.ts';
import { compareWhole } from '../../../storage/key.ts';

export interface ModelEntry {
  readonly key: Buffer;
  readonly value: Buffer;
}

export type Change =
  | { readonly kind: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly kind: 'delete'; readonly key: Buffer }
  | { readonly kind: 'deleteRange'; readonly key: Buffer; readonly end: Buffer };

export class ModelState {
  static readonly empty = new ModelState(new Map());
  readonly #map: ReadonlyMap<string, ModelEntry>;
  #sorted: readonly ModelEntry[] | undefined;

  private constructor(map: ReadonlyMap<string, ModelEntry>) {
    this.#map = map;
  }

  get(key: Buffer): Buffer | undefined {
    return this.#map.get(key.toString('latin1'))?.value;
  }

  with(changes: readonly Change[]): ModelState {
    const map = new Map(this.#map);
    for (const change of changes) {
      const name = change.key.toString('latin1');
      if (change.kind === 'put') map.set(name, { key: change.key, value: change.value });
      else if (change.kind === 'delete') map.delete(name);
      else for (const [other, { key }] of map) if (isIn(key, { gte: change.key, lt: change.end })) map.delete(other);
    }
    return new ModelState(map);
  }

  /** In order. */
  entries(range: KeyRange = {}, reverse = false): readonly ModelEntry[] {
    this.#sorted ??= [...this.#map.values()].sort((a, b) => compareWhole(a.key, b.key));
    const found = this.#sorted.filter(({ key }) => isIn(key, range));
    return reverse ? found.reverse() : found;
  }
}

export function isIn(key: Uint8Array, { gt, gte, lt, lte }: KeyRange): boolean {
  return (
    (gt === undefined || compareWhole(key, gt) > 0) &&
    (gte === undefined || compareWhole(key, gte) >= 0) &&
    (lt === undefined || compareWhole(key, lt) < 0) &&
    (lte === undefined || compareWhole(key, lte) <= 0)
  );
}
