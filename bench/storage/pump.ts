/** A closed loop: so many calls in flight, and the next begins when one ends. */
import type { Done, Take } from './store.ts';

/** Begins calls while `more()`, `inFlight` at a time; `begin` may end within the call. Resolves when all have ended, rejects at the first error. */
export function pump(inFlight: number, more: () => boolean, begin: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let open = 0;
    let filling = false;
    let ended = false;
    const onDone: Done = (error) => {
      open--;
      if (error !== undefined && error !== null) {
        ended = true;
        reject(error);
      }
      if (!filling) fill();
    };
    const fill = (): void => {
      filling = true;
      while (!ended && open < inFlight && more()) {
        open++;
        try {
          begin(onDone);
        } catch (error) {
          ended = true;
          reject(error);
        }
      }
      filling = false;
      if (open === 0 && !ended) {
        ended = true;
        resolve();
      }
    };
    fill();
  });
}

/** `more` for `pump`: true until `ms` have passed. The clock is read every 16th call. */
export function untilMs(ms: number): () => boolean {
  const end = performance.now() + ms;
  let calls = 0;
  let isOver = false;
  return () => {
    if ((calls++ & 15) === 0) isOver = performance.now() >= end;
    return !isOver;
  };
}

/** `more` for `pump`: true `count` times. */
export function times(count: number): () => boolean {
  let left = count;
  return () => left-- > 0;
}

/** Reads `keys` by single calls, `inFlight` at a time. */
export function readEach(
  keys: readonly Buffer[],
  inFlight: number,
  get: (key: Buffer, done: (error: unknown, value: Uint8Array | undefined) => void) => void,
  take: Take,
): Promise<void> {
  let next = 0;
  return pump(inFlight, times(keys.length), (done) => {
    const index = next++;
    get(keys[index]!, (error, value) => {
      if (error === undefined || error === null) take(index, value);
      done(error);
    });
  });
}

/** Reads `keys` in calls of up to `size`, all of them in flight. */
export async function readMany(
  keys: readonly Buffer[],
  size: number,
  getMany: (keys: Buffer[]) => Promise<readonly (Uint8Array | undefined)[]>,
  take: Take,
): Promise<void> {
  const parts: Promise<void>[] = [];
  for (let from = 0; from < keys.length; from += size) {
    parts.push(
      getMany(keys.slice(from, from + size)).then((values) => {
        for (let i = 0; i < values.length; i++) take(from + i, values[i]);
      }),
    );
  }
  await Promise.all(parts);
}
