/**
 * How large the levels should be.
 *
 * Targets are set from the bottom up: the last level is as large as it is, each one above a `ratio`-th of it, up to the base level, whose target
 * is at most `baseBytes`. Level 0 merges into the base level; what lies between is empty. So at least about 1 - 1/ratio of all data is in the last
 * level, whose tables hold each key once: superseded versions cost at most about a `ratio`-th of the space, whatever was written. With fixed
 * targets from the top the last level is anywhere between just begun and full, and the share of superseded versions with it (1.1 against up to 2).
 * Source: Dynamic Level Size for Level-Based Compaction, RocksDB; measured by test/storage/compaction/policy.ts.
 */
import { busyTables, bytesOf, type Levels } from './levels.ts';

export interface TargetOptions {
  /** Bytes the base level may have. */
  readonly baseBytes: number;
  readonly ratio: number;
  /** Tables of level 0 that make a merge due. */
  readonly level0Tables: number;
}

export interface LevelTargets {
  /** Where level 0 merges to: at least 1. */
  readonly base: number;
  /** Bytes per level. Of level 0, and of levels above the base (which should be empty), 0; of the last level Infinity. */
  readonly bytes: readonly number[];
}

export function levelTargets({ levels }: Levels, { baseBytes, ratio }: TargetOptions): LevelTargets {
  const last = levels.length - 1;
  const sizes = levels.map(bytesOf);
  const bytes = new Array<number>(levels.length).fill(0);
  bytes[last] = Number.POSITIVE_INFINITY;
  let base = last;
  // A level that was the base while another was the largest counts too, until it has been merged down.
  let size = Math.max(...sizes.slice(1));
  while (base > 1 && size > baseBytes) {
    base--;
    size /= ratio;
    bytes[base] = Math.max(size, baseBytes / ratio);
  }
  return { base, bytes };
}

/** Per level, how badly a merge out of it is needed: 1 is due. The last level's is 0. */
export function levelScores(state: Levels, targets: LevelTargets, options: TargetOptions): readonly number[] {
  const busy = busyTables(state);
  return state.levels.map((level, i) => {
    const idle = level.filter(({ number }) => !busy.has(number));
    if (i === 0) return Math.max(idle.length / options.level0Tables, bytesOf(idle) / options.baseBytes);
    if (i === state.levels.length - 1 || idle.length === 0) return 0;
    const target = targets.bytes[i]!;
    return target === 0 ? 1 + bytesOf(idle) / options.baseBytes : bytesOf(idle) / target;
  });
}

/** Bytes that merges would read until no level is above its target, estimated. 0: nothing is due. */
export function compactionDebt(state: Levels, options: TargetOptions): number {
  const { levels } = state;
  const { base, bytes: targets } = levelTargets(state, options);
  let debt = 0;
  let coming = 0;
  if (levels[0]!.length >= options.level0Tables) {
    coming = bytesOf(levels[0]!);
    debt += coming + bytesOf(levels[base]!);
  }
  for (let i = 1; i < levels.length - 1; i++) {
    const size = bytesOf(levels[i]!) + (i >= base ? coming : 0);
    const excess = Math.max(0, size - targets[i]!);
    if (i >= base) coming = excess;
    if (excess === 0) continue;
    debt += excess * (1 + bytesOf(levels[i + 1]!) / size);
  }
  return debt;
}
