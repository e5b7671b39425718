/**
 * Departure: what a node still owes the others when it has learned the ring that no longer has it: that a majority of those who decide what follows have that ring on disk. Only then may its process
 * end. What removed it was decided with its vote; were it gone before the others know, those who stay may be too few to learn what was decided, and could never decide again: of two members one
 * (simulator, seed 12123 of the cluster that shrinks).
 */
import { compareVersions, type Id, type Member } from '../ring/ring-state.ts';
import { voters } from '../ring/voters.ts';
import type { RingBytes } from '../ring-protocol.ts';
import type { KnownRing } from './known-ring.ts';
import type { RingPeers } from './ring-peers.ts';

export class Departure {
  readonly #peers: Pick<RingPeers, 'teach' | 'askRing'>;
  readonly #wakeLater: () => void;
  readonly #mutants: ReadonlySet<string>;
  /** The first without this node; null: it has not been removed. */
  #ring: KnownRing | null = null;
  /** Of those who decide what follows: who has not said yet that it has that ring. */
  #untold: readonly Member[] = [];
  #majority = 0;

  /** `wakeLater`: has `tellUntold` called then. `mutants`: leavesUntold. */
  constructor(peers: Pick<RingPeers, 'teach' | 'askRing'>, wakeLater: () => void, mutants: ReadonlySet<string>) {
    this.#peers = peers;
    this.#wakeLater = wakeLater;
    this.#mutants = mutants;
  }

  begin(ring: KnownRing): void {
    this.#ring = ring;
    const all = voters(ring.state);
    this.#majority = (all.length >> 1) + 1;
    this.#untold = all;
    this.tellUntold();
  }

  tellUntold(): void {
    if (this.#ring === null || !this.isUnderWay) return;
    for (const member of this.#untold) {
      this.#peers.teach(this.#ring, member.id);
      this.#peers.askRing(member);
    }
    this.#wakeLater();
  }

  /** That member has this ring on disk. A newer one was decided by a majority that had this one: so nobody else need be asked, who may have left since. */
  heard(id: Id, ring: RingBytes): void {
    const order = this.#ring === null ? -1 : compareVersions(ring, this.#ring.encoded);
    if (order > 0) this.#majority = 0;
    if (order !== 0) return;
    const before = this.#untold.length;
    this.#untold = this.#untold.filter((member) => member.id !== id);
    this.#majority -= before - this.#untold.length;
  }

  get isUnderWay(): boolean {
    return this.#ring !== null && this.#majority > 0 && !this.#mutants.has('leavesUntold');
  }
}
