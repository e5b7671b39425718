/** What a shard has copied for the transition under way, and what is left. */
export interface StreamFigures {
  /** A partition of a keyspace from one replica, each. */
  readonly moves: number;
  readonly movesLeft: number;
  /** Since the thread started. */
  readonly records: number;
  /** Of keys and records, as they came. */
  readonly bytes: number;
  /** Pages that failed, and were asked for again. */
  readonly retries: number;
  /** How long it has been copying, in ms; 0: it does not. */
  readonly sinceMs: number;
}

export const NO_STREAMS: StreamFigures = { moves: 0, movesLeft: 0, records: 0, bytes: 0, retries: 0, sinceMs: 0 };

export function sumOfFigures(all: readonly StreamFigures[]): StreamFigures {
  return all.reduce(
    (sum, one) => ({
      moves: sum.moves + one.moves,
      movesLeft: sum.movesLeft + one.movesLeft,
      records: sum.records + one.records,
      bytes: sum.bytes + one.bytes,
      retries: sum.retries + one.retries,
      sinceMs: Math.max(sum.sinceMs, one.sinceMs),
    }),
    NO_STREAMS,
  );
}

/** By how long what is done took; 0: nothing is left, or nothing can be said yet. */
export function leftMs({ moves, movesLeft, sinceMs }: StreamFigures): number {
  const done = moves - movesLeft;
  return done === 0 ? 0 : Math.round((sinceMs * movesLeft) / done);
}
