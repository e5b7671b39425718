/** Keys and values in the three forms that abstract-level hands over: text, Buffer, Uint8Array. */
import { asBuffer, ownValue } from './bytes.ts';

export type LevelFormat = 'utf8' | 'buffer' | 'view';
export type LevelData = string | Uint8Array;

/** Of a value that the engine gave: never memory that others have too. */
export function fromEngine(value: Uint8Array, format: LevelFormat): LevelData {
  return format === 'utf8' ? asBuffer(value).toString('utf8') : ownValue(value);
}

/** Of bytes that are the caller's own. */
export function fromCopy(bytes: Uint8Array, format: LevelFormat): LevelData {
  return format === 'utf8' ? asBuffer(bytes).toString('utf8') : asBuffer(bytes);
}
