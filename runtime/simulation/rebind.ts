/**
 * Rebinding: what a test hands from one simulated thread to another gets its refs bound to the thread that receives it, as
 * happens to messages on their way. A ref kept from elsewhere would reach its actor without any network in between.
 */
import { BoundRef } from '../bound-ref.ts';
import type { AnyRef } from '../ref.ts';
import type { ShardRuntime } from '../shard-runtime.ts';

/** Returns `value` with the refs in its arrays and plain objects bound to `runtime`; copies only what holds some. */
export function rebind<T>(value: T, runtime: ShardRuntime): T {
  return rebound(value, runtime) as T;
}

function rebound(value: unknown, runtime: ShardRuntime): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof BoundRef) {
    const ref = value as unknown as BoundRef;
    return ref.runtime === runtime ? value : runtime.refTo((value as AnyRef).address);
  }
  if (Array.isArray(value)) {
    const items = (value as unknown[]).map((item) => rebound(item, runtime));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value);
  const copies = entries.map(([key, item]) => [key, rebound(item, runtime)] as const);
  return copies.some(([, item], index) => item !== entries[index]![1]) ? Object.fromEntries(copies) : value;
}
