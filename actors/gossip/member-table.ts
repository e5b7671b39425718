/**
 * MemberTable: the newest that this node has heard of each member, by whatever way. Merging is commutative, associative and idempotent, so
 * it does not matter in which order, how often and from whom heartbeats come. Pure: the time is an argument.
 */

import type { Heartbeat } from '../gossip-protocol.ts';
import { compareVersions, type Id, type RingVersion } from '../ring/ring-state.ts';

export interface MemberEntry {
  readonly beat: Heartbeat;
  /** When this node heard a newer heartbeat for the last time; of one never heard of, since when it is a member. */
  readonly heardAtMs: number;
}

/**
 * older: nothing new. heartbeat: it was alive later than was known. life: so, and all that was said of it before is void: it was started
 * again, or has refuted an accusation.
 */
export type MergeOutcome = 'older' | 'heartbeat' | 'life';

const NO_RING: RingVersion = { generation: 0, epoch: 0 };

export class MemberTable {
  readonly #entries = new Map<Id, MemberEntry>();
  readonly #mutants: ReadonlySet<string>;
  #ids: readonly Id[] = [];

  constructor(mutants: ReadonlySet<string>) {
    this.#mutants = mutants;
  }

  /** Sorted. */
  get ids(): readonly Id[] {
    return this.#ids;
  }

  /** Forgets who is no member any more. `ids`: sorted. */
  setMembers(ids: readonly Id[], nowMs: number): void {
    this.#ids = ids;
    const members = new Set(ids);
    for (const id of this.#entries.keys()) if (!members.has(id)) this.#entries.delete(id);
    for (const id of ids) if (!this.#entries.has(id)) this.#entries.set(id, { beat: unheardOf(id), heardAtMs: nowMs });
  }

  get(id: Id): MemberEntry | undefined {
    return this.#entries.get(id);
  }

  /** A beat of boot 0 means: never heard of. Undefined: no member. */
  beatOf(id: Id): Heartbeat | undefined {
    return this.#entries.get(id)?.beat;
  }

  /** Of strangers: older. */
  merge(beat: Heartbeat, nowMs: number): MergeOutcome {
    const entry = this.#entries.get(beat.id);
    if (entry === undefined || this.#compare(beat, entry.beat) <= 0) return 'older';
    const isNewLife = compareLives(beat, entry.beat) !== 0;
    this.#entries.set(beat.id, { beat, heardAtMs: nowMs });
    return isNewLife ? 'life' : 'heartbeat';
  }

  /** Beats of which `theirs` has none, or an older one. */
  newerThan(theirs: ReadonlyMap<Id, Heartbeat>): Heartbeat[] {
    const newer: Heartbeat[] = [];
    for (const id of this.#ids) {
      const { beat } = this.#entries.get(id)!;
      const other = theirs.get(id);
      if (beat.boot > 0 && (other === undefined || this.#compare(beat, other) > 0)) newer.push(beat);
    }
    return newer;
  }

  #compare(a: Heartbeat, b: Heartbeat): number {
    if (this.#mutants.has('bootIgnored')) return a.incarnation - b.incarnation || a.heartbeat - b.heartbeat;
    return compareBeats(a, b);
  }
}

/** Never heard of, and so older than whatever is heard. */
function unheardOf(id: Id): Heartbeat {
  return { id, boot: 0, incarnation: 0, heartbeat: 0, switchedTo: NO_RING };
}

/** Positive when `a` is newer. The ring is last, so that the order is total. */
export function compareBeats(a: Heartbeat, b: Heartbeat): number {
  return compareLives(a, b) || a.heartbeat - b.heartbeat || compareVersions(a.switchedTo, b.switchedTo);
}

/** As `compareBeats`, by boot and incarnation only: what accusations go by. */
export function compareLives(a: Life, b: Life): number {
  return a.boot - b.boot || a.incarnation - b.incarnation;
}

export interface Life {
  readonly boot: number;
  readonly incarnation: number;
}
