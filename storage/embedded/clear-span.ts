/** Deletes a range, whatever its bounds, in one write. */
import type { Durability, EngineApi, KeyRange, WriteDone } from '../engine/api.ts';
import { keyAfter } from '../key.ts';

const FIRST = new Uint8Array(0);

/** Errors: as `EngineApi.deleteRange`. */
export function clearSpan(engine: EngineApi, { gt, gte, lt, lte }: KeyRange, durability: Durability | undefined, done: WriteDone): void {
  const start = gte ?? (gt === undefined ? FIRST : keyAfter(gt));
  const end = lte === undefined ? lt : keyAfter(lte);
  // Above the last key that can be is nothing: a range without keys.
  if (start === undefined) engine.deleteRange(FIRST, FIRST, durability, done);
  else engine.deleteRange(start, end, durability, done);
}
