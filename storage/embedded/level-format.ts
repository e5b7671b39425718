/** Keys and values in the three forms that abstract-level hands over: text, Buffer, Uint8Array. */
import { asBuffer, copyOf } from './bytes.ts';

export type LevelFormat = 'utf8' | 'buffer' | 'view';
export type LevelData = string | Uint8Array;

/** Of bytes that belong to the engine: never the engine's own memory. */
export function fromEngine(bytes: Uint8Array, format: LevelFormat): LevelData {
  return format === 'utf8' ? asBuffer(bytes).toString('utf8') : copyOf(bytes);
}

/** Of bytes that are the caller's own. */
export function fromCopy(bytes: Uint8Array, format: LevelFormat): LevelData {
  return format === 'utf8' ? asBuffer(bytes).toString('utf8') : asBuffer(bytes);
}
