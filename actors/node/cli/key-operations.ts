/** What commands do with a key. A write takes the place of what is there, as people expect of a command, by a read that comes before it. */
import type { Context } from '../../client/context-text.ts';
import type { Found } from '../../client/found.ts';
import type { DeleteOptions, PutOptions, Written } from '../../client/keyspace.ts';
import type { ReadOptions } from '../../client/options.ts';
import type { Values } from './store-session.ts';

type Reading = Pick<ReadOptions, 'r' | 'pr' | 'monotonic'>;
/** `context`: instead of that of the read; an empty one: nothing was read, so that the value becomes a sibling of what is there. */
export type Putting = Omit<PutOptions, 'context'> & Reading & { readonly context?: string | undefined };
export type Deleting = Omit<DeleteOptions, 'context'> & Reading & { readonly context?: string | undefined };

export async function putKey(values: Values, key: string, value: Uint8Array, given: Putting): Promise<Written> {
  const { context, ...options } = writing(given);
  const seen = context === undefined ? (await values.getWithContext(key, reading(given))).context : (context as Context);
  return values.put(key, value, { ...options, context: seen });
}

/** Null: there was nothing, and nothing was written. With a context of its own it is written whatever is there. */
export async function deleteKey(values: Values, key: string, given: Deleting): Promise<Written | null> {
  const { context, ...options } = writing(given);
  if (context !== undefined) return values.delete(key, { ...options, context: context as Context });
  const found = await values.getWithContext(key, reading(given));
  return found.siblings.length === 0 ? null : values.delete(key, { ...options, context: found.context });
}

/** Without what is the read's. */
function writing<T extends Reading>(given: T): Omit<T, keyof Reading> {
  const { r: _r, pr: _pr, monotonic: _monotonic, ...options } = given;
  return options;
}

/** Only what is said. */
export function reading({ r, pr, monotonic }: Reading): Reading {
  return {
    ...(r === undefined ? {} : { r }),
    ...(pr === undefined ? {} : { pr }),
    ...(monotonic === undefined ? {} : { monotonic }),
  };
}

/** A value as programs read it: text where it is text. */
export interface ShownValue {
  readonly value: string;
  readonly encoding: 'utf8' | 'base64';
}

export interface ShownKey {
  readonly keyspace: string;
  readonly key: string;
  /** Newest first. */
  readonly siblings: readonly (ShownValue & { readonly writtenAt: string; readonly expiresAt: string | null })[];
  /** For `--context`. */
  readonly context: string;
}

export function shownKey(keyspace: string, key: string, { siblings, context }: Found<Uint8Array>): ShownKey {
  return {
    keyspace,
    key,
    siblings: siblings.map(({ value, writtenMs, expiresMs }) => ({
      ...shownValue(value),
      writtenAt: new Date(writtenMs).toISOString(),
      expiresAt: expiresMs === undefined ? null : new Date(expiresMs).toISOString(),
    })),
    context,
  };
}

export function shownValue(bytes: Uint8Array): ShownValue {
  try {
    return { value: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), encoding: 'utf8' };
  } catch {
    return { value: Buffer.from(bytes).toString('base64'), encoding: 'base64' };
  }
}

export function writtenText({ received, needed }: Written): string {
  return `done, by ${received} replica${received === 1 ? '' : 's'} (${needed} needed)`;
}

export function siblingsNote(count: number): string {
  return `${count} siblings, newest first: written without knowing of each other; a put takes the place of them all`;
}
