/** When what a command writes expires. */
import type { Keyspace } from '../ring/ring-state.ts';
import { integerAt } from './command-arguments.ts';
import type { WallClock } from './render.ts';
import type { RespReader } from './resp-reader.ts';

export const EXPIRY_MAX_MS = Number.MAX_SAFE_INTEGER;

export type ExpiryUnit = 'EX' | 'PX' | 'EXAT' | 'PXAT';

/** Of a value that is put without one. Milliseconds since 1970; 0: never. */
export function defaultExpiry({ ttlMs }: Keyspace, clock: WallClock): number {
  return ttlMs === 0 ? 0 : clock.wallMs() + ttlMs;
}

/** Milliseconds since 1970 from `value` in `unit`. Returns an error text when that is out of range. */
export function expiryIn(unit: ExpiryUnit, value: number, wallMs: number): number | string {
  if (Number.isNaN(value)) return 'ERR value is not an integer or out of range';
  const ms = unit === 'EX' || unit === 'EXAT' ? value * 1_000 : value;
  const expiry = unit === 'EX' || unit === 'PX' ? wallMs + ms : ms;
  return Math.abs(expiry) <= EXPIRY_MAX_MS ? expiry : 'ERR value is not an integer or out of range';
}

/** The same from argument `i`, for commands that take only times to come. */
export function expiryAtArgument(reader: RespReader, i: number, unit: ExpiryUnit, wallMs: number, command: string): number | string {
  const value = integerAt(reader, i);
  if (value <= 0) return `ERR invalid expire time in '${command}' command`;
  return expiryIn(unit, value, wallMs);
}
