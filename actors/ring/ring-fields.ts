/** Encoding of what rings and operations have in common. The order of the lists of words is on disk and on the wire: they only ever grow at their ends. */
import type { NodeAddress } from '../../runtime/node-address.ts';
import type { ByteWriter } from '../../storage/byte-writer.ts';
import {
  CAPACITY_MAX,
  HOST,
  KEYSPACE_KEY_BYTES_MAX,
  KEYSPACE_NAME,
  LABEL,
  MEMBER_NAME,
  NODE_NAME,
  PORTS_MAX,
  REPLICAS_MAX,
  SHARDS_MAX,
  VALUE_BYTES_MAX,
} from './limits.ts';
import type { NewKeyspace, NewMember } from './operation.ts';
import type { RingReader } from './ring-reader.ts';
import type { Keyspace, MemberState, ReplicaCount, Step } from './ring-state.ts';
import { PARTITIONS_MAX } from './token.ts';

export const STATES: readonly MemberState[] = ['joining', 'up', 'leaving'];
export const STEPS: readonly Step[] = ['writeBoth', 'stream', 'readNew', 'writeNew'];
export const MODES: readonly Keyspace['mode'][] = ['ap', 'cp'];
export const CONFLICTS: readonly Keyspace['conflict'][] = ['siblings', 'lww'];
export const DURABILITIES: readonly Keyspace['durability'][] = ['sync', 'periodic', 'none'];
/** What comes behind `MODES` in the byte of the mode: the same mode, and `pr` and `pw` at the end. Rings of before they were there have neither. */
const MODES_WITH_PRIMARIES: readonly string[] = MODES.map((mode) => `${mode}+primaries`);
/** Numbers from 3 are counts: 3 + count. */
const SHARES: readonly ReplicaCount[] = ['one', 'quorum', 'all'];
export const TTL_MAX = Number.MAX_SAFE_INTEGER;

/** Requires: an id, or a hash: lower-case hexadecimal digits. */
export function putHex(writer: ByteWriter, digits: string): void {
  for (let i = 0; i < digits.length; i += 2) writer.u8(Number.parseInt(digits.slice(i, i + 2), 16));
}

/** Requires: ASCII. */
export function putText(writer: ByteWriter, text: string): void {
  writer.varint(text.length);
  for (let i = 0; i < text.length; i++) writer.u8(text.charCodeAt(i));
}

export function putOne<T>(writer: ByteWriter, values: readonly T[], value: T): void {
  writer.u8(values.indexOf(value));
}

export function putMember(writer: ByteWriter, member: NewMember): void {
  putHex(writer, member.id);
  putText(writer, member.name);
  putAddress(writer, member.address);
  putText(writer, member.dataCenter);
  putText(writer, member.rack);
  writer.varint(member.capacity);
  writer.varint(member.shards);
}

export function readMember(reader: RingReader): NewMember {
  return {
    id: reader.id('member id'),
    name: reader.text('member name', MEMBER_NAME, 31),
    address: readAddress(reader),
    dataCenter: reader.text('data center', LABEL, 64),
    rack: reader.text('rack', LABEL, 64),
    capacity: atLeastOne(reader, 'capacity', CAPACITY_MAX),
    shards: atLeastOne(reader, 'shards', SHARDS_MAX),
  };
}

export function putAddress(writer: ByteWriter, { node, host, ports }: NodeAddress): void {
  putText(writer, node);
  putText(writer, host);
  writer.varint(ports.length);
  for (const port of ports) writer.varint(port);
}

export function readAddress(reader: RingReader): NodeAddress {
  const node = reader.text('node name', NODE_NAME, 64);
  const host = reader.text('host', HOST, 253);
  const count = reader.count('ports', PORTS_MAX);
  if (count === 0) throw reader.bad('ports', 'at least 1', '0');
  return { node, host, ports: Array.from({ length: count }, () => reader.varint('port', 65_535)) };
}

export function putKeyspace(writer: ByteWriter, keyspace: NewKeyspace): void {
  putText(writer, keyspace.name);
  writer.varint(keyspace.n);
  putReplicaCount(writer, keyspace.r);
  putReplicaCount(writer, keyspace.w);
  const hasPrimaries = keyspace.pr !== 0 || keyspace.pw !== 0;
  writer.u8(MODES.indexOf(keyspace.mode) + (hasPrimaries ? MODES.length : 0));
  putOne(writer, CONFLICTS, keyspace.conflict);
  putOne(writer, DURABILITIES, keyspace.durability);
  writer.varint(keyspace.ttlMs);
  writer.varint(keyspace.keyBytesMax);
  writer.varint(keyspace.valueBytesMax);
  if (!hasPrimaries) return;
  putReplicaCount(writer, keyspace.pr);
  putReplicaCount(writer, keyspace.pw);
}

export function readKeyspace(reader: RingReader): NewKeyspace {
  const name = reader.text('keyspace name', KEYSPACE_NAME, 64);
  const n = atLeastOne(reader, 'n', REPLICAS_MAX);
  const r = readReplicaCount(reader, 'r');
  const w = readReplicaCount(reader, 'w');
  const modes = [...MODES, ...MODES_WITH_PRIMARIES];
  const place = modes.indexOf(reader.one('mode', modes));
  const rules = {
    conflict: reader.one('conflict', CONFLICTS),
    durability: reader.one('durability', DURABILITIES),
    ttlMs: reader.varint('ttlMs', TTL_MAX),
    keyBytesMax: atLeastOne(reader, 'keyBytesMax', KEYSPACE_KEY_BYTES_MAX),
    valueBytesMax: reader.varint('valueBytesMax', VALUE_BYTES_MAX),
  };
  const hasPrimaries = place >= MODES.length;
  const pr = hasPrimaries ? readPrimaryCount(reader, 'pr') : 0;
  const pw = hasPrimaries ? readPrimaryCount(reader, 'pw') : 0;
  if (hasPrimaries && pr === 0 && pw === 0)
    throw reader.bad('mode', 'one without primaries, as pr and pw are 0', MODES_WITH_PRIMARIES[place - MODES.length]!);
  return { name, n, r, w, pr, pw, mode: MODES[place % MODES.length]!, ...rules };
}

export function putReplicaCount(writer: ByteWriter, count: ReplicaCount): void {
  writer.u8(typeof count === 'number' ? SHARES.length + count : SHARES.indexOf(count));
}

export function readReplicaCount(reader: RingReader, field: string, least = 1): ReplicaCount {
  const number = reader.u8(field);
  if (number < SHARES.length) return SHARES[number]!;
  const count = number - SHARES.length;
  if (count < least || count > REPLICAS_MAX) throw reader.bad(field, `a count from ${least} to ${REPLICAS_MAX}`, `${count}`);
  return count;
}

/** Of primaries: 0 as well. */
export function readPrimaryCount(reader: RingReader, field: string): ReplicaCount {
  return readReplicaCount(reader, field, 0);
}

export function putOwners(writer: ByteWriter, owners: Uint16Array): void {
  writer.varint(owners.length);
  for (const owner of owners) writer.varint(owner);
}

export function readOwners(reader: RingReader, field: string): Uint16Array {
  const owners = new Uint16Array(reader.count(field, PARTITIONS_MAX));
  for (let p = 0; p < owners.length; p++) owners[p] = reader.varint(field, 0xffff);
  return owners;
}

export function atLeastOne(reader: RingReader, field: string, max: number): number {
  const value = reader.varint(field, max);
  if (value === 0) throw reader.bad(field, 'at least 1', '0');
  return value;
}
