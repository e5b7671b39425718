/** Many operations at once: each has an outcome of its own, since no two keys of the store are written together. */
import { asClientError, type ClientError } from './client-error.ts';

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ClientError };

/** Under way at the same time: enough for full frames, few enough to leave room for others. */
const WINDOW = 1_024;

/** Outcomes in the order of `items`. Never rejects. */
export async function forMany<I, T>(items: readonly I[], begin: (item: I) => Promise<T>): Promise<readonly Outcome<T>[]> {
  const outcomes = new Array<Outcome<T>>(items.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++;
      try {
        outcomes[i] = { ok: true, value: await begin(items[i]!) };
      } catch (error) {
        outcomes[i] = { ok: false, error: asClientError(error) };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(WINDOW, items.length) }, work));
  return outcomes;
}
