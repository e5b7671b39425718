/** Distributions of times, as data: they stand in plan files. */

import type { Random } from '../doors.ts';
import { invalidArgument, unreachable } from '../errors.ts';

export type Distribution =
  | { readonly kind: 'constant'; readonly ms: number }
  | { readonly kind: 'uniform'; readonly minMs: number; readonly maxMs: number }
  /** `minMs` and on top of it an exponential one of mean `meanMs`, 20 means at most. */
  | { readonly kind: 'exponential'; readonly minMs: number; readonly meanMs: number }
  /** Pareto: `minMs` most of the time, now and then very much more, `maxMs` at most. The smaller `alpha` (1 to 3), the heavier. */
  | { readonly kind: 'heavyTail'; readonly minMs: number; readonly alpha: number; readonly maxMs: number };

const EXPONENTIAL_CAP = 20;

/** Returns integer microseconds, 0 and more. */
export function sampleUs(distribution: Distribution, random: Random): number {
  switch (distribution.kind) {
    case 'constant':
      return Math.round(distribution.ms * 1000);
    case 'uniform':
      return Math.round((distribution.minMs + (distribution.maxMs - distribution.minMs) * unit(random)) * 1000);
    case 'exponential': {
      const drawn = -Math.log(1 - unit(random));
      return Math.round((distribution.minMs + distribution.meanMs * Math.min(drawn, EXPONENTIAL_CAP)) * 1000);
    }
    case 'heavyTail': {
      const drawn = distribution.minMs * (1 - unit(random)) ** (-1 / distribution.alpha);
      return Math.round(Math.min(drawn, distribution.maxMs) * 1000);
    }
    default:
      return unreachable(distribution);
  }
}

/** Throws INVALID_ARGUMENT when `distribution`, which may come from a file, is none. */
export function checkDistribution(distribution: Distribution, name: string): void {
  const { kind, ...numbers } = distribution;
  const fields = FIELDS[kind];
  const valid = fields?.every((field) => isAmount((numbers as Record<string, unknown>)[field]));
  if (!valid)
    throw invalidArgument(
      `${name}: expected a distribution with ${fields?.join(', ') ?? 'a known kind'}, got ${JSON.stringify(distribution)}`,
    );
}

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  constant: ['ms'],
  uniform: ['minMs', 'maxMs'],
  exponential: ['minMs', 'meanMs'],
  heavyTail: ['minMs', 'alpha', 'maxMs'],
};

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** 32 bits are enough for a delay, and half the price of `float`. */
function unit(random: Random): number {
  return random.u32() / 0x1_0000_0000;
}
