/**
 * What a simulated machine does when it starts, as the start of a node does: reads or makes the record of its directory, counts the start, and only then lets anybody
 * know of it. The record is JSON here; its real form, and what it refuses, is tested where it is made (actors/node/).
 */
import type { ClusterDoor } from '../../../actors/membership/cluster-door.ts';
import type { NodeIdentity } from '../../../actors/membership/node-identity.ts';
import { decodeRingFile, type StoredRing } from '../../../actors/membership/ring-file.ts';
import { MAIN_SHARD } from '../../../runtime/address.ts';
import type { NodeAddress } from '../../../runtime/node-address.ts';
import type { Ref } from '../../../runtime/ref.ts';
import type { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import type { SimNode, SimShard } from '../../../runtime/simulation/sim-node.ts';
import { SimSyncFiles } from '../../../runtime/simulation/sim-sync-files.ts';

export const DIRECTORY = '/data';
const NODE = `${DIRECTORY}/NODE`;

/** Of a data directory. */
export interface DirectoryRecord {
  readonly id: string;
  /** Of the node: among members and among transports. Stays with the directory, wherever that goes. */
  readonly name: string;
  readonly shards: number;
  readonly capacity: number;
  readonly rack: string;
  readonly boot: number;
  /** Of the last start. */
  readonly instance: string;
  /** It began as the first node of the cluster. */
  readonly isInit: boolean;
}

/** Null: the directory is nobody's. */
export function readRecord(disk: SimDisk): DirectoryRecord | null {
  const files = new SimSyncFiles(disk);
  if (!files.readdir('/').includes(DIRECTORY.slice(1)) || !files.readdir(DIRECTORY).includes('NODE')) return null;
  const file = files.open(NODE, 'read');
  const into = Buffer.alloc(4096);
  const length = file.pread(into, 0);
  file.close();
  return JSON.parse(into.subarray(0, length).toString()) as DirectoryRecord;
}

/** Durability: on disk when it returns. */
export function writeRecord(disk: SimDisk, record: DirectoryRecord): void {
  const files = new SimSyncFiles(disk);
  if (!files.readdir('/').includes(DIRECTORY.slice(1))) files.mkdir(DIRECTORY);
  files.syncDir('/');
  const file = files.open(`${NODE}.new`, 'create');
  file.truncate(0);
  file.pwrite([Buffer.from(JSON.stringify(record))], 0);
  file.datasync();
  file.close();
  files.rename(`${NODE}.new`, NODE);
  files.syncDir(DIRECTORY);
}

/** What a RingActor would find on a disk; null: nothing. */
export function storedOn(disk: SimDisk): StoredRing | null {
  const files = new SimSyncFiles(disk);
  if (!files.readdir(DIRECTORY).includes('ring')) return null;
  const numbers = files.readdir(`${DIRECTORY}/ring`).flatMap((name) => /^ring-([0-9]+)$/.exec(name)?.slice(1).map(Number) ?? []);
  if (numbers.length === 0) return null;
  const number = Math.max(...numbers);
  const path = `${DIRECTORY}/ring/ring-${number}`;
  const into = Buffer.alloc(files.stat(path).size);
  const file = files.open(path, 'read');
  file.pread(into, 0);
  file.close();
  return decodeRingFile(into, path, number);
}

/** Whether a write of the ring state had begun when the power went. */
export function hasUnfinishedWrite(disk: SimDisk): boolean {
  const files = new SimSyncFiles(disk);
  if (!files.readdir('/').includes(DIRECTORY.slice(1)) || !files.readdir(DIRECTORY).includes('ring')) return false;
  const names = files.readdir(`${DIRECTORY}/ring`);
  return names.length > 1 || names.some((name) => name.endsWith('.new'));
}

/** As a new one; in its place, since the threads of the machine have it already. */
export function emptyDisk({ root }: SimDisk): void {
  root.pending = [];
  root.now.clear();
  root.durable.clear();
}

export function identityOf(machine: SimNode, record: DirectoryRecord): NodeIdentity {
  const { id, name, capacity, rack, shards, boot, instance } = record;
  return { id, name, address: addressOf(machine, name), dataCenter: 'dc1', rack, capacity, shards, boot, instance };
}

/** The host is the machine: a directory that is moved to another one has another address. */
function addressOf(machine: SimNode, name: string): NodeAddress {
  return { node: name, host: machine.name, ports: [7000, ...machine.shards.map((_, index) => 7001 + index)] };
}

/** Nodes are found where they are, as who dials in from a new address is; and else where they were last said to be. */
export class MachineDoor implements ClusterDoor {
  readonly #thread: SimShard;
  readonly #machines: ReadonlySet<string>;
  readonly #whereIs: (node: string) => string | undefined;
  readonly #hosts = new Map<string, string>();

  /** `self`: the name of this node. `whereIs`: the machine on which a node with that name runs, or ran last. */
  constructor(thread: SimShard, machines: readonly string[], self: string, whereIs: (node: string) => string | undefined) {
    this.#thread = thread;
    this.#machines = new Set(machines);
    this.#whereIs = (node) => (node === self ? thread.node.name : whereIs(node));
  }

  ref<M>(slot: number, node: string): Ref<M> {
    const host = this.#machines.has(node) ? node : (this.#whereIs(node) ?? this.#hosts.get(node) ?? node.slice(0, node.indexOf('-')));
    return this.#thread.runtime.wellKnown(slot, { node: host, shard: MAIN_SHARD }) as unknown as Ref<M>;
  }

  introduce({ node, host }: NodeAddress): void {
    this.#hosts.set(node, host);
  }
}
