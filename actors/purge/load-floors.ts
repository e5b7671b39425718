/** Reads the floors that an engine has. */
import { type EngineIterator, type Entry, LATER } from '../../storage/engine/api.ts';
import type { Engine } from '../../storage/engine/engine.ts';
import { StorageError } from '../../storage/errors.ts';
import { decodeFloor } from './floor.ts';
import { allFloors, readFloorKey } from './floor-key.ts';
import type { FloorTable } from './floor-table.ts';

const PAGE_ENTRIES = 64;
const PAGE_BYTES = 1_048_576;

/** `done` is called once: within the call, or outside of turns. */
export function loadFloors(engine: Engine, into: FloorTable, done: (error: StorageError | undefined) => void): void {
  const { start, end } = allFloors();
  let iterator: EngineIterator;
  try {
    iterator = engine.iterator({ gte: start, lt: end });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return done(error);
  }
  const finish = (error: StorageError | undefined): void => {
    iterator.close();
    done(error);
  };
  const take = (entries: readonly Entry[]): void => {
    for (const { key, value } of entries) {
      const place = readFloorKey(key);
      const floor = decodeFloor(value);
      if (place === undefined || typeof floor === 'string')
        return finish(new StorageError('CORRUPTION', `purge floor: ${typeof floor === 'string' ? floor : 'its key names no partition'}`));
      into.set(place, floor);
    }
    if (entries.length === 0) finish(undefined);
    else next();
  };
  const next = (): void => {
    const page = iterator.next(PAGE_ENTRIES, PAGE_BYTES, (result) => (result.ok ? take(result.value) : finish(result.error)));
    if (page !== LATER) take(page);
  };
  next();
}
