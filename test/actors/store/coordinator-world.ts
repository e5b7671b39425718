/**
 * CoordinatorWorld: coordinators of some nodes over a network that loses, delays, repeats and reorders, and replicas that forget on a crash what was not on disk yet.
 * Replicas are TestVnodes, one per node and key. Virtual time; all that happens follows from the seed.
 */

import type { RingState } from '../../../actors/ring/ring-state.ts';
import { Coordinator } from '../../../actors/store/coordinator.ts';
import { Forward, readForwarded, writeForward, writeForwarded } from '../../../actors/store/forward-frames.ts';
import { KeyPlace } from '../../../actors/store/key-place.ts';
import { RecentForwards } from '../../../actors/store/recent-forwards.ts';
import type { ReplicaDoor } from '../../../actors/store/replica-door.ts';
import {
  CONTEXT_GIVEN,
  CONTEXT_LOCAL,
  CONTEXT_READ,
  type ContextKind,
  DELETE,
  LOADING,
  OK,
  StoreAnswer,
  StoreRequest,
} from '../../../actors/store/store-request.ts';
import { Topology } from '../../../actors/store/topology.ts';
import { writeDigest } from '../../../actors/version/digest.ts';
import { RecordView } from '../../../actors/version/record-view.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { mergeBytes, NOTHING, viewOf } from '../version/records.ts';
import { TestCluster, type TestVnode } from '../version/test-vnode.ts';

export interface WorldOptions {
  readonly ring: RingState;
  readonly seed?: string;
  readonly loss?: number;
  readonly repeat?: number;
  readonly delayMs?: number;
  readonly syncMs?: number;
  readonly capacity?: number;
  readonly speculateRatio?: number;
  readonly mutants?: ReadonlySet<string>;
}

interface Replica {
  readonly vnode: TestVnode;
  durable: Buffer;
}

export interface Answered {
  readonly status: number;
  readonly record: Buffer;
  readonly received: number;
  readonly needed: number;
  readonly primaries: number;
  /** Names of nodes. */
  readonly replied: readonly string[];
  readonly message: string;
}

export interface Asked {
  readonly kind: number;
  readonly key: string;
  readonly value?: string;
  /** A vector, or how it is to be made. */
  readonly context?: Uint8Array | ContextKind;
  readonly r?: number;
  readonly w?: number;
  readonly primaries?: number;
  readonly isLocal?: boolean;
  readonly isMonotonic?: boolean;
  readonly timeoutMs?: number;
}

export class CoordinatorWorld {
  readonly random: SeededRandom;
  readonly options: Required<WorldOptions>;
  readonly nodes: CoordinatorNode[];
  now = 1_000;
  ring: RingState;
  /** Kept sorted by time, then by order of making. */
  #events: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];
  #made = 0;
  isCalm = false;
  readonly cluster = new TestCluster();

  constructor(options: WorldOptions) {
    this.options = {
      seed: '1',
      loss: 0,
      repeat: 0,
      delayMs: 2,
      syncMs: 1,
      capacity: 64,
      speculateRatio: 0.1,
      mutants: new Set(),
      ...options,
    };
    this.random = new SeededRandom(this.options.seed);
    this.ring = options.ring;
    this.cluster.isLww = options.ring.keyspaces[0]?.conflict === 'lww';
    this.nodes = options.ring.members.map(({ address }) => new CoordinatorNode(this, address.node));
  }

  at(ms: number, run: () => void): void {
    this.#events.push({ at: ms, order: this.#made++, run });
  }

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  /** Over the network, unless it is lost; perhaps twice. */
  post(run: () => void): void {
    const { loss, repeat, delayMs } = this.options;
    const times = this.isCalm ? 1 : this.random.chance(loss) ? 0 : this.random.chance(repeat) ? 2 : 1;
    for (let i = 0; i < times; i++) this.after(0.1 + this.random.float() * delayMs, run);
  }

  run(untilMs: number): void {
    for (;;) {
      let next = -1;
      for (const [i, { at, order }] of this.#events.entries()) {
        const best = this.#events[next];
        if (best === undefined || at < best.at || (at === best.at && order < best.order)) next = i;
      }
      const event = this.#events[next];
      if (event === undefined || event.at > untilMs) break;
      this.#events.splice(next, 1);
      this.now = Math.max(this.now, event.at);
      event.run();
    }
    this.now = untilMs;
  }
}

export class CoordinatorNode {
  readonly name: string;
  readonly #world: CoordinatorWorld;
  readonly #replicas = new Map<string, Replica>();
  #topology: Topology;
  coordinator: Coordinator;
  isUp = true;
  /** Of replicas: what they answer instead. */
  status = OK;
  /** It serves others so much later. */
  slowMs = 0;
  /** It does as it is told, and says nothing. */
  isMute = false;
  readonly suspects = new Set<string>();
  /** To whom no connection leads. Nothing is lost for that. */
  readonly unconnected = new Set<string>();
  /** Owners of what it keeps since nobody else does, once per record. */
  readonly kept: string[] = [];
  /** Messages sent, by kind. */
  readonly sent: string[] = [];
  #boot = 0;
  #recent = new RecentForwards();

  constructor(world: CoordinatorWorld, name: string) {
    this.#world = world;
    this.name = name;
    this.#topology = new Topology(world.ring, name);
    this.coordinator = this.#start();
  }

  useRing(ring: RingState): void {
    this.#topology = new Topology(ring, this.name);
  }

  crash(): void {
    this.isUp = false;
    this.#boot++;
    for (const replica of this.#replicas.values()) {
      replica.vnode.record = replica.durable;
      replica.vnode.restart('killed');
    }
  }

  restart(): void {
    this.isUp = true;
    this.coordinator = this.#start();
  }

  replica(key: string): Replica {
    const made = this.#replicas.get(key) ?? { vnode: this.#world.cluster.vnode(), durable: Buffer.alloc(0) };
    this.#replicas.set(key, made);
    return made;
  }

  /** What it holds of the key for others. */
  held(key: string): Buffer {
    const names = this.#world.nodes.map(({ name }) => hintName(key, name));
    return names.reduce<Buffer>((all, name) => mergeBytes(all, this.#replicas.get(name)?.vnode.record ?? NOTHING), NOTHING);
  }

  /** `done` is called once, unless the node crashes first. */
  ask(asked: Asked, done: (answer: Answered) => void): void {
    const request = new StoreRequest();
    const { context } = asked;
    request.kind = asked.kind as StoreRequest['kind'];
    request.keyspace = this.#topology.ring.keyspaces[0]!;
    request.key = Buffer.from(asked.key);
    request.keyEnd = request.key.length;
    request.value = Buffer.from(asked.value ?? '');
    request.valueEnd = request.value.length;
    if (typeof context === 'number') request.contextKind = context;
    else if (context !== undefined && context.length > 0) {
      request.contextKind = CONTEXT_GIVEN;
      request.context = context;
      request.contextEnd = context.length;
    }
    request.r = asked.r ?? 0;
    request.w = asked.w ?? 0;
    request.primaries = asked.primaries ?? 0;
    request.isLocal = asked.isLocal ?? false;
    request.isMonotonic = asked.isMonotonic ?? false;
    request.deadlineMs = this.#world.now + (asked.timeoutMs ?? 500);
    const boot = this.#boot;
    request.sink = {
      answered: (_token, answer) => {
        const { status, record, received, needed, primaries, message } = answer;
        const bytes = Buffer.from(record.bytes.subarray(record.start, record.end));
        const members = [...answer.replied.subarray(0, answer.repliedCount)];
        const replied = members.map((member) => this.#topology.member(member).address.node).sort();
        if (boot === this.#boot) done({ status, record: bytes, received, needed, primaries, replied, message });
      },
    };
    this.coordinator.begin(request);
  }

  #start(): Coordinator {
    const world = this.#world;
    const boot = this.#boot;
    this.#recent = new RecentForwards({ capacity: 256, answerBytes: 16_384, mutants: world.options.mutants });
    const isAlive = (): boolean => this.isUp && boot === this.#boot;
    const memberName = (member: number): string => this.#topology.member(member).address.node;
    const other = (member: number): CoordinatorNode => world.nodes.find(({ name }) => name === memberName(member))!;
    const keyOf = (slot: number): string => {
      const { table } = coordinator;
      return table.bufferOf(slot).bytes.toString('latin1', 0, table.keyEnds[slot]);
    };
    /** Of the replica that the id is of: the key, or what is held of it for another. */
    const nameOf = (id: number, key: string): string => {
      const owner = coordinator.table.ownerOf(id);
      return owner < 0 ? key : hintName(key, memberName(owner));
    };
    /** To the replica, there, and what comes of it back. */
    const call = (to: CoordinatorNode, serve: (reply: (run: () => void) => void) => void): void => {
      const hop = (run: () => void): void => (to === this ? world.after(0, run) : world.post(run));
      const late = (run: () => void): void => (to.slowMs === 0 ? hop(run) : world.after(to.slowMs, () => hop(run)));
      late(() => {
        if (!to.isUp) return;
        const itsBoot = to.#boot;
        serve((run) => {
          if (to.isUp && itsBoot === to.#boot && !to.isMute) hop(() => isAlive() && run());
        });
      });
    };
    const place = new KeyPlace();
    const origin = 1 + world.random.below(0xffff_ffff);
    let forwards = 0;
    const door: ReplicaDoor = {
      topology: () => this.#topology,
      isReachable: (member) => !this.suspects.has(memberName(member)),
      isConnected: (member) => !this.unconnected.has(memberName(member)),
      read: (member, _shard, id, slot, wantsRecord) => {
        const to = other(member);
        const key = keyOf(slot);
        const isStandIn = coordinator.table.ownerOf(id) >= 0;
        this.sent.push(`read ${to.name}${isStandIn ? ' as stand-in' : ''}${wantsRecord ? '' : ' digest'}`);
        call(to, (reply) => {
          const record = isStandIn ? to.held(key) : to.replica(key).vnode.record;
          const { status } = to;
          const digest = new OutBuffer(16, 16);
          writeDigest(viewOf(record), digest);
          reply(() => {
            if (wantsRecord) coordinator.onRecord(id, status, record, 0, status === OK ? record.length : 0);
            else coordinator.onDigest(id, status, digest.bytes.readInt32LE(0), digest.bytes.readInt32LE(4));
          });
        });
        return true;
      },
      merge: (member, _shard, id, slot) => {
        const to = other(member);
        const key = nameOf(id, keyOf(slot));
        const { table } = coordinator;
        const record = Buffer.from(table.bufferOf(slot).bytes.subarray(table.recordStarts[slot], table.recordEnds[slot]));
        this.sent.push(table.ownerOf(id) < 0 ? `merge ${to.name}` : `merge ${to.name} for ${memberName(table.ownerOf(id))}`);
        call(to, (reply) => {
          const { status } = to;
          if (status !== OK) return reply(() => coordinator.onMerged(id, status));
          to.replica(key).vnode.receive(record);
          to.#sync(key, () => reply(() => coordinator.onMerged(id, OK)));
        });
        return true;
      },
      coordinate: (id, slot) => {
        const { table } = coordinator;
        const { bytes } = table.bufferOf(slot);
        const key = nameOf(id, keyOf(slot));
        const { vnode } = this.replica(key);
        if (this.status !== OK) {
          coordinator.onCoordinated(id, this.status, bytes, 0, 0);
          return true;
        }
        const value = table.kinds[slot] === DELETE ? undefined : bytes.toString('latin1', table.contextEnds[slot], table.valueEnds[slot]);
        const given = Buffer.from(bytes.subarray(table.keyEnds[slot], table.contextEnds[slot]));
        const read = Buffer.from(bytes.subarray(table.readContextStarts[slot], table.readContextEnds[slot]));
        const kind = table.contextKinds[slot];
        vnode.put(value, kind === CONTEXT_READ ? read : kind === CONTEXT_LOCAL ? vnode.record : given);
        this.sent.push('coordinate');
        this.#sync(key, () => isAlive() && coordinator.onMerged(id, OK));
        coordinator.onCoordinated(id, OK, vnode.record, 0, vnode.record.length);
        return true;
      },
      keep: (owner) => {
        this.kept.push(memberName(owner));
      },
      forward: (member, _shard, id, slot) => {
        const to = other(member);
        const { table } = coordinator;
        const request = new StoreRequest();
        table.fillPlace(slot, place);
        table.fillRequest(slot, request);
        const out = new OutBuffer(64, 10_000);
        writeForward(out, place, request, table.deadlineMs[slot]! - world.now, origin, ++forwards);
        const payload = Buffer.from(out.bytes.subarray(0, out.length));
        this.sent.push(`forward ${to.name}`);
        const itsBoot = to.#boot;
        call(to, (reply) => {
          const forward = new Forward(new StoreRequest());
          const fault = forward.read(payload, 0, payload.length);
          if (fault !== undefined) throw new Error(fault);
          // What the connection to an earlier start carried is lost with it.
          if (itsBoot !== to.#boot) return;
          const before = to.#recent.find(forward.origin, forward.number);
          if (before >= 0) {
            if (to.#recent.tokenOf(before) >= 0) return;
            const again = Buffer.from(to.#recent.answerOf(before));
            return reply(() => coordinator.onForwarded(id, answerOf(again, again.length)));
          }
          const entry = to.#recent.add(forward.origin, forward.number, 0);
          forward.request.keyspace = to.#topology.ring.keyspaces[0]!;
          forward.request.deadlineMs = world.now + forward.remainingMs;
          forward.request.sink = {
            answered: (_token, answer) => {
              const answerOut = new OutBuffer(64, 100_000);
              if (to.status === LOADING) answer.status = LOADING;
              writeForwarded(answerOut, answer);
              to.#recent.answered(entry, answerOut.bytes, answerOut.length);
              reply(() => coordinator.onForwarded(id, answerOf(answerOut.bytes, answerOut.length)));
            },
          };
          to.coordinator.begin(forward.request, true);
        });
        return true;
      },
      nowMs: () => world.now,
      wallMs: () => 1_700_000_000_000 + world.now,
      wakeAt: (ms) => {
        if (ms !== Number.POSITIVE_INFINITY) world.at(Math.max(ms, world.now), () => isAlive() && coordinator.wake());
      },
    };
    const { capacity, speculateRatio, mutants } = world.options;
    const coordinator = new Coordinator(door, { shard: 0, capacity, speculateRatio, mutants });
    return coordinator;
  }

  /** What is in memory now will be on disk then. */
  #sync(key: string, done: () => void): void {
    const boot = this.#boot;
    const replica = this.replica(key);
    const { record } = replica.vnode;
    this.#world.after(this.#world.random.float() * this.#world.options.syncMs, () => {
      if (boot !== this.#boot) return;
      if (replica.vnode.record === record) replica.durable = record;
      else replica.durable = replica.vnode.record;
      done();
    });
  }
}

function hintName(key: string, owner: string): string {
  return `${key} for ${owner}`;
}

function answerOf(bytes: Uint8Array, length: number): StoreAnswer {
  const answer = new StoreAnswer(new RecordView());
  const wrong = readForwarded(bytes, 0, length, answer);
  if (wrong !== undefined) throw new Error(wrong);
  return answer;
}
