/** What `/v1/status` and `/readyz` say: pure, from one look at a node. */
import { formatNodeAddress } from '../../../runtime/node-address.ts';
import type { MemberView } from '../../gossip-protocol.ts';
import { blocksOf, type PurgeBlock } from '../../purge/purge-protocol.ts';
import { compareVersions, type Member, type MemberState, type RingState, type RingVersion } from '../../ring/ring-state.ts';
import type { StoreFigures } from '../../store/coordinator-actor.ts';
import { leftMs, type StreamFigures, sumOfFigures } from '../../streaming/stream-figures.ts';
import type { Admin, Snapshot } from '../admin.ts';
import type { HostAndPort } from '../config/host-and-port.ts';

export interface MemberStatus {
  readonly id: string;
  readonly name: string;
  /** DOWN, whatever the ring says; else what the ring says. */
  readonly state: 'UP' | 'DOWN' | 'JOINING' | 'LEAVING';
  readonly ringState: MemberState;
  /** By the asked node alone. */
  readonly isSuspected: boolean;
  readonly isExcluded: boolean;
  readonly dataCenter: string;
  readonly rack: string;
  readonly capacity: number;
  readonly shards: number;
  /** Of all partitions, those it owns: 0 to 1. */
  readonly share: number;
  /** The newest that all its shards have switched to; 0: not heard yet. */
  readonly epoch: number;
  readonly address: string;
  readonly boot: number;
  /** Since it was last heard of, by whatever way. */
  readonly silentMs: number;
}

/** Which ring it is; of none all is 0 or empty. */
export interface RingHead {
  readonly cluster: string;
  readonly clusterName: string;
  readonly generation: number;
  readonly epoch: number;
  readonly hash: string;
  readonly partitions: number;
}

export interface ClusterStatus extends RingHead {
  /** The node that answers; `resp`: where it serves Redis clients. */
  readonly node: { readonly id: string; readonly name: string; readonly version: string; readonly resp: HostAndPort };
  readonly keyspaces: readonly string[];
  readonly transition: { readonly startedAt: number; readonly step: string; readonly partitionsMoving: number } | null;
  /** What the asked node copies for it, and about how long that still takes; null: it has nothing to copy at present. */
  readonly copying: (StreamFigures & { readonly leftMs: number }) | null;
  /** Why what is dead (tombstones, expired values) is not purged, of partitions whose first replica is the asked node; empty: it is, or there is none. */
  readonly purgeBlocked: readonly PurgeBlock[];
  /** The node may vote, propose and serve. */
  readonly isConfirmed: boolean;
  readonly switchedTo: RingVersion | null;
  readonly trouble: string;
  /** All is well: confirmed, and no member is down. */
  readonly isWell: boolean;
  readonly members: readonly MemberStatus[];
}

/** With questions to the shards. */
export async function statusNow(admin: Admin): Promise<ClusterStatus> {
  const look = await admin.look();
  const isMoving = look.ring !== null && look.ring.transition !== null;
  const figures = isMoving ? (await admin.streamFigures()).filter((one) => one !== null) : [];
  return statusOf(admin, look, figures, blocksOf(await admin.purgeStates()));
}

export function statusOf(
  admin: Pick<Admin, 'self' | 'version' | 'resp'>,
  look: Snapshot,
  streams: readonly StreamFigures[] = [],
  purgeBlocked: readonly PurgeBlock[] = [],
): ClusterStatus {
  const { ring, status } = look;
  const members = ring === null ? [] : ring.members.map((member, index) => memberStatus(ring, member, index, look));
  return {
    node: { id: admin.self.id, name: admin.self.name, version: admin.version, resp: admin.resp },
    ...ringHead(ring, look.hash),
    keyspaces: ring?.keyspaces.map(({ name }) => name) ?? [],
    transition: transitionOf(ring),
    copying: copyingOf(streams),
    purgeBlocked,
    isConfirmed: status.isConfirmed,
    switchedTo: status.switchedTo,
    trouble: status.trouble,
    isWell: status.isConfirmed && status.trouble === '' && members.length > 0 && members.every(({ state }) => state !== 'DOWN'),
    members,
  };
}

export function ringHead(ring: RingState | null, hash: string): RingHead {
  if (ring === null) return { cluster: '', clusterName: '', generation: 0, epoch: 0, hash, partitions: 0 };
  const { cluster, clusterName, generation, epoch, owners } = ring;
  return { cluster, clusterName, generation, epoch, hash, partitions: owners.length };
}

/** `index`: of a member. */
export function partitionsOwned({ owners }: RingState, index: number): number {
  return owners.reduce((count, owner) => count + (owner === index ? 1 : 0), 0);
}

function memberStatus(ring: RingState, member: Member, index: number, { view }: Snapshot): MemberStatus {
  const seen: MemberView | undefined = view?.members.find(({ id }) => id === member.id);
  return {
    id: member.id,
    name: member.name,
    state: seen?.label === 'down' ? 'DOWN' : (member.state.toUpperCase() as 'UP' | 'JOINING' | 'LEAVING'),
    ringState: member.state,
    isSuspected: seen?.isSuspected ?? false,
    isExcluded: member.isExcluded,
    dataCenter: member.dataCenter,
    rack: member.rack,
    capacity: member.capacity,
    shards: member.shards,
    share: partitionsOwned(ring, index) / ring.owners.length,
    epoch: seen?.switchedTo.epoch ?? 0,
    address: formatNodeAddress(member.address),
    boot: seen?.boot ?? 0,
    silentMs: Math.round(seen?.silentMs ?? 0),
  };
}

function transitionOf(ring: RingState | null): ClusterStatus['transition'] {
  if (ring === null || ring.transition === null) return null;
  const { startedAt, step, owners } = ring.transition;
  const partitionsMoving = owners.reduce((count, owner, partition) => count + (owner === ring.owners[partition] ? 0 : 1), 0);
  return { startedAt, step, partitionsMoving };
}

function copyingOf(streams: readonly StreamFigures[]): ClusterStatus['copying'] {
  const sum = sumOfFigures(streams);
  return sum.movesLeft === 0 ? null : { ...sum, leftMs: leftMs(sum) };
}

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** Why not. */
  readonly reason: string;
}

/** With one question to the shards. */
export async function readinessNow(admin: Admin): Promise<readonly Check[]> {
  const [look, store] = await Promise.all([admin.look(), admin.storeFigures()]);
  return readiness(admin, look, store);
}

/** What has to hold before a node takes requests. `store`: by shard; null: it does not answer. */
function readiness(admin: Pick<Admin, 'self' | 'isStopping'>, look: Snapshot, store: readonly (StoreFigures | null)[]): readonly Check[] {
  const { ring, status } = look;
  const member = ring?.members.find(({ id }) => id === admin.self.id);
  const hasSwitched = ring !== null && status.switchedTo !== null && compareVersions(status.switchedTo, ring) >= 0;
  const state = member === undefined ? 'not a member' : member.state;
  const closed = store.findIndex((figures) => figures === null || figures.replicas === null);
  return [
    check('running', !admin.isStopping, 'the node is stopping'),
    check('ring', ring !== null, 'no ring known yet'),
    check(
      'member',
      member !== undefined && member.state !== 'joining' && !member.isExcluded,
      member?.isExcluded === true ? 'excluded' : state,
    ),
    check('confirmed', status.isConfirmed, status.trouble || 'not registered with a majority yet'),
    check('shards', hasSwitched, 'not all shards have switched to the newest ring'),
    check('data', closed < 0, `the replicas of shard ${closed} are not open yet`),
  ];
}

function check(name: string, ok: boolean, reason: string): Check {
  return { name, ok, reason: ok ? '' : reason };
}
