/**
 * RingSpread: whom a node tells of its ring, beside those whose digests show that they need it. Who gets a new one tells a few at once,
 * and a few more each interval for about log2(n) intervals; then digests alone carry it. Pure.
 */
import { compareVersions, type RingVersion } from '../ring/ring-state.ts';

interface Sent {
  readonly version: RingVersion;
  readonly atMs: number;
}

export class RingSpread {
  readonly #againMs: number;
  /** By node name. */
  readonly #sent = new Map<string, Sent>();
  #roundsLeft = 0;

  /** The same ring goes to the same node at most once in so many ms. */
  constructor(againMs: number) {
    this.#againMs = againMs;
  }

  /** A new ring of so many members. */
  begin(members: number): void {
    this.#sent.clear();
    this.#roundsLeft = Math.ceil(Math.log2(Math.max(2, members))) + 1;
  }

  /** Another interval. Returns false when it has been told often enough. */
  round(): boolean {
    return this.#roundsLeft-- > 0;
  }

  maySend(node: string, version: RingVersion, nowMs: number): boolean {
    const sent = this.#sent.get(node);
    if (sent !== undefined && compareVersions(sent.version, version) === 0 && nowMs - sent.atMs < this.#againMs) return false;
    this.#sent.set(node, { version, atMs: nowMs });
    return true;
  }
}
