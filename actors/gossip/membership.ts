/**
 * Membership: all that one node holds true of the members, itself included: what it has heard, who accuses whom, and who is down by that.
 * Pure: the time is an argument.
 */
import type { Accusation, Heartbeat, MembershipView } from '../gossip-protocol.ts';
import { compareVersions, type Id, type RingVersion } from '../ring/ring-state.ts';
import { Accusations } from './accusations.ts';
import { compareBeats, compareLives, MemberTable } from './member-table.ts';
import { Observers } from './observers.ts';

/** What others should hear soon: accusations that are new here, and the new lives that end some. */
export interface News {
  readonly beats: readonly Heartbeat[];
  readonly accusations: readonly Accusation[];
}

export interface Heard extends News {
  /** This node is accused, or somebody knows a later life of it than itself does (this actor was restarted): it has to `refute`. */
  readonly isAccused: boolean;
  /** Somebody has heard of a later start of this node's directory: one of the two is a copy. 0: no. */
  readonly copyBoot: number;
}

export class Membership {
  readonly #self: Id;
  readonly #table: MemberTable;
  readonly #accusations: Accusations;
  readonly #mutants: ReadonlySet<string>;
  #observers = new Observers([]);
  #own: Heartbeat;
  #down: ReadonlySet<Id> | null = null;
  /** Counts what a view shows: labels, accusers, lives, rings. */
  version = 0;

  constructor(self: Id, boot: number, mutants: ReadonlySet<string>) {
    this.#self = self;
    this.#mutants = mutants;
    this.#table = new MemberTable(mutants);
    this.#accusations = new Accusations(mutants);
    this.#own = { id: self, boot, incarnation: 0, heartbeat: 0, switchedTo: { generation: 0, epoch: 0 } };
  }

  get own(): Heartbeat {
    return this.#own;
  }

  /** Sorted. */
  get ids(): readonly Id[] {
    return this.#table.ids;
  }

  get isMember(): boolean {
    return this.#table.get(this.#self) !== undefined;
  }

  get down(): ReadonlySet<Id> {
    this.#down ??= this.#accusations.down(this.#observers, this.#self);
    return this.#down;
  }

  /** `ids`: sorted, without doubles. */
  setMembers(ids: readonly Id[], nowMs: number): void {
    this.#table.setMembers(ids, nowMs);
    this.#observers = new Observers(ids);
    this.#accusations.setMembers((id) => this.#table.get(id) !== undefined);
    this.#table.merge(this.#own, nowMs);
    this.#changed();
  }

  /** Whom this node observes. */
  observed(): readonly Id[] {
    return this.#observers.observedBy(this.#self, this.down);
  }

  /** Who observes this node, as far as it knows. */
  ownObservers(): readonly Id[] {
    return this.#observers.observersOf(this.#self, this.down);
  }

  beatOf(id: Id): Heartbeat | undefined {
    return this.#table.beatOf(id);
  }

  /** Another interval lived through. */
  beat(nowMs: number): Heartbeat {
    return this.#setOwn({ ...this.#own, heartbeat: this.#own.heartbeat + 1 }, nowMs);
  }

  /** Makes void what was said of this node so far. */
  refute(nowMs: number): Heartbeat {
    if (this.#mutants.has('noRefutation')) return this.#own;
    const own = this.#setOwn({ ...this.#own, incarnation: this.#own.incarnation + 1, heartbeat: this.#own.heartbeat + 1 }, nowMs);
    this.#accusations.refute(own);
    this.#changed();
    return own;
  }

  /** An older one than before: no change. */
  switchTo(ring: RingVersion, nowMs: number): boolean {
    if (compareVersions(ring, this.#own.switchedTo) <= 0) return false;
    this.#setOwn({ ...this.#own, heartbeat: this.#own.heartbeat + 1, switchedTo: ring }, nowMs);
    this.#changed();
    return true;
  }

  /** Heartbeats first, since accusations go by them. */
  hear(beats: readonly Heartbeat[], accusations: readonly Accusation[], nowMs: number): Heard {
    const newBeats: Heartbeat[] = [];
    let isAccused = false;
    let copyBoot = 0;
    for (const beat of beats) {
      if (beat.id !== this.#self) {
        if (this.#hearBeat(beat, nowMs)) newBeats.push(beat);
      } else if (beat.boot > this.#own.boot) {
        copyBoot = beat.boot;
      } else if (compareBeats(beat, this.#own) > 0) {
        isAccused = true;
        this.#setOwn({ ...this.#own, incarnation: Math.max(beat.incarnation, this.#own.incarnation) }, nowMs);
      }
    }
    const newAccusations = accusations.filter((accusation) => this.#hearAccusation(accusation));
    if (this.#accusations.against(this.#self).length > 0) isAccused = true;
    return { beats: newBeats, accusations: newAccusations, isAccused, copyBoot };
  }

  /** This node accuses. Null when it has already. */
  accuse(target: Id): Accusation | null {
    const beat = this.beatOf(target);
    if (beat === undefined) return null;
    const accusation = { accused: target, accuser: this.#self, boot: beat.boot, incarnation: beat.incarnation };
    return this.#hearAccusation(accusation) ? accusation : null;
  }

  isAccusedBySelf(id: Id): boolean {
    return this.#accusations.isAccusedBy(id, this.#self);
  }

  accusationsAgainst(id: Id): readonly Accusation[] {
    return this.#accusations.against(id);
  }

  /** All that is known, as a digest holds it. */
  all(): News {
    const accusations = this.#allAccusations();
    return { beats: this.#withAccused(this.#table.newerThan(new Map()), accusations), accusations };
  }

  /** What is known better than there. */
  betterThan(theirs: News): News {
    const known = new Set(theirs.accusations.map(keyOf));
    const accusations = this.#allAccusations().filter((accusation) => !known.has(keyOf(accusation)));
    const beats = this.#table.newerThan(new Map(theirs.beats.map((beat) => [beat.id, beat])));
    return { beats: this.#withAccused(beats, accusations), accusations };
  }

  view(nowMs: number, isSuspected: (id: Id) => boolean): MembershipView {
    const { down } = this;
    return {
      members: this.ids.map((id) => {
        const { beat, heardAtMs } = this.#table.get(id)!;
        const { boot, incarnation, heartbeat, switchedTo } = beat;
        const isSelf = id === this.#self;
        return {
          id,
          label: !isSelf && down.has(id) ? 'down' : 'up',
          isSuspected: !isSelf && isSuspected(id),
          accusers: this.#accusations.accusersOf(id),
          boot,
          incarnation,
          heartbeat,
          silentMs: isSelf ? 0 : Math.max(0, nowMs - heardAtMs),
          switchedTo,
        };
      }),
    };
  }

  #setOwn(beat: Heartbeat, nowMs: number): Heartbeat {
    this.#own = beat;
    this.#table.merge(beat, nowMs);
    return beat;
  }

  /** Returns true when it is a later life of somebody of whom an earlier one was known. */
  #hearBeat(beat: Heartbeat, nowMs: number): boolean {
    const before = this.beatOf(beat.id);
    const outcome = this.#table.merge(beat, nowMs);
    if (outcome === 'older' || before === undefined) return false;
    if (outcome === 'life') this.#accusations.refute(beat);
    if (outcome === 'life' || compareVersions(before.switchedTo, beat.switchedTo) !== 0) this.#changed();
    return outcome === 'life' && before.boot > 0;
  }

  #hearAccusation(accusation: Accusation): boolean {
    const beat = this.beatOf(accusation.accused);
    if (beat === undefined || this.beatOf(accusation.accuser) === undefined) return false;
    if (!this.#accusations.add(accusation, beat)) return false;
    this.#changed();
    return true;
  }

  #allAccusations(): Accusation[] {
    return [...this.#accusations.accused].flatMap((id) => this.#accusations.against(id));
  }

  /** Sorted by id. */
  #withAccused(beats: readonly Heartbeat[], accusations: readonly Accusation[]): Heartbeat[] {
    const wanted = new Map(beats.map((beat) => [beat.id, beat]));
    for (const { accused } of accusations) {
      const beat = this.beatOf(accused);
      if (beat !== undefined) wanted.set(accused, beat);
    }
    return wanted.size === beats.length ? [...beats] : [...wanted.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  #changed(): void {
    this.version++;
    this.#down = null;
  }
}

/** What one accusation and its like have in common. */
export function keyOf({ accused, accuser, boot, incarnation }: Accusation): string {
  return `${accused} ${accuser} ${boot} ${incarnation}`;
}

/** Whether it is against that life. */
export function isAgainst(accusation: Accusation, beat: Heartbeat): boolean {
  return accusation.accused === beat.id && compareLives(accusation, beat) === 0;
}
