/**
 * GodView: what is known of a simulated cluster from outside: each start of each directory, what is in the ring files as they are written, what each shard has switched to.
 *
 * A start is *stale* when its directory is an older state, or a copy, of one that has started again since and been registered: it must neither vote nor propose. Of a copy
 * that was taken and put back within one start nothing in the cluster can know (registering.ts): such a directory is not started, but emptied.
 */
import type { MembershipView } from '../../../actors/gossip-protocol.ts';
import type { KnownRing } from '../../../actors/membership/known-ring.ts';
import type { NodeIdentity } from '../../../actors/membership/node-identity.ts';
import { decodeRingFile, type StoredRing } from '../../../actors/membership/ring-file.ts';
import { compareVersions, type Id, type Member, type RingState, type RingVersion } from '../../../actors/ring/ring-state.ts';
import { voters } from '../../../actors/ring/voters.ts';
import type { RingHolder } from '../../../actors/ring-agent.ts';
import type { DiskCall } from '../../../runtime/simulation/disk-faults.ts';
import type { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import { type Check, keyOf, RingHistory } from './ring-history.ts';

/** One life of a node. */
export interface Start {
  readonly identity: NodeIdentity;
  readonly machine: string;
  /** Boot of the main thread, to tell whether it still lives. */
  readonly threadBoot: number;
  readonly isStale: boolean;
  readonly disk: SimDisk;
  /** By shard. */
  readonly holders: Map<number, RingHolder>;
  /** What the shards have switched to, by shard. */
  readonly switchedTo: Map<number, RingVersion>;
  /** What it wrote last; undefined: nothing. */
  last: StoredRing | undefined;
  view: MembershipView | null;
  /** By itself, since it must not go on. */
  hasEnded: boolean;
}

const RING_FILE = /^\/data\/ring\/ring-([0-9]+)\.new$/;
const OLD_FILE = /^\/data\/ring\/ring-[0-9]+$/;
const RING_FILE_BYTES = 1 << 20;

export class GodView {
  readonly history: RingHistory;
  readonly starts: Start[] = [];
  /** What seldom happens, and did. */
  readonly sometimes = new Map<string, number>();
  readonly #check: Check;
  /** The last start on each machine. */
  readonly #here = new Map<string, Start>();
  readonly #real = new Map<Id, SimDisk>();
  readonly #hooked = new WeakSet<SimDisk>();
  /** Newest ring in the files of each disk; and in the one that is being put there. */
  readonly #onDisk = new WeakMap<SimDisk, RingVersion>();
  readonly #onItsWay = new WeakMap<SimDisk, RingVersion>();
  /** By start, `id boot instance`: the members who have it on disk. */
  readonly #registeredBy = new Map<string, Set<Id>>();

  constructor(check: Check, mutants: ReadonlySet<string>) {
    this.#check = check;
    this.history = new RingHistory(check, mutants);
  }

  note(what: string): void {
    this.sometimes.set(what, (this.sometimes.get(what) ?? 0) + 1);
  }

  here(machine: string): Start | undefined {
    return this.#here.get(machine);
  }

  /** The machine on which a node with that name was started last, and no copy of it. */
  whereIs(name: string): string | undefined {
    return this.starts.findLast(({ identity, isStale }) => identity.name === name && !isStale)?.machine;
  }

  /** Whether a directory with this id, in which this is the newest ring, would be told from the real one, when it starts as `boot`. */
  isToldApart(id: Id, boot: number, onDisk: RingState | null): boolean {
    const newest = this.history.newest?.state;
    // A directory without a ring has promised nothing.
    return newest !== undefined && onDisk !== null && [newest, onDisk].every((ring) => this.#isTold(id, boot, ring));
  }

  /** So few of those whom it would have to register with have not heard of a later start that they are not enough (registering.ts). */
  #isTold(id: Id, boot: number, ring: RingState): boolean {
    const all = voters(ring);
    const others = all.filter((voter) => voter.id !== id);
    const majority = Math.floor(all.length / 2) + 1;
    const needed = others.length < all.length ? Math.min(others.length, all.length - majority + 1) : majority;
    const later = this.starts.filter(({ identity }) => identity.id === id && identity.boot >= boot);
    const knows = (voter: Member): boolean =>
      later.some(({ identity }) => this.#registeredBy.get(startKey(identity))?.has(voter.id) === true);
    return others.filter((voter) => !knows(voter)).length < needed;
  }

  /** Whether this is the disk with the directory of that id, and no copy or older state of it. */
  isReal(id: Id, disk: SimDisk): boolean {
    return (this.#real.get(id) ?? disk) === disk;
  }

  started(start: Start): void {
    this.starts.push(start);
    if (!this.#real.has(start.identity.id)) {
      this.#real.set(start.identity.id, start.disk);
      this.#onDisk.delete(start.disk);
    }
    this.#here.set(start.machine, start);
    this.#onItsWay.delete(start.disk);
    if (start.isStale) this.note('an old copy of a directory started');
    if (this.#hooked.has(start.disk)) return;
    this.#hooked.add(start.disk);
    const before = start.disk.onCall;
    const { disk } = start;
    disk.onCall = (call) => {
      if (call.operation === 'rename') this.#onRename(disk, call);
      // Comes when the newer file is on disk.
      else if (call.operation === 'unlink' && OLD_FILE.test(call.path)) this.#onDurable(disk);
      const fault = before?.(call);
      return fault;
    };
  }

  /** A shard of that node begins to serve by this ring. */
  switched(start: Start, shard: number, ring: KnownRing): void {
    const where = `${start.machine}/${shard}`;
    const known = this.history.ring(ring.encoded);
    const isDecided = known !== undefined && Buffer.compare(known.encoded.bytes, ring.encoded.bytes) === 0;
    this.#check(isDecided, 'a shard has switched to a ring that was not decided', () => `${keyOf(ring.encoded)} at ${where}`);
    const before = start.switchedTo.get(shard);
    const isForward = before === undefined || compareVersions(ring.encoded, before) > 0;
    this.#check(isForward, 'a shard went back to an older ring', () => `${keyOf(ring.encoded)} at ${where}`);
    start.switchedTo.set(shard, { generation: ring.encoded.generation, epoch: ring.encoded.epoch });
  }

  /** What a node thinks of the members. */
  viewed(start: Start, view: MembershipView): void {
    start.view = view;
    // Of two members each has one observer only; and who may be down is not waited for.
    const accused = view.members.filter(({ accusers }) => accusers.length > 0);
    const [member] = accused;
    if (view.members.length < 3 || accused.length !== 1 || member?.label !== 'down') return;
    const isByOne = member.accusers.length < 2;
    this.#check(!isByOne, 'a member is called down on the word of one', () => `${member.id.slice(0, 6)} at ${start.machine}`);
  }

  #onRename(disk: SimDisk, call: DiskCall): void {
    const number = RING_FILE.exec(call.path)?.[1];
    if (number === undefined) return;
    const file = disk.find('god', call.path);
    const start = this.starts.findLast((other) => other.disk === disk);
    if (file.kind !== 'file' || start === undefined) return;
    const into = Buffer.alloc(Math.min(RING_FILE_BYTES, file.now.length));
    file.now.read(into, 0);
    this.#onState(disk, start, decodeRingFile(into, call.path, Number(number)));
  }

  #onDurable(disk: SimDisk): void {
    const version = this.#onItsWay.get(disk);
    if (version !== undefined) this.#onDisk.set(disk, version);
  }

  #onState(disk: SimDisk, start: Start, stored: StoredRing): void {
    const { id } = start.identity;
    this.#checkStale(start, stored);
    if (stored.ring !== null) {
      const before = this.#onDisk.get(disk);
      const isForward = before === undefined || compareVersions(stored.ring, before) >= 0;
      this.#check(isForward, 'a node went back to an older ring', () => `${keyOf(stored.ring!)} at ${start.machine}`);
      const { generation, epoch } = stored.ring;
      this.#onItsWay.set(disk, { generation, epoch });
      this.history.seen(stored.ring, `${start.machine} (${id.slice(0, 6)}, boot ${start.identity.boot})`);
    }
    this.history.accepted(id, stored);
    for (const row of stored.registered) {
      if (row.id === id) continue;
      const key = startKey(row);
      const by = this.#registeredBy.get(key) ?? new Set();
      by.add(id);
      this.#registeredBy.set(key, by);
    }
  }

  #checkStale(start: Start, stored: StoredRing): void {
    const { last } = start;
    start.last = stored;
    if (!start.isStale || last === undefined) return;
    const where = `${start.machine} (${start.identity.id.slice(0, 6)}, boot ${start.identity.boot})`;
    const isSameRing = last.ring !== null && stored.ring !== null && keyOf(last.ring) === keyOf(stored.ring);
    const before = isSameRing ? last : { promised: null, accepted: null, round: 0 };
    const votes = !sameBallot(before.promised, stored.promised) || !sameBallot(before.accepted?.ballot, stored.accepted?.ballot);
    this.#check(!votes, 'an old copy of a directory votes', () => where);
    this.#check(before.round === stored.round, 'an old copy of a directory proposes', () => where);
  }
}

function startKey({ id, boot, instance }: Pick<NodeIdentity, 'id' | 'boot' | 'instance'>): string {
  return `${id} ${boot} ${instance}`;
}

type MaybeBallot = { readonly round: number; readonly proposer: Id } | null | undefined;

function sameBallot(a: MaybeBallot, b: MaybeBallot): boolean {
  return (a?.round ?? 0) === (b?.round ?? 0) && (a?.proposer ?? '') === (b?.proposer ?? '');
}
