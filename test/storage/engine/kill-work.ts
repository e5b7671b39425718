/**
 * What the process that is killed writes: operation n of a seed, always the same, so that what is found afterwards can be checked. Each second one is a
 * batch, and says in it which one it is.
 */
import { SeededRandom } from '../../../runtime/random.ts';
import type { Durability } from '../../../storage/engine/api.ts';
import type { EngineOptions } from '../../../storage/engine/options.ts';
import type { Change } from './sorted-model.ts';

export const KILL_OPTIONS: EngineOptions = {
  memtableBytes: 256 * 1_024,
  tableBytes: 64 * 1_024,
  levelBytes: 256 * 1_024,
  blockBytes: 1_024,
  codec: 'deflate',
};
/** Not acknowledged yet, at most. */
export const IN_FLIGHT = 64;
export const LATEST = Buffer.from('latest');

const KEYS = 2_000;

export interface Operation {
  readonly changes: readonly Change[];
  readonly durability: Durability;
}

export function operationAt(seed: number, n: number): Operation {
  const random = new SeededRandom(`${seed}/${n}`);
  const key = (): Buffer => Buffer.from(`key/${String(random.below(KEYS)).padStart(5, '0')}`);
  const put = (): Change => ({ kind: 'put', key: key(), value: Buffer.alloc(10 + random.below(500), `${n}.`) });
  const durability = random.chance(0.2) ? 'sync' : random.chance(0.2) ? 'periodic' : 'none';
  if (n % 2 === 0) return { changes: [random.chance(0.2) ? { kind: 'delete', key: key() } : put()], durability };
  const changes: Change[] = [{ kind: 'put', key: LATEST, value: Buffer.from(String(n)) }];
  for (let i = random.below(12); i > 0; i--) {
    const start = random.below(KEYS);
    if (random.chance(0.05)) {
      changes.push({
        kind: 'deleteRange',
        key: Buffer.from(`key/${String(start).padStart(5, '0')}`),
        end: Buffer.from(`key/${String(start + 20).padStart(5, '0')}`),
      });
    } else changes.push(put());
  }
  return { changes, durability };
}
