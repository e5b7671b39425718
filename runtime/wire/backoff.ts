/** Exponential backoff with jitter: how long to wait before trying again. Pure. */
import type { Random } from '../doors.ts';
import type { BackoffOptions } from '../supervision.ts';

/**
 * Delay in milliseconds before try number `attempt` (0: the first after the first failure): `minMs * factor^attempt`, at most
 * `maxMs`, less a random share of up to `jitterRatio` of it. With `minMs` 0 the first delay is 0 and the next ones double from 1 ms.
 * Requires: attempt >= 0. Draws once from `random` when there is a delay to shorten.
 */
export function backoffDelayMs(attempt: number, options: BackoffOptions, random: Random): number {
  const { minMs = 0, maxMs = 30_000, factor = 2, jitterRatio = 0.2 } = options;
  if (attempt <= 0 && minMs === 0) return 0;
  // A power past the range of doubles is Infinity, which the cap takes care of.
  const delay = Math.min(maxMs, Math.max(minMs, 1) * factor ** Math.max(attempt, 0));
  return jitterRatio === 0 ? delay : delay * (1 - jitterRatio * random.float());
}
