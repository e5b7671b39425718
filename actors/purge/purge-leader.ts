/**
 * PurgeLeader: leads the purge rounds of those partitions of this shard of which this member is the first replica: some at a time, each begun when something in its partition may be dead,
 * and given up at the first thing that holds it up, until the next time. No actor, no clock: its door has them.
 */
import { OutBuffer } from '../../runtime/bytes.ts';
import { unreachable } from '../../runtime/errors.ts';
import { partitionBitsOf } from '../repair/leaves.ts';
import type { Id, Keyspace } from '../ring/ring-state.ts';
import { firstHighOf } from '../ring/token.ts';
import type { Topology } from '../store/topology.ts';
import type { DeadNotes } from './dead-notes.ts';
import type { FloorPlace } from './floor-key.ts';
import { CHECK, COMPARE, INSTALL, PurgeAsk, SWEEP } from './purge-frames.ts';
import type { PurgeBlock } from './purge-protocol.ts';
import { PurgeRound, type PurgeStage, type RoundPeer } from './purge-round.ts';
import type { Collected } from './purge-scan.ts';
import { obstacleOf } from './purge-server.ts';

export interface LeaderDoor {
  /** Null: no ring, or this node may not serve. */
  topology(): Topology | null;
  isReachable(member: number): boolean;
  /** Null: the replicas are not open. */
  notes(): DeadNotes | null;
  wallMs(): number;
  /** What is dead in a partition and was so before then; `why`: it can't be read. */
  collect(place: FloorPlace, beforeMs: number, done: (why: string | undefined, collected: Collected) => void): void;
  /** `heard`: of TOLD its clock, or why not; once. */
  ask(peer: RoundPeer, operation: number, bytes: Uint8Array, heard: (answer: number | string) => void): void;
}

export interface LeaderOptions {
  /** What has been dead for less is left. Default 600,000 ms. */
  readonly graceMs?: number;
  /** Rounds under way at once. Default 8. */
  readonly roundsMax?: number;
  /** Planted bugs: absentMemberIgnored, and those of PurgeRound. */
  readonly mutants?: ReadonlySet<string> | undefined;
}

interface Work {
  readonly keyspace: Keyspace;
  readonly place: FloorPlace;
}

const GRACE_MS = 600_000;
const ROUNDS_MAX = 8;
const FRAME_BYTES = 1_024;
const FRAME_BYTES_MAX = 1_048_576;

export class PurgeLeader {
  readonly #door: LeaderDoor;
  readonly #options: LeaderOptions;
  readonly #out = new OutBuffer(FRAME_BYTES, FRAME_BYTES_MAX);
  #waiting: Work[] = [];
  #running = 0;
  #done = 0;
  #given = 0;
  readonly #blocked = new Map<string, string>();

  constructor(door: LeaderDoor, options: LeaderOptions = {}) {
    this.#door = door;
    this.#options = options;
  }

  figures(): Readonly<Record<string, number>> {
    const { size } = this.#blocked;
    return {
      rounds: this.#done,
      roundsGivenUp: this.#given,
      runningRounds: this.#running,
      waitingRounds: this.#waiting.length,
      blockedPartitions: size,
    };
  }

  /** Most partitions first. */
  blocked(): readonly PurgeBlock[] {
    const counts = new Map<string, number>();
    for (const why of this.#blocked.values()) counts.set(why, (counts.get(why) ?? 0) + 1);
    return [...counts].map(([why, partitions]) => ({ why, partitions })).sort((a, b) => b.partitions - a.partitions);
  }

  /** Has all partitions looked at that this shard leads; nothing, as long as the last ones are not through. */
  begin(shard: number): void {
    const topology = this.#door.topology();
    const notes = this.#door.notes();
    if (topology === null || notes === null || this.#waiting.length + this.#running > 0) return;
    const { ring } = topology;
    notes.keep(new Set(ring.keyspaces.map(({ id }) => id)));
    const led = new Set<string>();
    for (const keyspace of ring.keyspaces)
      for (let partition = 0; partition < ring.owners.length; partition++) {
        if (!isLeader(topology, keyspace, partition) || topology.shardOf(topology.self, partition) !== shard) continue;
        const place = { keyspace: keyspace.id, partition, partitions: ring.owners.length };
        led.add(nameOf(place));
        if (notes.mayHave(place.keyspace, partition, place.partitions)) this.#waiting.push({ keyspace, place });
      }
    for (const name of this.#blocked.keys()) if (!led.has(name)) this.#blocked.delete(name);
    this.#more();
  }

  #more(): void {
    const { roundsMax = ROUNDS_MAX } = this.#options;
    while (this.#running < roundsMax) {
      const work = this.#waiting.shift();
      if (work === undefined) return;
      this.#running++;
      this.#collect(work);
    }
  }

  #collect(work: Work): void {
    const { keyspace, partition, partitions } = work.place;
    const { graceMs = GRACE_MS } = this.#options;
    const notes = this.#door.notes();
    if (notes === null) return this.#end(work, 'the replicas of this shard are not open');
    // Before it is looked through: what is written meanwhile is noted again.
    notes.clear(keyspace, partition, partitions);
    this.#door.collect(work.place, this.#door.wallMs() - graceMs, (why, { floor, dead, others }) => {
      if (why !== undefined || dead + others > 0) notes.note(keyspace, firstHighOf(partition, partitions));
      if (why !== undefined || floor === undefined) return this.#end(work, why);
      this.#round(work, floor);
    });
  }

  #round(work: Work, floor: Uint8Array): void {
    const topology = this.#door.topology();
    const obstacle = topology === null ? 'this node has no ring, or may not serve yet' : this.#obstacle(topology);
    if (topology === null || obstacle !== undefined) return this.#end(work, obstacle);
    const { partition } = work.place;
    const { members, stride, primaries } = topology.lists.of(work.keyspace.n).read;
    const peerOf = (index: number): RoundPeer => ({ id: topology.member(index).id, shard: topology.shardOf(index, partition) });
    const replicas = [...members.subarray(partition * stride, partition * stride + primaries)];
    const all = topology.ring.members.map((_, index) => index);
    const round = new PurgeRound({
      members: this.#asked(all).map(peerOf),
      replicas: this.#asked(replicas).map(peerOf),
      mutants: this.#options.mutants,
    });
    this.#stage(work, round, topology, floor);
  }

  #stage(work: Work, round: PurgeRound, topology: Topology, floor: Uint8Array): void {
    const questions = round.next();
    if (questions.length === 0) return this.#end(work, undefined);
    let isGivenUp = false;
    for (const { stage, to, peers } of questions) {
      const ids = peers.map(({ id }) => id);
      const bytes = this.#frame(work, stage, topology, ids, floor, round.wallMs);
      this.#door.ask(to, operationOf(stage), bytes, (answer) => {
        if (isGivenUp) return;
        if (typeof answer === 'string') {
          isGivenUp = true;
          return this.#end(work, `${nameOfMember(topology, to.id)}: ${answer}`);
        }
        if (round.answered(stage, to.id, answer)) this.#stage(work, round, topology, floor);
      });
    }
  }

  #frame({ place }: Work, stage: PurgeStage, { ring }: Topology, peers: readonly Id[], floor: Uint8Array, wallMs: number): Uint8Array {
    const ask = new PurgeAsk();
    const { keyspace, partition, partitions } = place;
    const { graceMs = GRACE_MS } = this.#options;
    Object.assign(ask, { keyspace, tokenHigh: firstHighOf(partition, partitions), changedAt: ring.changedAt[partition]! });
    Object.assign(ask, { generation: ring.generation, epoch: ring.epoch, partitionBits: partitionBitsOf(partitions), peers });
    if (stage === 'install' || stage === 'sweep') ask.floor = floor;
    if (stage === 'sweep') ask.asOfMs = Math.max(0, Math.floor(wallMs - graceMs));
    this.#out.clear();
    ask.write(this.#out);
    return Uint8Array.prototype.slice.call(this.#out.bytes, 0, this.#out.length);
  }

  /** What is known to hold up all rounds, before anybody is asked. */
  #obstacle(topology: Topology): string | undefined {
    const away = topology.ring.members.find((_, index) => index !== topology.self && !this.#door.isReachable(index));
    const isIgnored = this.#options.mutants?.has('absentMemberIgnored') === true;
    return (
      obstacleOf(topology) ?? (away === undefined || isIgnored ? undefined : `${away.name} can't be reached: it comes back, or is removed`)
    );
  }

  #asked(members: readonly number[]): readonly number[] {
    const self = this.#door.topology()?.self;
    if (this.#options.mutants?.has('absentMemberIgnored'))
      return members.filter((index) => index === self || this.#door.isReachable(index));
    return members;
  }

  #end({ place }: Work, why: string | undefined): void {
    const name = nameOf(place);
    if (why === undefined) {
      this.#done++;
      this.#blocked.delete(name);
    } else {
      this.#given++;
      this.#blocked.set(name, why);
    }
    this.#running--;
    this.#more();
  }
}

function isLeader({ lists, self }: Topology, { n }: Keyspace, partition: number): boolean {
  const { members, stride } = lists.of(n).read;
  return members[partition * stride] === self;
}

function operationOf(stage: PurgeStage): number {
  switch (stage) {
    case 'check':
      return CHECK;
    case 'compare':
      return COMPARE;
    case 'install':
      return INSTALL;
    case 'sweep':
      return SWEEP;
    default:
      return unreachable(stage);
  }
}

function nameOf({ keyspace, partition }: FloorPlace): string {
  return `${keyspace}/${partition}`;
}

function nameOfMember({ ring }: Topology, id: Id): string {
  return ring.members.find((member) => member.id === id)?.name ?? id;
}
