/** Filters: rules by which a merge removes entries that no snapshot needs, as of expiry and purge. They run in the pool, so they are named. */
import { StorageError } from '../errors.ts';

export interface MergeFilter {
  /** False removes the entry, as if it had been deleted at its own sequence. Called once for the newest version of a key, if that is a PUT. */
  keeps(keyBytes: Uint8Array, keyStart: number, keyEnd: number, valueBytes: Uint8Array, valueStart: number, valueEnd: number): boolean;
}

/** Makes the filter of one merge. `argument` comes with the merge's input (a structured clone); it is checked here. */
export type MakeFilter = (argument: unknown) => MergeFilter;
export type FilterTable = Readonly<Record<string, MakeFilter>>;

/** Which filter a merge applies. */
export interface FilterChoice {
  readonly name: string;
  readonly argument: unknown;
}

/** Errors: INVALID_ARGUMENT when the table has no such filter: a merge that leaves out a rule would be silently wrong. */
export function filterOf(filters: FilterTable, choice: FilterChoice | undefined): MergeFilter | undefined {
  if (choice === undefined) return undefined;
  const make = Object.hasOwn(filters, choice.name) ? filters[choice.name] : undefined;
  if (make === undefined) {
    throw new StorageError(
      'INVALID_ARGUMENT',
      `filter: expected one of ${Object.keys(filters).join(', ') || '(none)'}, got ${choice.name}`,
    );
  }
  return make(choice.argument);
}
