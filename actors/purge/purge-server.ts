/**
 * PurgeServer: answers what leaders of purge rounds ask this shard. No actor: PurgeActor calls it within its turns. Remembers nothing but the questions under way: a round that
 * is lost by a restart is begun anew.
 *
 * A frame is refused when it is malformed (and logged), when its ring is not this shard's (STALE_RING), when data moves or somebody is excluded, when its partition is not this shard's
 * (INVALID), and while the replicas are not open (LOADING).
 */
import type { ActorContext } from '../../runtime/actor.ts';
import { OutBuffer } from '../../runtime/bytes.ts';
import { ReplyAddress } from '../../runtime/reply.ts';
import type { RepairHolder } from '../repair/repair-protocol.ts';
import { writeRefusal } from '../store/data-frames.ts';
import type { Replicas } from '../store/replicas.ts';
import { INVALID, LOADING, OVERLOADED, STALE_RING, STORAGE_FAILED } from '../store/store-request.ts';
import { isPrimary, type Topology } from '../store/topology.ts';
import type { ReplicasHolder } from '../store/vnode-actor.ts';
import { RecordView } from '../version/record-view.ts';
import type { FloorChange } from './floor.ts';
import { CHECK, COMPARE, PURGE_TOLD, PurgeAsk, SWEEP, writeTold } from './purge-frames.ts';
import type { PurgeScans } from './purge-scan.ts';
import { Sweeps } from './sweeps.ts';

/** What of PurgeActor's context is needed here. */
type Replying = Pick<ActorContext<never>, 'noteSender' | 'replyBytes' | 'replyBytesTo' | 'log' | 'clock'>;

export interface PurgeServerArguments {
  readonly context: Replying;
  readonly shard: number;
  readonly topology: () => Topology | null;
  readonly replicas: ReplicasHolder;
  readonly repair: RepairHolder;
  readonly scans: PurgeScans;
  /** Makes of `then` what may be called outside of turns: `then` is called in one. */
  readonly later: <T>(then: (value: T) => void) => (value: T) => void;
  /** Planted bugs: hintsIgnored. */
  readonly mutants?: ReadonlySet<string> | undefined;
}

interface Comparing {
  readonly address: ReplyAddress;
  readonly sinceMs: number;
  left: number;
}

const ANSWER_BYTES = 1_024;
/** Who has been waited for so long is asked again. */
const COMPARING_MS = 120_000;

export class PurgeServer {
  readonly #args: PurgeServerArguments;
  readonly #out = new OutBuffer(ANSWER_BYTES, ANSWER_BYTES);
  readonly #vector = new RecordView();
  readonly #comparing = new Map<string, Comparing>();
  readonly #sweeps: Sweeps;

  constructor(args: PurgeServerArguments) {
    this.#args = args;
    this.#sweeps = new Sweeps(args);
  }

  /** Begun since the start. */
  get sweeps(): number {
    return this.#sweeps.count;
  }

  /** Answers the message that is being handled, now or later. Returns false when it is none of these. */
  receive(operation: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (operation < CHECK || operation > SWEEP) return false;
    const ask = new PurgeAsk();
    const fault = ask.read(operation, bytes, start, end);
    if (fault !== undefined) {
      this.#args.context.log.warn('malformed frame refused', { operation, fault });
      this.#refuse(INVALID, fault);
      return true;
    }
    const topology = this.#args.topology();
    const { replicas } = this.#args.replicas;
    if (topology === null || replicas === null) this.#refuse(LOADING, 'the replicas of this shard are not open');
    else this.#answer(operation, ask, topology, replicas);
    return true;
  }

  /** Now and then. */
  tick(): void {
    const sinceMs = this.#args.context.clock.now() - COMPARING_MS;
    for (const [name, comparing] of this.#comparing) if (comparing.sinceMs < sinceMs) this.#comparing.delete(name);
    this.#sweeps.tick();
  }

  #answer(operation: number, ask: PurgeAsk, topology: Topology, replicas: Replicas): void {
    const { ring } = topology;
    const isSame = ask.generation === ring.generation && ask.epoch === ring.epoch && ask.partitions === ring.owners.length;
    if (!isSame) return this.#refuse(STALE_RING, `its ring is generation ${ring.generation}, epoch ${ring.epoch}`);
    const wrong = obstacleOf(topology) ?? this.#faultOf(operation, ask, topology);
    if (wrong !== undefined) return this.#refuse(INVALID, wrong);
    switch (operation) {
      case CHECK:
        return this.#check(replicas);
      case COMPARE:
        return this.#compare(ask, topology);
      default:
        return this.#change(operation, ask, replicas);
    }
  }

  #check({ hints }: Replicas): void {
    if (!hints.isCounted) return this.#refuse(LOADING, 'what is held for others is being counted');
    const { count } = hints.book;
    if (count !== 0 && !this.#args.mutants?.has('hintsIgnored')) return this.#refuse(INVALID, `${count} writes are held there for others`);
    this.#told();
  }

  #compare(ask: PurgeAsk, topology: Topology): void {
    const { keyspace, partition } = ask;
    const { repair } = this.#args.repair;
    if (repair === null) return this.#refuse(LOADING, 'repair is not open');
    const name = `${keyspace}/${partition}`;
    if (this.#comparing.has(name)) return this.#refuse(OVERLOADED, 'its replicas are being compared');
    const peers = ask.peers.map((id) => topology.ring.members.findIndex((member) => member.id === id));
    if (peers.includes(-1)) return this.#refuse(INVALID, 'a peer is no member');
    const comparing: Comparing = { address: new ReplyAddress(), sinceMs: this.#args.context.clock.now(), left: peers.length };
    this.#args.context.noteSender(comparing.address);
    this.#comparing.set(name, comparing);
    for (const member of peers) {
      const peer = { id: topology.member(member).id, shard: topology.shardOf(member, partition) };
      const ended = this.#args.later<string | undefined>((fault) => this.#compared(name, comparing, fault));
      repair.exchange(keyspace, partition, peer, ended);
    }
  }

  #compared(name: string, comparing: Comparing, fault: string | undefined): void {
    if (this.#comparing.get(name) !== comparing) return;
    comparing.left--;
    if (fault === undefined && comparing.left > 0) return;
    this.#comparing.delete(name);
    if (fault !== undefined) writeRefusal(this.#out, INVALID, `replicas could not be compared: ${fault}`);
    else writeTold(this.#out, this.#wallMs());
    this.#reply(comparing.address);
  }

  #change(operation: number, ask: PurgeAsk, replicas: Replicas): void {
    const place = { keyspace: ask.keyspace, partition: ask.partition, partitions: ask.partitions };
    const { floor, asOfMs } = ask;
    this.#vector.open(floor, 0, floor.length);
    const isRelease = operation === SWEEP;
    const change: FloorChange = isRelease ? { type: 'release', vector: this.#vector, asOfMs } : { type: 'install', vector: this.#vector };
    const pending = replicas.floors.begin(place, change);
    if (pending === undefined) return this.#refuse(INVALID, 'its floor has too many actors');
    const address = new ReplyAddress();
    this.#args.context.noteSender(address);
    const ended = this.#args.later<string | undefined>((fault) => {
      const holds = replicas.floors.end(pending, fault === undefined);
      if (fault !== undefined) writeRefusal(this.#out, STORAGE_FAILED, fault);
      else if (!holds) writeRefusal(this.#out, STALE_RING, 'the partition was dropped meanwhile');
      else writeTold(this.#out, this.#wallMs());
      this.#reply(address);
      if (holds && isRelease) this.#sweeps.begin(place);
    });
    replicas.floors.persist(replicas.engine, pending, (error) => ended(error?.message));
  }

  #faultOf(operation: number, { keyspace, partition }: PurgeAsk, topology: Topology): string | undefined {
    if (topology.self < 0 || topology.shardOf(topology.self, partition) !== this.#args.shard)
      return `partition ${partition} does not lie on shard ${this.#args.shard}`;
    const of = topology.keyspace(keyspace);
    if (of === undefined) return `no keyspace has the id ${keyspace}`;
    if (operation === CHECK || isPrimary(topology.lists.of(of.n).read, partition, topology.self)) return undefined;
    return `this member is no replica of partition ${partition}`;
  }

  #wallMs(): number {
    return Math.floor(this.#args.context.clock.wall());
  }

  #told(): void {
    writeTold(this.#out, this.#wallMs());
    this.#args.context.replyBytes(PURGE_TOLD, this.#out.bytes, 0, this.#out.length);
  }

  #reply(address: ReplyAddress): void {
    this.#args.context.replyBytesTo(address, PURGE_TOLD, this.#out.bytes, 0, this.#out.length);
  }

  #refuse(status: number, message: string): void {
    writeRefusal(this.#out, status, message);
    this.#args.context.replyBytes(PURGE_TOLD, this.#out.bytes, 0, this.#out.length);
  }
}

/** Why nothing is purged under a ring; undefined: it may be. */
export function obstacleOf({ ring }: Topology): string | undefined {
  if (ring.transition !== null) return 'data moves';
  const excluded = ring.members.find(({ isExcluded }) => isExcluded);
  return excluded === undefined ? undefined : `${excluded.name} is excluded: include or remove it`;
}
