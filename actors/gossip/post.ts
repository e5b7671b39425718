/** Post: how a GossipActor's messages get to other nodes: whose name they carry, what ring and digest they hold, and which actor they go to. */
import type { Random } from '../../runtime/doors.ts';
import { CONTROL } from '../../runtime/lanes.ts';
import type { Ref } from '../../runtime/ref.ts';
import type { GossipMessage } from '../gossip-protocol.ts';
import { GOSSIP_SLOT, RING_SLOT } from '../membership/cluster-door.ts';
import { compareVersions, type Id, type RingVersion } from '../ring/ring-state.ts';
import type { RingChanged, RingMessage, Sender } from '../ring-protocol.ts';
import { type DecodedDigest, DIGEST_ENTRIES_MAX, type DigestKind, decodeDigest, encodeDigest, hashMembers } from './digest.ts';
import type { Membership, News } from './membership.ts';
import type { GossipOptions } from './options.ts';
import { RingSpread } from './ring-spread.ts';

const NO_RING: RingVersion = { generation: 0, epoch: 0 };
const NOTHING: News = { beats: [], accusations: [] };

export class Post {
  readonly #self: Ref<GossipMessage>;
  readonly #random: Random;
  readonly #options: GossipOptions;
  readonly #membership: Membership;
  readonly #peers = new Map<Id, Ref<GossipMessage>>();
  readonly #nodes = new Map<Id, string>();
  readonly spread: RingSpread;
  #ring: RingChanged | null = null;
  #membersHash = 0;

  constructor(self: Ref<GossipMessage>, random: Random, options: GossipOptions, membership: Membership, intervalMs: number) {
    this.#self = self;
    this.#random = random;
    this.#options = options;
    this.#membership = membership;
    this.spread = new RingSpread(intervalMs);
  }

  /** Of the newest ring; 0/0: none. */
  get version(): RingVersion {
    return this.#ring?.encoded ?? NO_RING;
  }

  sender(): Sender {
    const { id, boot, instance } = this.#options.identity;
    return { cluster: this.#ring?.ring.cluster ?? '', id, boot, instance };
  }

  /** A newer ring. `ids`: its members, sorted. All threads of this node get to know their addresses. */
  setRing(changed: RingChanged, ids: readonly Id[]): void {
    this.#ring = changed;
    this.#peers.clear();
    this.#nodes.clear();
    for (const { id, address } of changed.ring.members) {
      if (id === this.#options.identity.id) continue;
      this.#options.door.introduce(address);
      this.#peers.set(id, this.#options.door.ref(GOSSIP_SLOT, address.node));
      this.#nodes.set(id, address.node);
    }
    this.#membersHash = hashMembers(ids);
    this.spread.begin(ids.length);
  }

  /** Nothing happens when there is no such member. */
  tell(to: Id, message: GossipMessage): void {
    if (this.#options.mutants.has('gossipOnlyLive') && this.#membership.down.has(to)) return;
    this.#peers.get(to)?.tell(message, { lane: CONTROL });
  }

  alive(to: Id, probeId: number): void {
    this.tell(to, { type: 'alive', from: this.sender(), probeId, beat: this.#membership.own });
  }

  /** To who has asked for nothing but rings. */
  announce(to: Id): void {
    this.digest(to, 'announcement', NOTHING);
  }

  digest(to: Id, kind: DigestKind, news: News, isNamed = false): void {
    this.tell(to, this.#digest(kind, news, isNamed));
  }

  decode(digest: Uint8Array, ring: RingVersion): DecodedDigest {
    return decodeDigest(digest, { members: this.#membership.ids, membersHash: this.#membersHash, ring });
  }

  /** A member has this ring. Who has the older one is sent the newer, or says that it needs it. */
  compareRings(from: Id, ring: RingVersion, nowMs: number): void {
    const order = compareVersions(ring, this.version);
    const node = this.#nodes.get(from);
    if (order < 0 && node !== undefined) this.#sendRing(node, nowMs);
    if (order > 0) this.announce(from);
  }

  /** As `compareRings`, of a node that is no member here. */
  compareStrangersRing(replyTo: Ref<GossipMessage>, ring: RingVersion, nowMs: number): void {
    const { node } = replyTo.address;
    const order = compareVersions(ring, this.version);
    if (order < 0) this.#sendRing(node, nowMs);
    if (order > 0 && this.spread.maySend(node, ring, nowMs)) replyTo.tell(this.#digest('announcement', NOTHING, true), { lane: CONTROL });
  }

  /** The RingActor of this node. */
  askForRings(): void {
    const ref = this.#options.door.ref<RingMessage>(RING_SLOT, this.#options.identity.address.node);
    ref.tell({ type: 'subscribe', subscriber: this.#self }, { lane: CONTROL });
  }

  #sendRing(node: string, nowMs: number): void {
    if (this.#ring === null || !this.spread.maySend(node, this.version, nowMs)) return;
    const ref = this.#options.door.ref<RingMessage>(RING_SLOT, node);
    ref.tell({ type: 'ring', from: this.sender(), ring: this.#ring.encoded }, { lane: CONTROL });
  }

  #digest(kind: DigestKind, { beats, accusations }: News, isNamed: boolean): GossipMessage {
    const ring = this.version;
    // Of very many members each digest holds a part.
    const first = beats.length > DIGEST_ENTRIES_MAX ? this.#random.below(beats.length - DIGEST_ENTRIES_MAX) : 0;
    const content = { kind, beats: beats.slice(first, first + DIGEST_ENTRIES_MAX), accusations };
    const digest = encodeDigest(content, { members: this.#membership.ids, membersHash: this.#membersHash, ring }, isNamed);
    return { type: 'digest', from: this.sender(), ring: { generation: ring.generation, epoch: ring.epoch }, digest, replyTo: this.#self };
  }
}
