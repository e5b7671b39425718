/**
 * RingKeeper: the ring of this node: on disk, newest, published; and whether anything forbids to go on with it. The actor around it sends and waits.
 *
 * ```
 *   learned, decided here, made by init or force -> adopted (in memory, votes follow it) -> on disk -> published
 * ```
 */
import { errorMessage } from '../../runtime/errors.ts';
import type { FileResult } from '../../runtime/files.ts';
import type { StorageResult } from '../../storage/errors.ts';
import { compareVersions, type Id, type Member } from '../ring/ring-state.ts';
import { voters as votersOf } from '../ring/voters.ts';
import type { RingBytes } from '../ring-protocol.ts';
import { type KnownRing, readRing } from './known-ring.ts';
import { type Lesson, learn } from './learning.ts';
import type { NodeIdentity } from './node-identity.ts';
import { register, supersededBy } from './registry.ts';
import { type DecidedOperation, emptyStoredRing, type StoredRing } from './ring-file.ts';
import { RingMemory } from './ring-memory.ts';
import type { OpenedRingStore, RingStore } from './ring-store.ts';

/** Why a node takes no part any more. */
export type Fence =
  /** A later start, or another one with the same boot, has registered: this one is a copy or an old state. Or the directory has lost its ring state. */
  | 'superseded'
  /** The newest ring does not have it. */
  | 'removed'
  /** Two rings claim one place. A higher generation ends it. */
  | 'conflict'
  /** The state on disk can't be read, or is another member's. */
  | 'storage';

export interface KeeperPorts {
  readonly identity: NodeIdentity;
  readonly mutants: ReadonlySet<string>;
  /** Ends in `written`, in a later turn. */
  write(store: RingStore, state: StoredRing): void;
  /**
   * This node made a newer ring, so nobody else may know of it. It is not on disk here yet, but a majority has on disk that it was decided, or an operator has forced it. Why not when it is: others would
   * begin to write it only when this node has ended, and requests that meet two rings are refused until all have it. `before`: the newest that was.
   */
  decided(ring: KnownRing, before: KnownRing | null): void;
  /** A newer ring is on disk. */
  published(ring: KnownRing): void;
  fenced(fence: Fence, trouble: string): void;
  warn(event: string, detail: string): void;
}

/** In the row of its owner: no start of this directory can be the newest. */
const BOOT_FENCED = Number.MAX_SAFE_INTEGER;

/** Whether this state says that its directory must not be used any more. */
export function isFenced({ registered }: StoredRing, owner: Id): boolean {
  return registered.some(({ id, boot }) => id === owner && boot === BOOT_FENCED);
}

/** Of how many operations it is remembered where they were decided. */
const DECIDED_MAX = 64;

export class RingKeeper {
  readonly #ports: KeeperPorts;
  #memory: RingMemory | null = null;
  #ring: KnownRing | null = null;
  /** On their way to the disk, oldest first. */
  #adopted: readonly KnownRing[] = [];
  #fence: Fence | null = null;
  #fenceText = '';
  #writeText = '';

  constructor(ports: KeeperPorts) {
    this.#ports = ports;
  }

  /** Null: it could not be read. */
  get memory(): RingMemory | null {
    return this.#memory;
  }

  /** Published; null: there is none. */
  get ring(): KnownRing | null {
    return this.#ring;
  }

  /**
   * For GossipActor, which is silent without one: the count of starts of a copy must not be heard, or the real member would pass for an old start of
   * itself.
   */
  get audible(): KnownRing | null {
    return this.#fence === 'superseded' ? null : this.#ring;
  }

  /** Adopted: what votes and lessons follow from. */
  get newest(): KnownRing | null {
    return this.#adopted.at(-1) ?? this.#ring;
  }

  get decided(): readonly DecidedOperation[] {
    return this.#memory?.durable.decided ?? [];
  }

  get fence(): Fence | null {
    return this.#fence;
  }

  /** For people; empty when there is none. */
  get trouble(): string {
    return this.#fenceText || this.#writeText;
  }

  /** This node in the published ring. */
  get member(): Member | undefined {
    return this.#ring?.state.members.find(({ id }) => id === this.#ports.identity.id);
  }

  get isVoter(): boolean {
    const { newest } = this;
    return newest !== null && votersOf(newest.state).some(({ id }) => id === this.#ports.identity.id);
  }

  opened(result: StorageResult<OpenedRingStore>): void {
    const { identity, mutants } = this.#ports;
    if (!result.ok) return this.fenceOff('storage', `the ring state can't be read: ${result.error.message}`);
    const { store, state } = result.value;
    const stored = state ?? emptyStoredRing(identity.id);
    if (stored.owner !== identity.id) {
      return this.fenceOff(
        'storage',
        `the ring state is of member ${stored.owner}, but this node is ${identity.id}: its directory was swapped`,
      );
    }
    try {
      this.#ring = stored.ring && readRing(stored.ring);
    } catch (error) {
      return this.fenceOff('storage', `the ring on disk can't be read: ${errorMessage(error)}`);
    }
    this.#memory = new RingMemory(stored, { write: (next) => this.#ports.write(store, next), mutants });
    const superseded = supersededBy(stored.registered, identity);
    if (superseded !== null) return this.superseded(superseded.boot, superseded.instance);
    this.#memory.change({ ...stored, registered: register(stored.registered, identity) });
    if (this.#ring !== null) this.#publish(this.#ring);
  }

  written(result: FileResult<void>): void {
    this.#writeText = result.ok ? '' : `the ring state can't be written: ${result.error.message}`;
    if (!result.ok) this.#ports.warn('ring state not written', result.error.message);
    this.#memory?.ended(result.ok);
    this.#publishDurable();
  }

  /** What somebody says is the ring. Null: it is not even looked at. */
  learn(bytes: RingBytes): Lesson | null {
    const { fence, newest } = this;
    const isHopeful = fence === null || (fence === 'conflict' && newest !== null && bytes.generation > newest.state.generation);
    if (!isHopeful || this.#memory === null) return null;
    const lesson = learn(newest, this.#ports.identity.id, bytes);
    if (lesson.type === 'adopt') this.adopt(lesson.ring, false);
    else if (lesson.type === 'refused') this.#ports.warn('ring refused', lesson.message);
    else if (lesson.type === 'conflict') this.fenceOff('conflict', lesson.message);
    else if (lesson.type === 'amnesia') this.fenceOff('superseded', lesson.message);
    return lesson;
  }

  /**
   * Requires: it was decided, and the state could be read. `then` runs when it is on disk, as in `RingMemory.change`. One that has come another way meanwhile changes nothing:
   * what was promised for the epoch after it stays promised.
   */
  adopt(ring: KnownRing, isDecidedHere: boolean, then?: () => void): void {
    const memory = this.#memory!;
    const { newest } = this;
    const order = newest === null ? 1 : compareVersions(ring.state, newest.state);
    if (newest !== null && order === 0 && ring.hash !== newest.hash) {
      const { generation, epoch } = ring.state;
      const message = `two different rings of generation ${generation}, epoch ${epoch}: ${newest.hash} is known, ${ring.hash} was decided here`;
      return this.fenceOff('conflict', message);
    }
    if (order <= 0) return memory.change(memory.now, then);
    this.#adopted = [...this.#adopted, ring];
    const { operationId, generation, epoch } = ring.state;
    const decided = [...memory.now.decided, { operationId, generation, epoch }].slice(-DECIDED_MAX);
    memory.change({ ...memory.now, ring: ring.encoded, promised: null, accepted: null, round: 0, decided }, then);
    if (this.#fence === 'conflict') {
      this.#fence = null;
      this.#fenceText = '';
    }
    if (isDecidedHere) this.#ports.decided(ring, newest);
  }

  /** A round that this node has neither used nor promised for the present epoch, above `above`. `then` runs when that is on disk. */
  takeRound(above: number, then: (round: number) => void): void {
    const memory = this.#memory!;
    if (this.#ports.mutants.has('ballotReused')) return then(above + 1);
    const { now } = memory;
    const round = Math.max(now.round, now.promised?.round ?? 0, above) + 1;
    memory.change({ ...now, round }, () => then(round));
  }

  /** Durable: each start counts one higher, so one of the next starts of this directory would be taken for the newest there is. */
  superseded(boot: number, instance: string): void {
    const { identity } = this.#ports;
    const now = this.#memory?.now;
    if (now !== undefined && !isFenced(now, identity.id)) {
      const others = now.registered.filter(({ id }) => id !== identity.id);
      this.#memory?.change({ ...now, registered: [...others, { id: identity.id, boot: BOOT_FENCED, instance }] });
    }
    // A start that was fenced off before has left no other count than this.
    const later = boot === BOOT_FENCED ? `instance ${instance}, was` : `with boot ${boot}, instance ${instance} is`;
    const text =
      `a start of member ${identity.id} ${later} registered; this one has boot ${identity.boot}, instance ` +
      `${identity.instance}: its directory is a copy or an old state. It must not go on; only one directory of a member may be used, and never an older copy`;
    this.fenceOff('superseded', text);
  }

  /** Once superseded, always; the first reason stays. */
  fenceOff(fence: Fence, trouble: string): void {
    if (this.#fence !== null && this.#fence !== 'conflict') return;
    this.#fence = fence;
    this.#fenceText = trouble;
    this.#ports.fenced(fence, trouble);
  }

  #publishDurable(): void {
    const durable = this.#memory?.durable.ring;
    const at = this.#adopted.findIndex(({ encoded }) => encoded === durable);
    if (at < 0) return;
    const ring = this.#adopted[at]!;
    this.#adopted = this.#adopted.slice(at + 1);
    this.#ring = ring;
    this.#publish(ring);
  }

  #publish(ring: KnownRing): void {
    this.#ports.published(ring);
    const { generation, epoch } = ring.state;
    if (this.member === undefined)
      this.fenceOff('removed', `this node was removed from the cluster: it is not in the ring of generation ${generation}, epoch ${epoch}`);
  }
}
