/** Copies `from[fromAt, fromAt + count)` to `toAt`. Requires: room there, and regions that don't overlap. */
export function copyBytes(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, count: number): void {
  if (count < 48) {
    // Why: `set` and the view it needs cost more than this loop below some fifty bytes (bench:actors, binary rows; bench/threads.ts, batches of 1).
    for (let i = 0; i < count; i++) to[toAt + i] = from[fromAt + i] as number;
  } else {
    // Why no `subarray`: it takes longer to make the view (bench:micro, copies).
    to.set(fromAt === 0 && count === from.length ? from : new Uint8Array(from.buffer, from.byteOffset + fromAt, count), toAt);
  }
}
