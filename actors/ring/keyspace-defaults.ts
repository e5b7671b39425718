/** What a keyspace is made with where nothing else is said, whichever way it is made: by the client, RESP, HTTP or the command line. */
import type { NewKeyspace } from './operation.ts';

export type KeyspaceSettings = Partial<Omit<NewKeyspace, 'name'>>;

/** The keyspace that is used where none is named. */
export const DEFAULT_KEYSPACE = 'default';

export const KEYSPACE_DEFAULTS: Readonly<Omit<NewKeyspace, 'name'>> = {
  n: 3,
  r: 'quorum',
  w: 'quorum',
  pr: 0,
  pw: 0,
  mode: 'ap',
  conflict: 'siblings',
  durability: 'sync',
  ttlMs: 0,
  keyBytesMax: 1_024,
  /** Why not more: six siblings of this size still fit a record (7 MiB), and with it a frame. */
  valueBytesMax: 1_048_576,
};

/** As a person would look for them in a message. */
const SETTING_NAMES: readonly string[] = Object.keys(KEYSPACE_DEFAULTS);

/** Of settings that no types have checked: what was expected and found, when there is a key that is none; values are the ring's to check. */
export function strangeSetting(settings: unknown, names: readonly string[] = SETTING_NAMES): string | undefined {
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) return `expected an object, found ${String(settings)}`;
  const strange = Object.keys(settings).find((key) => !names.includes(key));
  return strange === undefined ? undefined : `expected ${names.join(', ')}, found ${JSON.stringify(strange.slice(0, 64))}`;
}

/** Not checked: whether its rules are sound is for the ring to say (validate.ts). */
export function newKeyspace(name: string, settings: KeyspaceSettings): NewKeyspace {
  return { ...KEYSPACE_DEFAULTS, ...settings, name };
}
